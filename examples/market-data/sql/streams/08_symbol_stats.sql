-- Range and volatility of each symbol: a view that later pipelines read.
CREATE MATERIALIZED VIEW symbol_stats AS
SELECT
    symbol,
    MAX(price) - MIN(price) as price_range,
    STDDEV(price) as volatility,
    COUNT(*) as trade_count
FROM market_ticks
GROUP BY symbol, tumble(ts, INTERVAL '10' SECOND)
EMIT AFTER WATERMARK;

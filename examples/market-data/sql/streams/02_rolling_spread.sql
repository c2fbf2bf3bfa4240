-- The spread over the last ten seconds, every second: a hopping window.
CREATE STREAM rolling_spread AS
SELECT
    symbol,
    AVG(ask - bid) as avg_spread,
    MIN(ask - bid) as min_spread,
    MAX(ask - bid) as max_spread,
    COUNT(*) as tick_count
FROM market_ticks
GROUP BY symbol, hop(ts, INTERVAL '1' SECOND, INTERVAL '10' SECOND)
EMIT AFTER WATERMARK;

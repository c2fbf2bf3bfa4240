-- Five-second candles: a tumbling window, one final row per symbol.
CREATE STREAM ohlc_bars AS
SELECT
    symbol,
    FIRST_VALUE(price) as open,
    MAX(price) as high,
    MIN(price) as low,
    LAST_VALUE(price) as close,
    COUNT(*) as trade_count,
    SUM(volume) as total_volume,
    SUM(price * volume) / SUM(volume) as vwap
FROM market_ticks
GROUP BY symbol, tumble(ts, INTERVAL '5' SECOND)
EMIT AFTER WATERMARK;

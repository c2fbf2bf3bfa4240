-- Bursts of trading, ended by 30 seconds of silence: a session window.
CREATE STREAM session_activity AS
SELECT
    symbol,
    COUNT(*) as trade_count,
    SUM(volume) as session_volume,
    MIN(price) as session_low,
    MAX(price) as session_high
FROM market_ticks
GROUP BY symbol, session(ts, INTERVAL '30' SECOND)
EMIT AFTER WATERMARK;

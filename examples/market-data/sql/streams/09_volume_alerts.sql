-- Windows that traded more than usual: HAVING, and CASE inside SUM.
CREATE STREAM volume_alerts AS
SELECT
    symbol,
    SUM(volume) as total_volume,
    COUNT(*) as trade_count,
    SUM(CASE WHEN side = 'buy' THEN volume ELSE 0 END) as buy_volume,
    SUM(CASE WHEN side = 'sell' THEN volume ELSE 0 END) as sell_volume
FROM market_ticks
GROUP BY symbol, tumble(ts, INTERVAL '5' SECOND)
HAVING SUM(volume) > 5000
EMIT AFTER WATERMARK;

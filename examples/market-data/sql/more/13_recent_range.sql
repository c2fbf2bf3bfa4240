-- A frame of time: the highest and lowest price of a symbol in the last five seconds.
CREATE STREAM recent_range AS
SELECT
    symbol,
    price,
    MAX(price) OVER last_5s AS high_5s,
    MIN(price) OVER last_5s AS low_5s,
    ts
FROM market_ticks
WINDOW last_5s AS (PARTITION BY symbol ORDER BY ts RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW);

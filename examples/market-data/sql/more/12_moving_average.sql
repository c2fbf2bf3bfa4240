-- A frame of rows: the mean of the last twenty prices of a symbol.
CREATE STREAM moving_average AS
SELECT
    symbol,
    price,
    AVG(price) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS mean_20,
    ts
FROM market_ticks;

-- The price before and after each tick: LAG and LEAD.
CREATE STREAM price_momentum AS
SELECT
    symbol,
    price,
    LAG(price, 1, price) OVER (PARTITION BY symbol ORDER BY ts) AS prev_price,
    price - LAG(price, 1, price) OVER (PARTITION BY symbol ORDER BY ts) AS price_delta,
    LEAD(price, 1, price) OVER (PARTITION BY symbol ORDER BY ts) AS next_price,
    ts
FROM market_ticks;

-- Orders and the ticks within two seconds of them: an interval join.
CREATE STREAM order_tick_matches AS
SELECT
    o.order_id,
    o.symbol,
    o.side,
    o.price as order_price,
    t.price as tick_price,
    t.bid,
    t.ask,
    ABS(o.price - t.price) as price_diff
FROM order_events o
JOIN market_ticks t
    ON o.symbol = t.symbol
    AND t.ts BETWEEN o.ts - INTERVAL '2' SECOND AND o.ts + INTERVAL '2' SECOND;

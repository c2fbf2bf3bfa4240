-- Three inputs in one query: the order's market price (ASOF) and its company (lookup).
CREATE STREAM orders_by_sector AS
SELECT
    o.order_id,
    o.symbol,
    r.sector,
    r.exchange,
    o.price as order_price,
    t.price as market_price
FROM order_events o
ASOF JOIN market_ticks t
    MATCH_CONDITION(o.ts >= t.ts)
    ON o.symbol = t.symbol
JOIN reference_data r ON o.symbol = r.symbol;

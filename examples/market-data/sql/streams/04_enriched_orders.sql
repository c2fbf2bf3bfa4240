-- Each order with the last tick at or before it: an ASOF join.
CREATE STREAM enriched_orders AS
SELECT
    o.order_id,
    o.symbol,
    o.side,
    o.quantity,
    o.price as order_price,
    t.price as market_price,
    t.bid,
    t.ask,
    o.price - t.price as slippage
FROM order_events o
ASOF JOIN market_ticks t
    MATCH_CONDITION(o.ts >= t.ts)
    ON o.symbol = t.symbol;

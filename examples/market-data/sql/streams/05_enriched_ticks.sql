-- Each tick with its sector and exchange: a lookup join.
CREATE STREAM enriched_ticks AS
SELECT
    t.symbol,
    t.price,
    t.volume,
    r.sector,
    r.market_cap_category,
    r.exchange
FROM market_ticks t
JOIN reference_data r ON t.symbol = r.symbol;

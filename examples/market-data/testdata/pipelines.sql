CREATE SOURCE market_ticks (
    symbol VARCHAR NOT NULL,
    price DOUBLE NOT NULL,
    bid DOUBLE NOT NULL,
    ask DOUBLE NOT NULL,
    volume BIGINT NOT NULL,
    side VARCHAR NOT NULL,
    ts BIGINT NOT NULL
) WITH (
    connector = 'kafka',
    brokers = '${KAFKA_BROKERS}',
    topic = 'market-ticks',
    group_id = '${GROUP_ID}',
    format = 'avro',
    schema_registry_url = '${SCHEMA_REGISTRY_URL}',
    offset_reset = 'earliest'
)
WATERMARK FOR ts AS ts - INTERVAL '5' SECOND;

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

CREATE STREAM rolling_spread AS
SELECT
    symbol,
    AVG(ask - bid) as avg_spread,
    MIN(ask - bid) as min_spread,
    MAX(ask - bid) as max_spread,
    COUNT(*) as tick_count
FROM market_ticks
GROUP BY symbol, hop(ts, INTERVAL '1' SECOND, INTERVAL '10' SECOND)
EMIT AFTER WATERMARK;

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

CREATE STREAM price_momentum AS
SELECT
    symbol,
    price,
    LAG(price, 1, price) OVER (PARTITION BY symbol ORDER BY ts) AS prev_price,
    price - LAG(price, 1, price) OVER (PARTITION BY symbol ORDER BY ts) AS price_delta,
    LEAD(price, 1, price) OVER (PARTITION BY symbol ORDER BY ts) AS next_price,
    ts
FROM market_ticks;

-- First: aggregate per symbol
CREATE MATERIALIZED VIEW symbol_stats AS
SELECT
    symbol,
    MAX(price) - MIN(price) as price_range,
    STDDEV(price) as volatility,
    COUNT(*) as trade_count
FROM market_ticks
GROUP BY symbol, tumble(ts, INTERVAL '10' SECOND)
EMIT AFTER WATERMARK;

-- Then: rank (top-N subquery pattern)
CREATE STREAM top_movers AS
SELECT * FROM (
    SELECT *, ROW_NUMBER() OVER (ORDER BY price_range DESC) AS rn
    FROM symbol_stats
) sub WHERE rn <= 3;

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

CREATE STREAM sector_analytics AS
SELECT
    sector,
    AVG(price) as avg_price,
    SUM(volume) as total_volume,
    COUNT(*) as tick_count
FROM enriched_ticks
GROUP BY sector, tumble(ts, INTERVAL '10' SECOND)
EMIT AFTER WATERMARK;

CREATE TABLE reference_data (
    symbol VARCHAR PRIMARY KEY,
    company_name VARCHAR,
    sector VARCHAR,
    market_cap_category VARCHAR,
    exchange VARCHAR,
    currency VARCHAR
) FROM KAFKA (
    brokers = '${KAFKA_BROKERS}',
    topic = 'reference-data',
    format = 'avro',
    schema_registry_url = '${SCHEMA_REGISTRY_URL}'
);

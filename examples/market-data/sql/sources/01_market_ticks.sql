-- Trades with their quotes, five seconds of disorder allowed.
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

-- Orders as they are placed, five seconds of disorder allowed.
CREATE SOURCE order_events (
    order_id VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    side VARCHAR NOT NULL,
    quantity BIGINT NOT NULL,
    price DOUBLE NOT NULL,
    ts BIGINT NOT NULL
) WITH (
    connector = 'kafka',
    brokers = '${KAFKA_BROKERS}',
    topic = 'order-events',
    group_id = '${GROUP_ID}',
    format = 'avro',
    schema_registry_url = '${SCHEMA_REGISTRY_URL}',
    offset_reset = 'earliest'
)
WATERMARK FOR ts AS ts - INTERVAL '5' SECOND;

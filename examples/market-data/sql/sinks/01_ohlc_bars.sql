-- Candles, keyed by symbol.
CREATE SINK ohlc_bars_sink FROM ohlc_bars INTO KAFKA (
    brokers = '${KAFKA_BROKERS}',
    topic = 'ohlc-bars',
    key = 'symbol',
    format = 'avro',
    schema_registry_url = '${SCHEMA_REGISTRY_URL}',
    delivery = 'exactly_once'
);

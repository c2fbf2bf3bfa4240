-- Volume alerts, keyed by symbol.
CREATE SINK volume_alerts_sink FROM volume_alerts INTO KAFKA (
    brokers = '${KAFKA_BROKERS}',
    topic = 'volume-alerts',
    key = 'symbol',
    format = 'avro',
    schema_registry_url = '${SCHEMA_REGISTRY_URL}',
    delivery = 'exactly_once'
);

-- Averages by sector, keyed by sector.
CREATE SINK sector_analytics_sink FROM sector_analytics INTO KAFKA (
    brokers = '${KAFKA_BROKERS}',
    topic = 'sector-analytics',
    key = 'sector',
    format = 'avro',
    schema_registry_url = '${SCHEMA_REGISTRY_URL}',
    delivery = 'exactly_once'
);

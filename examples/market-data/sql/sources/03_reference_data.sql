-- One row per symbol from a compacted topic; the newest record of a key counts.
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

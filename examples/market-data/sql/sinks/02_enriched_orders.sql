-- Orders with their market price, keyed by order.
CREATE SINK enriched_orders_sink FROM enriched_orders INTO KAFKA (
    brokers = '${KAFKA_BROKERS}',
    topic = 'enriched-orders',
    key = 'order_id',
    format = 'avro',
    schema_registry_url = '${SCHEMA_REGISTRY_URL}',
    delivery = 'exactly_once'
);

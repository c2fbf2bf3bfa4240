-- The Kafka sources and the reference table. For psql: \ir includes each file.
\ir sources/01_market_ticks.sql
\ir sources/02_order_events.sql
\ir sources/03_reference_data.sql

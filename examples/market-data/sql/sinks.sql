-- What goes back to Kafka, as Avro. For psql: \ir includes each file.
\ir sinks/01_ohlc_bars.sql
\ir sinks/02_enriched_orders.sql
\ir sinks/03_volume_alerts.sql
\ir sinks/04_sector_analytics.sql

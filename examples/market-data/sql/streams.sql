-- The ten pipelines in the order they depend on each other. For psql: \ir includes each file.
\ir streams/01_ohlc_bars.sql
\ir streams/02_rolling_spread.sql
\ir streams/03_session_activity.sql
\ir streams/04_enriched_orders.sql
\ir streams/05_enriched_ticks.sql
\ir streams/06_order_tick_matches.sql
\ir streams/07_price_momentum.sql
\ir streams/08_symbol_stats.sql
\ir streams/08_top_movers.sql
\ir streams/09_volume_alerts.sql
\ir streams/10_sector_analytics.sql

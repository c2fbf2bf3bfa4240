-- What else the streams are good for. For psql: \ir includes each file.
\ir more/11_orders_by_sector.sql
\ir more/12_moving_average.sql
\ir more/13_recent_range.sql

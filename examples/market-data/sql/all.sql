-- The whole example: laminardb serve --init-sql examples/market-data/sql/all.sql
\ir sources.sql
\ir streams.sql
\ir more.sql
\ir sinks.sql

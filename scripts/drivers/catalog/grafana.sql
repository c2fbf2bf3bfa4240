-- What Grafana's query editor asks: version, schemas, tables, columns.
SELECT current_setting('server_version_num')::int / 100 AS version;
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb';
SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS "table" FROM information_schema.tables
WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache') ORDER BY 1;
SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns
WHERE CASE WHEN array_length(parse_ident('t'), 1) = 2
  THEN quote_ident(table_schema) = (parse_ident('t'))[1] AND quote_ident(table_name) = (parse_ident('t'))[2]
  ELSE quote_ident(table_name) = 't' END;
SELECT 1; SELECT NOW() AS time, 1.5 AS value, 'a' AS metric;

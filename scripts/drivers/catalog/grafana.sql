-- What Grafana's query editor asks: version, schemas, tables, columns.
SELECT current_setting('server_version_num')::int / 100 AS version;
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb';
SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS "table" FROM information_schema.tables
WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache') ORDER BY 1;
SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns
WHERE quote_ident(table_schema) = 'public' AND quote_ident(table_name) = 't';
SELECT 1; SELECT NOW() AS time, 1.5 AS value, 'a' AS metric;
SELECT i FROM generate_series(1, array_upper(string_to_array(current_setting('search_path'), ','), 1)) AS i;

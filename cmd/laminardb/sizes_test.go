package main

import "testing"

// TestSizesOfWindowFunctions checks that a stream whose window functions keep no
// aggregates tells the size of its state and goes on.
func TestSizesOfWindowFunctions(t *testing.T) {
	t.Parallel()
	conn := connectTest(t, newTestServer(t, false, nil).dsn())
	create(t, conn, "CREATE SOURCE numbers (id BIGINT, ts BIGINT) WITH (connector = 'generator', rows_per_second = '100') WATERMARK FOR ts AS ts")
	create(t, conn, "CREATE STREAM steps AS SELECT id - LAG(id, 1, id) OVER (ORDER BY ts) AS step, sum(id) OVER (ORDER BY ts) AS total FROM numbers")
	eventually(t, conn, "SELECT (rows_out > 0 AND state_keys > 0 OR status <> 'running')::text FROM laminar.streams", "true")
	eventually(t, conn, "SELECT status FROM laminar.streams", "running")
}

package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// get returns the status and the body of a page of a server.
func get(t *testing.T, srv *server, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+srv.hln.Addr().String()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// startHTTPServer starts a server with some objects at work.
func startHTTPServer(t *testing.T, pprof bool) *server {
	t.Helper()
	srv, err := startServer(t.Context(), serveOptions{listen: "127.0.0.1:0", httpListen: "127.0.0.1:0", dataDir: t.TempDir(), pprof: pprof}, testLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.close(); err != nil {
			t.Error(err)
		}
	})
	conn, err := connect(t.Context(), srv.dsn())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for _, sql := range []string{
		"CREATE SOURCE clicks (id BIGINT, ts BIGINT, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)",
		"CREATE TABLE titles (id BIGINT PRIMARY KEY, title VARCHAR)",
		"CREATE STREAM counts AS SELECT id, count(*) AS n FROM clicks GROUP BY id, tumble(ts, INTERVAL '1' SECOND)",
		"CREATE SINK out FROM counts WITH (connector = 'blackhole')",
		"INSERT INTO clicks VALUES (1, 1000), (2, 1500), (1, 5000)",
		"CHECKPOINT",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	eventually(t, conn, "SELECT rows_out::text FROM laminar.streams WHERE name = 'out'", "2")
	return srv
}

// TestMetrics lints what /metrics says and holds laminar.metrics against it.
func TestMetrics(t *testing.T) {
	t.Parallel()
	srv := startHTTPServer(t, false)
	code, text := get(t, srv, "/metrics")
	if code != http.StatusOK {
		t.Fatalf("/metrics: %d\n%s", code, text)
	}
	problems, err := testutil.GatherAndLint(srv.metrics)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "laminardb_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`laminardb_dataflow_rows_in_total{kind="stream",object="counts"} 3`,
		`laminardb_dataflow_latency_seconds_count{kind="sink",object="out"} 2`,
		`laminardb_edge_rows_total{input="clicks",object="counts"} 3`,
		`laminardb_split_rows_total{source="clicks",split="0"} 3`,
		`laminardb_table_ready{table="titles"} 1`,
		"laminardb_checkpoint_taken_total 1",
		"laminardb_checkpoint_failed_total 0",
		"laminardb_checkpoint_last_epoch 1",
		"# TYPE laminardb_dataflow_latency_seconds histogram",
		"# TYPE laminardb_checkpoint_age_seconds gauge",
		"# TYPE laminardb_checkpoint_last_pause_seconds gauge",
		"# TYPE go_goroutines gauge",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	conn, err := connect(t.Context(), srv.dsn())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	type row struct{ Name string }
	shown := map[string]bool{}
	for _, r := range queryRows[row](t, conn, "SELECT DISTINCT regexp_replace(name, '_(bucket|sum|count)$', '') AS name FROM laminar.metrics WHERE help <> ''") {
		shown[r.Name] = true
	}
	for name := range families {
		if !shown[strings.TrimSuffix(strings.TrimSuffix(name, "_sum"), "_count")] {
			t.Errorf("laminar.metrics lacks %s", name)
		}
	}
	eventually(t, conn, "SELECT value::text FROM laminar.metrics WHERE name = 'laminardb_edge_rows_total' AND labels = '{\"input\": \"counts\", \"object\": \"out\"}'", "2")
}

// TestHTTP checks the pages beside /metrics.
func TestHTTP(t *testing.T) {
	t.Parallel()
	for _, pprof := range []bool{false, true} {
		srv := startHTTPServer(t, pprof)
		for path, want := range map[string]int{
			"/healthz": http.StatusOK, "/readyz": http.StatusOK, "/nothing": http.StatusNotFound,
			"/debug/pprof/": map[bool]int{false: http.StatusNotFound, true: http.StatusOK}[pprof],
		} {
			if code, body := get(t, srv, path); code != want {
				t.Errorf("pprof %v: %s answers %d, want %d\n%s", pprof, path, code, want, body)
			}
		}
		srv.ready.Store(false)
		if code, body := get(t, srv, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "starting") {
			t.Errorf("/readyz of a server that is not ready: %d %s", code, body)
		}
	}
}

// TestNotReadyWhileATableLoads starts a server whose table cannot be read. A child
// made it and was killed before its first checkpoint, so no rows are recovered.
func TestNotReadyWhileATableLoads(t *testing.T) {
	t.Parallel()
	broker := newTestBroker(t)
	produceLines(t, broker, "names", `a {"k": "a", "name": "one"}`)
	child := newTestServer(t, true, variables{"KAFKA_BROKERS": broker.KafkaAddr()})
	conn, err := connect(t.Context(), child.dsn())
	if err != nil {
		t.Fatal(err)
	}
	const table = `CREATE TABLE names (k VARCHAR PRIMARY KEY, name VARCHAR) FROM KAFKA (brokers = '${KAFKA_BROKERS}', topic = 'names', format = 'json')`
	if _, err := conn.Exec(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close(t.Context()) // the child is killed anyway
	child.kill(t)
	o := serveOptions{listen: "127.0.0.1:0", httpListen: "127.0.0.1:0", dataDir: child.dataDir}
	o.vars = variables{"KAFKA_BROKERS": "127.0.0.1:1"}
	srv, err := startServer(t.Context(), o, testLogger())
	if err != nil {
		t.Fatal(err)
	}
	if code, body := get(t, srv, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, `table "names" is `) {
		t.Errorf("/readyz without the broker: %d %s", code, body)
	}
	if code, _ := get(t, srv, "/healthz"); code != http.StatusOK {
		t.Errorf("/healthz without the broker: %d", code)
	}
	if err := srv.close(); err != nil {
		t.Fatal(err)
	}
	o.vars = variables{"KAFKA_BROKERS": broker.KafkaAddr()}
	if srv, err = startServer(t.Context(), o, testLogger()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(testDeadline); ; time.Sleep(10 * time.Millisecond) {
		code, body := get(t, srv, "/readyz")
		if code == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("/readyz with the broker: %d %s", code, body)
		}
	}
	if err := srv.close(); err != nil {
		t.Fatal(err)
	}
}

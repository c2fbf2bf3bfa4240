package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"laminardb/cmd/internal/marketdata"
	example "laminardb/examples/market-data"
)

// client runs psql or pgbench against a server.
func client(t *testing.T, srv *testServer, name string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testDeadline)
	defer cancel()
	config, err := pgx.ParseConfig(srv.dsn())
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"-h", config.Host, "-p", fmt.Sprint(config.Port), "-U", "laminar"}, args...)
	cmd := exec.CommandContext(ctx, path, append(args, "laminar")...)
	cmd.Env = append(os.Environ(), "PGSSLMODE=disable")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// examplePath is the example's SQL from this package's folder.
func examplePath(name string) string {
	return filepath.Join("..", "..", "examples", "market-data", "sql", name)
}

// TestPsqlRunsTheExample runs the files as the README says. What is not
// supported yet must say so, and the rest must be there afterwards.
func TestPsqlRunsTheExample(t *testing.T) {
	t.Parallel()
	broker := newTestBroker(t)
	producer, err := marketdata.NewProducer(t.Context(), marketdata.ProducerOptions{
		Brokers: []string{broker.KafkaAddr()}, RegistryURL: broker.RegistryURL(), Now: fastClock(0),
	})
	if err != nil {
		t.Fatal(err)
	}
	producer.Close() // the topics and schemas are there
	srv := newTestServer(t, false, brokerVars(broker))
	missing := regexp.MustCompile(`ERROR:  (?:0A000|42P01): `)
	for _, file := range []string{"sources.sql", "streams.sql", "sinks.sql"} {
		out, err := client(t, srv, "psql", "-X", "-v", "VERBOSITY=verbose", "-f", examplePath(file))
		if err != nil {
			t.Fatalf("psql -f %s: %v\n%s", file, err, out)
		}
		for line := range strings.Lines(out) {
			if strings.Contains(line, "ERROR:") && !missing.MatchString(line) {
				t.Errorf("%s: %s", file, line)
			}
		}
	}
	out, err := client(t, srv, "psql", "-X", "-A", "-t", "-c", "SELECT name FROM laminar.objects")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	there := strings.Fields(out)
	for _, name := range []string{"market_ticks", "order_events", "ohlc_bars", "volume_alerts", "symbol_stats", "ohlc_bars_sink", "volume_alerts_sink"} {
		if !strings.Contains("\n"+out, "\n"+name+"\n") {
			t.Errorf("%s was not created; there are %v", name, there)
		}
	}
	if want := len(example.Sources()) + len(example.Streams()) + len(example.Sinks()); len(there) > want {
		t.Errorf("%d objects of %d statements", len(there), want)
	}
}

// newCounted starts a server with a view that holds a row for each of three keys.
func newCounted(t *testing.T) *testServer {
	t.Helper()
	srv := newTestServer(t, false, nil)
	conn := connectTest(t, srv.dsn())
	create(t, conn, `CREATE SOURCE s (k TEXT, n BIGINT, x DOUBLE, ok BOOLEAN, at TIMESTAMPTZ);
		CREATE MATERIALIZED VIEW m AS SELECT k, count(*) AS c, sum(n) AS n, max(x) AS x, bool_and(ok) AS ok, max(at) AS at FROM s GROUP BY k;
		INSERT INTO s VALUES ('a', 1, 1.5, true, '2026-01-05 14:30:00+00'), ('b', 2, -0.25, false, NULL), ('c', NULL, NULL, NULL, '1999-12-31 23:59:59.999999+00'), ('a', 41, 0, true, NULL)`)
	settled[struct{ C int64 }](t, conn, "SELECT count(*) FROM m", func(r struct{ C int64 }) int64 { return r.C }, 3)
	return srv
}

// TestPgxModes reads a view and inserts in each of pgx's ways of talking.
func TestPgxModes(t *testing.T) {
	t.Parallel()
	srv := newCounted(t)
	modes := []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	}
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			config, err := pgx.ParseConfig(srv.dsn())
			if err != nil {
				t.Fatal(err)
			}
			config.DefaultQueryExecMode = mode
			conn, err := pgx.ConnectConfig(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(context.Background()) }() // the test is over
			for range 2 {                                           // the second time from the cache
				got := viewRows(t, conn)
				if want := "a 2 42 1.5 true 2026-01-05T14:30:00Z|b 1 2 -0.25 false -|c 1 - - - 1999-12-31T23:59:59.999999Z"; got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
			if _, err := conn.Exec(t.Context(), "INSERT INTO s (k, n) SELECT 'z', $1::bigint WHERE false", int64(7)); err != nil {
				t.Errorf("INSERT: %v", err)
			}
			var n int64
			if err := conn.QueryRow(t.Context(), "SELECT nope FROM m WHERE k = $1", "a").Scan(&n); err == nil {
				t.Error("an unknown column is no error")
			}
			if err := conn.QueryRow(t.Context(), "SELECT n FROM m WHERE k = $1 AND x > $2", "a", 1.25).Scan(&n); err != nil || n != 42 {
				t.Errorf("behind an error: %d, %v", n, err)
			}
		})
	}
}

func viewRows(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT k, c, n, x, ok, at FROM m WHERE c >= $1 AND k <> $2 ORDER BY k", int64(1), "none")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		var k string
		var c int64
		var n *int64
		var x *float64
		var ok *bool
		var at *time.Time
		if err := rows.Scan(&k, &c, &n, &x, &ok, &at); err != nil {
			t.Fatal(err)
		}
		stamp := "-"
		if at != nil {
			stamp = at.UTC().Format(time.RFC3339Nano)
		}
		lines = append(lines, fmt.Sprintf("%s %d %s %s %s %s", k, c, orDash(n), orDash(x), orDash(ok), stamp))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "|")
}

func orDash[T any](v *T) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprint(*v)
}

// TestPgbench runs a script of reads and writes in each of pgbench's protocols.
func TestPgbench(t *testing.T) {
	t.Parallel()
	srv := newCounted(t)
	script := filepath.Join(t.TempDir(), "script.sql")
	text := "\\set n random(1, 3)\nSELECT c, n FROM m WHERE c > :n - 3 ORDER BY k LIMIT 2;\nINSERT INTO s (k, n) VALUES ('bench', :n);\nSELECT count(*) FROM m;\n"
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const transactions = 20
	protocols := []string{"simple", "extended", "prepared"}
	for _, protocol := range protocols {
		out, err := client(t, srv, "pgbench", "-n", "-M", protocol, "-c", "2", "-t", fmt.Sprint(transactions/2), "-f", script)
		if err != nil {
			t.Fatalf("-M %s: %v\n%s", protocol, err, out)
		}
		if want := fmt.Sprintf("processed: %d/%d", transactions, transactions); !strings.Contains(out, want) {
			t.Errorf("-M %s does not say %q:\n%s", protocol, want, out)
		}
	}
	conn := connectTest(t, srv.dsn())
	bench := func(r struct{ C int64 }) int64 { return r.C }
	got := settled[struct{ C int64 }](t, conn, "SELECT c FROM m WHERE k = 'bench'", bench, transactions*int64(len(protocols)))
	if got[0].C != transactions*int64(len(protocols)) {
		t.Errorf("%d rows were inserted", got[0].C)
	}
}

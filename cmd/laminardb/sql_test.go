package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestSQL runs testdata/sql, each file straight through, and again on a child
// process that is killed and restarted between statements.
//
//	exec       runs statements; prints notices, rows and command tags
//	query      the same without tags; behind a kill it waits
//	wait       a query, until it says what is expected
//	error      a statement that must fail; prints the whole error
//	subscribe  NAME: starts a statement with endless rows on a connection of its own
//	fetch      NAME ROWS: prints that many of its rows
//	cancel     NAME: cancels it
//	restart    stops the server and starts it again
//	produce    TOPIC: makes the topic and sends a record for each line "KEY VALUE",
//	           a tombstone for "KEY"
//	consume    TOPIC RECORDS: prints that many different records of a topic
//
// keep, behind a directive, keeps the session for what follows; so do an open
// transaction and a subscription. A file whose first line says "# straight" is
// not killed: the comment says why.
func TestSQL(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/sql/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runSQLFile(t, path, string(text), false)
		})
		if rewriting() || strings.HasPrefix(string(text), "# straight") {
			continue
		}
		t.Run(name+"/killed", func(t *testing.T) {
			if testing.Short() {
				t.Skip("restarts take time")
			}
			t.Parallel()
			runSQLFile(t, path, string(text), true)
		})
	}
}

// checkpointNotice differs from run to run.
var checkpointNotice = regexp.MustCompile(`checkpoint \d+: \d+ bytes, \d+ of them new, in \d+ ms`)

// rewriting reports whether the goldens are being rewritten: the straight run
// does it, alone.
func rewriting() bool {
	for _, a := range os.Args[1:] {
		if a == "-rewrite" || a == "--rewrite" || a == "-test.rewrite" {
			return true
		}
	}
	return false
}

// sqlRun is one run of one file.
type sqlRun struct {
	srv    *testServer
	broker brokers // nil where the file needs none
	kills  bool

	conn    *pgx.Conn // nil until used
	notices strings.Builder
	tails   map[string]*tailConn
	// used and kept say that a statement ran since the last kill, and that the
	// session is still needed.
	used, kept bool
}

func runSQLFile(t *testing.T, path, text string, kills bool) {
	t.Helper()
	r := &sqlRun{kills: kills, tails: map[string]*tailConn{}}
	vars := variables{"SECONDS": "10", "WORD": "a-rather-long-replacement"}
	if strings.Contains(text, "KAFKA") {
		r.broker = newTestBroker(t)
		for name, value := range brokerVars(r.broker) {
			vars[name] = value
		}
	}
	r.srv = newTestServer(t, kills, vars)
	defer r.disconnect()
	datadriven.RunTest(t, path, r.run)
}

func (r *sqlRun) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	if r.kills && r.used && !r.kept {
		r.disconnect()
		r.srv.kill(t)
		r.srv.start(t)
	}
	r.used = true
	out := r.directive(t, d)
	r.kept = d.HasArg("keep") || len(r.tails) > 0 || r.conn != nil && r.conn.PgConn().TxStatus() != 'I'
	if r.broker == nil {
		return out
	}
	return strings.NewReplacer(r.broker.KafkaAddr(), "<broker>", r.broker.RegistryURL(), "<registry>").Replace(out)
}

func (r *sqlRun) directive(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	switch d.Cmd {
	case "query":
		if r.kills {
			return r.wait(t, d) // the state is being read back
		}
		fallthrough
	case "exec", "error":
		out, err := r.statement(t, d.Input, d.Cmd != "query")
		if (err != nil) != (d.Cmd == "error") {
			d.Fatalf(t, "%s\n%v\n%s", d.Input, err, out)
		}
		return out
	case "wait":
		return r.wait(t, d)
	case "subscribe":
		r.tails[argument(t, d, 0)] = startTail(t, r.srv.dsn(), d.Input)
		return ""
	case "fetch":
		return r.tail(t, d).fetch(t, count(t, d, 1))
	case "cancel":
		tail := r.tail(t, d)
		delete(r.tails, argument(t, d, 0))
		return tail.cancel(t)
	case "restart":
		r.disconnect()
		r.srv.stop(t)
		r.srv.start(t)
		return ""
	case "produce":
		produceLines(t, r.broker, argument(t, d, 0), d.Input)
		return ""
	case "consume":
		return consumeLines(t, r.broker, argument(t, d, 0), count(t, d, 1))
	}
	d.Fatalf(t, "unknown directive")
	return ""
}

func (r *sqlRun) tail(t *testing.T, d *datadriven.TestData) *tailConn {
	t.Helper()
	tail := r.tails[argument(t, d, 0)]
	if tail == nil {
		d.Fatalf(t, "there is no subscription of this name")
	}
	return tail
}

func (r *sqlRun) disconnect() {
	for name, tail := range r.tails {
		tail.close()
		delete(r.tails, name)
	}
	if r.conn != nil {
		_ = r.conn.Close(context.Background()) // it is the server that matters
		r.conn = nil
	}
}

// statement runs a text in the simple protocol.
func (r *sqlRun) statement(t *testing.T, sql string, tags bool) (string, error) {
	t.Helper()
	if r.conn == nil {
		config, err := pgx.ParseConfig(r.srv.dsn())
		if err != nil {
			t.Fatal(err)
		}
		config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { writeError(&r.notices, "", (*pgconn.PgError)(n)) }
		if r.conn, err = pgx.ConnectConfig(t.Context(), config); err != nil {
			t.Fatalf("connecting: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), testDeadline)
	defer cancel()
	r.notices.Reset()
	var rows, out strings.Builder
	err := writeResults(&rows, r.conn.PgConn().Exec(ctx, sql), tags)
	out.WriteString(checkpointNotice.ReplaceAllString(r.notices.String(), "checkpoint <epoch>"))
	out.WriteString(rows.String())
	writeFailure(&out, sql, err)
	return out.String(), err
}

// steadyPolls is how often a result must stay as it is to become a golden.
const steadyPolls = 40

// wait polls a query until it says what is expected. To write a golden it waits
// until the result does not change any more.
func (r *sqlRun) wait(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	last, same := "", 0
	for deadline := time.Now().Add(testDeadline); ; time.Sleep(10 * time.Millisecond) {
		out, err := r.statement(t, d.Input, false)
		if err != nil {
			d.Fatalf(t, "%s\n%s", d.Input, out)
		}
		if same++; out != last {
			last, same = out, 0
		}
		if !d.Rewrite && out == d.Expected || d.Rewrite && same == steadyPolls || time.Now().After(deadline) {
			return out
		}
	}
}

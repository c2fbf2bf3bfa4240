package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// argument is the directive's n-th bare word.
func argument(t *testing.T, d *datadriven.TestData, n int) string {
	t.Helper()
	if n >= len(d.CmdArgs) {
		d.Fatalf(t, "an argument is missing")
	}
	return d.CmdArgs[n].Key
}

func count(t *testing.T, d *datadriven.TestData, n int) int {
	t.Helper()
	var v int
	if _, err := fmt.Sscan(argument(t, d, n), &v); err != nil {
		d.Fatalf(t, "not a number: %v", err)
	}
	return v
}

// tailConn is a statement with endless rows on its own connection.
type tailConn struct {
	conn  *pgx.Conn
	stop  context.CancelFunc
	lines chan string // rows, then what ended it; closed at the end
}

// startTail returns when the server has answered the statement, so that what
// happens next is seen by it.
func startTail(t *testing.T, dsn, sql string) *tailConn {
	t.Helper()
	conn, err := connect(t.Context(), dsn)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	tail := &tailConn{conn: conn, stop: stop, lines: make(chan string, 1000)}
	started := make(chan struct{})
	go tail.run(ctx, sql, started)
	select {
	case <-started:
	case <-time.After(testDeadline):
		t.Fatalf("no answer to %s", sql)
	}
	return tail
}

func (tc *tailConn) run(ctx context.Context, sql string, started chan struct{}) {
	defer close(tc.lines)
	var out strings.Builder
	if strings.HasPrefix(sql, "COPY") {
		close(started) // the snapshot shows where it began
		_, err := tc.conn.PgConn().CopyTo(ctx, lineWriter{tc.lines}, sql)
		writeFailure(&out, sql, err)
		tc.lines <- out.String()
		return
	}
	results := tc.conn.PgConn().Exec(ctx, sql)
	begun := false
	for results.NextResult() {
		rows := results.ResultReader()
		fields := slices.Clone(rows.FieldDescriptions())
		if !begun {
			begun = true
			close(started)
		}
		for rows.NextRow() {
			tc.lines <- rowText(fields, rows.Values()) + "\n"
		}
	}
	writeFailure(&out, sql, results.Close())
	if !begun {
		close(started)
	}
	tc.lines <- out.String()
}

// lineWriter sends each line of a COPY; the server writes a row at a time.
type lineWriter struct{ lines chan<- string }

// Write implements io.Writer.
func (w lineWriter) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if at, rest, ok := bytes.Cut(line, []byte("\t")); ok && len(at) == len("1700000000000") {
			line = append([]byte("<time>\t"), rest...)
		}
		w.lines <- string(line)
	}
	return len(p), nil
}

func (tc *tailConn) fetch(t *testing.T, rows int) string {
	t.Helper()
	var out strings.Builder
	deadline := time.After(testDeadline)
	for range rows {
		select {
		case line, ok := <-tc.lines:
			if !ok {
				return out.String() + "(it has ended)\n"
			}
			out.WriteString(line)
		case <-deadline:
			return out.String() + "(no more rows)\n"
		}
	}
	return out.String()
}

// cancel sends a CancelRequest and prints the rest.
func (tc *tailConn) cancel(t *testing.T) string {
	t.Helper()
	ctx, done := context.WithTimeout(t.Context(), testDeadline)
	defer done()
	if err := tc.conn.PgConn().CancelRequest(ctx); err != nil {
		t.Fatalf("cancelling: %v", err)
	}
	var out strings.Builder
	for line := range tc.lines {
		out.WriteString(line)
	}
	tc.close()
	return out.String()
}

func (tc *tailConn) close() {
	tc.stop()
	for range tc.lines {
		continue
	}
	_ = tc.conn.Close(context.Background()) // it was cut off
}

// createTopic makes a topic of one partition, or finds it.
func createTopic(t *testing.T, client *kgo.Client, topic string) {
	t.Helper()
	_, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, nil, topic)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		t.Fatalf("creating topic %s: %v", topic, err)
	}
}

// produceLines makes the topic and sends "KEY VALUE" lines.
func produceLines(t *testing.T, b brokers, topic, text string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.KafkaAddr()), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	createTopic(t, client, topic)
	for line := range strings.Lines(text) {
		key, value, found := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		r := &kgo.Record{Key: []byte(key)}
		if found {
			r.Value = []byte(value)
		}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatalf("producing %q: %v", line, err)
		}
	}
}

// consumeLines reads a topic of one partition until it has seen that many
// different records, and prints them in the order of their first appearance:
// a sink that restarts writes again what it had written.
func consumeLines(t *testing.T, b brokers, topic string, records int) string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.KafkaAddr()), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), testDeadline)
	defer cancel()
	var lines []string
	for len(lines) < records && ctx.Err() == nil {
		for _, r := range client.PollFetches(ctx).Records() {
			line := fmt.Sprintf("%s %s\n", r.Key, r.Value)
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return strings.Join(lines, "")
}

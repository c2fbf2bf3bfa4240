package main

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	example "laminardb/examples/market-data"
)

// onceAt is a failpoint that panics when it is armed with the step's name.
type onceAt struct{ name atomic.Pointer[string] }

func (o *onceAt) arm(name string) { o.name.Store(&name) }

func (o *onceAt) reach(name string) error {
	if armed := o.name.Load(); armed != nil && *armed == name && o.name.CompareAndSwap(armed, nil) {
		panic("armed")
	}
	return nil
}

// TestRestartWalk lets dataflows panic in the middle of everything: a stream, with
// the exactly-once sink that reads it, and the sink alone. They go back to the last
// checkpoint, no bar is missing in the topic and none is there twice, and what has
// nothing to do with it goes on.
func TestRestartWalk(t *testing.T) {
	t.Parallel()
	broker := newTestBroker(t)
	tp := &topic{brokers: []string{broker.KafkaAddr()}, registry: broker.RegistryURL()}
	now := fastClock(500 * time.Millisecond)
	tp.trade(t, 6000, now)
	var fault onceAt
	srv := &testServer{dataDir: t.TempDir(), vars: brokerVars(broker), failpoint: fault.reach}
	t.Cleanup(func() { srv.stop(t) })
	srv.start(t)
	tp.conn = connectTest(t, srv.dsn())
	createScripts(t, tp.conn, example.Sources(), "market_ticks")
	createScripts(t, tp.conn, example.Streams(), "ohlc_bars")
	create(t, tp.conn, "CREATE MATERIALIZED VIEW bystander AS SELECT count(*) AS n FROM market_ticks")
	create(t, tp.conn, "CREATE MATERIALIZED VIEW reader AS SELECT count(*) AS n FROM ohlc_bars")
	createScripts(t, tp.conn, example.Sinks(), "ohlc_bars")
	tp.checkBars(t, "ohlc_bars")
	awaitCommitted(t, tp.conn, "ohlc_bars_sink")

	for i, name := range []string{"ohlc_bars", "ohlc_bars_sink", "ohlc_bars"} {
		fault.arm("dataflow." + name)
		tp.trade(t, 2001+int64(i), now)
		eventually(t, tp.conn,
			fmt.Sprintf("SELECT (restarts = %d AND status = 'running')::text FROM laminar.streams WHERE name = 'ohlc_bars_sink'", i+1), "true")
		if i == 1 {
			create(t, tp.conn, "CHECKPOINT")
		}
	}
	bars := tp.checkBars(t, "ohlc_bars")
	awaitCommitted(t, tp.conn, "ohlc_bars_sink")
	tp.compareBars(t, bars)
	eventually(t, tp.conn, "SELECT ((SELECT n FROM reader) = (SELECT count(*) FROM ohlc_bars))::text", "true")

	got := queryRows[struct{ Name, Status, Restarts string }](t, tp.conn, "SELECT name, status, restarts::text FROM laminar.streams ORDER BY name")
	want := "[{bystander running 0} {ohlc_bars running 3} {ohlc_bars_sink running 3} {reader running 3}]"
	if s := fmt.Sprint(got); s != want {
		t.Errorf("streams are %s, want %s", s, want)
	}
	kinds := queryRows[struct{ Kind, N string }](t, tp.conn, `SELECT kind, count(*)::text FROM laminar.events
		WHERE kind IN ('dataflow_restarts', 'dataflow_restarted', 'begins_anew') GROUP BY kind ORDER BY kind`)
	if s := fmt.Sprint(kinds); s != "[{dataflow_restarted 3} {dataflow_restarts 3}]" {
		t.Errorf("events are %s", s)
	}
}

// TestReplaceSinkFails: a sink that cannot be replaced as is asked goes on where it
// was.
func TestReplaceSinkFails(t *testing.T) {
	t.Parallel()
	broker := newTestBroker(t)
	tp := &topic{brokers: []string{broker.KafkaAddr()}, registry: broker.RegistryURL()}
	tp.trade(t, 6000, fastClock(500*time.Millisecond))
	srv := newTestServer(t, false, brokerVars(broker))
	tp.conn = connectTest(t, srv.dsn())
	createScripts(t, tp.conn, example.Sources(), "market_ticks")
	createScripts(t, tp.conn, example.Streams(), "ohlc_bars")
	createScripts(t, tp.conn, example.Sinks(), "ohlc_bars")
	bars := tp.checkBars(t, "ohlc_bars")
	awaitCommitted(t, tp.conn, "ohlc_bars_sink")
	for _, option := range []string{"no_such_option = '1'", "format = 'xml'"} {
		sql := "CREATE OR REPLACE SINK ohlc_bars_sink FROM ohlc_bars INTO KAFKA (brokers = '" + broker.KafkaAddr() + "', topic = 'ohlc-bars', " + option + ")"
		if _, err := tp.conn.PgConn().Exec(t.Context(), sql).ReadAll(); err == nil {
			t.Errorf("%s is accepted", option)
		}
	}
	awaitCommitted(t, tp.conn, "ohlc_bars_sink")
	tp.compareBars(t, bars)
}

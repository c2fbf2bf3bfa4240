package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"laminardb/cmd/internal/marketdata"
	example "laminardb/examples/market-data"
)

// trade produces so many ticks, whose times go on with the clock.
func (tp *topic) trade(t *testing.T, ticks int64, now func() time.Time) {
	t.Helper()
	producer, err := marketdata.NewProducer(t.Context(), marketdata.ProducerOptions{
		Brokers: tp.brokers, RegistryURL: tp.registry, TPS: 40, Count: ticks, Seed: uint64(ticks), Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if _, err := producer.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// committed reads a topic to its end as a consumer of committed records sees it.
func (tp *topic) committed(t *testing.T, name string) (rows []map[string]any) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(tp.brokers...), kgo.ConsumeTopics(name), kgo.KeepControlRecords(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	registry, err := sr.NewClient(sr.URLs(tp.registry))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testDeadline)
	defer cancel()
	high, at := map[int32]int64{}, map[int32]int64{}
	for partitions := 5; len(high) < partitions || !atEnd(at, high); {
		client.PollFetches(ctx).EachPartition(func(p kgo.FetchTopicPartition) {
			high[p.Partition] = p.HighWatermark
			for _, r := range p.Records {
				at[p.Partition] = r.Offset + 1
				if !r.Attrs.IsControl() {
					rows = append(rows, decodeAvro(t, registry, r.Value))
				}
			}
		})
		if ctx.Err() != nil {
			t.Fatalf("topic %s: read to %v of %v", name, at, high)
		}
	}
	return rows
}

func atEnd(at, high map[int32]int64) bool {
	for p, end := range high {
		if at[p] < end {
			return false
		}
	}
	return true
}

// awaitCommitted returns when everything that a sink was given is out.
func awaitCommitted(t *testing.T, conn *pgx.Conn, sink string) {
	t.Helper()
	create(t, conn, "CHECKPOINT")
	eventually(t, conn, "SELECT (committed_epoch > 0 AND pending_rows = 0)::text FROM laminar.sinks WHERE name = '"+sink+"'", "true")
}

// TestRecoveryWalk is the walk through recovery: ticks, a checkpoint, more ticks, a
// kill -9, ticks while the server is away, a restart, and more. Then every bar is in
// the topic once, and the stream says the same as the ticks.
func TestRecoveryWalk(t *testing.T) {
	t.Parallel()
	broker := newTestBroker(t)
	tp := &topic{brokers: []string{broker.KafkaAddr()}, registry: broker.RegistryURL()}
	now := fastClock(500 * time.Millisecond)
	tp.trade(t, 6000, now)
	srv := newTestServer(t, true, brokerVars(broker))
	tp.conn = connectTest(t, srv.dsn())
	createScripts(t, tp.conn, example.Sources(), "market_ticks")
	createScripts(t, tp.conn, example.Streams(), "ohlc_bars")
	tp.checkBars(t, "ohlc_bars")
	createScripts(t, tp.conn, example.Sinks(), "ohlc_bars")
	awaitCommitted(t, tp.conn, "ohlc_bars_sink")
	before := len(tp.committed(t, "ohlc-bars"))

	tp.trade(t, 2001, now)
	tp.checkBars(t, "ohlc_bars") // they are out of the stream, but in no checkpoint
	if n := len(tp.committed(t, "ohlc-bars")); n != before || n == 0 {
		t.Errorf("%d bars were committed before their checkpoint; %d were before", n, before)
	}
	srv.kill(t)
	tp.trade(t, 2002, now)
	srv.start(t)
	tp.conn = connectTest(t, srv.dsn())
	eventually(t, tp.conn, "SELECT (recovered_epoch IS NOT NULL)::text FROM laminar.server", "true")
	tp.trade(t, 2003, now)
	bars := tp.checkBars(t, "ohlc_bars")
	awaitCommitted(t, tp.conn, "ohlc_bars_sink")
	shown := queryRows[struct{ Name, Value, Same string }](t, tp.conn, `SELECT name, value::bigint::text, CASE name
			WHEN 'laminardb_recovered_epoch' THEN (SELECT recovered_epoch FROM laminar.server)
			WHEN 'laminardb_sink_committed_epoch' THEN (SELECT committed_epoch FROM laminar.sinks) ELSE 0 END::text
		FROM laminar.metrics WHERE name IN ('laminardb_recovered_epoch', 'laminardb_sink_committed_epoch', 'laminardb_sink_pending_rows')`)
	for _, m := range shown {
		if m.Value != m.Same {
			t.Errorf("%s is %s, want %s", m.Name, m.Value, m.Same)
		}
	}
	if len(shown) != 3 {
		t.Errorf("laminar.metrics has %v", shown)
	}

	tp.compareBars(t, bars)
	if bars <= before {
		t.Errorf("%d bars, %d before the checkpoint: nothing was recovered", bars, before)
	}
}

// compareBars checks that the topic of the bars has those of the stream, each once.
func (tp *topic) compareBars(t *testing.T, bars int) {
	t.Helper()
	var opens []float64
	for _, r := range tp.committed(t, "ohlc-bars") {
		opens = append(opens, r["vwap"].(float64))
	}
	want := queryRows[struct{ V float64 }](t, tp.conn, "SELECT vwap FROM ohlc_bars")
	var expected []float64
	for _, w := range want {
		expected = append(expected, w.V)
	}
	slices.Sort(opens)
	slices.Sort(expected)
	if len(opens) != bars || !slices.Equal(opens, expected) {
		t.Errorf("the topic has %d bars, the stream %d, recomputed are %d", len(opens), len(expected), bars)
	}
}

package exec

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"laminardb/connectors"
	"laminardb/sql/batch"
	"laminardb/storage/checkpoint"
)

// slowSink takes a batch only when it is let.
type slowSink struct {
	let  chan struct{}
	rows atomic.Int64
}

// Write implements connectors.Sink.
func (s *slowSink) Write(ctx context.Context, b *batch.Batch) error {
	select {
	case <-s.let:
		s.rows.Add(int64(b.Rows))
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (*slowSink) Flush(context.Context) error { return nil }
func (*slowSink) Close() error                { return nil }
func (*slowSink) Health() string              { return "" }

// TestSlowSink: a sink that takes nothing holds up neither what it reads, nor others,
// nor a checkpoint; when it takes rows again it gets all of them.
func TestSlowSink(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	store, err := checkpoint.Open(dir+"/checkpoints.db", checkpoint.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	e := NewEngine(testEnv())
	if _, err := e.UseCheckpoints(store, dir); err != nil {
		t.Fatal(err)
	}
	tp := newTape(1, 1)
	if err := e.AddSource(ctx, SourceSpec{ID: 1, Name: "tape", Schema: int64Schema("split", "v"), EventTime: EventTime{Column: -1}, Connector: tp}); err != nil {
		t.Fatal(err)
	}
	for id, name := range map[uint64]string{2: "read", 3: "other"} {
		if err := e.AddFlow(ctx, FlowSpec{ID: id, Name: name, Root: tapeScan(1), HistoryRows: 10}); err != nil {
			t.Fatal(err)
		}
	}
	slow := &slowSink{let: make(chan struct{})}
	connect := func(context.Context) (connectors.Sink, error) { return slow, nil }
	if err := e.AddSink(ctx, SinkFlowSpec{ID: 4, Name: "slow", Root: tapeScan(2), Sink: slow, Connect: connect}); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	const rows = 200_000
	list := make([]record, rows)
	for i := range list {
		list[i].value = int64(i)
	}
	tp.append(0, list...)
	for _, id := range []uint64{2, 3} {
		until(t, "the others have all rows", func() bool { st, _ := e.FlowState(id); return st.RowsOut == rows })
	}
	if rep, err := e.Checkpoint(ctx, "test"); err != nil || len(rep.Behind) > 0 {
		t.Errorf("behind are %v, %v", rep.Behind, err)
	}
	close(slow.let)
	until(t, "the sink has all rows", func() bool { return slow.rows.Load() == rows })
}

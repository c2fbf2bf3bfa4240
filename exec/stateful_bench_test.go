package exec

import (
	"bytes"
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"laminardb/planner/plan"
	"laminardb/sql/types"
	"laminardb/storage/checkpoint"
)

// groupState is an aggregate by key with count(*) and sum(v), without rows.
func groupState(tb testing.TB) (*builder, operatorState) {
	tb.Helper()
	bigint := types.Of(types.Int64)
	in := &plan.Scan{Columns: []int{0, 1}}
	in.Out = int64Schema("k", "v")
	col := func(i int) plan.Expr { return &plan.Column{Index: i, T: bigint, Pos: -1} }
	n := &plan.Aggregate{Input: in, Keys: []plan.Expr{col(0)}, Emit: plan.Emit{Mode: plan.EmitChanges}, Aggs: []plan.Agg{
		{Func: "sum(bigint)", Args: []plan.Expr{col(1)}, Type: types.Of(types.Numeric), EventTime: -1},
		{Func: "count(*)", Type: bigint, EventTime: -1},
	}}
	n.Out = int64Schema("k", "sum", "count")
	b := buildStates(tb, n)
	return b, b.states[0]
}

// groupChurn saves a checkpoint after each of the epochs, in each of which one
// group in a hundred gets a row, and returns the share of new bytes after the first
// in the mean, and how long saving a state took at most.
func groupChurn(tb testing.TB, groups, epochs int) (share float64, size int64, pause time.Duration) {
	tb.Helper()
	b, state := groupState(tb)
	out := b.ports[0].in
	take := func(keys []int64) {
		values := make([]int64, len(keys))
		for i := range values {
			values[i] = rand.Int64N(100_000)
		}
		if err := out.Batch(tb.Context(), int64Batch(keys, values)); err != nil {
			tb.Fatal(err)
		}
		b.states[0].stateful.(*group).Receiver.(*gathered).list = nil
	}
	all := make([]int64, groups)
	for i := range all {
		all[i] = int64(i)
	}
	take(all)
	s, err := checkpoint.Open(filepath.Join(tb.TempDir(), "checkpoints.db"), checkpoint.Options{Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // what it has is read before
	for epoch := 1; epoch <= epochs; epoch++ {
		start := time.Now()
		saved, err := state.save()
		if err != nil {
			tb.Fatal(err)
		}
		pause = max(pause, time.Since(start))
		w, err := s.Begin(uint64(epoch))
		if err != nil {
			tb.Fatal(err)
		}
		if err := w.Put(context.Background(), checkpoint.Key{Object: 1, Operator: state.name}, bytes.NewReader(saved)); err != nil {
			tb.Fatal(err)
		}
		m, err := w.CommitManifest(checkpoint.Progress{})
		if err != nil {
			tb.Fatal(err)
		}
		if err := s.MarkCommitted(uint64(epoch)); err != nil {
			tb.Fatal(err)
		}
		if size = m.Bytes(); epoch > 1 {
			share += float64(m.NewBytes) / float64(size) / float64(epochs-1)
		}
		keys := make([]int64, groups/100)
		for i := range keys {
			keys[i] = rand.Int64N(int64(groups))
		}
		take(keys)
	}
	return share, size, pause
}

// TestGroupChurn holds the layout of saved groups and the patches of checkpoints
// to what they are for.
func TestGroupChurn(t *testing.T) {
	share, size, _ := groupChurn(t, 50_000, 20)
	if share > 0.1 {
		t.Errorf("%.3f of %d bytes are new when 0.01 of the groups change", share, size)
	}
}

func BenchmarkGroupChurn(b *testing.B) {
	for b.Loop() {
		share, size, pause := groupChurn(b, 1_000_000, 20)
		b.ReportMetric(share, "new/total")
		b.ReportMetric(float64(size), "bytes")
		b.ReportMetric(float64(pause.Milliseconds()), "ms-to-save")
	}
}

// BenchmarkSave saves the state of a million groups.
func BenchmarkSave(b *testing.B) {
	flow, state := groupState(b)
	keys := make([]int64, 1_000_000)
	for i := range keys {
		keys[i] = int64(i)
	}
	if err := flow.ports[0].in.Batch(b.Context(), int64Batch(keys, keys)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		saved, err := state.save()
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(saved)))
	}
}

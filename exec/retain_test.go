package exec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// counted keeps what a changelog has come to.
type counted map[string]int

func (c counted) Batch(_ context.Context, b *batch.Batch) error {
	for i, r := range int64Rows(b) {
		key := fmt.Sprint(r)
		if c[key] += int(b.Diff(i)); c[key] == 0 {
			delete(c, key)
		}
	}
	return nil
}

func (counted) Watermark(context.Context, int64) error { return nil }
func (counted) Idle(context.Context, bool) error       { return nil }
func (counted) End(context.Context) error              { return nil }

// reloaded saves the states of a dataflow's operators into those of another.
func reloaded(t *testing.T, from, to *builder) {
	t.Helper()
	for i, s := range from.states {
		image, err := s.save()
		if err == nil {
			err = to.states[i].load(image)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A random changelog under retention: what is there is what came at or above the
// bound, however often the operator is restored, and its memory is bounded.
func TestRetain(t *testing.T) {
	schema := int64Schema("k", "t")
	schema.EventTime = 1
	n := &plan.Retain{Input: &plan.Scan{Base: plan.Base{Out: schema}, Columns: []int{0, 1}}, Millis: 50}
	n.Out = schema
	got := counted{}
	build := func() *builder {
		b := &builder{faults: &streamFaults{env: testEnv(), stats: &OperatorStats{}}, stats: &OperatorStats{}, now: testEnv().Now, continuous: true}
		if err := b.build(n, got); err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := build()
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(4, 4))
	present := map[[2]int64]int{}
	watermark := int64(0)
	for round := range 3000 {
		var ks, ts []int64
		var diffs []int8
		add := func(row [2]int64, diff int) {
			ks, ts, diffs = append(ks, row[0]), append(ts, row[1]), append(diffs, int8(diff))
			if row[1] >= watermark-50 {
				present[row] += diff
			}
		}
		for range rng.IntN(8) + 1 {
			add([2]int64{rng.Int64N(5), watermark - 60 + rng.Int64N(100)}, 1)
		}
		for row, count := range present {
			if count > 0 && rng.IntN(4) == 0 {
				add(row, -1)
			}
		}
		in := int64Batch(ks, ts)
		in.Diffs = diffs
		if err := b.ports[0].in.Batch(ctx, in); err != nil {
			t.Fatal(err)
		}
		if rng.IntN(2) == 0 {
			watermark += rng.Int64N(20)
			if err := b.ports[0].in.Watermark(ctx, watermark); err != nil {
				t.Fatal(err)
			}
		}
		want := counted{}
		for row, count := range present {
			if count == 0 || row[1] < watermark-50 {
				delete(present, row)
				continue
			}
			want[fmt.Sprint([]int64{row[0], row[1]})] = count
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("round %d: %v, not %v", round, got, want)
		}
		if round%7 == 0 {
			next := build()
			reloaded(t, b, next)
			b = next
		}
	}
	r := b.ports[0].in.(*retain)
	if r.rows.Bound() > 1000 || len(r.queue.queue.runs) > 20 {
		t.Errorf("%d ids, %d runs", r.rows.Bound(), len(r.queue.queue.runs))
	}
}

// retainedCounts counts rows and finds the newest by key.
func retainedCounts(t *testing.T) (*builder, counted) {
	schema := int64Schema("k", "t")
	schema.EventTime = 1
	column := func(i int) plan.Expr { return &plan.Column{Index: i, T: types.Of(types.Int64)} }
	n := &plan.Aggregate{
		Input: &plan.Scan{Base: plan.Base{Out: schema}, Columns: []int{0, 1}}, Keys: []plan.Expr{column(0)},
		Aggs: []plan.Agg{
			{Func: "count()", Type: types.Of(types.Int64), EventTime: -1},
			{Func: "max(bigint)", Type: types.Of(types.Int64), EventTime: -1, Args: []plan.Expr{column(1)}},
		},
		Emit: plan.Emit{Mode: plan.EmitChanges}, RetentionMillis: 100, TimeAgg: 1,
	}
	b := &builder{faults: &streamFaults{env: testEnv(), stats: &OperatorStats{}}, stats: &OperatorStats{}, now: testEnv().Now, continuous: true}
	got := counted{}
	if err := b.build(n, got); err != nil {
		t.Fatal(err)
	}
	return b, got
}

// A group goes when its newest row is too old, and begins anew with its next row.
func TestGroupRetention(t *testing.T) {
	b, got := retainedCounts(t)
	ctx := context.Background()
	send := func(rows ...[2]int64) {
		t.Helper()
		var ks, ts []int64
		for _, r := range rows {
			ks, ts = append(ks, r[0]), append(ts, r[1])
		}
		if err := b.ports[0].in.Batch(ctx, int64Batch(ks, ts)); err != nil {
			t.Fatal(err)
		}
	}
	pass := func(millis int64, want ...string) {
		t.Helper()
		if err := b.ports[0].in.Watermark(ctx, millis); err != nil {
			t.Fatal(err)
		}
		var rows []string
		for k := range got {
			rows = append(rows, k)
		}
		slices.Sort(rows)
		if fmt.Sprint(rows) != fmt.Sprint(want) {
			t.Errorf("at %d: %v, not %v", millis, rows, want)
		}
	}
	// key, count, newest
	send([2]int64{1, 100}, [2]int64{2, 110}, [2]int64{1, 90})
	pass(200, "[1 2 100]", "[2 1 110]")
	pass(201, "[2 1 110]")
	send([2]int64{1, 205}, [2]int64{2, 210})
	pass(211, "[1 1 205]", "[2 2 210]")
	send([2]int64{2, 211}, [2]int64{3, null}, [2]int64{1, 150})
	pass(306, "[2 3 211]", "[3 1 "+fmt.Sprint(null)+"]")
	pass(endOfTime, "[2 3 211]", "[3 1 "+fmt.Sprint(null)+"]")
	if n := b.ports[0].in.(*group).live.table.Len(); n != 2 {
		t.Errorf("%d groups are kept", n)
	}
}

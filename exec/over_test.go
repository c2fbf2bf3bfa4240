package exec

import (
	"testing"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// overKept runs functions over rows of ever new keys and returns how many rows and
// keys are kept at the end. Each key has one row, keys are a millisecond apart.
func overKept(t *testing.T, rows int, fns ...plan.OverFunc) (kept, keys int) {
	t.Helper()
	b := &builder{faults: queryFaults{}, continuous: true}
	out := &discard{}
	if err := b.over(overNode(fns...), out); err != nil {
		t.Fatal(err)
	}
	o := b.ports[0].in.(*overStream)
	for at := int64(0); at < int64(rows); at += 1000 {
		if err := o.Batch(t.Context(), momentBatch(at, 1000, rows)); err != nil {
			t.Fatal(err)
		}
		if err := o.Watermark(t.Context(), at+1000); err != nil {
			t.Fatal(err)
		}
	}
	if o.passed != int64(rows) {
		t.Errorf("the watermark passed on is %d, not %d", o.passed, rows)
	}
	if out.rows != rows {
		t.Errorf("%d rows came out of %d", out.rows, rows)
	}
	return o.state.rows.live, o.table.Len()
}

func overSum(f plan.Frame) plan.OverFunc {
	return plan.OverFunc{Agg: plan.Agg{Func: "sum(double)"}, Frame: f}
}

// TestOverKeeps checks that rows and partitions go when no frame can reach them.
func TestOverKeeps(t *testing.T) {
	ago := plan.FrameBound{Value: &plan.Call{Func: "sub(bigint,bigint)", Name: "-", T: types.Of(types.Int64), Args: []plan.Expr{
		&plan.Column{Index: 2, T: types.Of(types.Int64)}, &plan.Const{Value: int64(500), T: types.Of(types.Int64)},
	}}}
	kept, keys := overKept(t, 50_000, overSum(plan.Frame{Mode: plan.FrameRange, Start: ago}))
	if kept > 2*minSweepRows || keys > 2*minSweepRows {
		t.Errorf("a frame of 500 ms keeps %d rows of %d keys", kept, keys)
	}
	kept, _ = overKept(t, 20_000, overSum(plan.Frame{Mode: plan.FrameRange, Start: plan.FrameBound{Unbounded: true}}))
	if kept != 0 {
		t.Errorf("a running sum keeps %d rows", kept)
	}
	kept, _ = overKept(t, 20_000, plan.OverFunc{Func: "lag", Offset: 1})
	if kept != 20_000 {
		t.Errorf("lag keeps %d rows of 20000 keys", kept)
	}
}

// TestOverLate checks that rows behind the watermark are counted and left out.
func TestOverLate(t *testing.T) {
	stats := &OperatorStats{}
	b := &builder{faults: &streamFaults{stats: stats}, continuous: true}
	out := &discard{}
	if err := b.over(overNode(plan.OverFunc{Func: "lag", Offset: 1}), out); err != nil {
		t.Fatal(err)
	}
	o := b.ports[0].in
	for _, step := range []struct {
		rows      *batch.Batch
		watermark int64
	}{{momentBatch(0, 100, 3), 50}, {momentBatch(40, 20, 3), 200}} {
		if err := o.Batch(t.Context(), step.rows); err != nil {
			t.Fatal(err)
		}
		if err := o.Watermark(t.Context(), step.watermark); err != nil {
			t.Fatal(err)
		}
	}
	if late := stats.Late.Load(); late != 10 || out.rows != 110 {
		t.Errorf("%d rows late and %d given out, want 10 and 110", late, out.rows)
	}
}

package exec

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"laminardb/exec/rowcodec"
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

// gathered keeps what it is given.
type gathered struct {
	discard
	list []*batch.Batch
}

func (g *gathered) Batch(_ context.Context, b *batch.Batch) error {
	g.list = append(g.list, b)
	return nil
}

// TestOverRestore checks that an Over that is replaced by its snapshot after every
// step gives the same as one that is not.
func TestOverRestore(t *testing.T) {
	ago := func(name string) plan.FrameBound {
		return plan.FrameBound{Label: "500 following", Value: &plan.Call{Func: map[string]string{"-": "sub", "+": "add"}[name] + "(bigint,bigint)", Name: name, T: types.Of(types.Int64), Args: []plan.Expr{
			&plan.Column{Index: 2, T: types.Of(types.Int64)}, &plan.Const{Value: int64(500), T: types.Of(types.Int64)},
		}}}
	}
	run := func(restore bool) string {
		b := &builder{faults: queryFaults{}, continuous: true}
		out := &gathered{}
		node := overNode(
			plan.OverFunc{Func: "lag", Offset: 2}, plan.OverFunc{Func: "lead", Offset: 1},
			overSum(plan.Frame{Start: plan.FrameBound{Rows: -3}}), overSum(plan.Frame{Mode: plan.FrameRange, Start: ago("-"), End: ago("+")}),
			overSum(plan.Frame{Mode: plan.FrameRange, Start: plan.FrameBound{Unbounded: true}}))
		build := func() *overStream {
			b.ports = nil
			if err := b.over(node, out); err != nil {
				t.Fatal(err)
			}
			return b.ports[0].in.(*overStream)
		}
		o := build()
		for at := int64(0); at < 3000; at += 300 {
			if err := o.Batch(t.Context(), momentBatch(at, 330, 7)); err != nil {
				t.Fatal(err)
			}
			if err := o.Watermark(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			if !restore {
				continue
			}
			var state bytes.Buffer
			w := rowcodec.NewStateWriter(&state)
			o.Snapshot(w)
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			o = build()
			if err := o.Restore(rowcodec.NewStateReader(&state)); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.End(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := ConcatRows(out.list)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(all.Cols)
	}
	if plain, restored := run(false), run(true); plain != restored {
		t.Errorf("restored:\n%s\nnot:\n%s", restored, plain)
	}
}

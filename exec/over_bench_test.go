package exec

import (
	"context"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// discard drops what it is given and counts the rows.
type discard struct{ rows int }

func (n *discard) Batch(_ context.Context, b *batch.Batch) error { n.rows += b.Rows; return nil }
func (*discard) Watermark(context.Context, int64) error          { return nil }
func (*discard) Idle(context.Context, bool) error                { return nil }
func (*discard) End(context.Context) error                       { return nil }

// momentBatch is rows (symbol, price, ts), a millisecond apart from time on.
func momentBatch(from int64, rows, symbols int) *batch.Batch {
	symbol, price, ts := array.NewStringBuilder(memory.DefaultAllocator), array.NewFloat64Builder(memory.DefaultAllocator), array.NewInt64Builder(memory.DefaultAllocator)
	for i := range rows {
		symbol.Append(fmt.Sprintf("SYM%d", (int(from)+i)*7919%symbols))
		price.Append(float64(i % 100))
		ts.Append(from + int64(i))
	}
	return batch.New([]arrow.Array{symbol.NewArray(), price.NewArray(), ts.NewArray()}, rows)
}

func overNode(fns ...plan.OverFunc) *plan.Over {
	in := &plan.Scan{Name: "ticks", Columns: []int{0, 1, 2}}
	in.Out = &batch.Schema{EventTime: 2, Fields: []batch.Field{
		{Name: "symbol", Type: types.Of(types.Text)}, {Name: "price", Type: types.Of(types.Float64)}, {Name: "ts", Type: types.Of(types.Int64)},
	}}
	column := func(i int) plan.Expr { return &plan.Column{Index: i, T: in.Out.Fields[i].Type, Pos: -1} }
	for i := range fns {
		fns[i].Agg.Args, fns[i].Agg.Type = []plan.Expr{column(1)}, types.Of(types.Float64)
	}
	return &plan.Over{Input: in, PartitionBy: []plan.Expr{column(0)}, OrderBy: []plan.SortKey{{Expr: column(2)}}, Funcs: fns, Mode: plan.OverEventTime}
}

func BenchmarkOver(b *testing.B) {
	sum := func(f plan.Frame) plan.OverFunc { return plan.OverFunc{Agg: plan.Agg{Func: "sum(double)"}, Frame: f} }
	rows := plan.Frame{Start: plan.FrameBound{Rows: -100}}
	top := plan.OverFunc{Agg: plan.Agg{Func: "max(double)"}, Frame: rows}
	for _, c := range []struct {
		name string
		fns  []plan.OverFunc
	}{
		{"lag lead", []plan.OverFunc{{Func: "lag", Offset: 1}, {Func: "lead", Offset: 1}}},
		{"running sum", []plan.OverFunc{sum(plan.Frame{Start: plan.FrameBound{Unbounded: true}})}},
		{"sum of 100 rows", []plan.OverFunc{sum(rows)}},
		{"max of 100 rows", []plan.OverFunc{top}},
	} {
		for _, symbols := range []int{1, 20, 1000} {
			b.Run(fmt.Sprintf("%s/%d keys", c.name, symbols), func(b *testing.B) {
				build := &builder{faults: queryFaults{}, continuous: true}
				out := &discard{}
				if err := build.over(overNode(c.fns...), out); err != nil {
					b.Fatal(err)
				}
				in, at := build.ports[0].in, int64(0)
				for b.Loop() {
					if err := in.Batch(b.Context(), momentBatch(at, batch.MaxRows, symbols)); err != nil {
						b.Fatal(err)
					}
					at += batch.MaxRows
					if err := in.Watermark(b.Context(), at-1000); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch.MaxRows), "ns/row")
			})
		}
	}
}

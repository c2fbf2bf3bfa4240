package exec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// quoteSchema has the columns of the example's ticks.
func quoteSchema() *batch.Schema {
	s := batch.NewSchema()
	for _, f := range []struct {
		name string
		kind types.Kind
	}{
		{"symbol", types.Text},
		{"price", types.Float64},
		{"bid", types.Float64},
		{"ask", types.Float64},
		{"volume", types.Int64},
		{"side", types.Text},
		{"ts", types.Int64},
	} {
		s.Fields = append(s.Fields, batch.Field{Name: f.name, Type: types.Of(f.kind)})
	}
	s.EventTime = 6
	return s
}

// quotes makes a batch: rows from the given time on, so many in a millisecond.
func quotes(rng *rand.Rand, rows, symbols int, from int64, perMilli int) *batch.Batch {
	var text [2]*array.StringBuilder
	for i := range text {
		text[i] = array.NewStringBuilder(memory.DefaultAllocator)
	}
	floats := array.NewFloat64Builder(memory.DefaultAllocator)
	numbers, times := array.NewInt64Builder(memory.DefaultAllocator), array.NewInt64Builder(memory.DefaultAllocator)
	for i := range rows {
		text[0].Append(fmt.Sprintf("SYM%04d", rng.IntN(symbols)))
		text[1].Append("buy")
		floats.Append(rng.Float64())
		numbers.Append(int64(i))
		times.Append(from + int64(i/perMilli) + rng.Int64N(50))
	}
	f := floats.NewArray()
	return batch.New([]arrow.Array{text[0].NewArray(), f, f, f, numbers.NewArray(), text[1].NewArray(), times.NewArray()}, rows)
}

type countRows struct{ rows int }

func (d *countRows) Batch(_ context.Context, b *batch.Batch) error { d.rows += b.Rows; return nil }
func (*countRows) Watermark(context.Context, int64) error          { return nil }
func (*countRows) Idle(context.Context, bool) error                { return nil }
func (*countRows) End(context.Context) error                       { return nil }

// BenchmarkTimeJoin joins two streams of 8192-row batches, 200 rows a millisecond
// each, with a watermark five seconds behind. An op is a batch of each side.
func BenchmarkTimeJoin(b *testing.B) {
	const rows, perMilli = 8192, 200
	scan := func() plan.Node {
		s := &plan.Scan{Base: plan.Base{Out: quoteSchema()}}
		for i := range s.Out.Fields {
			s.Columns = append(s.Columns, i)
		}
		return s
	}
	keys := []plan.Expr{&plan.Column{T: types.Of(types.Text)}}
	at := &plan.Column{Index: 6, T: types.Of(types.Int64)}
	for _, c := range []struct {
		name    string
		symbols int
		node    plan.Node
	}{
		{"asof/8", 8, &plan.AsofJoin{Left: scan(), Right: scan(), LeftKeys: keys, RightKeys: keys, LeftTime: at, RightTime: at, Reach: plan.TimeRange{Low: plan.NoLow}}},
		{"asof/5000", 5000, &plan.AsofJoin{Left: scan(), Right: scan(), LeftKeys: keys, RightKeys: keys, LeftTime: at, RightTime: at, Reach: plan.TimeRange{Low: plan.NoLow}}},
		{"forward/5000", 5000, &plan.AsofJoin{Left: scan(), Right: scan(), LeftKeys: keys, RightKeys: keys, LeftTime: at, RightTime: at, Direction: plan.AsofForward, Reach: plan.TimeRange{High: plan.NoHigh}}},
		// 1000 ticks a second and symbol: a partner or so for each row.
		{"interval/5000", 5000, &plan.IntervalJoin{Left: scan(), Right: scan(), LeftKeys: keys, RightKeys: keys, LeftTime: at, RightTime: at, Reach: plan.TimeRange{Low: -12, High: 12}}},
		{"interval/left", 5000, &plan.IntervalJoin{Left: scan(), Right: scan(), Kind: plan.JoinLeft, LeftKeys: keys, RightKeys: keys, LeftTime: at, RightTime: at, Reach: plan.TimeRange{Low: -12, High: 12}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			ctx, out := context.Background(), &countRows{}
			bl := &builder{faults: &streamFaults{env: testEnv(), stats: &OperatorStats{}}, stats: &OperatorStats{}, now: testEnv().Now, continuous: true}
			if err := bl.build(c.node, out); err != nil {
				b.Fatal(err)
			}
			in := [2]Receiver{bl.ports[1].in, bl.ports[0].in}
			rng := rand.New(rand.NewPCG(1, 1))
			from := int64(0)
			n := 0
			for b.Loop() {
				b.StopTimer()
				sides := [2]*batch.Batch{quotes(rng, rows, c.symbols, from, perMilli), quotes(rng, rows, c.symbols, from, perMilli)}
				from += rows / perMilli
				b.StartTimer()
				for i, s := range sides {
					if err := in[i].Batch(ctx, s); err != nil {
						b.Fatal(err)
					}
					if err := in[i].Watermark(ctx, from-5000); err != nil {
						b.Fatal(err)
					}
				}
				n += 2 * rows
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/row")
			b.ReportMetric(float64(out.rows)/float64(n), "out/row")
		})
	}
}

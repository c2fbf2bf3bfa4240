package exec

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// BenchmarkPairs joins two streams in which each row meets about 75 others, as in
// the example: columns of both and a difference, for a reader and for nobody.
func BenchmarkPairs(b *testing.B) {
	const rows, symbols, perMilli = 2048, 8, 8
	node := func() plan.Node {
		scan := func() plan.Node {
			s := &plan.Scan{Base: plan.Base{Out: quoteSchema()}}
			for i := range s.Out.Fields {
				s.Columns = append(s.Columns, i)
			}
			return s
		}
		column := func(i int, k types.Kind) plan.Expr { return &plan.Column{Index: i, T: types.Of(k)} }
		keys, at := []plan.Expr{column(0, types.Text)}, column(6, types.Int64)
		join := &plan.IntervalJoin{Left: scan(), Right: scan(), LeftKeys: keys, RightKeys: keys, LeftTime: at, RightTime: at, Reach: plan.TimeRange{Low: -37, High: 37}}
		join.Out = &batch.Schema{Fields: append(quoteSchema().Fields, quoteSchema().Fields...), EventTime: 6}
		return &plan.Project{Input: join, Exprs: []plan.Expr{
			column(0, types.Text), column(5, types.Text), column(6, types.Int64), column(1, types.Float64), column(8, types.Float64), column(9, types.Float64),
			&plan.Call{
				Func: "sub(double precision,double precision)", Name: "-", T: types.Of(types.Float64), Pos: -1,
				Args: []plan.Expr{column(1, types.Float64), column(8, types.Float64)},
			},
		}}
	}
	for _, read := range []bool{true, false} {
		b.Run(map[bool]string{true: "read", false: "unread"}[read], func(b *testing.B) {
			ctx, count := context.Background(), &countRows{}
			hub := newHub(quoteSchema(), newHistory(quoteSchema(), 10_000), time.Now)
			out := Receiver(hubReceiver{hub})
			if read {
				out = count
			}
			bl := &builder{faults: &streamFaults{env: testEnv(), stats: &OperatorStats{}}, stats: &OperatorStats{}, now: testEnv().Now, continuous: true}
			if err := bl.build(node(), out); err != nil {
				b.Fatal(err)
			}
			in := [2]Receiver{bl.ports[1].in, bl.ports[0].in}
			rng := rand.New(rand.NewPCG(1, 1))
			from := int64(0)
			for b.Loop() {
				b.StopTimer()
				sides := [2]*batch.Batch{quotes(rng, rows, symbols, from, perMilli), quotes(rng, rows, symbols, from, perMilli)}
				from += rows / perMilli
				b.StartTimer()
				for i, s := range sides {
					if err := in[i].Batch(ctx, s); err != nil {
						b.Fatal(err)
					}
					if err := in[i].Watermark(ctx, from-100); err != nil {
						b.Fatal(err)
					}
				}
			}
			pairs := float64(int64(count.rows) + hub.rows.Load())
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/pairs, "ns/pair")
		})
	}
}

package exec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// BenchmarkWindows takes rows of 100 keys, 1000 rows a second of event time: what
// a row costs must not grow with how many windows it is in.
func BenchmarkWindows(b *testing.B) {
	hop := func(slide, size int64) plan.Window {
		return plan.Window{Kind: plan.Hop, SlideMillis: slide, SizeMillis: size}
	}
	for _, w := range []plan.Window{
		{Kind: plan.Tumble, SizeMillis: 10_000},
		hop(10_000, 10_000), hop(1000, 10_000), hop(10_000, 1_000_000),
		{Kind: plan.Session, SizeMillis: 100},
	} {
		for _, mode := range []plan.EmitMode{plan.EmitFinal, plan.EmitChanges} {
			n := windowPlan(w, plan.Emit{Mode: mode})
			b.Run(fmt.Sprintf("kind=%d/slide=%d/size=%d/%s", w.Kind, w.SlideMillis, w.SizeMillis, n.Emit), func(b *testing.B) {
				benchmarkWindow(b, n)
			})
		}
	}
}

func benchmarkWindow(b *testing.B, n *plan.Aggregate) {
	const rows = 4096
	op, err := (&builder{faults: queryFaults{}, now: time.Now}).window(n, rowsOut(func(*batch.Batch) error { return nil }))
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	ctx := context.Background()
	list := make([]tickRow, rows)
	b.ReportAllocs()
	at, done := int64(0), 0
	for b.Loop() {
		b.StopTimer()
		for i := range list {
			at++
			list[i] = tickRow{rng.Int64N(100), 1, at}
		}
		in := tickBatch(list)
		b.StartTimer()
		if err := op.Batch(ctx, in); err != nil {
			b.Fatal(err)
		}
		if err := op.Watermark(ctx, at-1000); err != nil {
			b.Fatal(err)
		}
		done += rows
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(done), "ns/row")
}

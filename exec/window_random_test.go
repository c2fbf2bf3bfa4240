package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// tickRow is a row of (k bigint, v integer, ts bigint).
type tickRow struct{ k, v, ts int64 }

func tickBatch(rows []tickRow) *batch.Batch {
	var k, ts []int64
	v := array.NewInt32Builder(memory.DefaultAllocator)
	for _, r := range rows {
		k, ts = append(k, r.k), append(ts, r.ts)
		v.Append(int32(r.v))
	}
	return batch.New([]arrow.Array{times(k, nil), v.NewArray(), times(ts, nil)}, len(rows))
}

// windowPlan is SELECT k, window_start, window_end, sum(v), count(*) GROUP BY k, w.
func windowPlan(w plan.Window, emit plan.Emit) *plan.Aggregate {
	bigint := types.Of(types.Int64)
	field := func(name string) batch.Field { return batch.Field{Name: name, Type: bigint} }
	in := &plan.Values{}
	integer := types.Of(types.Int32)
	in.Out = batch.NewSchema(field("k"), batch.Field{Name: "v", Type: integer}, field("ts"))
	in.Out.EventTime = 2
	col := func(i int) *plan.Column { return &plan.Column{Index: i, T: bigint, Pos: -1} }
	w.Time, w.OnEventTime = col(2), true
	n := &plan.Aggregate{Input: in, Keys: []plan.Expr{col(0)}, Window: &w, Emit: emit, Aggs: []plan.Agg{
		{Func: "sum(integer)", Args: []plan.Expr{&plan.Column{Index: 1, T: integer, Pos: -1}}, Type: bigint, EventTime: -1},
		{Func: "count(*)", Type: bigint, EventTime: -1},
	}}
	n.Out = batch.NewSchema(field("k"), field("window_start"), field("window_end"), field("sum"), field("count"), field("ts"))
	n.Out.EventTime = 5
	n.Properties.Key = []int{0, 2}
	if w.Kind == plan.Session {
		n.Properties.Key = []int{0, 1}
	}
	return n
}

// shownWindows holds the current rows of an operator's output, and checks that no row
// has an event time below the watermark.
type shownWindows struct {
	t         *testing.T
	rows      map[string]int
	watermark int64
	order     []int64 // window_end of the rows that came
	batches   int
}

func (c *shownWindows) Batch(_ context.Context, b *batch.Batch) error {
	c.batches++
	for i := range b.Rows {
		if ts := b.Cols[5].(*array.Int64).Value(i); ts < c.watermark {
			c.t.Errorf("a row of %d behind the watermark %d", ts, c.watermark)
		}
		c.order = append(c.order, b.Cols[2].(*array.Int64).Value(i))
		row := rowText(b, i)
		if c.rows[row] += int(b.Diff(i)); c.rows[row] == 0 {
			delete(c.rows, row)
		}
	}
	return nil
}

func (c *shownWindows) Watermark(_ context.Context, millis int64) error {
	c.watermark = millis
	return nil
}
func (c *shownWindows) Idle(context.Context, bool) error { return nil }
func (c *shownWindows) End(context.Context) error        { return nil }

// lateCounter counts late rows.
type lateCounter struct {
	queryFaults
	count int
}

func (l *lateCounter) late(_ *batch.Batch, rows []int32) { l.count += len(rows) }

func windowOperator(t *testing.T, n *plan.Aggregate, f faults, out Receiver) Receiver {
	t.Helper()
	b := &builder{faults: f, now: time.Now}
	op, err := b.window(n, out)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// windowState is what a checkpoint asks of an operator.
type windowState interface {
	Receiver
	Snapshot(w *rowcodec.StateWriter)
	Restore(r *rowcodec.StateReader) error
}

// restoredWindows returns a new operator with the state of another.
func restoredWindows(t *testing.T, op, fresh Receiver) Receiver {
	t.Helper()
	var buf bytes.Buffer
	w := rowcodec.NewStateWriter(&buf)
	op.(windowState).Snapshot(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := fresh.(windowState).Restore(rowcodec.NewStateReader(bytes.NewReader(buf.Bytes()))); err != nil {
		t.Fatal(err)
	}
	return fresh
}

// A snapshot that ends early is an error, whatever the operator.
func TestCutWindowSnapshots(t *testing.T) {
	for _, kind := range []plan.WindowKind{plan.Hop, plan.Session} {
		for _, mode := range []plan.EmitMode{plan.EmitFinal, plan.EmitChanges} {
			n := windowPlan(plan.Window{Kind: kind, SlideMillis: 2, SizeMillis: 4}, plan.Emit{Mode: mode})
			c := &shownWindows{t: t, rows: map[string]int{}, watermark: NoWatermark}
			op := windowOperator(t, n, queryFaults{}, c)
			if err := op.Batch(context.Background(), tickBatch([]tickRow{{1, 2, 3}, {4, 5, 60}, {1, 7, 8}})); err != nil {
				t.Fatal(err)
			}
			var buf bytes.Buffer
			w := rowcodec.NewStateWriter(&buf)
			op.(windowState).Snapshot(w)
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			for cut := range buf.Len() {
				again := windowOperator(t, n, queryFaults{}, c).(windowState)
				if err := again.Restore(rowcodec.NewStateReader(bytes.NewReader(buf.Bytes()[:cut]))); !errors.Is(err, rowcodec.ErrCorrupt) {
					t.Fatalf("%v, %v: cut at %d of %d: %v", kind, mode, cut, buf.Len(), err)
				}
			}
		}
	}
}

// windowOracle keeps every row that counts and computes windows by their definition.
type windowOracle struct {
	w    plan.Window
	rows []tickRow
}

func (o *windowOracle) bounds(r tickRow) (out [][2]int64) {
	w := o.w
	switch w.Kind {
	case plan.Cumulate:
		base := windowOf(r.ts, w.SizeMillis, w.OffsetMillis)
		for end := base + w.SlideMillis; end <= base+w.SizeMillis; end += w.SlideMillis {
			if r.ts < end {
				out = append(out, [2]int64{base, end})
			}
		}
	default:
		for start := windowOf(r.ts, w.SlideMillis, w.OffsetMillis); start > r.ts-w.SizeMillis; start -= w.SlideMillis {
			out = append(out, [2]int64{start, start + w.SizeMillis})
		}
	}
	return out
}

type windowKey struct{ k, start, end int64 }

// result returns the windows; keep says which rows count in which.
func (o *windowOracle) result(keep func(row int, end int64) bool) map[string]int {
	sums, counts := map[windowKey]int64{}, map[windowKey]int64{}
	for i, r := range o.rows {
		for _, b := range o.bounds(r) {
			if keep(i, b[1]) {
				sums[windowKey{r.k, b[0], b[1]}] += r.v
				counts[windowKey{r.k, b[0], b[1]}]++
			}
		}
	}
	out := map[string]int{}
	for w := range sums {
		out[fmt.Sprintf("(%d, %d, %d, %d, %d, %d)", w.k, w.start, w.end, sums[w], counts[w], w.end-1)] = 1
	}
	return out
}

// Rows come in any order, late ones too; every window of every kind and mode is
// what its definition says of the rows that came before it was gone.
func TestWindowsOfRandomRows(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 7))
		w := plan.Window{Kind: plan.Hop, SlideMillis: 1 + rng.Int64N(6), SizeMillis: 1 + rng.Int64N(30), OffsetMillis: rng.Int64N(5)}
		if rng.IntN(3) == 0 {
			w.Kind, w.SizeMillis = plan.Cumulate, w.SlideMillis*(1+rng.Int64N(6))
		}
		emit := plan.Emit{Mode: plan.EmitMode(rng.IntN(2)), LatenessMillis: rng.Int64N(2) * rng.Int64N(40)}
		f, c := &lateCounter{}, &shownWindows{t: t, rows: map[string]int{}, watermark: NoWatermark}
		op := windowOperator(t, windowPlan(w, emit), f, c)
		o := &windowOracle{w: w}
		var arrived []int64 // the watermark when each row came
		wantLate, watermark := 0, int64(NoWatermark)
		gone := func(i int, end int64) bool {
			return arrived[i] != NoWatermark && end+emit.LatenessMillis <= arrived[i]
		}
		ctx := context.Background()
		for step := range int64(40) {
			var rows []tickRow
			for range rng.IntN(6) {
				rows = append(rows, tickRow{rng.Int64N(3), rng.Int64N(100), 3*step - rng.Int64N(50)*rng.Int64N(2)})
			}
			if err := op.Batch(ctx, tickBatch(rows)); err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				o.rows, arrived = append(o.rows, r), append(arrived, watermark)
				i, in := len(arrived)-1, 0
				for _, b := range o.bounds(r) {
					if !gone(i, b[1]) {
						in++
					}
				}
				if in == 0 && len(o.bounds(r)) > 0 {
					wantLate++
				}
			}
			watermark = 3*step - 10
			if err := op.Watermark(ctx, watermark); err != nil {
				t.Fatal(err)
			}
			if rng.IntN(5) == 0 {
				op = restoredWindows(t, op, windowOperator(t, windowPlan(w, emit), f, c))
			}
			closed := o.result(func(i int, end int64) bool {
				return !gone(i, end) && (emit.Mode != plan.EmitFinal || end <= watermark)
			})
			if !maps.Equal(c.rows, closed) {
				t.Fatalf("seed %d, %v, %+v, step %d:\ngot  %v\nwant %v", seed, w.Kind, emit, step, keysOf(c.rows), keysOf(closed))
			}
		}
		if f.count != wantLate {
			t.Errorf("seed %d: %d late rows, want %d", seed, f.count, wantLate)
		}
		if err := op.End(ctx); err != nil {
			t.Fatal(err)
		}
		if want := o.result(func(i int, end int64) bool { return !gone(i, end) }); !maps.Equal(c.rows, want) {
			t.Fatalf("seed %d at the end:\ngot  %v\nwant %v", seed, keysOf(c.rows), keysOf(want))
		}
		if emit.Mode == plan.EmitFinal && emit.LatenessMillis == 0 && !slices.IsSorted(c.order) {
			t.Errorf("seed %d: windows leave in the order %v", seed, c.order)
		}
	}
}

func keysOf(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }

// sessionsOf cuts the rows of each key where the gap is.
func sessionsOf(rows []tickRow, gap int64) map[string]int {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b tickRow) int {
		if a.k != b.k {
			return int(a.k - b.k)
		}
		return int(a.ts - b.ts)
	})
	out := map[string]int{}
	for i := 0; i < len(rows); {
		first, sum, j := rows[i], int64(0), i
		for ; j < len(rows) && rows[j].k == first.k && (j == i || rows[j].ts-rows[j-1].ts < gap); j++ {
			sum += rows[j].v
		}
		end := rows[j-1].ts + gap
		out[fmt.Sprintf("(%d, %d, %d, %d, %d, %d)", first.k, first.ts, end, sum, j-i, end-1)] = 1
		i = j
	}
	return out
}

// endOf reads window_end out of a row's text.
func endOf(t *testing.T, row string) int64 {
	var k, start, end int64
	if _, err := fmt.Sscanf(row, "(%d, %d, %d", &k, &start, &end); err != nil {
		t.Fatal(err)
	}
	return end
}

// Sessions, in every mode, over rows that are late by no more than what is kept:
// they are what sorting the rows gives.
func TestSessionsOfRandomRows(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 8))
		gap := 1 + rng.Int64N(8)
		emit := plan.Emit{Mode: plan.EmitMode(rng.IntN(2)), LatenessMillis: rng.Int64N(2) * (10 + rng.Int64N(20))}
		f, c := &lateCounter{}, &shownWindows{t: t, rows: map[string]int{}, watermark: NoWatermark}
		op := windowOperator(t, windowPlan(plan.Window{Kind: plan.Session, SizeMillis: gap}, emit), f, c)
		var all []tickRow
		ctx := context.Background()
		watermark := int64(NoWatermark)
		for step := range int64(40) {
			var rows []tickRow
			for range rng.IntN(6) {
				ts := 3*step - rng.Int64N(30)*rng.Int64N(2)
				if watermark != NoWatermark {
					ts = max(ts, watermark-emit.LatenessMillis)
				}
				rows = append(rows, tickRow{rng.Int64N(3), rng.Int64N(100), ts})
			}
			all = append(all, rows...)
			if err := op.Batch(ctx, tickBatch(rows)); err != nil {
				t.Fatal(err)
			}
			watermark = 3*step - 10
			if err := op.Watermark(ctx, watermark); err != nil {
				t.Fatal(err)
			}
			if rng.IntN(5) == 0 {
				op = restoredWindows(t, op, windowOperator(t, windowPlan(plan.Window{Kind: plan.Session, SizeMillis: gap}, emit), f, c))
			}
			want := sessionsOf(all, gap)
			if emit.Mode == plan.EmitFinal {
				maps.DeleteFunc(want, func(row string, _ int) bool { return endOf(t, row) > watermark })
			}
			if !maps.Equal(c.rows, want) {
				t.Fatalf("seed %d, gap %d, %+v, step %d:\ngot  %v\nwant %v", seed, gap, emit, step, keysOf(c.rows), keysOf(want))
			}
		}
		if f.count != 0 {
			t.Errorf("seed %d: %d late rows", seed, f.count)
		}
		s := op.(*sessions)
		if err := op.Watermark(ctx, endOfTime); err != nil {
			t.Fatal(err)
		}
		if n := s.groups.table.Len(); n != 0 || len(s.free) != len(s.list) {
			t.Errorf("seed %d: %d keys, %d of %d sessions are left", seed, n, len(s.list)-len(s.free), len(s.list))
		}
		if want := sessionsOf(all, gap); !maps.Equal(c.rows, want) {
			t.Fatalf("seed %d at the end:\ngot  %v\nwant %v", seed, keysOf(c.rows), keysOf(want))
		}
	}
}

// EMIT EVERY: between two ticks nothing leaves, at a tick each key changes at
// most once, and the watermark does not overtake.
func TestEvery(t *testing.T) {
	n := windowPlan(plan.Window{Kind: plan.Session, SizeMillis: 5}, plan.Emit{Mode: plan.EmitEvery, EveryMillis: 100})
	now := time.UnixMilli(1000)
	c := &shownWindows{t: t, rows: map[string]int{}, watermark: NoWatermark}
	e := newEvery(n, func() time.Time { return now }, c)
	op := windowOperator(t, n, queryFaults{}, e)
	ctx := context.Background()
	send := func(rows ...tickRow) {
		t.Helper()
		if err := op.Batch(ctx, tickBatch(rows)); err != nil {
			t.Fatal(err)
		}
	}
	if !e.Due().IsZero() {
		t.Errorf("due at %v before any row", e.Due())
	}
	send(tickRow{1, 10, 0})
	send(tickRow{1, 20, 8}, tickRow{2, 5, 3})
	send(tickRow{1, 30, 4})
	if err := op.Watermark(ctx, 2); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w := rowcodec.NewStateWriter(&buf)
	e.Snapshot(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	*e = *newEvery(n, func() time.Time { return now }, c)
	if err := e.Restore(rowcodec.NewStateReader(&buf)); err != nil {
		t.Fatal(err)
	}
	if due := time.UnixMilli(1100); c.batches != 0 || c.watermark != NoWatermark || !e.Due().Equal(due) {
		t.Fatalf("%d batches, watermark %d, due %v before the tick", c.batches, c.watermark, e.Due())
	}
	tick := func(at int64, want ...string) {
		t.Helper()
		c.order = nil
		if err := e.Tick(ctx, time.UnixMilli(at)); err != nil {
			t.Fatal(err)
		}
		if got := keysOf(c.rows); !slices.Equal(got, want) {
			t.Errorf("at %d: %q, want %q", at, got, want)
		}
	}
	tick(1100, "(1, 0, 13, 60, 3, 12)", "(2, 3, 8, 5, 1, 7)")
	if c.watermark != 2 || len(c.order) != 2 || !e.Due().IsZero() {
		t.Errorf("watermark %d, %d rows, due %v after the tick", c.watermark, len(c.order), e.Due())
	}
	send(tickRow{2, 1, 4})
	send(tickRow{2, 1, 5})
	tick(1250, "(1, 0, 13, 60, 3, 12)", "(2, 3, 10, 7, 3, 9)")
	if len(c.order) != 2 { // -1 and +1 of one key
		t.Errorf("%d rows for one key", len(c.order))
	}
	send(tickRow{2, 1, 6})
	if due := time.UnixMilli(1350); !e.Due().Equal(due) {
		t.Errorf("due %v, want %v", e.Due(), due)
	}
	if err := op.End(ctx); err != nil {
		t.Fatal(err)
	}
	if got := keysOf(c.rows)[1]; got != "(2, 3, 11, 8, 4, 10)" {
		t.Errorf("at the end %q", got)
	}
}

package exec

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// tick is a row of the inputs below: (key, t, id). A NULL key is null.
type tick struct{ key, t, id int64 }

func ticks(rows []tick) *batch.Batch {
	cols := make([][]int64, 3)
	for _, r := range rows {
		cols[0], cols[1], cols[2] = append(cols[0], r.key), append(cols[1], r.t), append(cols[2], r.id)
	}
	return int64Batch(cols...)
}

// joinOutput collects what a join gives, as "left id,right id", and holds it to
// its watermarks.
type joinOutput struct {
	t         *testing.T
	time      int // the column of the event time, -1 for none
	rows      []string
	watermark int64
	idle      bool
	ended     bool
}

func (o *joinOutput) Batch(_ context.Context, b *batch.Batch) error {
	for _, r := range int64Rows(b) {
		if o.time >= 0 && r[o.time] != null && r[o.time] < o.watermark {
			o.t.Errorf("row %v came behind the watermark %d", r, o.watermark)
		}
		o.rows = append(o.rows, pairText(r[2], r[5]))
	}
	return nil
}

func (o *joinOutput) Watermark(_ context.Context, millis int64) error {
	if millis <= o.watermark {
		o.t.Errorf("the watermark went from %d to %d", o.watermark, millis)
	}
	o.watermark = millis
	return nil
}

func (o *joinOutput) Idle(_ context.Context, idle bool) error { o.idle = idle; return nil }

func (o *joinOutput) End(context.Context) error { o.ended = true; return nil }

func pairText(l, r int64) string {
	show := func(v int64) string {
		if v == null {
			return "-"
		}
		return fmt.Sprint(v)
	}
	return show(l) + "," + show(r)
}

// timeScans are the inputs' plan nodes and the expressions over them.
func timeScans() (l, r plan.Node, keys []plan.Expr, time plan.Expr) {
	schema := int64Schema("key", "t", "id")
	schema.EventTime = 1
	scan := func() plan.Node {
		return &plan.Scan{Base: plan.Base{Out: schema}, Columns: []int{0, 1, 2}}
	}
	bigint := types.Of(types.Int64)
	return scan(), scan(), []plan.Expr{&plan.Column{T: bigint}}, &plan.Column{Index: 1, T: bigint}
}

// buildJoin returns the join's inputs, left and right.
func buildJoin(t *testing.T, n plan.Node, out Receiver) (inputs [2]Receiver, stats *OperatorStats) {
	t.Helper()
	stats = &OperatorStats{}
	b := &builder{faults: &streamFaults{env: testEnv(), stats: stats}, stats: stats, now: testEnv().Now, continuous: true}
	if err := b.build(n, out); err != nil {
		t.Fatal(err)
	}
	return [2]Receiver{b.ports[1].in, b.ports[0].in}, stats
}

// arrivals makes rows of one side, out of order by as much as the delay allows.
func arrivals(rng *rand.Rand, n int, delay, step int64, keys int) []tick {
	out := make([]tick, n)
	for i := range out {
		out[i] = tick{key: rng.Int64N(int64(keys)), t: int64(i)*step/4 + rng.Int64N(delay+1), id: int64(i)}
		if rng.IntN(50) == 0 {
			out[i].key = null
		}
	}
	return out
}

// deliver sends both sides with their watermarks; ahead is how many rows the left
// one is ahead of the right (or behind, if negative).
func deliver(t *testing.T, inputs [2]Receiver, rows [2][]tick, size, ahead int, delay int64) {
	t.Helper()
	ctx := context.Background()
	var at [2]int
	high := [2]int64{math.MinInt64, math.MinInt64}
	for at[0] < len(rows[0]) || at[1] < len(rows[1]) {
		side := 0
		if at[0]-at[1] > ahead || at[0] == len(rows[0]) {
			side = 1
		}
		if at[side] == len(rows[side]) {
			side = 1 - side
		}
		part := rows[side][at[side]:min(at[side]+size, len(rows[side]))]
		at[side] += len(part)
		if err := inputs[side].Batch(ctx, ticks(part)); err != nil {
			t.Fatal(err)
		}
		for _, r := range part {
			high[side] = max(high[side], r.t-delay)
		}
		if err := inputs[side].Watermark(ctx, high[side]); err != nil {
			t.Fatal(err)
		}
	}
	for _, in := range inputs {
		if err := in.End(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// naiveAsof is the definition: of the right rows with the key and in reach the
// best one, of equal ones the last.
func naiveAsof(n *plan.AsofJoin, rows [2][]tick) []string {
	byKey := map[int64][]tick{}
	for _, r := range rows[1] {
		byKey[r.key] = append(byKey[r.key], r)
	}
	var out []string
	for _, l := range rows[0] {
		best := tick{id: null}
		for _, r := range byKey[l.key] {
			d := r.t - l.t
			if l.key == null || d < n.Reach.Low || d > n.Reach.High {
				continue
			}
			had := best.t - l.t
			better := best.id == null
			switch n.Direction {
			case plan.AsofBackward:
				better = better || d >= had
			case plan.AsofForward:
				better = better || d <= had
			default:
				near, hadNear := max(d, -d), max(had, -had)
				better = better || near < hadNear || near == hadNear && d <= had
			}
			if better {
				best = r
			}
		}
		if best.id != null || !n.Inner {
			out = append(out, pairText(l.id, best.id))
		}
	}
	return out
}

func TestAsofOperator(t *testing.T) {
	open, none := int64(plan.NoLow), int64(plan.NoHigh)
	shapes := []struct {
		direction plan.AsofDirection
		reach     plan.TimeRange
	}{
		{plan.AsofBackward, plan.TimeRange{Low: open, High: 0}},
		{plan.AsofBackward, plan.TimeRange{Low: open, High: -1}},
		{plan.AsofBackward, plan.TimeRange{Low: -20, High: 0}},
		{plan.AsofBackward, plan.TimeRange{Low: -30, High: 15}},
		{plan.AsofForward, plan.TimeRange{Low: 0, High: none}},
		{plan.AsofForward, plan.TimeRange{Low: 1, High: 20}},
		{plan.AsofForward, plan.TimeRange{Low: -10, High: 5}},
		{plan.AsofNearest, plan.TimeRange{Low: open, High: none}},
		{plan.AsofNearest, plan.TimeRange{Low: -8, High: 8}},
		{plan.AsofNearest, plan.TimeRange{Low: -8, High: -2}},
	}
	for i, s := range shapes {
		for seed := range uint64(12) {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			delay := []int64{1, 7, 50}[seed%3]
			rows := [2][]tick{arrivals(rng, 150, delay, 4, 3), arrivals(rng, 200, delay, 3, 4)}
			l, r, keys, time := timeScans()
			n := &plan.AsofJoin{
				Left: l, Right: r, Inner: seed%2 == 0, Direction: s.direction, Reach: s.reach,
				LeftKeys: keys, RightKeys: keys, LeftTime: time, RightTime: time,
			}
			out := &joinOutput{t: t, time: 1, watermark: NoWatermark}
			inputs, stats := buildJoin(t, n, out)
			deliver(t, inputs, rows, []int{1, 3, 1000}[seed/3%3], []int{0, 100, -100}[seed/4], delay)
			sameRows(t, fmt.Sprintf("%s seed %d", n.Label(), seed), out, naiveAsof(n, rows))
			if stats.Late.Load() > 0 || !out.ended {
				t.Errorf("%d late rows, ended %v", stats.Late.Load(), out.ended)
			}
		}
	}
}

func sameRows(t *testing.T, what string, out *joinOutput, want []string) {
	t.Helper()
	got := slices.Clone(out.rows)
	slices.Sort(got)
	slices.Sort(want)
	if slices.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s: %d rows, not %d; first difference: %s, not %s", what, len(got), len(want), got[i], want[i])
		}
	}
	t.Fatalf("%s: %d rows, not %d", what, len(got), len(want))
}

func naiveInterval(n *plan.IntervalJoin, rows [2][]tick) []string {
	var out []string
	had := make([]bool, len(rows[1]))
	for _, l := range rows[0] {
		alone := true
		for i, r := range rows[1] {
			if d := r.t - l.t; l.key == r.key && l.key != null && d >= n.Reach.Low && d <= n.Reach.High {
				out = append(out, pairText(l.id, r.id))
				alone, had[i] = false, true
			}
		}
		if alone && (n.Kind == plan.JoinLeft || n.Kind == plan.JoinFull) {
			out = append(out, pairText(l.id, null))
		}
	}
	for i, r := range rows[1] {
		if !had[i] && (n.Kind == plan.JoinRight || n.Kind == plan.JoinFull) {
			out = append(out, pairText(null, r.id))
		}
	}
	return out
}

func TestIntervalOperator(t *testing.T) {
	kinds := []plan.JoinKind{plan.JoinInner, plan.JoinLeft, plan.JoinRight, plan.JoinFull}
	reaches := []plan.TimeRange{{Low: -10, High: 10}, {Low: 0, High: 0}, {Low: 5, High: 30}, {Low: -30, High: -5}, {Low: 1, High: 0}}
	for i, reach := range reaches {
		for seed := range uint64(24) {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			delay := []int64{1, 7, 50}[seed%3]
			rows := [2][]tick{arrivals(rng, 150, delay, 4, 3), arrivals(rng, 200, delay, 3, 4)}
			n, time := intervalNode(kinds[seed%4], reach)
			out := &joinOutput{t: t, time: time, watermark: NoWatermark}
			inputs, stats := buildJoin(t, n, out)
			deliver(t, inputs, rows, []int{1, 3, 1000}[seed/3%3], []int{0, 100, -100}[seed/8], delay)
			sameRows(t, fmt.Sprintf("%s seed %d", n.Label(), seed), out, naiveInterval(n, rows))
			if stats.Late.Load() > 0 || !out.ended {
				t.Errorf("%d late rows, ended %v", stats.Late.Load(), out.ended)
			}
		}
	}
}

// intervalNode returns a join and the column of its event time.
func intervalNode(kind plan.JoinKind, reach plan.TimeRange) (*plan.IntervalJoin, int) {
	l, r, keys, at := timeScans()
	time := map[plan.JoinKind]int{plan.JoinInner: 1, plan.JoinLeft: 1, plan.JoinRight: 4, plan.JoinFull: -1}[kind]
	return &plan.IntervalJoin{
		Left: l, Right: r, Kind: kind, Reach: reach, LeftKeys: keys, RightKeys: keys, LeftTime: at, RightTime: at,
	}, time
}

// TestTimeJoinState runs long enough for everything that is kept to be dropped
// many times: keys come and go, some for one row only.
func TestTimeJoinState(t *testing.T) {
	const n = 70_000
	rng := rand.New(rand.NewPCG(1, 2))
	side := func(step int64) []tick {
		rows := make([]tick, n)
		for i := range rows {
			at := int64(i) * step / 4
			rows[i] = tick{key: at / 1000 * 7, t: at + rng.Int64N(100), id: int64(i)}
			if i%3 == 0 {
				rows[i].key = int64(i % 5)
			}
		}
		return rows
	}
	rows := [2][]tick{side(4), side(4)}
	l, r, keys, at := timeScans()
	for name, n := range map[string]plan.Node{
		"backward": &plan.AsofJoin{Left: l, Right: r, LeftKeys: keys, RightKeys: keys, LeftTime: at, RightTime: at, Reach: plan.TimeRange{Low: -300, High: 0}},
		"nearest":  &plan.AsofJoin{Left: l, Right: r, LeftKeys: keys, RightKeys: keys, LeftTime: at, RightTime: at, Direction: plan.AsofNearest, Reach: plan.TimeRange{Low: -50, High: 50}},
		"full":     &plan.IntervalJoin{Left: l, Right: r, Kind: plan.JoinFull, LeftKeys: keys, RightKeys: keys, LeftTime: at, RightTime: at, Reach: plan.TimeRange{Low: -3, High: 3}},
	} {
		out := &joinOutput{t: t, time: -1, watermark: NoWatermark}
		inputs, _ := buildJoin(t, n, out)
		if in, ok := inputs[0].(intervalSide); ok { // before whole chunks are dropped
			in.j.kept[0].checkAt, in.j.kept[1].checkAt = 3000, 3500
		}
		deliver(t, inputs, rows, 500, 0, 100)
		var chains []*timeChain
		var table int
		switch in := inputs[0].(type) {
		case asofSide:
			chains, table = []*timeChain{&in.j.right}, in.j.table.Bound()
			if in.j.left.rows > 2*leastChecked {
				t.Errorf("%s: %d left rows are kept", name, in.j.left.rows)
			}
			sameRows(t, name, out, fastAsof(n.(*plan.AsofJoin), rows))
		case intervalSide:
			chains, table = []*timeChain{&in.j.kept[0], &in.j.kept[1]}, in.j.table.Bound()
			sameRows(t, name, out, fastInterval(n.(*plan.IntervalJoin), rows))
		}
		for _, c := range chains {
			if cap(c.links) > 4*leastChecked || c.store.rows > 2*leastChecked {
				t.Errorf("%s: %d links, %d rows are kept", name, cap(c.links), c.store.rows)
			}
		}
		if table > 2*leastChecked {
			t.Errorf("%s: %d keys", name, table)
		}
	}
}

// fastAsof is naiveAsof over the right rows that are near in the order of arrival.
func fastAsof(n *plan.AsofJoin, rows [2][]tick) []string {
	byKey := map[int64][]tick{}
	for _, r := range rows[1] {
		byKey[r.key] = append(byKey[r.key], r)
	}
	var out []string
	for _, l := range rows[0] {
		near := byKey[l.key]
		from, _ := slices.BinarySearchFunc(near, l.t-500, func(r tick, t int64) int { return int(r.t - r.t%100 - t) })
		to, _ := slices.BinarySearchFunc(near, l.t+200, func(r tick, t int64) int { return int(r.t - r.t%100 - t) })
		out = append(out, naiveAsof(n, [2][]tick{{l}, near[max(0, from-20):min(len(near), to+20)]})...)
	}
	return out
}

// fastInterval is naiveInterval of a full join by a look at every time in reach.
func fastInterval(n *plan.IntervalJoin, rows [2][]tick) []string {
	at := map[tick][]int64{} // by key and time
	for _, r := range rows[1] {
		k := tick{key: r.key, t: r.t}
		at[k] = append(at[k], r.id)
	}
	var out []string
	had := map[int64]bool{}
	for _, l := range rows[0] {
		before := len(out)
		for d := n.Reach.Low; d <= n.Reach.High; d++ {
			for _, id := range at[tick{key: l.key, t: l.t + d}] {
				out, had[id] = append(out, pairText(l.id, id)), true
			}
		}
		if len(out) == before {
			out = append(out, pairText(l.id, null))
		}
	}
	for _, r := range rows[1] {
		if !had[r.id] {
			out = append(out, pairText(null, r.id))
		}
	}
	return out
}

// TestTimeJoinIdle holds an idle input to not holding back the other one.
func TestTimeJoinIdle(t *testing.T) {
	ctx := context.Background()
	l, r, keys, at := timeScans()
	n := &plan.AsofJoin{Left: l, Right: r, LeftKeys: keys, RightKeys: keys, LeftTime: at, RightTime: at, Reach: plan.TimeRange{Low: plan.NoLow}}
	out := &joinOutput{t: t, time: 1, watermark: NoWatermark}
	in, stats := buildJoin(t, n, out)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	expect := func(rows string, watermark int64, idle bool) {
		t.Helper()
		if got := fmt.Sprint(out.rows); got != rows || out.watermark != watermark || out.idle != idle {
			t.Errorf("%s at %d, idle %v; not %s at %d, idle %v", got, out.watermark, out.idle, rows, watermark, idle)
		}
	}
	must(in[1].Batch(ctx, ticks([]tick{{1, 10, 100}})))
	must(in[1].Watermark(ctx, 10))
	must(in[0].Batch(ctx, ticks([]tick{{1, 20, 1}, {1, 30, 2}})))
	must(in[0].Watermark(ctx, 25))
	expect("[]", 20, false)
	must(in[1].Idle(ctx, true)) // its time is the left one's now
	expect("[1,100]", 25, false)
	must(in[0].Watermark(ctx, 30))
	expect("[1,100]", 30, false)
	must(in[1].Batch(ctx, ticks([]tick{{1, 28, 101}, {1, 30, 102}}))) // 28 is late
	must(in[1].Idle(ctx, false))
	must(in[1].Watermark(ctx, 31))
	expect("[1,100 2,102]", 30, false)
	if stats.Late.Load() != 1 {
		t.Errorf("%d late rows", stats.Late.Load())
	}
	must(in[0].Idle(ctx, true))
	expect("[1,100 2,102]", 31, false)
	must(in[1].Idle(ctx, true))
	expect("[1,100 2,102]", 31, true)
	must(in[1].Idle(ctx, false))
	must(in[0].End(ctx))
	must(in[1].End(ctx))
	if !out.ended || out.idle {
		t.Errorf("ended %v, idle %v", out.ended, out.idle)
	}
}

// TestTimeJoinEdge joins a row that arrives exactly where the other input's
// watermark ends its reach: a partner can still come.
func TestTimeJoinEdge(t *testing.T) {
	ctx := context.Background()
	n, time := intervalNode(plan.JoinFull, plan.TimeRange{Low: 0, High: 5})
	out := &joinOutput{t: t, time: time, watermark: NoWatermark}
	in, _ := buildJoin(t, n, out)
	for _, err := range []error{
		in[1].Watermark(ctx, 15),
		in[0].Batch(ctx, ticks([]tick{{1, 10, 1}, {1, 9, 2}})),
		in[1].Batch(ctx, ticks([]tick{{1, 15, 100}})),
		in[0].End(ctx),
		in[1].End(ctx),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(out.rows); got != "[2,- 1,100]" {
		t.Error(got)
	}
}

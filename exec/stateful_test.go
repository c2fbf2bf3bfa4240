package exec

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/types"
)

// statefulPlans has every operator with a state, over rows (k, v, ts).
func statefulPlans() []plan.Node {
	bigint := types.Of(types.Int64)
	scan := func(changes bool) *plan.Scan {
		s := &plan.Scan{Columns: []int{0, 1, 2}}
		s.Out, s.Properties.Changelog = int64Schema("k", "v", "ts"), changes
		s.Out.EventTime = 2
		return s
	}
	col := func(i int) plan.Expr { return &plan.Column{Index: i, T: bigint, Pos: -1} }
	number := func(v int64) plan.Expr { return &plan.Const{Value: v, T: bigint} }
	aggs := []plan.Agg{
		{Func: "sum(bigint)", Args: []plan.Expr{col(1)}, Type: types.Of(types.Numeric), EventTime: -1},
		{Func: "max(bigint)", Args: []plan.Expr{col(1)}, Type: bigint, EventTime: -1},
	}
	grouped := func(w *plan.Window, emit plan.Emit, changes bool) plan.Node {
		n := &plan.Aggregate{Input: scan(changes), Keys: []plan.Expr{col(0)}, Window: w, Emit: emit, Aggs: aggs}
		n.Out, n.Properties.Key = int64Schema("k", "sum", "max"), []int{0}
		n.Out.Fields[1].Type = types.Of(types.Numeric)
		return n
	}
	window := func(kind plan.WindowKind) *plan.Window {
		return &plan.Window{Kind: kind, Time: col(2), OnEventTime: true, SizeMillis: 40, SlideMillis: 10}
	}
	final, changed := plan.Emit{Mode: plan.EmitFinal, LatenessMillis: 20}, plan.Emit{Mode: plan.EmitChanges}
	over := func(mode plan.OverMode, changes bool) plan.Node {
		sum := plan.OverFunc{Agg: plan.Agg{Func: "sum(bigint)", Args: []plan.Expr{col(1)}, Type: types.Of(types.Numeric)}, Frame: plan.Frame{Start: plan.FrameBound{Rows: -2}}}
		lead := plan.OverFunc{Func: "lead", Offset: 1, Agg: plan.Agg{Args: []plan.Expr{col(1)}, Type: bigint}}
		return &plan.Over{Input: scan(changes), PartitionBy: []plan.Expr{col(0)}, OrderBy: []plan.SortKey{{Expr: col(2)}}, Funcs: []plan.OverFunc{sum, lead}, Mode: mode}
	}
	keys, reach := []plan.Expr{col(0)}, plan.TimeRange{Low: -20, High: 20}
	constant := &plan.Values{Base: plan.Base{Out: int64Schema("k", "v", "ts")}, Rows: [][]plan.Expr{{number(1), number(2), number(3)}}}
	union := &plan.Union{All: []plan.Node{scan(false), constant}}
	return []plan.Node{
		grouped(nil, changed, true), grouped(nil, plan.Emit{Mode: plan.EmitEvery, EveryMillis: 1000}, false),
		grouped(window(plan.Hop), final, false), grouped(window(plan.Hop), changed, false), grouped(window(plan.Session), final, false),
		over(plan.OverEventTime, false), over(plan.OverChanges, true), union,
		&plan.TopN{Input: scan(true), PartitionBy: keys, OrderBy: []plan.SortKey{{Expr: col(1)}}, Rank: "rank", Count: 2},
		&plan.Join{Left: scan(true), Right: scan(true), Kind: plan.JoinFull, LeftKeys: keys, RightKeys: keys},
		&plan.LookupJoin{Stream: scan(false), Table: scan(true), Kind: plan.JoinLeft, StreamKeys: keys, TableKeys: keys},
		&plan.AsofJoin{Left: scan(false), Right: scan(false), LeftKeys: keys, RightKeys: keys, LeftTime: col(2), RightTime: col(2), Direction: plan.AsofNearest, Reach: reach},
		&plan.IntervalJoin{Left: scan(false), Right: scan(false), Kind: plan.JoinFull, LeftKeys: keys, RightKeys: keys, LeftTime: col(2), RightTime: col(2), Reach: reach},
	}
}

func buildStates(tb testing.TB, n plan.Node) *builder {
	tb.Helper()
	b := &builder{faults: queryFaults{}, stats: &OperatorStats{}, now: testEnv().Now, continuous: true}
	if err := b.build(n, &gathered{}); err != nil {
		tb.Fatal(err)
	}
	return b
}

// filled builds a plan and gives every input some rows and a watermark.
func filled(tb testing.TB, n plan.Node) []operatorState {
	tb.Helper()
	b := buildStates(tb, n)
	for _, s := range b.starters {
		if err := s.Start(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
	for i, p := range b.ports {
		in := int64Batch([]int64{1, 2, 1, 3, 1, 2}, []int64{5, 7, null, 9, 1, 7}, []int64{10, 20, 25, 31, 70, 80})
		if p.scan.Properties.Changelog {
			in.Diffs = []int8{1, 1, 1, 1, 1, 1}
		}
		if err := p.in.Batch(tb.Context(), in); err != nil {
			tb.Fatal(err)
		}
		if err := p.in.Watermark(tb.Context(), int64(45+10*i)); err != nil {
			tb.Fatal(err)
		}
	}
	return b.states
}

// TestStateNames builds plans twice: the states have the same names, and what one
// saved the other takes, but no more and no less than that.
func TestStateNames(t *testing.T) {
	names := ""
	for _, n := range statefulPlans() {
		for i, s := range filled(t, n) {
			names += s.name + " "
			state, err := s.save()
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{0, len(state) - 1, len(state) + 1} {
				if err := buildStates(t, n).states[i].load(append(state, 0)[:size]); !errors.Is(err, rowcodec.ErrCorrupt) {
					t.Errorf("%s: %d bytes of %d gave %v", s.name, size, len(state), err)
				}
			}
			fresh := buildStates(t, n).states[i]
			if fresh.name != s.name {
				t.Errorf("%s is %s the second time", s.name, fresh.name)
			}
			if err := s.moveTo(fresh); err != nil {
				t.Error(err)
			}
		}
	}
	want := "0/groups 0/every 1/groups 0/windows 0/live windows 0/sessions 0/over 0/over 0/union 1/rows 0/top 0/join 0/lookup 0/asof 0/interval "
	if names != want {
		t.Errorf("states\n%s, not\n%s", names, want)
	}
}

// TestRestoreDamaged changes every byte of every state: that gives an error or
// another state, and no panic.
func TestRestoreDamaged(t *testing.T) {
	for _, n := range statefulPlans() {
		for i, s := range filled(t, n) {
			state, err := s.save()
			if err != nil {
				t.Fatal(err)
			}
			for at := range state {
				damaged := bytes.Clone(state)
				damaged[at] ^= 1 << (at % 8)
				restoreAny(t, n, i, damaged)
			}
		}
	}
}

// restoreAny restores bytes, which must give an error or a state that is saved and
// restored again as it is.
func restoreAny(t *testing.T, n plan.Node, state int, content []byte) {
	t.Helper()
	s := buildStates(t, n).states[state]
	if err := s.load(content); err != nil {
		if !errors.Is(err, rowcodec.ErrCorrupt) {
			t.Errorf("%s: %v", s.name, err)
		}
		return
	}
	if err := s.moveTo(buildStates(t, n).states[state]); err != nil {
		t.Errorf("%q: %v", content, err)
	}
}

func FuzzRestore(f *testing.F) {
	plans := statefulPlans()
	for which, n := range plans {
		for i, s := range filled(f, n) {
			state, err := s.save()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(which, i, state)
		}
	}
	f.Fuzz(func(t *testing.T, which, state int, content []byte) {
		n := plans[uint(which)%uint(len(plans))]
		restoreAny(t, n, int(uint(state)%uint(len(buildStates(t, n).states))), content)
	})
}

// TestStoreRestore replaces stores by restored ones after every change.
func TestStoreRestore(t *testing.T) {
	schema := int64Schema("k", "v")
	for name, fresh := range map[string]func() store{
		"view":    func() store { return newView(schema) },
		"history": func() store { return newHistory(schema, 5) },
		"keyed":   func() store { return newKeyed(schema, []int{0}) },
	} {
		plain, restored := fresh(), fresh()
		for i := range int64(10) {
			in := int64Batch([]int64{i % 3, 7 + i}, []int64{i, null})
			if in.ReadAtNanos = i; name != "history" && i%4 == 3 {
				in = int64Batch([]int64{6 + i}, []int64{null})
				in.Diffs = []int8{-1}
			}
			plain.apply(in)
			restored.apply(in)
			next := fresh()
			if err := (operatorState{restored, name}).moveTo(operatorState{next, name}); err != nil {
				t.Fatal(err)
			}
			restored = next
			if got, want := storeText(t, restored), storeText(t, plain); got != want || restored.rowCount() != plain.rowCount() {
				t.Fatalf("%s after %d changes:\n%s, not\n%s", name, i+1, got, want)
			}
		}
		state, err := operatorState{restored, name}.save()
		if err != nil {
			t.Fatal(err)
		}
		for at := range state {
			damaged := bytes.Clone(state)
			damaged[at] ^= 0x81
			if err := (operatorState{fresh(), name}).load(damaged); err != nil && !errors.Is(err, rowcodec.ErrCorrupt) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func storeText(t *testing.T, s store) string {
	t.Helper()
	all, err := ConcatRows(s.batches())
	if err != nil {
		t.Fatal(err)
	}
	at := make([]int64, 0, len(s.batches()))
	for _, b := range s.batches() {
		at = append(at, b.ReadAtNanos)
	}
	return fmt.Sprint(all.Cols, at)
}

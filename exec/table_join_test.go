package exec

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"laminardb/exec/rowcodec"
	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// tally is an output as a multiset of rows.
type tally struct {
	t     *testing.T
	rows  map[string]int
	order []string // the rows as they came, with their differences
}

func (c *tally) Batch(_ context.Context, b *batch.Batch) error {
	for i, row := range int64Rows(b) {
		text := fmt.Sprint(row)
		c.rows[text] += int(b.Diff(i))
		c.order = append(c.order, fmt.Sprintf("%+d %s", b.Diff(i), text))
		if c.rows[text] == 0 {
			delete(c.rows, text)
		}
	}
	for text, n := range c.rows {
		if n < 0 {
			c.t.Errorf("row %s went away more often than it came", text)
		}
	}
	return nil
}
func (*tally) Watermark(context.Context, int64) error { return nil }
func (*tally) Idle(context.Context, bool) error       { return nil }
func (*tally) End(context.Context) error              { return nil }

func bigint(index int) plan.Expr {
	return &plan.Column{Index: index, Name: fmt.Sprint("c", index), T: types.Of(types.Int64), Pos: -1}
}

// twoScans is a join of two relations (k, v) on k, with or without v < v.
func twoScans(t *testing.T, kind plan.JoinKind, residual bool) *plan.Join {
	t.Helper()
	scan := func(id uint64) plan.Node {
		return &plan.Scan{Object: id, Columns: []int{0, 1}, Base: plan.Base{Out: int64Schema("k", "v")}}
	}
	j := &plan.Join{Left: scan(1), Right: scan(2), Kind: kind, LeftKeys: []plan.Expr{bigint(0)}, RightKeys: []plan.Expr{bigint(0)}}
	j.Out = int64Schema("k", "v", "k2", "v2")
	if residual {
		sig, err := function.ResolveOperator("<", []types.Type{types.Of(types.Int64), types.Of(types.Int64)})
		if err != nil {
			t.Fatal(err)
		}
		j.Residual = &plan.Call{Func: sig.ID, Name: "<", Args: []plan.Expr{bigint(1), bigint(3)}, T: sig.Result, Pos: -1}
	}
	return j
}

func testBuilder(continuous bool) *builder {
	env := testEnv()
	stats := &OperatorStats{}
	b := &builder{faults: queryFaults{}, stats: stats, now: env.Now, continuous: continuous}
	if continuous {
		b.faults = &streamFaults{name: "test", env: env, stats: stats}
	}
	return b
}

// side is the rows of one input that a random test has inserted and not deleted.
type side struct{ rows [][2]int64 }

// change returns a batch of random inserts and deletes of existing rows.
func (s *side) change(rnd *rand.Rand, n int) *batch.Batch {
	var k, v []int64
	var diffs []int8
	for range n {
		if len(s.rows) > 0 && rnd.IntN(5) < 2 {
			i := rnd.IntN(len(s.rows))
			k, v, diffs = append(k, s.rows[i][0]), append(v, s.rows[i][1]), append(diffs, -1)
			s.rows = slices.Delete(s.rows, i, i+1)
			continue
		}
		row := [2]int64{rnd.Int64N(5), rnd.Int64N(4)}
		for i := range row {
			if rnd.IntN(8) == 0 {
				row[i] = null
			}
		}
		s.rows = append(s.rows, row)
		k, v, diffs = append(k, row[0]), append(v, row[1]), append(diffs, 1)
	}
	b := int64Batch(k, v)
	b.Diffs = diffs
	return b
}

func (s *side) batch() *batch.Batch {
	var k, v []int64
	for _, r := range s.rows {
		k, v = append(k, r[0]), append(v, r[1])
	}
	return int64Batch(k, v)
}

// once joins the current rows by the join of a SELECT.
func once(t *testing.T, n *plan.Join, left, right *side) map[string]int {
	t.Helper()
	out := &tally{t: t, rows: map[string]int{}}
	b := testBuilder(false)
	if err := b.build(n, out); err != nil {
		t.Fatal(err)
	}
	for _, p := range b.ports {
		in := left.batch()
		if p.scan.Object == 2 {
			in = right.batch()
		}
		if err := p.in.Batch(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if err := p.in.End(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return out.rows
}

func TestChangelogJoinEqualsTheJoinOfASelect(t *testing.T) {
	for kind := plan.JoinInner; kind <= plan.JoinAnti; kind++ {
		for _, residual := range []bool{false, true} {
			for seed := range uint64(8) {
				n := twoScans(t, kind, residual)
				t.Run(fmt.Sprintf("%s/%d", n.Label(), seed), func(t *testing.T) { randomJoin(t, n, seed) })
			}
		}
	}
}

func randomJoin(t *testing.T, n *plan.Join, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	out := &tally{t: t, rows: map[string]int{}}
	j, err := newChangelogJoin(n, testBuilder(true), out)
	if err != nil {
		t.Fatal(err)
	}
	inputs := []*side{{}, {}}
	for step := range 60 {
		at := rnd.IntN(2)
		b := inputs[at].change(rnd, []int{1, 3, 20}[rnd.IntN(3)])
		if err := (changelogSide{j, at}).Batch(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if want := once(t, n, inputs[0], inputs[1]); !maps.Equal(out.rows, want) {
			t.Fatalf("step %d:\n got %v\nwant %v", step, out.rows, want)
		}
		if step%20 == 19 {
			j = restored(t, n, j, out)
		}
	}
}

// restored returns a new operator with the state of an old one.
func restored(t *testing.T, n *plan.Join, old *changelogJoin, out Receiver) *changelogJoin {
	t.Helper()
	var state bytes.Buffer
	w := rowcodec.NewStateWriter(&state)
	old.Snapshot(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	j, err := newChangelogJoin(n, testBuilder(true), out)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Restore(rowcodec.NewStateReader(&state)); err != nil {
		t.Fatal(err)
	}
	return j
}

// lookupFlow is a dataflow of a lookup join that the test drives itself.
func lookupFlow(t *testing.T, kind plan.JoinKind, residual bool, out Receiver) (d *Dataflow, table, stream *port) {
	t.Helper()
	n := twoScans(t, plan.JoinInner, residual)
	lookup := &plan.LookupJoin{Stream: n.Left, Table: n.Right, Kind: kind, StreamKeys: n.LeftKeys, TableKeys: n.RightKeys, Residual: n.Residual}
	lookup.Out = n.Out
	d, err := newDataflow("test", lookup, out, testEnv(), OnErrorDeadLetter)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range d.ports {
		if p.scan.Object == 1 {
			stream = p
		} else {
			table = p
		}
	}
	return d, table, stream
}

func serve(t *testing.T, d *Dataflow, p *port) bool {
	t.Helper()
	worked, err := d.serve(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return worked
}

func put(p *port, b *batch.Batch) { p.consumer.q.put(message{kind: messageBatch, batch: b}) }

func TestStreamRowsWaitForTheTable(t *testing.T) {
	out := &tally{t: t, rows: map[string]int{}}
	d, table, stream := lookupFlow(t, plan.JoinLeft, false, out)
	put(stream, int64Batch([]int64{1, 2}, []int64{10, 20}))
	if serve(t, d, stream) {
		t.Fatal("stream rows were delivered before the table was complete")
	}
	put(table, int64Batch([]int64{1}, []int64{100}))
	serve(t, d, table)
	if serve(t, d, stream) {
		t.Fatal("stream rows were delivered after the first rows of the table")
	}
	table.consumer.q.put(message{kind: messageWatermark, watermark: endOfTime})
	serve(t, d, table)
	if !serve(t, d, stream) {
		t.Fatal("stream rows still wait for a table that is complete")
	}
	// A change that waits for delivery comes before stream rows that came later.
	put(table, int64Batch([]int64{2}, []int64{200}))
	put(stream, int64Batch([]int64{2}, []int64{30}))
	serve(t, d, stream)
	want := []string{
		fmt.Sprint("+1 ", []int64{1, 10, 1, 100}), fmt.Sprint("+1 ", []int64{2, 20, null, null}),
		fmt.Sprint("+1 ", []int64{2, 30, 2, 200}),
	}
	if !slices.Equal(out.order, want) {
		t.Fatalf("got %q, want %q", out.order, want)
	}
}

func TestLookupJoinSeesTheTableAsItIs(t *testing.T) {
	for _, kind := range []plan.JoinKind{plan.JoinInner, plan.JoinLeft, plan.JoinSemi, plan.JoinAnti} {
		for _, residual := range []bool{false, true} {
			for seed := range uint64(6) {
				t.Run(fmt.Sprintf("%d/%v/%d", kind, residual, seed), func(t *testing.T) { randomLookup(t, kind, residual, seed) })
			}
		}
	}
}

func randomLookup(t *testing.T, kind plan.JoinKind, residual bool, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 2))
	out := &tally{t: t, rows: map[string]int{}}
	d, table, stream := lookupFlow(t, kind, residual, out)
	table.consumer.q.put(message{kind: messageWatermark, watermark: endOfTime})
	serve(t, d, table)
	var rows side
	for range 80 {
		if rnd.IntN(3) == 0 {
			put(table, rows.change(rnd, 1+rnd.IntN(4)))
			continue
		}
		var in side
		in.change(rnd, 1)
		for range rnd.IntN(30) {
			in.rows = append(in.rows, [2]int64{rnd.Int64N(6), rnd.Int64N(4)})
		}
		out.order = nil
		put(stream, in.batch())
		serve(t, d, stream)
		want := lookUp(in.rows, rows.rows, kind, residual)
		slices.Sort(out.order)
		slices.Sort(want)
		if !slices.Equal(out.order, want) {
			t.Fatalf("table %v\nrows %v\n got %q\nwant %q", rows.rows, in.rows, out.order, want)
		}
	}
}

// lookUp is the lookup join, a row at a time.
func lookUp(stream, table [][2]int64, kind plan.JoinKind, residual bool) (out []string) {
	exists := kind == plan.JoinSemi || kind == plan.JoinAnti
	for _, l := range stream {
		found := false
		for _, r := range table {
			if l[0] == null || l[0] != r[0] || residual && (l[1] == null || r[1] == null || l[1] >= r[1]) {
				continue
			}
			found = true
			if !exists {
				out = append(out, fmt.Sprint("+1 ", []int64{l[0], l[1], r[0], r[1]}))
			}
		}
		switch {
		case exists && found == (kind == plan.JoinSemi):
			out = append(out, fmt.Sprint("+1 ", l))
		case kind == plan.JoinLeft && !found:
			out = append(out, fmt.Sprint("+1 ", []int64{l[0], l[1], null, null}))
		}
	}
	return out
}

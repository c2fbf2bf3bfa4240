package exec

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// group is an aggregate without a window. Continuously it emits what each batch
// changed; once, it emits all groups at the end.
type group struct {
	Receiver
	live   *liveGroups
	faults faults
	errs   expr.RowErrors
	// atEnd is set for a SELECT: nothing is emitted before End.
	atEnd bool
	// retention drops groups without new rows, nil for never.
	retention *groupRetention
}

func newGroup(n *plan.Aggregate, b *builder, out Receiver) (*group, error) {
	c, err := newCalls(n, b)
	if err != nil {
		return nil, err
	}
	p, err := newPane(c)
	if err != nil {
		return nil, err
	}
	g := &group{Receiver: out, live: &liveGroups{pane: p}, faults: b.faults, atEnd: n.Emit.Mode == plan.EmitFinal}
	if n.RetentionMillis > 0 {
		g.retention = &groupRetention{bound: newRetention(n.Aggs[n.TimeAgg].Type, n.RetentionMillis), column: c.aggs[n.TimeAgg].args[0]}
		b.keep("group retention", g.retention)
	}
	return g, nil
}

// Start implements starter: without keys there is a row before any input.
func (g *group) Start(ctx context.Context) error {
	if !g.live.calls.global() || g.atEnd || len(g.live.shown) > 0 {
		return nil
	}
	out, err := g.live.changed(g.live.touchGlobal(), nil, nil)
	if err != nil {
		return err
	}
	return g.Receiver.Batch(ctx, out)
}

// Batch implements Receiver.
func (g *group) Batch(ctx context.Context, b *batch.Batch) error {
	in, err := evaluate(g.live.calls.program, b, &g.errs, g.faults)
	if err != nil || in.Rows == 0 {
		return err
	}
	ids := g.live.group(in)
	if g.atEnd {
		g.live.update(in, ids)
		return nil
	}
	if g.retention != nil {
		g.retention.note(in, ids, g.live.table.Bound())
	}
	out, err := g.live.apply(in, ids)
	if err != nil || out == nil {
		return err
	}
	if g.retention != nil {
		g.retention.forget(ids, g.live.shown)
	}
	return g.Receiver.Batch(ctx, out)
}

// Watermark implements Receiver: groups without new rows go.
func (g *group) Watermark(ctx context.Context, millis int64) error {
	if g.retention != nil {
		for gone := range slices.Chunk(g.retention.pass(millis), batch.MaxRows) {
			if err := g.expire(ctx, gone); err != nil {
				return err
			}
		}
	}
	return g.Receiver.Watermark(ctx, millis)
}

// expire drops groups, and their rows downstream.
func (g *group) expire(ctx context.Context, ids []uint32) error {
	cols, err := g.live.results(ids)
	if err != nil {
		return err
	}
	out := batch.New(cols, len(ids))
	out.Diffs = slices.Repeat([]int8{-1}, len(ids))
	for _, id := range ids {
		g.live.shown[id] = false
		if g.live.calls.countRows {
			g.live.rows[id] = 0
		}
	}
	g.live.drop(ids)
	return g.Receiver.Batch(ctx, out)
}

// End implements Receiver.
func (g *group) End(ctx context.Context) error {
	if g.atEnd {
		if g.live.calls.global() {
			g.live.touchGlobal()
		}
		ids := g.live.table.IDs(nil)
		cols, err := g.live.results(ids)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			if err := g.Receiver.Batch(ctx, batch.New(cols, len(ids))); err != nil {
				return err
			}
		}
	}
	return g.Receiver.End(ctx)
}

// liveGroups is a pane whose groups are kept current downstream.
type liveGroups struct {
	*pane
	shown []bool // by id: the group has a row downstream
	seen  []bool // scratch, all false between calls
}

func (g *liveGroups) grow() {
	g.pane.grow()
	if n := g.table.Bound(); len(g.shown) < n {
		g.shown = append(g.shown, make([]bool, n-len(g.shown))...)
		g.seen = append(g.seen, make([]bool, n-len(g.seen))...)
	}
}

// touchGlobal makes sure that the one group of a grouping without keys exists.
func (g *liveGroups) touchGlobal() []uint32 {
	ids := []uint32{0}
	g.table.Lookup(nil, 1, nil, ids)
	g.grow()
	return ids
}

// apply updates the groups of an evaluated batch and returns how their rows
// moved, nil if they did not.
func (g *liveGroups) apply(in *batch.Batch, ids []uint32) (*batch.Batch, error) {
	g.grow()
	touched := distinctIDs(ids, g.seen)
	var had []uint32
	for _, id := range touched {
		if g.shown[id] {
			had = append(had, id)
		}
	}
	before, err := g.results(had)
	if err != nil {
		return nil, err
	}
	g.update(in, ids)
	out, err := g.changed(touched, had, before)
	if out != nil {
		out.ReadAtNanos, out.ProducedAtMillis = in.ReadAtNanos, in.ProducedAtMillis
	}
	return out, err
}

// changed returns what became of the touched groups; had are those that had a
// row before, with their results in the same order. Groups without rows go.
func (g *liveGroups) changed(touched, had []uint32, before []arrow.Array) (*batch.Batch, error) {
	var live, gone []uint32
	moves := make([]change, 0, len(touched))
	next := int32(0)
	for _, id := range touched {
		m := change{before: -1, after: -1}
		if g.shown[id] {
			m.before = next
			next++
		}
		g.shown[id] = g.calls.global() || !g.calls.countRows || g.rows[id] > 0
		if g.shown[id] {
			m.after = int32(len(live))
			live = append(live, id)
		} else {
			gone = append(gone, id)
		}
		moves = append(moves, m)
	}
	after, err := g.results(live)
	if err != nil {
		return nil, err
	}
	if before == nil {
		if before, err = g.results(had); err != nil {
			return nil, err
		}
	}
	out, err := changelog(g.calls.outTypes, before, after, moves)
	if len(gone) > 0 {
		g.drop(gone)
	}
	return out, err
}

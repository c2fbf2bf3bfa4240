package exec

import (
	"context"
	"slices"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// liveWindows keeps the results of open windows current: every batch emits what
// it changed, in each window. State is a pane for each window until it is gone.
type liveWindows struct {
	Receiver
	windowing
	panes map[int64]*liveGroups // by end
	first int64                 // not above the least end of panes
}

func newLiveWindows(n *plan.Aggregate, b *builder, out Receiver) (*liveWindows, error) {
	w, err := newWindowing(n, b)
	if err != nil {
		return nil, err
	}
	return &liveWindows{Receiver: out, windowing: w, panes: map[int64]*liveGroups{}}, nil
}

// Batch implements Receiver.
func (l *liveWindows) Batch(ctx context.Context, b *batch.Batch) error {
	return l.divide(b, func(slice int64, in *batch.Batch) error { return l.take(ctx, slice, in) })
}

// take updates all windows that hold a slice. Where there are several, rows that
// only come are grouped once and merged into each window.
func (l *liveWindows) take(ctx context.Context, slice int64, in *batch.Batch) error {
	first, last := l.ends(slice)
	if gone := l.forgotten(); first <= gone {
		first += ((gone-first)/l.slide + 1) * l.slide
	}
	var delta *pane
	if last > first && !l.calls.countRows {
		var err error
		if delta, err = l.freshPane(); err != nil {
			return err
		}
		defer l.retire(delta)
		delta.update(in, delta.group(in))
	}
	for end := first; end <= last; end += l.slide {
		p, err := l.pane(end)
		if err != nil {
			return err
		}
		var out *batch.Batch
		if delta == nil {
			out, err = p.apply(in, p.group(in))
		} else {
			out, err = p.applyMerged(delta)
		}
		if err != nil {
			return err
		}
		if out == nil {
			continue
		}
		out = out.With(l.layout(out.Cols, end, out.Rows))
		out.ReadAtNanos, out.ProducedAtMillis = in.ReadAtNanos, in.ProducedAtMillis
		if err := l.Receiver.Batch(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

func (l *liveWindows) pane(end int64) (*liveGroups, error) {
	if p := l.panes[end]; p != nil {
		return p, nil
	}
	inner, err := l.freshPane()
	if err != nil {
		return nil, err
	}
	if len(l.panes) == 0 || end < l.first {
		l.first = end
	}
	p := &liveGroups{pane: inner}
	l.panes[end] = p
	return p, nil
}

// Watermark implements Receiver: windows that are gone keep their results, and
// lose their state.
func (l *liveWindows) Watermark(ctx context.Context, millis int64) error {
	l.watermark = millis
	if gone := l.forgotten(); len(l.panes) > 0 && l.first <= gone {
		var ends []int64
		for end := range l.panes {
			ends = append(ends, end)
		}
		slices.Sort(ends)
		for _, end := range ends {
			l.first = end
			if end > gone {
				break
			}
			l.retire(l.panes[end].pane)
			delete(l.panes, end)
		}
	}
	if out, ok := l.promise(); ok {
		return l.Receiver.Watermark(ctx, out)
	}
	return nil
}

// applyMerged adds another pane's groups and returns how rows moved, nil if they
// did not.
func (g *liveGroups) applyMerged(delta *pane) (*batch.Batch, error) {
	ids := delta.table.IDs(nil)
	to := g.adopt(delta, ids)
	g.grow()
	var had []uint32
	for _, id := range to {
		if g.shown[id] {
			had = append(had, id)
		}
	}
	before, err := g.results(had)
	if err != nil {
		return nil, err
	}
	g.absorb(delta, ids, to)
	return g.changed(to, had, before)
}

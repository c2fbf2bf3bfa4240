package exec

import (
	"context"
	"math"
	"slices"
	"sort"

	"laminardb/exec/hashtable"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// finalWindows emits each window once, when it closes. A row goes into the pane
// of its slice only, however many windows hold that slice; when a window closes,
// the panes of its slices are merged. With allowed lateness slices stay, and late
// rows correct the windows that have left.
//
// Windows that overlap share merges ("Scotty: Efficient Window Aggregation for
// Out-of-Order Stream Processing", 2018; two stacks: "General Incremental
// Sliding-Window Aggregation", 2015): of the slices [start of the next window,
// back] those below front hold, in merged, themselves and all later ones below
// front; those from front on are merged in back as they close. A window is then
// one of the former and back.
//
// F1: merged and back hold closed slices only. A late row in such a slice drops
// what was merged of it.
type finalWindows struct {
	Receiver
	windowing
	slices []*slicePane // by start
	// emitted is the end of the last window that left, or could not any more.
	emitted     int64
	front, till int64 // back holds the slices [front, till)
	back        *pane
	// share says that merged panes are no larger than what went in.
	share bool
}

// slicePane holds the rows of one slice.
type slicePane struct {
	pane       *pane
	start      int64
	readAt     int64 // ReadAtNanos of the latest row
	producedAt int64
	merged     *pane // nil for none
}

func newFinalWindows(n *plan.Aggregate, b *builder, out Receiver) (*finalWindows, error) {
	w, err := newWindowing(n, b)
	if err != nil {
		return nil, err
	}
	f := &finalWindows{Receiver: out, windowing: w, emitted: math.MinInt64, front: math.MinInt64, till: math.MinInt64, share: true}
	for _, s := range w.calls.specs {
		f.share = f.share && !s.Distinct && fixedSize(s.Func)
	}
	return f, nil
}

// fixedSize names the aggregates whose state does not grow with the rows.
func fixedSize(name string) bool {
	switch name {
	case "count", "sum", "avg", "min", "max", "first_value", "last_value", "any_value", "bool_and", "bool_or", "every",
		"bit_and", "bit_or", "bit_xor", "var_samp", "var_pop", "variance", "stddev", "stddev_samp", "stddev_pop",
		"covar_pop", "covar_samp", "corr":
		return true
	}
	return false
}

// Batch implements Receiver.
func (f *finalWindows) Batch(ctx context.Context, b *batch.Batch) error {
	return f.divide(b, func(start int64, in *batch.Batch) error { return f.take(ctx, start, in) })
}

func (f *finalWindows) take(ctx context.Context, start int64, in *batch.Batch) error {
	if first, last := f.ends(start); f.lateness > 0 && first <= f.passed() {
		return f.correct(ctx, start, first, min(last, f.lastEnd(f.passed())), in)
	}
	return f.update(start, in)
}

// update takes rows into their slice.
func (f *finalWindows) update(start int64, in *batch.Batch) error {
	i := f.index(start)
	if i == len(f.slices) || f.slices[i].start != start {
		p, err := f.freshPane()
		if err != nil {
			return err
		}
		f.slices = slices.Insert(f.slices, i, &slicePane{pane: p, start: start})
	}
	s := f.slices[i]
	s.readAt, s.producedAt = max(s.readAt, in.ReadAtNanos), max(s.producedAt, in.ProducedAtMillis)
	s.pane.update(in, s.pane.group(in))
	if start < f.till { // F1
		f.unmerge(i)
	}
	return nil
}

// unmerge drops what has been merged of slice i.
func (f *finalWindows) unmerge(i int) {
	if f.slices[i].start >= f.front {
		f.retire(f.back)
		f.back, f.till = nil, f.front
		return
	}
	f.forgetMerged(f.slices[:i+1])
}

func (f *finalWindows) forgetMerged(list []*slicePane) {
	for _, s := range list {
		f.retire(s.merged)
		s.merged = nil
	}
}

// index returns the place of the first slice that does not start before t.
func (f *finalWindows) index(t int64) int {
	n := len(f.slices)
	if n == 0 || f.slices[n-1].start < t {
		return n
	}
	return sort.Search(n, func(i int) bool { return f.slices[i].start >= t })
}

// Watermark implements Receiver: it closes windows.
func (f *finalWindows) Watermark(ctx context.Context, millis int64) error {
	f.watermark = millis
	if err := f.close(ctx, f.passed()); err != nil {
		return err
	}
	if p := f.passed(); p > -farTime && p != math.MaxInt64 {
		f.emitted = max(f.emitted, f.lastEnd(p))
	}
	f.evict(f.forgotten())
	if out, ok := f.promise(); ok {
		return f.Receiver.Watermark(ctx, out)
	}
	return nil
}

// End implements Receiver.
func (f *finalWindows) End(ctx context.Context) error {
	if err := f.close(ctx, math.MaxInt64); err != nil {
		return err
	}
	f.evict(math.MaxInt64)
	return f.Receiver.End(ctx)
}

// close emits the windows that end at or before t and have rows (W2).
func (f *finalWindows) close(ctx context.Context, t int64) error {
	for {
		end, ok := f.next()
		if !ok || end > t {
			return nil
		}
		f.emitted = end
		if err := f.emit(ctx, end); err != nil {
			return err
		}
		if f.lateness == 0 {
			f.evict(end)
		}
	}
}

// next returns the end of the first window with rows that has not left.
func (f *finalWindows) next() (end int64, ok bool) {
	i := 0
	if f.emitted > -farTime {
		i = f.index(f.emitted - f.size)
	}
	for ; i < len(f.slices); i++ {
		first, last := f.ends(f.slices[i].start)
		if first <= f.emitted {
			first = f.emitted + f.slide
		}
		if first <= last {
			return first, true
		}
	}
	return 0, false
}

// evict drops the slices of which no window ends after t.
func (f *finalWindows) evict(t int64) {
	n := 0
	for ; n < len(f.slices); n++ {
		if _, last := f.ends(f.slices[n].start); last > t {
			break
		}
		f.retire(f.slices[n].pane)
	}
	if n > 0 {
		f.forgetMerged(f.slices[:n])
		f.slices = slices.Delete(f.slices, 0, n)
	}
}

// emit emits the groups of a window.
func (f *finalWindows) emit(ctx context.Context, end int64) error {
	p, borrowed, err := f.window(end)
	if err != nil {
		return err
	}
	if !borrowed {
		defer f.retire(p)
	}
	var readAt, producedAt int64
	for _, s := range f.slices[f.index(f.start(end)):f.index(end)] {
		readAt, producedAt = max(readAt, s.readAt), max(producedAt, s.producedAt)
	}
	for ids := range slices.Chunk(p.table.IDs(nil), batch.MaxRows) {
		cols, err := p.results(ids)
		if err != nil {
			return err
		}
		out := batch.New(f.layout(cols, end, len(ids)), len(ids))
		out.ReadAtNanos, out.ProducedAtMillis = readAt, producedAt
		if err := f.Receiver.Batch(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

// correct takes late rows into a slice and emits how they change the windows from
// first to last, which have left.
func (f *finalWindows) correct(ctx context.Context, start, first, last int64, in *batch.Batch) error {
	touched := hashtable.New(f.calls.keyTypes)
	touched.Lookup(in.Cols[:len(f.calls.keyTypes)], in.Rows, nil, make([]uint32, in.Rows))
	if gone := f.forgotten(); first <= gone {
		first += ((gone-first)/f.slide + 1) * f.slide
	}
	var before []*pane
	for end := first; end <= last; end += f.slide {
		p, err := f.some(end, touched)
		if err != nil {
			return err
		}
		before = append(before, p)
	}
	if err := f.update(start, in); err != nil {
		return err
	}
	for i, was := range before {
		end := first + int64(i)*f.slide
		is, err := f.some(end, touched)
		if err != nil {
			return err
		}
		out, err := difference(f.calls.outTypes, was, is)
		f.retire(was)
		f.retire(is)
		if err != nil {
			return err
		}
		if out == nil {
			continue
		}
		out = out.With(f.layout(out.Cols, end, out.Rows))
		out.ReadAtNanos, out.ProducedAtMillis = in.ReadAtNanos, in.ProducedAtMillis
		if err := f.Receiver.Batch(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

// some returns a window's groups of some keys.
func (f *finalWindows) some(end int64, keys *hashtable.Table) (*pane, error) {
	p, err := f.freshPane()
	if err != nil {
		return nil, err
	}
	for _, s := range f.slices[f.index(f.start(end)):f.index(end)] {
		p.mergeSome(s.pane, keys)
	}
	return p, nil
}

// difference returns how the rows of was become those of is, whose groups include
// was's; nil if none differs.
func difference(ts []types.Type, was, is *pane) (*batch.Batch, error) {
	ids := is.table.IDs(nil)
	cols, err := is.results(ids)
	if err != nil {
		return nil, err
	}
	found := make([]uint32, len(ids))
	if len(ids) > 0 {
		was.table.Find(cols[:len(is.calls.keyTypes)], len(ids), nil, found)
	}
	var had []uint32
	moves := make([]change, len(ids))
	for i, id := range found {
		moves[i] = change{before: -1, after: int32(i)}
		if id != hashtable.NoGroup {
			moves[i].before = int32(len(had))
			had = append(had, id)
		}
	}
	before, err := was.results(had)
	if err != nil {
		return nil, err
	}
	return changelog(ts, before, cols, moves)
}

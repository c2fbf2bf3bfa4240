package exec

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/expr"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// tumble is an aggregate over tumbling windows: a pane for each open window.
//
// W1: a window [start, end) is closed when the watermark has reached its end;
// then its pane is gone, and a row for it is late.
// W2: panes leave in the order of their start, so output is in event-time order.
type tumble struct {
	Receiver
	calls  *calls
	faults faults
	errs   expr.RowErrors
	window *plan.Window
	// timeType is the type of the event time and of the window's bounds; sizes
	// below are in its unit, perMilli of which make a millisecond.
	timeType     types.Type
	perMilli     int64
	size, offset int64
	// final emits a window's groups when it closes (or at the end); otherwise
	// every batch emits what it changed.
	final bool

	panes     map[int64]*windowPane // by start
	first     int64                 // the least start of panes
	idle      []*pane               // of closed windows, for new ones
	watermark int64                 // in milliseconds
	split     windowSplit
}

// Panes of closed windows that are kept for new ones: a catching-up reader opens
// and closes dozens of windows with each batch. A pane that has grown beyond the
// bound is not worth its memory.
const (
	maxIdlePanes     = 64
	maxIdlePaneBytes = 256 << 10
)

// windowPane is one open window.
type windowPane struct {
	liveGroups
	start      int64
	readAt     int64 // ReadAtNanos of the latest row
	producedAt int64
}

func newTumble(n *plan.Aggregate, b *builder, out Receiver) (*tumble, error) {
	c, err := newCalls(n, b.exprEnv())
	if err != nil {
		return nil, err
	}
	t := &tumble{
		Receiver: out, calls: c, faults: b.faults, window: n.Window, timeType: n.Window.Time.Type(),
		final: n.Emit.Mode == plan.EmitFinal, panes: map[int64]*windowPane{}, watermark: NoWatermark, perMilli: 1,
	}
	if t.timeType.Kind != types.Int64 {
		t.perMilli = 1000
	}
	t.size, t.offset = n.Window.SizeMillis*t.perMilli, n.Window.OffsetMillis*t.perMilli
	return t, nil
}

// Batch implements Receiver.
func (t *tumble) Batch(ctx context.Context, b *batch.Batch) error {
	in, err := evaluate(t.calls.program, b, &t.errs, t.faults)
	if err != nil || in.Rows == 0 {
		return err
	}
	raw, _ := timeValues(in.Cols[t.calls.time])
	t.split.assign(raw, in.Cols[t.calls.time], t.size, t.offset)
	var late []int32
	for i := range t.split.windows {
		w := &t.split.windows[i]
		switch {
		case w.start == nullWindow:
			t.faults.untimed(b, w.indexes(nil))
			continue
		case t.closed(w.start):
			late = w.indexes(late)
			continue
		}
		if err := t.update(ctx, w.start, t.split.part(in, i)); err != nil {
			return err
		}
	}
	if len(late) > 0 {
		slices.Sort(late)
		t.faults.late(b, late)
	}
	return nil
}

// closed reports whether the window that starts there is closed (W1).
func (t *tumble) closed(start int64) bool {
	return t.window.OnEventTime && t.watermark != NoWatermark && floorDiv(start+t.size, t.perMilli) <= t.watermark
}

func (t *tumble) update(ctx context.Context, start int64, in *batch.Batch) error {
	p := t.panes[start]
	if p == nil {
		inner, err := t.freshPane()
		if err != nil {
			return err
		}
		p = &windowPane{liveGroups: liveGroups{pane: inner}, start: start}
		if len(t.panes) == 0 || start < t.first {
			t.first = start
		}
		t.panes[start] = p
	}
	p.readAt = max(p.readAt, in.ReadAtNanos)
	p.producedAt = max(p.producedAt, in.ProducedAtMillis)
	ids := p.group(in)
	if t.final {
		p.update(in, ids)
		return nil
	}
	out, err := p.apply(in, ids)
	if err != nil || out == nil {
		return err
	}
	return t.Receiver.Batch(ctx, out.With(t.layout(out.Cols, start, out.Rows)))
}

// freshPane returns a pane without groups.
func (t *tumble) freshPane() (*pane, error) {
	if n := len(t.idle); n > 0 {
		p := t.idle[n-1]
		t.idle = t.idle[:n-1]
		return p, nil
	}
	return newPane(t.calls)
}

// Watermark implements Receiver: it closes windows.
func (t *tumble) Watermark(ctx context.Context, millis int64) error {
	t.watermark = millis
	if t.window.OnEventTime && len(t.panes) > 0 && t.closed(t.first) {
		for _, start := range t.starts() {
			if !t.closed(start) {
				t.first = start
				break
			}
			if err := t.close(ctx, start); err != nil {
				return err
			}
		}
	}
	return t.Receiver.Watermark(ctx, millis)
}

// End implements Receiver.
func (t *tumble) End(ctx context.Context) error {
	for _, start := range t.starts() {
		if err := t.close(ctx, start); err != nil {
			return err
		}
	}
	return t.Receiver.End(ctx)
}

// starts returns the open windows in order (W2).
func (t *tumble) starts() []int64 {
	out := make([]int64, 0, len(t.panes))
	for s := range t.panes {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func (t *tumble) close(ctx context.Context, start int64) error {
	p := t.panes[start]
	delete(t.panes, start)
	defer t.retire(p.pane)
	if !t.final {
		return nil
	}
	ids := p.table.IDs(nil)
	cols, err := p.results(ids)
	if err != nil {
		return err
	}
	out := batch.New(t.layout(cols, start, len(ids)), len(ids))
	out.ReadAtNanos, out.ProducedAtMillis = p.readAt, p.producedAt
	return t.Receiver.Batch(ctx, out)
}

// retire keeps a closed window's pane for another window.
func (t *tumble) retire(p *pane) {
	if len(t.idle) < maxIdlePanes && p.sizeBytes() <= maxIdlePaneBytes {
		p.reset()
		t.idle = append(t.idle, p)
	}
}

// layout puts the window's columns into the results: keys, window_start,
// window_end, aggregates, event time.
func (t *tumble) layout(cols []arrow.Array, start int64, rows int) []arrow.Array {
	k := len(t.calls.keyTypes)
	out := append(cols[:k:k], t.constant(start, rows), t.constant(start+t.size, rows))
	out = append(out, cols[k:]...)
	return append(out, t.constant(start+t.size-t.perMilli, rows))
}

func (t *tumble) constant(v int64, rows int) arrow.Array {
	values := make([]int64, rows)
	for i := range values {
		values[i] = v
	}
	buf := memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(values))
	return array.MakeFromData(array.NewData(t.timeType.Arrow(), rows, []*memory.Buffer{nil, buf}, nil, 0, 0))
}

package exec

import (
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/expr"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// windowing is what tumbling, hopping and cumulating windows have in common. Time
// is cut into slices so that every window is a run of whole ones; a window is
// known by its end.
//
// W1: a window [start, end) is closed when the watermark has reached its end. Its
// state is kept for the allowed lateness more; a row all of whose windows are gone
// is late.
// W2: windows leave in the order of their end, so output is in event-time order.
type windowing struct {
	windowTime
	calls  *calls
	faults faults
	errs   expr.RowErrors
	// cumulate says that windows share a start, every size; otherwise all have the
	// same size. A window ends every slide. slice divides size and slide.
	cumulate                   bool
	size, slide, slice, offset int64
	split                      windowSplit
	idle                       []*pane // of closed windows, for new ones
}

// windowTime is the event time of windows. Lengths and times are in the unit of
// its type, perMilli of which make a millisecond.
type windowTime struct {
	timeType types.Type
	perMilli int64
	lateness int64
	// closes says that the watermark is that of the windows' time.
	closes    bool
	watermark int64 // in milliseconds
}

// Panes of closed windows that are kept for new ones: a catching-up reader opens
// and closes dozens of windows with each batch. A pane that has grown beyond the
// bound is not worth its memory.
const (
	maxIdlePanes     = 64
	maxIdlePaneBytes = 256 << 10
)

// farTime bounds event times, so that no window's bound overflows. It is 146
// thousand years of microseconds.
const farTime = 1 << 62

func newWindowTime(n *plan.Aggregate) windowTime {
	t := windowTime{timeType: n.Window.Time.Type(), perMilli: 1, closes: n.Window.OnEventTime, watermark: NoWatermark}
	if t.timeType.Kind != types.Int64 {
		t.perMilli = 1000
	}
	t.lateness = n.Emit.LatenessMillis * t.perMilli
	return t
}

func newWindowing(n *plan.Aggregate, b *builder) (windowing, error) {
	c, err := newCalls(n, b)
	if err != nil {
		return windowing{}, err
	}
	w := windowing{windowTime: newWindowTime(n), calls: c, faults: b.faults, cumulate: n.Window.Kind == plan.Cumulate}
	w.size, w.offset = n.Window.SizeMillis*w.perMilli, n.Window.OffsetMillis*w.perMilli
	w.slide = w.size
	if n.Window.Kind != plan.Tumble {
		w.slide = n.Window.SlideMillis * w.perMilli
	}
	w.slice = greatestDivisor(w.size, w.slide)
	return w, nil
}

func greatestDivisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// passed returns the time up to which windows are closed, the least number before
// the first watermark.
func (t *windowTime) passed() int64 {
	switch {
	case !t.closes || t.watermark < math.MinInt64/t.perMilli:
		return math.MinInt64
	case t.watermark > math.MaxInt64/t.perMilli:
		return math.MaxInt64
	}
	return t.watermark * t.perMilli
}

// forgotten returns the time up to which windows are gone.
func (t *windowTime) forgotten() int64 {
	p := t.passed()
	if p == math.MaxInt64 || p < math.MinInt64+t.lateness {
		return p
	}
	return p - t.lateness
}

// promise returns the watermark of the results: corrections can be as old as the
// allowed lateness. ok is false before there is one.
func (t *windowTime) promise() (millis int64, ok bool) {
	late := t.lateness / t.perMilli
	switch {
	case t.watermark == endOfTime:
		return endOfTime, true
	case t.watermark < math.MinInt64+late+1:
		return 0, false
	}
	return t.watermark - late, true
}

// constant is a column of one time.
func (t *windowTime) constant(v int64, rows int) arrow.Array {
	values := make([]int64, rows)
	for i := range values {
		values[i] = v
	}
	return t.column(values)
}

func (t *windowTime) column(values []int64) arrow.Array {
	buf := memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(values))
	return array.MakeFromData(array.NewData(t.timeType.Arrow(), len(values), []*memory.Buffer{nil, buf}, nil, 0, 0))
}

// evaluateTimed evaluates a batch and takes out the rows that have no event time
// or one that is out of range; raw are the times of those that are left.
func evaluateTimed(c *calls, b *batch.Batch, errs *expr.RowErrors, f faults) (in *batch.Batch, raw []int64, err error) {
	in, err = evaluate(c.program, b, errs, f)
	if err != nil || in.Rows == 0 {
		return in, nil, err
	}
	col := in.Cols[c.time]
	raw, _ = timeValues(col)
	nulls := col.NullN() > 0
	errs.Reset()
	var untimed []int32
	for i, v := range raw {
		if nulls && col.IsNull(i) {
			untimed = append(untimed, int32(i))
		} else if v <= -farTime || v >= farTime {
			errs.Rows = append(errs.Rows, int32(i))
			errs.Errs = append(errs.Errs, pgerr.Newf(pgerr.DatetimeFieldOverflow, "the event time is out of range"))
		}
	}
	if errs.Len() == 0 && untimed == nil {
		return in, raw, nil
	}
	shown := b
	if in.Rows != b.Rows {
		shown = in // rows are gone: the numbers are those of in
	}
	if errs.Len() > 0 {
		if _, err := f.rows(shown, errs); err != nil {
			return nil, nil, err
		}
	}
	f.untimed(shown, untimed)
	keep := make([]int32, 0, in.Rows)
	for i, v := range raw {
		if !(nulls && col.IsNull(i)) && v > -farTime && v < farTime {
			keep = append(keep, int32(i))
		}
	}
	in = expr.Take(in, keep)
	raw, _ = timeValues(in.Cols[c.time])
	return in, raw, nil
}

// divide hands the rows of each slice of a batch to take, in the order in which
// the slices are met. What take gets is not for keeping.
func (w *windowing) divide(b *batch.Batch, take func(slice int64, in *batch.Batch) error) error {
	in, raw, err := evaluateTimed(w.calls, b, &w.errs, w.faults)
	if err != nil || in.Rows == 0 {
		return err
	}
	w.split.assign(raw, in.Cols[w.calls.time], w.slice, w.offset)
	gone := w.forgotten()
	var late []int32
	for i := range w.split.windows {
		s := &w.split.windows[i]
		first, last := w.ends(s.start)
		if first > last {
			continue // hops that are longer than the windows leave time between them
		}
		if last <= gone {
			late = s.indexes(late)
			continue
		}
		if err := take(s.start, w.split.part(in, i)); err != nil {
			return err
		}
	}
	if len(late) > 0 {
		slices.Sort(late)
		w.faults.late(w.calls.input(in), late)
	}
	return nil
}

// ends returns the first and the last end of the windows that hold a slice, which
// follow each other every slide; none if first > last.
func (w *windowing) ends(slice int64) (first, last int64) {
	if w.cumulate {
		return slice + w.slice, floorDiv(slice-w.offset, w.size)*w.size + w.offset + w.size
	}
	last = floorDiv(slice-w.offset, w.slide)*w.slide + w.offset + w.size
	first = last - (last-slice-w.slice)/w.slide*w.slide
	if last < slice+w.slice {
		first = last + w.slide
	}
	return first, last
}

// start returns where the window that ends there starts.
func (w *windowing) start(end int64) int64 {
	if w.cumulate {
		return floorDiv(end-1-w.offset, w.size)*w.size + w.offset
	}
	return end - w.size
}

// lastEnd returns the greatest end of a window that is not above t.
func (w *windowing) lastEnd(t int64) int64 {
	return floorDiv(t-w.offset-w.size, w.slide)*w.slide + w.offset + w.size
}

// freshPane returns a pane without groups.
func (w *windowing) freshPane() (*pane, error) {
	if n := len(w.idle); n > 0 {
		p := w.idle[n-1]
		w.idle = w.idle[:n-1]
		return p, nil
	}
	return newPane(w.calls)
}

// retire keeps a pane that is done for another window.
func (w *windowing) retire(p *pane) {
	if p != nil && len(w.idle) < maxIdlePanes && p.sizeBytes() <= maxIdlePaneBytes {
		p.reset()
		w.idle = append(w.idle, p)
	}
}

// layout puts a window's columns into results: keys, window_start, window_end,
// aggregates, event time.
func (w *windowing) layout(cols []arrow.Array, end int64, rows int) []arrow.Array {
	k := len(w.calls.keyTypes)
	out := append(cols[:k:k], w.constant(w.start(end), rows), w.constant(end, rows))
	out = append(out, cols[k:]...)
	return append(out, w.constant(end-w.perMilli, rows))
}

package exec

import (
	"math"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/connectors"
)

// EventTime says how a source's rows carry event time.
type EventTime struct {
	// Column is the index of the event-time column, -1 for none.
	Column int
	// DelayMillis is how far the watermark stays behind the largest event time.
	DelayMillis int64
	// IdleTimeout is the wall-clock time without rows after which a split no
	// longer holds the watermark back; 0 for never.
	IdleTimeout time.Duration
}

// watermarks computes a source's watermark: the minimum, over the splits that
// are not idle, of the largest event time seen minus the delay. It never goes
// back.
type watermarks struct {
	cfg    EventTime
	now    func() time.Time
	splits map[int32]*splitTime
	// current is the source's watermark in milliseconds.
	current int64
	// idle says that every split is idle.
	idle bool
}

// splitTime is one split's progress in event time.
type splitTime struct {
	maxMillis int64 // NoWatermark before the first row
	lastRow   time.Time
}

func newWatermarks(cfg EventTime, now func() time.Time) *watermarks {
	return &watermarks{cfg: cfg, now: now, splits: map[int32]*splitTime{}, current: NoWatermark}
}

// observe takes a chunk's rows into account.
func (w *watermarks) observe(c *connectors.Chunk) {
	if c.Batch.Rows == 0 {
		return
	}
	if w.cfg.Column < 0 {
		now := w.now()
		for split := range c.Next {
			w.split(split).lastRow = now
		}
		return
	}
	col := c.Batch.Cols[w.cfg.Column]
	raw, perMilli := timeValues(col)
	now := w.now()
	from := 0
	for from < len(c.Splits) {
		split := c.Splits[from]
		to := from + 1
		for to < len(c.Splits) && c.Splits[to] == split {
			to++
		}
		st := w.split(split)
		st.lastRow = now
		if largest, ok := maxValid(col, raw, from, to); ok {
			st.maxMillis = max(st.maxMillis, floorDiv(largest, perMilli))
		}
		from = to
	}
}

func (w *watermarks) split(id int32) *splitTime {
	st := w.splits[id]
	if st == nil {
		st = &splitTime{maxMillis: NoWatermark, lastRow: w.now()}
		w.splits[id] = st
	}
	return st
}

// advance recomputes the watermark over the reader's splits and reports whether
// it moved, and whether the source as a whole fell idle or woke up.
func (w *watermarks) advance(status []connectors.SplitStatus) (moved, turned bool) {
	low, active := int64(math.MaxInt64), false
	now := w.now()
	for _, s := range status {
		st := w.split(s.Split)
		if st.maxMillis == NoWatermark && s.Empty || w.silent(st, now) {
			continue
		}
		active = true
		low = min(low, st.maxMillis)
	}
	turned = active == w.idle
	w.idle = !active
	if w.cfg.Column < 0 || !active || low == NoWatermark {
		return false, turned
	}
	mark := low - w.cfg.DelayMillis
	if mark < low == (w.cfg.DelayMillis > 0) && mark > w.current { // else it wrapped around
		w.current = mark
		return true, turned
	}
	return false, turned
}

// silent reports whether a split had no rows for the idle timeout.
func (w *watermarks) silent(st *splitTime, now time.Time) bool {
	return w.cfg.IdleTimeout > 0 && now.Sub(st.lastRow) >= w.cfg.IdleTimeout
}

// states appends how each split stands to dst.
func (w *watermarks) states(dst []SplitState, status []connectors.SplitStatus) []SplitState {
	now := w.now()
	for _, s := range status {
		st := SplitState{SplitStatus: s, Watermark: NoWatermark}
		if t := w.splits[s.Split]; t != nil {
			st.Idle = w.silent(t, now) || t.maxMillis == NoWatermark && s.Empty
			if t.maxMillis != NoWatermark {
				st.Watermark = t.maxMillis - w.cfg.DelayMillis
			}
		}
		dst = append(dst, st)
	}
	return dst
}

// timeValues returns the raw values of an event-time column and how many of
// their units make a millisecond. A column of another type is a planner bug.
func timeValues(col arrow.Array) (raw []int64, perMilli int64) {
	switch c := col.(type) {
	case *array.Int64:
		return c.Int64Values(), 1
	case *array.Timestamp:
		return arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(c.TimestampValues())), 1000
	}
	panic("exec: event time of type " + col.DataType().String())
}

func maxValid(col arrow.Array, raw []int64, from, to int) (largest int64, ok bool) {
	largest = math.MinInt64
	if col.NullN() == 0 {
		for _, v := range raw[from:to] {
			largest = max(largest, v)
		}
		return largest, to > from
	}
	for i := from; i < to; i++ {
		if col.IsValid(i) {
			largest, ok = max(largest, raw[i]), true
		}
	}
	return largest, ok
}

// floorDiv divides rounding towards minus infinity; b is positive.
func floorDiv(a, b int64) int64 {
	if b == 1 {
		return a
	}
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

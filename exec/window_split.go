package exec

import (
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/exec/expr"
	"laminardb/sql/batch"
)

// nullWindow stands for the window of rows whose event time is NULL: none.
const nullWindow = math.MinInt64

// windowSplit sorts the rows of a batch by window. Rows of one window come in
// runs, and the runs of a batch in order of time mostly: so runs are what it
// keeps, the last window is tried first, and one behind all others is new.
type windowSplit struct {
	windows []windowRows
	free    [][]rowRun
	latest  int64   // the greatest start
	rows    []int32 // scratch
}

// windowRows are the rows of one window, ascending.
type windowRows struct {
	start int64
	runs  []rowRun
	count int
}

// rowRun is the rows [from, to).
type rowRun struct{ from, to int32 }

// assign computes each row's window start; start = time - (time - offset) mod
// size.
func (w *windowSplit) assign(raw []int64, col arrow.Array, size, offset int64) {
	for i := range w.windows {
		w.free = append(w.free, w.windows[i].runs[:0])
	}
	w.windows, w.latest = w.windows[:0], math.MinInt64
	if col.NullN() > 0 {
		w.assignSome(raw, col, size, offset)
		return
	}
	for i := 0; i < len(raw); {
		start := floorDiv(raw[i]-offset, size)*size + offset
		from := i
		for i++; i < len(raw) && uint64(raw[i]-start) < uint64(size); i++ {
		}
		w.add(start, from, i)
	}
}

// assignSome is assign where some times are NULL.
func (w *windowSplit) assignSome(raw []int64, col arrow.Array, size, offset int64) {
	for i, v := range raw {
		start := int64(nullWindow)
		if col.IsValid(i) {
			start = floorDiv(v-offset, size)*size + offset
		}
		w.add(start, i, i+1)
	}
}

// add puts the rows [from, to) into a window.
func (w *windowSplit) add(start int64, from, to int) {
	i := w.find(start)
	if i < 0 {
		var runs []rowRun
		if n := len(w.free); n > 0 {
			runs, w.free = w.free[n-1], w.free[:n-1]
		}
		i = len(w.windows)
		w.windows = append(w.windows, windowRows{start: start, runs: runs})
		w.latest = max(w.latest, start)
	}
	r := &w.windows[i]
	r.count += to - from
	if n := len(r.runs); n > 0 && r.runs[n-1].to == int32(from) {
		r.runs[n-1].to = int32(to)
		return
	}
	r.runs = append(r.runs, rowRun{int32(from), int32(to)})
}

// find returns a window's place in the list, -1 if it isn't there.
func (w *windowSplit) find(start int64) int {
	if start > w.latest {
		return -1
	}
	for i := len(w.windows) - 1; i >= 0; i-- {
		if w.windows[i].start == start {
			return i
		}
	}
	return -1
}

// indexes appends the rows to dst.
func (r *windowRows) indexes(dst []int32) []int32 {
	for _, run := range r.runs {
		for i := run.from; i < run.to; i++ {
			dst = append(dst, i)
		}
	}
	return dst
}

// part returns window i's rows of the batch. It shares b's memory where it can,
// so it is not for keeping.
func (w *windowSplit) part(b *batch.Batch, i int) *batch.Batch {
	r := &w.windows[i]
	if r.count == b.Rows {
		return b
	}
	if len(r.runs) > 1 {
		w.rows = r.indexes(w.rows[:0])
		return expr.Take(b, w.rows)
	}
	run := r.runs[0]
	out := b.With(make([]arrow.Array, len(b.Cols)))
	out.Rows = r.count
	for c, col := range b.Cols {
		if first := slices.Index(b.Cols[:c], col); first >= 0 {
			out.Cols[c] = out.Cols[first] // several aggregates of one column
			continue
		}
		out.Cols[c] = array.NewSlice(col, int64(run.from), int64(run.to))
	}
	if b.Diffs != nil {
		out.Diffs = b.Diffs[run.from:run.to]
	}
	return out
}

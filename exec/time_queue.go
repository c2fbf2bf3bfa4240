package exec

import (
	"cmp"
	"math"
	"slices"
)

// timeQueue holds rows until the watermark has passed them: sorted runs of falling
// size, which are merged as they become alike, so that a row is moved a
// logarithmic number of times however far it is out of order.
type timeQueue struct{ runs [][]timedRow }

// timedRow is a row of a store with its key and time.
type timedRow struct {
	t, row int64
	key    uint32
}

func compareTimed(a, b timedRow) int {
	if a.t != b.t {
		return cmp.Compare(a.t, b.t)
	}
	return cmp.Compare(a.row, b.row)
}

// add takes rows, and the slice with them.
func (q *timeQueue) add(rows []timedRow) {
	if len(rows) == 0 {
		return
	}
	if !slices.IsSortedFunc(rows, compareTimed) {
		slices.SortFunc(rows, compareTimed)
	}
	n := len(q.runs)
	if n > 0 && compareTimed(q.runs[n-1][len(q.runs[n-1])-1], rows[0]) <= 0 {
		q.runs[n-1] = append(q.runs[n-1], rows...)
	} else {
		q.runs = append(q.runs, rows)
	}
	for n = len(q.runs); n >= 2 && 2*len(q.runs[n-1]) > len(q.runs[n-2]); n = len(q.runs) {
		q.runs[n-2] = mergeTimed(q.runs[n-2], q.runs[n-1])
		q.runs = q.runs[:n-1]
	}
}

func mergeTimed(a, b []timedRow) []timedRow {
	out := make([]timedRow, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compareTimed(b[0], a[0]) < 0 {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
}

// take removes the rows below the time, or all, and returns them in order.
func (q *timeQueue) take(below int64, all bool) []timedRow {
	var out []timedRow
	for i, run := range q.runs {
		n := len(run)
		if !all {
			n, _ = slices.BinarySearchFunc(run, below, func(r timedRow, t int64) int { return cmp.Compare(r.t, t) })
		}
		if n == 0 {
			continue
		}
		if q.runs[i] = run[n:]; len(out) == 0 {
			out = slices.Clone(run[:n])
		} else {
			out = mergeTimed(out, run[:n])
		}
	}
	q.runs = slices.DeleteFunc(q.runs, func(r []timedRow) bool { return len(r) == 0 })
	return out
}

// first returns the smallest time, math.MaxInt64 for none.
func (q *timeQueue) first() int64 {
	t := int64(math.MaxInt64)
	for _, run := range q.runs {
		t = min(t, run[0].t)
	}
	return t
}

// each calls f with every row, which it may renumber.
func (q *timeQueue) each(f func(*timedRow)) {
	for _, run := range q.runs {
		for i := range run {
			f(&run[i])
		}
	}
}

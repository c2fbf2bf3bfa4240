package exec

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
)

// nullWindow stands for the window of rows whose event time is NULL: none.
const nullWindow = math.MinInt64

// windowSplit sorts the rows of a batch by window. Most batches fall into one or
// two windows, and rows of one window come in runs, so the last window is tried
// first and the others are searched in a short list.
type windowSplit struct {
	starts []int64
	rows   [][]int32
	free   [][]int32
}

// assign computes each row's window start; start = time - (time - offset) mod
// size.
func (w *windowSplit) assign(raw []int64, col arrow.Array, size, offset int64) {
	w.free = append(w.free, w.rows...)
	w.starts, w.rows = w.starts[:0], w.rows[:0]
	last, low, high := -1, int64(0), int64(0) // the last row's window [low, high)
	nulls := col.NullN() > 0
	for i, v := range raw {
		if nulls && col.IsNull(i) {
			w.rows[w.find(nullWindow)] = append(w.rows[w.find(nullWindow)], int32(i))
			continue
		}
		if last < 0 || v < low || v >= high {
			low = floorDiv(v-offset, size)*size + offset
			high = low + size
			last = w.find(low)
		}
		w.rows[last] = append(w.rows[last], int32(i))
	}
}

func (w *windowSplit) find(start int64) int {
	for i, s := range w.starts {
		if s == start {
			return i
		}
	}
	var rows []int32
	if n := len(w.free); n > 0 {
		rows, w.free = w.free[n-1][:0], w.free[:n-1]
	}
	w.starts, w.rows = append(w.starts, start), append(w.rows, rows)
	return len(w.starts) - 1
}

package exec

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/sql/batch"
)

// times builds a column; nulls may be nil.
func times(values []int64, valid []bool) *array.Int64 {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.AppendValues(values, valid)
	return b.NewInt64Array()
}

// windowOf is the definition: the greatest start + n*size that is not above v.
func windowOf(v, size, offset int64) int64 {
	start := offset
	for start > v {
		start -= size
	}
	for start+size <= v {
		start += size
	}
	return start
}

func TestWindowSplit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var split windowSplit // used again: nothing of one batch shows in the next
	for range 300 {
		size, offset, spread := 1+rng.Int64N(20), rng.Int64N(30)-15, 1+rng.Int64N(60)
		n := rng.IntN(40)
		values, valid := make([]int64, n), make([]bool, n)
		withNulls, ordered := rng.IntN(2) == 0, rng.IntN(2) == 0
		for i := range values {
			values[i], valid[i] = rng.Int64N(spread)-30, !withNulls || rng.IntN(4) > 0
		}
		if ordered {
			slices.Sort(values)
		}
		want := map[int64][]int32{}
		for i, v := range values {
			start := int64(nullWindow)
			if valid[i] {
				start = windowOf(v, size, offset)
			}
			want[start] = append(want[start], int32(i))
		}
		col := times(values, valid)
		split.assign(values, col, size, offset)
		got := map[int64][]int32{}
		for i := range split.windows {
			w := &split.windows[i]
			if _, twice := got[w.start]; twice {
				t.Fatalf("window %d is there twice", w.start)
			}
			got[w.start] = w.indexes(nil)
			if w.count != len(got[w.start]) {
				t.Fatalf("window %d counts %d of %d rows", w.start, w.count, len(got[w.start]))
			}
		}
		if !maps.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("times %v (valid %v), size %d, offset %d:\ngot  %v\nwant %v", values, valid, size, offset, got, want)
		}
	}
}

func TestWindowSplitAtTheEndOfTime(t *testing.T) {
	const last = 1<<63 - 1
	values := []int64{last - 1, last, last - 12}
	var split windowSplit
	split.assign(values, times(values, nil), 10, 0)
	if len(split.windows) != 2 || split.windows[0].count != 2 || split.windows[1].count != 1 {
		t.Errorf("windows are %+v", split.windows)
	}
}

// Runs are slices, scattered rows are copied: the rows are the same.
func TestWindowParts(t *testing.T) {
	for _, values := range [][]int64{
		{1, 2, 3},                // one window
		{1, 2, 11, 12, 13, 21},   // runs
		{1, 11, 2, 12, 21, 3, 4}, // scattered
	} {
		col, diffs := times(values, nil), make([]int8, len(values))
		for i := range diffs {
			diffs[i] = int8(i)
		}
		other := times(slices.Repeat([]int64{7}, len(values)), nil)
		b := batch.New([]arrow.Array{col, other, col}, len(values))
		b.Diffs, b.ReadAtNanos = diffs, 5
		var split windowSplit
		split.assign(values, col, 10, 0)
		for i := range split.windows {
			p := split.part(b, i)
			if p.Rows != split.windows[i].count || p.ReadAtNanos != 5 {
				t.Errorf("%v: part %d is %+v", values, i, p)
			}
			for row, from := range split.windows[i].indexes(nil) {
				for c, in := range b.Cols {
					if got, want := p.Cols[c].(*array.Int64).Value(row), in.(*array.Int64).Value(int(from)); got != want {
						t.Errorf("%v: part %d column %d row %d is %d, want %d", values, i, c, row, got, want)
					}
				}
				if p.Diffs[row] != diffs[from] {
					t.Errorf("%v: part %d row %d has the diff of row %d", values, i, row, p.Diffs[row])
				}
			}
			if p.Cols[0] != p.Cols[2] {
				t.Errorf("%v: part %d holds a column twice", values, i)
			}
		}
	}
}

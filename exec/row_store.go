package exec

import (
	"fmt"
	"slices"
	"sort"

	"laminardb/exec/expr"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// rowStore keeps rows by number, in the batches that they came in: nothing is
// copied until many small batches are put together. Numbers only grow.
type rowStore struct {
	types  []types.Type
	chunks []rowChunk // by first
	next   int64      // the number of the next row
	rows   int        // in all chunks
	live   int        // of them not released
}

// rowChunk is the rows from first on.
type rowChunk struct {
	first int64
	rows  *batch.Batch
	live  int
}

// nullRow is the number that take turns into NULLs.
const nullRow = -1

// mergedRows is how large chunks become by merging: enough to make the number of
// chunks small, little enough to be given up soon.
const mergedRows = 4096

// add keeps a batch and returns the number of its first row.
func (s *rowStore) add(b *batch.Batch) (first int64, err error) {
	first = s.next
	s.next += int64(b.Rows)
	s.rows += b.Rows
	s.live += b.Rows
	s.chunks = append(s.chunks, rowChunk{first, &batch.Batch{Cols: b.Cols, Rows: b.Rows, ReadAtNanos: b.ReadAtNanos, ProducedAtMillis: b.ProducedAtMillis}, b.Rows})
	// As in a binary counter a chunk meets one of its size, so that a row is copied
	// a few times however small the batches are.
	for n := len(s.chunks); n >= 2; n = len(s.chunks) {
		a, z := &s.chunks[n-2], &s.chunks[n-1]
		if z.rows.Rows < a.rows.Rows || a.rows.Rows+z.rows.Rows > mergedRows || a.first+int64(a.rows.Rows) != z.first {
			break
		}
		if a.rows, err = expr.Concat([]*batch.Batch{a.rows, z.rows}); err != nil {
			return 0, fmt.Errorf("keeping rows: %w", err)
		}
		a.live += z.live
		*z = rowChunk{}
		s.chunks = s.chunks[:n-1]
	}
	return first, nil
}

// chunkOf returns the index of the chunk that holds a row; near is a guess.
func (s *rowStore) chunkOf(row int64, near int) int {
	if near < len(s.chunks) {
		if c := &s.chunks[near]; row >= c.first && row < c.first+int64(c.rows.Rows) {
			return near
		}
	}
	return sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].first > row }) - 1
}

// release says that rows are not needed any more; a chunk goes with its last.
func (s *rowStore) release(rows []int64) {
	at, empty := 0, false
	for _, row := range rows {
		at = s.chunkOf(row, at)
		s.chunks[at].live--
		empty = empty || s.chunks[at].live == 0
	}
	s.live -= len(rows)
	if !empty {
		return
	}
	s.chunks = slices.DeleteFunc(s.chunks, func(c rowChunk) bool {
		if c.live == 0 {
			s.rows -= c.rows.Rows
		}
		return c.live == 0
	})
}

// dropBefore forgets the chunks with rows below the number only.
func (s *rowStore) dropBefore(row int64) {
	n := 0
	for n < len(s.chunks) && s.chunks[n].first+int64(s.chunks[n].rows.Rows) <= row {
		s.rows -= s.chunks[n].rows.Rows
		s.live -= s.chunks[n].live
		n++
	}
	if n > 0 {
		s.chunks = slices.Delete(s.chunks, 0, n)
	}
}

// rebuild keeps the given rows only, which are in ascending order, and numbers
// them from 0.
func (s *rowStore) rebuild(rows []int64) error {
	fresh := rowStore{types: s.types}
	for from := 0; from < len(rows); from += batch.MaxRows {
		part := rows[from:min(from+batch.MaxRows, len(rows))]
		kept, err := s.take(part)
		if err != nil {
			return err
		}
		if _, err := fresh.add(kept); err != nil {
			return err
		}
	}
	*s = fresh
	return nil
}

// take returns the rows with the given numbers, in that order; nullRow gives NULLs.
func (s *rowStore) take(rows []int64) (*batch.Batch, error) {
	at := s.locate(rows)
	return at.batch(nil)
}

// locate finds rows; nullRow stands for one of NULLs. What it returns lives on when
// the store changes.
func (s *rowStore) locate(rows []int64) rowsAt {
	out := rowsAt{types: s.types}
	if at, ok := s.together(rows); ok {
		c := &s.chunks[at]
		out.chunks, out.sel = []*batch.Batch{c.rows}, make([]int32, len(rows))
		for i, row := range rows {
			out.sel[i] = int32(row - c.first)
		}
		return out
	}
	places, used := s.places(rows)
	for i := range places {
		if places[i].row < 0 {
			places[i].chunk = -1
		}
	}
	out.places = places
	for _, k := range used {
		out.chunks = append(out.chunks, s.chunks[k].rows)
	}
	return out
}

// together returns the chunk that holds all rows, if there is one and none is
// nullRow.
func (s *rowStore) together(rows []int64) (chunk int, ok bool) {
	if len(rows) == 0 {
		return 0, false
	}
	low, high := rows[0], rows[0]
	for _, row := range rows {
		low, high = min(low, row), max(high, row)
	}
	if low < 0 {
		return 0, false
	}
	at := s.chunkOf(low, len(s.chunks)-1)
	return at, high < s.chunks[at].first+int64(s.chunks[at].rows.Rows)
}

// places finds rows. used are the chunks that they are in, and a place's chunk is
// an index into it.
func (s *rowStore) places(rows []int64) (places []place, used []int) {
	places = make([]place, len(rows))
	slot := make([]int32, len(s.chunks)) // 1 + index into used
	at := 0
	for i, row := range rows {
		if row < 0 {
			places[i] = place{0, -1}
			continue
		}
		at = s.chunkOf(row, at)
		if slot[at] == 0 {
			used = append(used, at)
			slot[at] = int32(len(used))
		}
		places[i] = place{slot[at] - 1, int32(row - s.chunks[at].first)}
	}
	return places, used
}

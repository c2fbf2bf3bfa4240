package exec

import (
	"fmt"
	"slices"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/expr"
	"laminardb/exec/rowcodec"
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
		kept, err := s.take(part, nil)
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

// place is where a row is: in which chunk, -1 for a row of NULLs.
type place struct{ chunk, row int32 }

// take returns the rows with the given numbers, in that order; nullRow gives NULLs.
// The columns that are not used are nil; a nil used stands for all.
func (s *rowStore) take(rows []int64, used []bool) (*batch.Batch, error) {
	out := &batch.Batch{Rows: len(rows), Cols: make([]arrow.Array, len(s.types))}
	if at, ok := s.together(rows); ok {
		c := &s.chunks[at]
		out.ReadAtNanos, out.ProducedAtMillis = c.rows.ReadAtNanos, c.rows.ProducedAtMillis
		sel := make([]int32, len(rows))
		for i, row := range rows {
			sel[i] = int32(row - c.first)
		}
		for i, col := range c.rows.Cols {
			if used == nil || used[i] {
				out.Cols[i] = expr.TakeArray(col, sel)
			}
		}
		return out, nil
	}
	places, chunks := s.places(rows)
	for i, k := range chunks {
		c := s.chunks[k].rows
		if i == 0 {
			out.ReadAtNanos, out.ProducedAtMillis = c.ReadAtNanos, c.ProducedAtMillis
		}
		out.ReadAtNanos, out.ProducedAtMillis = earlier(out.ReadAtNanos, c.ReadAtNanos), earlier(out.ProducedAtMillis, c.ProducedAtMillis)
	}
	if len(chunks) == 0 {
		out.Cols = nullColumns(s.types, len(rows))
		return out, nil
	}
	for i := range places {
		if places[i].row < 0 {
			places[i].chunk = -1
		}
	}
	err := s.scattered(out.Cols, places, chunks, used)
	return out, err
}

// scattered makes the columns of rows that are in several chunks, or NULL.
func (s *rowStore) scattered(cols []arrow.Array, places []place, chunks []int, used []bool) (err error) {
	parts := make([]arrow.Array, len(chunks))
	for i, t := range s.types {
		if used != nil && !used[i] {
			continue
		}
		for k, c := range chunks {
			parts[k] = s.chunks[c].rows.Cols[i]
		}
		if cols[i], err = gather(t, parts, places); err != nil {
			return err
		}
	}
	return nil
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

// earlier is the smaller of two times, of which 0 is unknown.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
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

// gather returns the values at places, whose chunk is an index into parts.
func gather(t types.Type, parts []arrow.Array, places []place) (arrow.Array, error) {
	cols := make([]rowcodec.Column, len(parts))
	nullable := false
	for i, p := range parts {
		cols[i] = rowcodec.View(t, p)
		nullable = nullable || cols[i].Nulls != nil
	}
	w := rowcodec.Width(t)
	if w < 0 {
		return gatherNested(t, parts, places)
	}
	valid, nulls := gatherValid(cols, places, nullable)
	buffers := []*memory.Buffer{valid}
	switch {
	case t.Kind == types.Bool:
		bits := make([]byte, (len(places)+7)/8)
		for i, p := range places {
			if p.chunk >= 0 && cols[p.chunk].Bool(int(p.row)) {
				bits[i>>3] |= 1 << (i & 7)
			}
		}
		buffers = append(buffers, memory.NewBufferBytes(bits))
	case w == 0:
		ends, text := gatherText(cols, places)
		buffers = append(buffers, memory.NewBufferBytes(ends), memory.NewBufferBytes(text))
	default:
		buffers = append(buffers, memory.NewBufferBytes(gatherFixed(w, cols, places)))
	}
	return array.MakeFromData(array.NewData(t.Arrow(), len(places), buffers, nil, nulls, 0)), nil
}

func gatherValid(cols []rowcodec.Column, places []place, nullable bool) (*memory.Buffer, int) {
	var bits []byte
	nulls := 0
	for i, p := range places {
		if p.chunk >= 0 && (!nullable || !cols[p.chunk].Null(int(p.row))) {
			continue
		}
		if bits == nil {
			bits = make([]byte, (len(places)+7)/8)
			for k := range bits {
				bits[k] = 0xff
			}
		}
		bits[i>>3] &^= 1 << (i & 7)
		nulls++
	}
	if bits == nil {
		return nil, 0
	}
	return memory.NewBufferBytes(bits), nulls
}

func gatherFixed(w int, cols []rowcodec.Column, places []place) []byte {
	switch w {
	case 2:
		return arrow.Int16Traits.CastToBytes(gatherWide(cols, places, arrow.Int16Traits.CastFromBytes))
	case 4:
		return arrow.Int32Traits.CastToBytes(gatherWide(cols, places, arrow.Int32Traits.CastFromBytes))
	case 8:
		return arrow.Int64Traits.CastToBytes(gatherWide(cols, places, arrow.Int64Traits.CastFromBytes))
	}
	out := make([]byte, w*len(places))
	for i, p := range places {
		if p.chunk >= 0 {
			copy(out[i*w:(i+1)*w], cols[p.chunk].Raw[int(p.row)*w:])
		}
	}
	return out
}

func gatherWide[T any](cols []rowcodec.Column, places []place, cast func([]byte) []T) []T {
	from := make([][]T, len(cols))
	for i := range cols {
		from[i] = cast(cols[i].Raw)
	}
	out := make([]T, len(places))
	for i, p := range places {
		if p.chunk >= 0 {
			out[i] = from[p.chunk][p.row]
		}
	}
	return out
}

func gatherText(cols []rowcodec.Column, places []place) (ends, text []byte) {
	offsets := make([]int32, len(places)+1)
	size := int32(0)
	for i, p := range places {
		if p.chunk >= 0 {
			from, to := cols[p.chunk].Span(int(p.row))
			size += int32(to - from)
		}
		offsets[i+1] = size
	}
	text = make([]byte, int(size)+expr.TextSlack)
	for i, p := range places {
		if p.chunk >= 0 {
			c := &cols[p.chunk]
			from, to := c.Span(int(p.row))
			expr.CopyText(text[offsets[i]:], c.Raw, from, to)
		}
	}
	return arrow.Int32Traits.CastToBytes(offsets), text[:size]
}

// gatherNested takes each part's values, and then all of them in order.
func gatherNested(t types.Type, parts []arrow.Array, places []place) (arrow.Array, error) {
	sel := make([][]int32, len(parts))
	for _, p := range places {
		if p.chunk >= 0 {
			sel[p.chunk] = append(sel[p.chunk], p.row)
		}
	}
	taken := make([]arrow.Array, len(parts))
	next := make([]int32, len(parts))
	start := int32(0)
	for i, p := range parts {
		taken[i] = expr.TakeArray(p, sel[i])
		next[i] = start
		start += int32(len(sel[i]))
	}
	all, err := array.Concatenate(taken, memory.DefaultAllocator)
	if err != nil {
		return nil, fmt.Errorf("gathering values of type %s: %w", t, err)
	}
	order := make([]int32, len(places))
	for i, p := range places {
		order[i] = -1
		if p.chunk >= 0 {
			order[i] = next[p.chunk]
			next[p.chunk]++
		}
	}
	return expr.TakeArray(all, order), nil
}

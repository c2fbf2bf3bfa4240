package exec

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/expr"
	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// rowsAt is rows of one or more batches, of which columns can be made one by one.
type rowsAt struct {
	types  []types.Type
	chunks []*batch.Batch
	sel    []int32 // rows of the only chunk, nil for places
	places []place
}

// place is where a row is: in which chunk, -1 for a row of NULLs.
type place struct{ chunk, row int32 }

func (r *rowsAt) rows() int { return max(len(r.sel), len(r.places)) }

// pick keeps some of the rows.
func (r *rowsAt) pick(rows []int32) {
	if r.sel != nil {
		r.sel = picked(r.sel, rows)
	} else {
		r.places = picked(r.places, rows)
	}
}

// batch returns the rows. The columns that are not used are nil; a nil used stands
// for all.
func (r *rowsAt) batch(used []bool) (*batch.Batch, error) {
	out := &batch.Batch{Rows: r.rows(), Cols: make([]arrow.Array, len(r.types))}
	for i, c := range r.chunks {
		if i == 0 {
			out.ReadAtNanos, out.ProducedAtMillis = c.ReadAtNanos, c.ProducedAtMillis
		}
		out.ReadAtNanos, out.ProducedAtMillis = earlier(out.ReadAtNanos, c.ReadAtNanos), earlier(out.ProducedAtMillis, c.ProducedAtMillis)
	}
	for i, t := range r.types {
		if used != nil && !used[i] {
			continue
		}
		if rowcodec.Width(t) >= 0 || r.sel != nil || len(r.chunks) == 0 {
			out.Cols[i] = r.column(i)
			continue
		}
		var err error
		if out.Cols[i], err = gatherNested(t, r.parts(i), r.places); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// column makes a column, whose type is not nested if the rows are in several chunks.
func (r *rowsAt) column(i int) arrow.Array {
	switch {
	case r.sel != nil:
		return expr.TakeArray(r.chunks[0].Cols[i], r.sel)
	case len(r.chunks) == 0:
		return array.MakeArrayOfNull(memory.DefaultAllocator, r.types[i].Arrow(), len(r.places))
	}
	return gather(r.types[i], r.parts(i), r.places)
}

func (r *rowsAt) parts(i int) []arrow.Array {
	parts := make([]arrow.Array, len(r.chunks))
	for k, c := range r.chunks {
		parts[k] = c.Cols[i]
	}
	return parts
}

// earlier is the smaller of two times, of which 0 is unknown.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// gather returns the values at places, whose chunk is an index into parts. Nested
// types are for gatherNested.
func gather(t types.Type, parts []arrow.Array, places []place) arrow.Array {
	cols := make([]rowcodec.Column, len(parts))
	nullable := false
	for i, p := range parts {
		cols[i] = rowcodec.View(t, p)
		nullable = nullable || cols[i].Nulls != nil
	}
	w := rowcodec.Width(t)
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
	return array.MakeFromData(array.NewData(t.Arrow(), len(places), buffers, nil, nulls, 0))
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

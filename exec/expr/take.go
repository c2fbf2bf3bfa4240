package expr

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/sql/batch"
)

// Take returns the rows of b at sel, in that order; rows may repeat. Nothing of
// b is shared but its times.
func Take(b *batch.Batch, sel []int32) *batch.Batch {
	out := b.With(make([]arrow.Array, len(b.Cols)))
	out.Rows = len(sel)
	for i, c := range b.Cols {
		if first := slices.Index(b.Cols[:i], c); first >= 0 {
			out.Cols[i] = out.Cols[first] // several uses of one column
			continue
		}
		out.Cols[i] = TakeArray(c, sel)
	}
	if b.Diffs != nil {
		out.Diffs = make([]int8, len(sel))
		for i, r := range sel {
			out.Diffs[i] = b.Diffs[r]
		}
	}
	return out
}

// TakeArray returns the values of an array at sel. An index of -1 gives NULL.
func TakeArray(arr arrow.Array, sel []int32) arrow.Array {
	data := arr.Data()
	n := len(sel)
	valid := takeValid(arr, sel)
	nulls := n - popcount(valid, n)
	buffers := []*memory.Buffer{nil}
	if nulls > 0 {
		buffers[0] = memory.NewBufferBytes(bytesOf(valid))
	}
	var children []arrow.ArrayData
	switch t := arr.DataType().(type) {
	case *arrow.BooleanType:
		buffers = append(buffers, memory.NewBufferBytes(bytesOf(takeBits(data, arr.Len(), sel))))
	case *arrow.StringType, *arrow.BinaryType:
		ends, text := takeText(data, sel)
		buffers = append(buffers, memory.NewBufferBytes(bytesOf(ends)), memory.NewBufferBytes(text))
	case *arrow.ListType, *arrow.MapType:
		ends, child := takeLists(data, sel)
		buffers = append(buffers, memory.NewBufferBytes(bytesOf(ends)))
		children = []arrow.ArrayData{child}
	case *arrow.StructType:
		s := arr.(*array.Struct)
		for i := range s.NumField() {
			children = append(children, TakeArray(s.Field(i), sel).Data())
		}
	case *arrow.NullType:
		return array.NewNull(n)
	case arrow.FixedWidthDataType:
		buffers = append(buffers, memory.NewBufferBytes(takeFixed(data, t.BitWidth()/8, sel)))
	default:
		panic(fmt.Sprintf("expr: no gather for %s", t))
	}
	return array.MakeFromData(array.NewData(arr.DataType(), n, buffers, children, nulls, 0))
}

// takeValid returns nil if no taken value is NULL.
func takeValid(arr arrow.Array, sel []int32) []uint64 {
	var from []uint64
	if arr.NullN() > 0 && arr.NullBitmapBytes() != nil {
		from = bitsOf(arr.NullBitmapBytes(), arr.Data().Offset(), arr.Len())
	}
	if from == nil && !anyNegative(sel) {
		return nil
	}
	var out []uint64
	for i, r := range sel {
		if r >= 0 && bit(from, int(r)) {
			continue
		}
		if out == nil {
			out = fullBits(len(sel))
		}
		clearBit(out, i)
	}
	return out
}

func anyNegative(sel []int32) bool {
	all := int32(0)
	for _, r := range sel {
		all |= r
	}
	return all < 0
}

func takeBits(data arrow.ArrayData, n int, sel []int32) []uint64 {
	out := newBits(len(sel))
	buffer := data.Buffers()[1]
	if buffer == nil || n == 0 {
		return out
	}
	from := bitsOf(buffer.Bytes(), data.Offset(), n)
	for i, r := range sel {
		if r >= 0 && bit(from, int(r)) {
			setBit(out, i)
		}
	}
	return out
}

func takeFixed(data arrow.ArrayData, width int, sel []int32) []byte {
	buffer := data.Buffers()[1]
	if buffer == nil || data.Len() == 0 {
		return make([]byte, width*len(sel))
	}
	raw := buffer.Bytes()[data.Offset()*width:]
	switch width {
	case 2:
		return takeWide[uint16](raw, sel)
	case 4:
		return takeWide[uint32](raw, sel)
	case 8:
		return takeWide[uint64](raw, sel)
	case 16:
		return takeWide[[2]uint64](raw, sel)
	}
	out := make([]byte, width*len(sel))
	for i, r := range sel {
		if r >= 0 {
			copy(out[i*width:(i+1)*width], raw[int(r)*width:])
		}
	}
	return out
}

func takeWide[T any](raw []byte, sel []int32) []byte {
	from := cast[T](raw)
	out := make([]T, len(sel))
	for i, r := range sel {
		if r >= 0 {
			out[i] = from[r]
		}
	}
	return bytesOf(out)
}

func takeText(data arrow.ArrayData, sel []int32) (ends []int32, text []byte) {
	ends = make([]int32, len(sel)+1)
	if data.Len() == 0 || data.Buffers()[1] == nil {
		return ends, nil
	}
	from := cast[int32](data.Buffers()[1].Bytes())[data.Offset():]
	var bytes []byte
	if data.Buffers()[2] != nil {
		bytes = data.Buffers()[2].Bytes()
	}
	size := int32(0)
	for i, r := range sel {
		if r >= 0 {
			size += from[r+1] - from[r]
		}
		ends[i+1] = size
	}
	text = make([]byte, int(size)+TextSlack)
	for i, r := range sel {
		if r >= 0 {
			CopyText(text[ends[i]:], bytes, int(from[r]), int(from[r+1]))
		}
	}
	return ends, text[:size]
}

// TextSlack is how many bytes CopyText may write behind a value.
const TextSlack = 32

// CopyText copies the bytes [from, to) of src to the start of dst. It is for values
// that are written one behind the other: it may write anything up to TextSlack
// bytes behind the value, so that a short one costs a move or two and no call.
func CopyText(dst, src []byte, from, to int) {
	switch n := to - from; {
	case n <= 16 && len(src)-from >= 16:
		*(*[16]byte)(dst) = *(*[16]byte)(src[from:])
	case n <= 32 && len(src)-from >= 32:
		*(*[32]byte)(dst) = *(*[32]byte)(src[from:])
	default:
		copy(dst, src[from:to])
	}
}

func takeLists(data arrow.ArrayData, sel []int32) (ends []int32, child arrow.ArrayData) {
	ends = make([]int32, len(sel)+1)
	inner := array.MakeFromData(data.Children()[0])
	var rows []int32
	if data.Len() > 0 && data.Buffers()[1] != nil {
		from := cast[int32](data.Buffers()[1].Bytes())[data.Offset():]
		for i, r := range sel {
			if r >= 0 {
				for k := from[r]; k < from[r+1]; k++ {
					rows = append(rows, k)
				}
			}
			ends[i+1] = int32(len(rows))
		}
	}
	return ends, TakeArray(inner, rows).Data()
}

// Concat returns the rows of all batches, one after the other. There must be at
// least one, and all must have the same columns.
func Concat(list []*batch.Batch) (*batch.Batch, error) {
	if len(list) == 1 {
		return list[0], nil
	}
	out := *list[0]
	out.Cols = make([]arrow.Array, len(list[0].Cols))
	out.Rows, out.Diffs = 0, nil
	hasDiffs := false
	for _, b := range list {
		out.Rows += b.Rows
		hasDiffs = hasDiffs || b.Diffs != nil
		out.ReadAtNanos = oldest(out.ReadAtNanos, b.ReadAtNanos)
		out.ProducedAtMillis = oldest(out.ProducedAtMillis, b.ProducedAtMillis)
	}
	parts := make([]arrow.Array, len(list))
	for i := range out.Cols {
		for k, b := range list {
			parts[k] = b.Cols[i]
		}
		var err error
		if out.Cols[i], err = array.Concatenate(parts, memory.DefaultAllocator); err != nil {
			return nil, fmt.Errorf("joining column %d of %d batches: %w", i, len(list), err)
		}
	}
	if hasDiffs {
		out.Diffs = make([]int8, 0, out.Rows)
		for _, b := range list {
			for i := range b.Rows {
				out.Diffs = append(out.Diffs, b.Diff(i))
			}
		}
	}
	return &out, nil
}

// oldest is the earlier of two times, of which 0 is unknown.
func oldest(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// gather returns the values of a vector at sel.
func (v *vector) gather(sel []int32) *vector {
	if v.konst && len(sel) > 0 && sel[0] != 0 {
		panic("expr: gather of a constant")
	}
	return load(v.t, TakeArray(v.plainArray(), sel))
}

// plainArray is the array of a vector that may be constant, of its own length.
func (v *vector) plainArray() arrow.Array {
	if v.arr != nil {
		return v.arr
	}
	c := *v
	c.konst = false
	return c.array(v.n)
}

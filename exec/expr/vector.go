package expr

import (
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/sql/types"
)

// vector is the values of one expression. Which of raw, bits, text and arr holds
// them is decided by layout(t.Kind).
type vector struct {
	t     types.Type
	n     int
	konst bool     // one value, at 0, stands for all rows
	valid []uint64 // bitmap, nil where no value is NULL
	raw   []byte   // fixed width: n values
	bits  []uint64 // boolean
	ends  []int32  // variable width: n+1 offsets into text
	text  []byte
	// arr is the Arrow array of the values: always for nested types, else where
	// the vector was loaded from one.
	arr arrow.Array
}

// layout is how a kind's values lie in memory.
type layout uint8

const (
	layoutFixed layout = iota
	layoutBits
	layoutText
	layoutNested
)

func layoutOf(k types.Kind) layout {
	switch k {
	case types.Bool:
		return layoutBits
	case types.Text, types.Bytea, types.JSON, types.JSONB, types.Unknown:
		return layoutText
	case types.Array, types.Struct, types.Map:
		return layoutNested
	}
	return layoutFixed
}

// width is the size in bytes of a fixed-width kind's value.
func width(k types.Kind) int {
	switch k {
	case types.Int16:
		return 2
	case types.Int32, types.Float32, types.Date:
		return 4
	case types.Numeric, types.Interval, types.UUID:
		return 16
	}
	return 8
}

// load views an Arrow array. It copies nothing but bitmaps that do not start at
// a byte.
func load(t types.Type, arr arrow.Array) *vector {
	v := &vector{t: t, n: arr.Len(), arr: arr}
	data := arr.Data()
	if arr.NullN() > 0 && arr.NullBitmapBytes() != nil {
		v.valid = bitsOf(arr.NullBitmapBytes(), data.Offset(), v.n)
	} else if arr.NullN() > 0 { // a null array
		v.valid = newBits(v.n)
	}
	buffers := data.Buffers()
	if v.n == 0 || len(buffers) < 2 || buffers[1] == nil {
		v.clear()
		return v
	}
	raw := buffers[1].Bytes()
	switch layoutOf(t.Kind) {
	case layoutBits:
		v.bits = bitsOf(raw, data.Offset(), v.n)
	case layoutFixed:
		w := width(t.Kind)
		v.raw = raw[data.Offset()*w : (data.Offset()+v.n)*w]
	case layoutText:
		all := cast[int32](raw)
		v.ends = all[data.Offset() : data.Offset()+v.n+1]
		if buffers[2] != nil {
			v.text = buffers[2].Bytes()
		}
	}
	return v
}

// clear gives a vector without values memory to read zeros from.
func (v *vector) clear() {
	switch layoutOf(v.t.Kind) {
	case layoutBits:
		v.bits = newBits(v.n)
	case layoutFixed:
		v.raw = make([]byte, v.n*width(v.t.Kind))
	case layoutText:
		v.ends = make([]int32, v.n+1)
	}
}

func cast[T any](raw []byte) []T {
	var zero T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(raw))), len(raw)/int(unsafe.Sizeof(zero)))
}

// values views a fixed-width vector as a slice of T, which must be its Arrow type.
func values[T any](v *vector) []T { return cast[T](v.raw) }

// newFixed returns a vector of zeros and its values.
func newFixed[T any](t types.Type, n int) (*vector, []T) {
	out := make([]T, n)
	return &vector{t: t, n: n, raw: bytesOf(out)}, out
}

func newBool(n int) *vector {
	return &vector{t: types.Of(types.Bool), n: n, bits: newBits(n)}
}

func nullConst(t types.Type) *vector {
	v := &vector{t: t, n: 1, konst: true, valid: newBits(1)}
	if layoutOf(t.Kind) == layoutNested {
		v.arr = nullArray(t, 1)
	} else {
		v.clear()
	}
	return v
}

func nullArray(t types.Type, n int) arrow.Array {
	return array.MakeArrayOfNull(memory.DefaultAllocator, t.Arrow(), n)
}

// isNull reports whether row i is NULL.
func (v *vector) isNull(i int) bool {
	if v.konst {
		i = 0
	}
	return !bit(v.valid, i)
}

// nullNow reports a constant NULL.
func (v *vector) nullNow() bool { return v.konst && !bit(v.valid, 0) }

// isTrue reports whether row i of a boolean is true and not NULL.
func (v *vector) isTrue(i int) bool {
	if v.konst {
		i = 0
	}
	return bit(v.valid, i) && bit(v.bits, i)
}

// trueBits returns the rows of a boolean that is not constant that are true.
func (v *vector) trueBits() []uint64 { return andBits(v.bits, v.valid) }

// bytes returns row i of a text vector, without copying.
func (v *vector) bytes(i int) []byte {
	if v.konst {
		i = 0
	}
	return v.text[v.ends[i]:v.ends[i+1]]
}

// str is bytes as a string; it lives as long as the vector.
func (v *vector) str(i int) string {
	b := v.bytes(i)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// spread returns the vector with one value for each of n rows.
func (v *vector) spread(n int) *vector {
	if !v.konst {
		return v
	}
	if v.isNull(0) {
		out := &vector{t: v.t, n: n, valid: newBits(n)}
		if layoutOf(v.t.Kind) == layoutNested {
			out.arr = nullArray(v.t, n)
		} else {
			out.clear()
		}
		return out
	}
	return v.gather(make([]int32, n))
}

// validWith returns the intersection of the validities of arguments. The result
// is shared memory: do not write to it.
func validWith(n int, list ...*vector) []uint64 {
	var valid []uint64
	for _, v := range list {
		switch {
		case v.nullNow():
			return newBits(n)
		case !v.konst:
			valid = andBits(valid, v.valid)
		}
	}
	return valid
}

// array returns the vector as an Arrow array of n rows.
func (v *vector) array(n int) arrow.Array {
	v = v.spread(n)
	if v.arr != nil {
		return v.arr
	}
	nulls := n - popcount(v.valid, n)
	buffers := []*memory.Buffer{nil}
	if nulls > 0 {
		buffers[0] = memory.NewBufferBytes(bytesOf(v.valid))
	}
	switch layoutOf(v.t.Kind) {
	case layoutBits:
		buffers = append(buffers, memory.NewBufferBytes(bytesOf(v.bits)))
	case layoutFixed:
		buffers = append(buffers, memory.NewBufferBytes(v.raw))
	default:
		buffers = append(buffers, memory.NewBufferBytes(bytesOf(v.ends)), memory.NewBufferBytes(v.text))
	}
	return array.MakeFromData(array.NewData(v.t.Arrow(), n, buffers, nil, nulls, 0))
}

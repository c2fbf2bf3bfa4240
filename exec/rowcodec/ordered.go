package rowcodec

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/sql/types"
)

// OrderKey is one key of an ORDER BY.
type OrderKey struct {
	Type       types.Type
	Desc       bool
	NullsFirst bool
}

// OrderedEncoder writes rows that compare with bytes.Compare as ORDER BY orders
// them; equal rows are NOT DISTINCT. No row is a prefix of another. They are not
// meant to be decoded. One goroutine uses it at a time.
//
// A value is a byte, 1 (for NULL 0 or 2, by where NULLs go), then big-endian with
// the sign turned over; strings have 0 written as 0 255 and end with 0 1. DESC
// inverts the bytes after the first. Text compares by its bytes, as in
// PostgreSQL's "C" collation, and so do json and map, which have no order in SQL.
type OrderedEncoder struct {
	keys []OrderKey
	cols []Column
}

// NewOrderedEncoder returns an OrderedEncoder for the keys.
func NewOrderedEncoder(keys []OrderKey) *OrderedEncoder {
	return &OrderedEncoder{keys: keys, cols: make([]Column, len(keys))}
}

// Encode appends one row to out for each row number in sel, or for each of n rows
// where sel is nil.
func (e *OrderedEncoder) Encode(cols []arrow.Array, n int, sel []int32, out *Rows) {
	if sel != nil {
		n = len(sel)
	}
	for c, k := range e.keys {
		e.cols[c] = View(k.Type, cols[c])
	}
	for i := range n {
		row := rowAt(sel, i)
		for c := range e.keys {
			out.Data = appendOrderKey(out.Data, &e.keys[c], &e.cols[c], row)
		}
		out.Ends = append(out.Ends, len(out.Data))
	}
	clear(e.cols)
}

func appendOrderKey(dst []byte, k *OrderKey, col *Column, i int) []byte {
	if col.Null(i) {
		if k.NullsFirst {
			return append(dst, 0)
		}
		return append(dst, 2)
	}
	dst = append(dst, 1)
	start := len(dst)
	dst = appendOrdered(dst, k.Type, col, i)
	if k.Desc {
		for j := start; j < len(dst); j++ {
			dst[j] = ^dst[j]
		}
	}
	return dst
}

func appendOrdered(dst []byte, t types.Type, col *Column, i int) []byte {
	be, le := binary.BigEndian, binary.LittleEndian
	switch w := Width(t); w {
	case -1:
		return appendOrderedNested(dst, t, col.arr, i)
	case 0:
		return appendEscaped(dst, col.Bytes(i))
	case 1:
		return append(dst, col.boolByte(i))
	case 2:
		return be.AppendUint16(dst, le.Uint16(col.Raw[2*i:])^1<<15)
	case 4:
		v := le.Uint32(col.Raw[4*i:])
		if t.Kind == types.Float32 {
			var b [4]byte
			le.PutUint32(b[:], v)
			Canonical(t.Kind, b[:])
			v = le.Uint32(b[:])
			if v>>31 != 0 {
				return be.AppendUint32(dst, ^v)
			}
		}
		return be.AppendUint32(dst, v^1<<31)
	case 8:
		v := le.Uint64(col.Raw[8*i:])
		if t.Kind == types.Float64 {
			var b [8]byte
			le.PutUint64(b[:], v)
			Canonical(t.Kind, b[:])
			v = le.Uint64(b[:])
			if v>>63 != 0 {
				return be.AppendUint64(dst, ^v)
			}
		}
		return be.AppendUint64(dst, v^1<<63)
	}
	raw := col.Raw[16*i : 16*i+16]
	switch t.Kind {
	case types.UUID:
		return append(dst, raw...)
	case types.Interval:
		days, nanos := IntervalLength(raw)
		return be.AppendUint64(be.AppendUint64(dst, uint64(days)^1<<63), uint64(nanos)^1<<63)
	}
	return be.AppendUint64(be.AppendUint64(dst, le.Uint64(raw[8:])^1<<63), le.Uint64(raw))
}

func appendEscaped(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, c)
		if c == 0 {
			dst = append(dst, 255)
		}
	}
	return append(dst, 0, 1)
}

func appendOrderedNested(dst []byte, t types.Type, arr arrow.Array, i int) []byte {
	switch t.Kind {
	case types.Array:
		list := arr.(*array.List)
		from, to := list.ValueOffsets(i)
		col := View(*t.Elem, list.ListValues())
		k := OrderKey{Type: *t.Elem}
		for j := from; j < to; j++ {
			dst = appendOrderKey(dst, &k, &col, int(j))
		}
		return append(dst, 0)
	case types.Struct:
		s := arr.(*array.Struct)
		for f, field := range t.Fields {
			col := View(field.Type, s.Field(f))
			dst = appendOrderKey(dst, &OrderKey{Type: field.Type}, &col, i)
		}
		return dst
	}
	return appendEscaped(dst, appendValue(nil, t, arr, i, true))
}

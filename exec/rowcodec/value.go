package rowcodec

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/sql/types"
)

const nanosPerDay = types.MicrosPerDay * 1000

// Canonical rewrites the bytes of a fixed-width value so that equal values are
// equal bytes.
func Canonical(k types.Kind, b []byte) {
	switch k {
	case types.Float64:
		switch v := math.Float64frombits(binary.LittleEndian.Uint64(b)); {
		case v == 0:
			clear(b)
		case v != v:
			binary.LittleEndian.PutUint64(b, math.Float64bits(math.NaN()))
		}
	case types.Float32:
		switch v := math.Float32frombits(binary.LittleEndian.Uint32(b)); {
		case v == 0:
			clear(b)
		case v != v:
			binary.LittleEndian.PutUint32(b, math.Float32bits(float32(math.NaN())))
		}
	case types.Interval:
		canonicalInterval(b)
	}
}

// canonicalInterval makes a month of each 30 days and a day of each 24 hours, as
// PostgreSQL does where it compares; the three parts get the same sign.
func canonicalInterval(b []byte) {
	days, nanos := IntervalLength(b)
	months := days / 30
	binary.LittleEndian.PutUint32(b, uint32(int32(months)))
	binary.LittleEndian.PutUint32(b[4:], uint32(int32(days%30)))
	binary.LittleEndian.PutUint64(b[8:], uint64(nanos))
}

// IntervalLength returns an interval as days and a part of a day with the same
// sign.
func IntervalLength(b []byte) (days, nanos int64) {
	months := int64(int32(binary.LittleEndian.Uint32(b)))
	days = months*30 + int64(int32(binary.LittleEndian.Uint32(b[4:])))
	nanos = int64(binary.LittleEndian.Uint64(b[8:]))
	days += nanos / nanosPerDay
	nanos %= nanosPerDay
	switch {
	case days > 0 && nanos < 0:
		return days - 1, nanos + nanosPerDay
	case days < 0 && nanos > 0:
		return days + 1, nanos - nanosPerDay
	}
	return days, nanos
}

// appendValue appends one value that is not NULL, of any type.
func appendValue(dst []byte, t types.Type, arr arrow.Array, i int, key bool) []byte {
	switch t.Kind {
	case types.Array:
		list := arr.(*array.List)
		from, to := list.ValueOffsets(i)
		return appendList(dst, *t.Elem, list.ListValues(), int(from), int(to), key)
	case types.Map:
		return appendMap(dst, t, arr.(*array.Map), i, key)
	case types.Struct:
		return appendStruct(dst, t, arr.(*array.Struct), i, key)
	}
	c, w := View(t, arr), Width(t)
	switch {
	case t.Kind == types.Bool:
		return append(dst, c.boolByte(i))
	case w == 0:
		b := c.Bytes(i)
		return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
	}
	dst = append(dst, c.Raw[w*i:w*i+w]...)
	if key {
		Canonical(t.Kind, dst[len(dst)-w:])
	}
	return dst
}

func appendList(dst []byte, elem types.Type, values arrow.Array, from, to int, key bool) []byte {
	dst = binary.AppendUvarint(dst, uint64(to-from))
	nulls := len(dst)
	dst = extend(dst, (to-from+7)/8)
	for i := from; i < to; i++ {
		if values.IsNull(i) {
			dst[nulls+(i-from)/8] |= 1 << ((i - from) % 8)
			continue
		}
		dst = appendValue(dst, elem, values, i, key)
	}
	return dst
}

func appendStruct(dst []byte, t types.Type, s *array.Struct, i int, key bool) []byte {
	nulls := len(dst)
	dst = extend(dst, (len(t.Fields)+7)/8)
	for f, field := range t.Fields {
		col := s.Field(f) // already sliced to the struct's offset
		if col.IsNull(i) {
			dst[nulls+f/8] |= 1 << (f % 8)
			continue
		}
		dst = appendValue(dst, field.Type, col, i, key)
	}
	return dst
}

func appendMap(dst []byte, t types.Type, m *array.Map, i int, key bool) []byte {
	from64, to64 := m.ValueOffsets(i)
	from, to := int(from64), int(to64)
	keys, items := m.Keys(), m.Items()
	order := make([]int, to-from)
	encoded := make([][]byte, to-from)
	for j := range order {
		order[j] = j
		encoded[j] = appendValue(nil, *t.Key, keys, from+j, key)
	}
	if key {
		slices.SortStableFunc(order, func(a, b int) int { return bytes.Compare(encoded[a], encoded[b]) })
	}
	dst = binary.AppendUvarint(dst, uint64(len(order)))
	nulls := len(dst)
	dst = extend(dst, (len(order)+7)/8)
	for at, j := range order {
		dst = append(dst, encoded[j]...)
		if items.IsNull(from + j) {
			dst[nulls+at/8] |= 1 << (at % 8)
			continue
		}
		dst = appendValue(dst, *t.Elem, items, from+j, key)
	}
	return dst
}

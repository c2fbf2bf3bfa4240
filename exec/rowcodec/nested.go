package rowcodec

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/sql/types"
)

// valueReader reads the values of one nested column of one row. Once bad, it
// reads nothing more; the builders may then be out of step and are dropped.
type valueReader struct {
	row []byte
	pos int
	bad bool
}

// take returns the next n bytes; nil where they are not there.
func (r *valueReader) take(n int) []byte {
	if r.bad || n > len(r.row)-r.pos {
		r.bad = true
		return nil
	}
	r.pos += n
	return r.row[r.pos-n : r.pos]
}

// count reads the number of elements of which each takes a bit at least.
func (r *valueReader) count() int {
	v, used := binary.Uvarint(r.row[r.pos:])
	if r.bad || used <= 0 || v > 8*uint64(len(r.row)) {
		r.bad = true
		return 0
	}
	r.pos += used
	return int(v)
}

func (r *valueReader) value(t types.Type, b array.Builder) {
	switch t.Kind {
	case types.Array:
		n := r.count()
		if nulls := r.take((n + 7) / 8); !r.bad {
			lb := b.(*array.ListBuilder)
			lb.Append(true)
			r.values(*t.Elem, n, nulls, lb.ValueBuilder())
		}
	case types.Map:
		n := r.count()
		if nulls := r.take((n + 7) / 8); !r.bad {
			r.entries(t, n, nulls, b.(*array.MapBuilder))
		}
	case types.Struct:
		if nulls := r.take((len(t.Fields) + 7) / 8); !r.bad {
			sb := b.(*array.StructBuilder)
			sb.Append(true)
			for f, field := range t.Fields {
				r.orNull(field.Type, isNull(nulls, f), sb.FieldBuilder(f))
			}
		}
	default:
		r.scalar(t, b)
	}
}

func (r *valueReader) orNull(t types.Type, null bool, b array.Builder) {
	if null {
		b.AppendNull()
		return
	}
	r.value(t, b)
}

func (r *valueReader) values(t types.Type, n int, nulls []byte, b array.Builder) {
	for i := 0; i < n && !r.bad; i++ {
		r.orNull(t, isNull(nulls, i), b)
	}
}

func (r *valueReader) entries(t types.Type, n int, nulls []byte, b *array.MapBuilder) {
	b.Append(true)
	for i := 0; i < n && !r.bad; i++ {
		r.value(*t.Key, b.KeyBuilder())
		if !r.bad {
			r.orNull(*t.Elem, isNull(nulls, i), b.ItemBuilder())
		}
	}
}

func (r *valueReader) scalar(t types.Type, b array.Builder) {
	w := Width(t)
	if w == 0 {
		n, used := lengthAt(r.row, r.pos)
		if used == 0 {
			r.bad = true
			return
		}
		r.pos += used
		w = n
	}
	v := r.take(w)
	if r.bad {
		return
	}
	le := binary.LittleEndian
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(v[0] != 0)
	case *array.Int16Builder:
		b.Append(int16(le.Uint16(v)))
	case *array.Int32Builder:
		b.Append(int32(le.Uint32(v)))
	case *array.Int64Builder:
		b.Append(int64(le.Uint64(v)))
	case *array.Float32Builder:
		b.Append(math.Float32frombits(le.Uint32(v)))
	case *array.Float64Builder:
		b.Append(math.Float64frombits(le.Uint64(v)))
	case *array.Date32Builder:
		b.Append(arrow.Date32(le.Uint32(v)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(le.Uint64(v)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(le.Uint64(v)))
	case *array.Decimal128Builder:
		b.Append(decimal128.New(int64(le.Uint64(v[8:])), le.Uint64(v)))
	case *array.MonthDayNanoIntervalBuilder:
		b.Append(arrow.MonthDayNanoInterval{Months: int32(le.Uint32(v)), Days: int32(le.Uint32(v[4:])), Nanoseconds: int64(le.Uint64(v[8:]))})
	case *array.FixedSizeBinaryBuilder:
		b.Append(v)
	case *array.StringBuilder:
		b.Append(string(v))
	case *array.BinaryBuilder:
		b.Append(v)
	default:
		r.bad = true
	}
}

package avro

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/sql/types"
)

// source is a column, or what is inside one, bound to a batch's array: the
// slices of the array that the type names.
type source struct {
	typ      types.Type
	nullable bool
	kids     []*source

	valid    []byte // bitmap, nil where nothing is NULL
	offset   int    // of the array in its buffers
	ints16   []int16
	ints32   []int32
	ints64   []int64
	floats32 []float32
	floats64 []float64
	decimals []decimal128.Num
	interval []arrow.MonthDayNanoInterval
	bools    *array.Boolean
	fixed    *array.FixedSizeBinary
	ends     []int32
	data     []byte
}

func newSource(t types.Type, nullable bool) *source {
	s := &source{typ: t, nullable: nullable}
	switch t.Kind {
	case types.Array:
		s.kids = []*source{newSource(*t.Elem, true)}
	case types.Map:
		s.kids = []*source{newSource(*t.Key, false), newSource(*t.Elem, true)}
	case types.Struct:
		for _, f := range t.Fields {
			s.kids = append(s.kids, newSource(f.Type, true))
		}
	}
	return s
}

// bind takes the slices of the array, which must be of the source's type.
func (s *source) bind(a arrow.Array) error {
	s.valid, s.offset = nil, a.Data().Offset()
	if a.NullN() > 0 {
		s.valid = a.NullBitmapBytes()
	}
	switch a := a.(type) {
	case *array.Boolean:
		s.bools = a
	case *array.Int16:
		s.ints16 = a.Int16Values()
	case *array.Int32:
		s.ints32 = a.Int32Values()
	case *array.Date32:
		s.ints32 = arrow.Int32Traits.CastFromBytes(arrow.Date32Traits.CastToBytes(a.Date32Values()))
	case *array.Int64:
		s.ints64 = a.Int64Values()
	case *array.Time64:
		s.ints64 = arrow.Int64Traits.CastFromBytes(arrow.Time64Traits.CastToBytes(a.Time64Values()))
	case *array.Timestamp:
		s.ints64 = arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(a.TimestampValues()))
	case *array.Float32:
		s.floats32 = a.Float32Values()
	case *array.Float64:
		s.floats64 = a.Float64Values()
	case *array.Decimal128:
		s.decimals = a.Values()
	case *array.MonthDayNanoInterval:
		s.interval = a.MonthDayNanoIntervalValues()
	case *array.FixedSizeBinary:
		s.fixed = a
	case *array.String, *array.Binary:
		s.ends, s.data = a.(interface{ ValueOffsets() []int32 }).ValueOffsets(), rawData(a)
	case *array.List:
		s.ends = a.Offsets()[s.offset:]
		return s.kids[0].bind(a.ListValues())
	case *array.Map:
		s.ends = a.Offsets()[s.offset:]
		return errorsFirst(s.kids[0].bind(a.Keys()), s.kids[1].bind(a.Items()))
	case *array.Struct:
		for i, kid := range s.kids {
			if err := kid.bind(a.Field(i)); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("no encoding for arrays of %s", a.DataType())
	}
	return nil
}

func errorsFirst(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// rawData returns the whole buffer that value offsets count in.
func rawData(a arrow.Array) []byte {
	if buf := a.Data().Buffers()[2]; buf != nil {
		return buf.Bytes()
	}
	return nil
}

// append encodes the row's value; it returns nil for a NULL where none can be
// written.
func (s *source) append(dst []byte, row int) []byte {
	if s.valid != nil {
		if at := s.offset + row; s.valid[at/8]&(1<<(at%8)) == 0 {
			if !s.nullable {
				return nil
			}
			return append(dst, 0)
		}
	}
	if s.nullable {
		dst = append(dst, 2)
	}
	switch s.typ.Kind {
	case types.Float64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(s.floats64[row]))
	case types.Int64, types.OID, types.Time, types.Timestamp, types.TimestampTZ:
		return appendLong(dst, s.ints64[row])
	case types.Text, types.Bytea, types.JSON, types.JSONB:
		v := s.data[s.ends[row]:s.ends[row+1]]
		return append(appendLong(dst, int64(len(v))), v...)
	case types.Int32, types.Date:
		return appendLong(dst, int64(s.ints32[row]))
	case types.Int16:
		return appendLong(dst, int64(s.ints16[row]))
	case types.Float32:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(s.floats32[row]))
	case types.Bool:
		if s.bools.Value(row) {
			return append(dst, 1)
		}
		return append(dst, 0)
	}
	return s.appendWide(dst, row)
}

func (s *source) appendWide(dst []byte, row int) []byte {
	switch s.typ.Kind {
	case types.Numeric:
		return appendDecimal(dst, s.decimals[row])
	case types.UUID:
		return appendUUID(dst, s.fixed.Value(row))
	case types.Interval:
		return appendInterval(dst, s.interval[row])
	case types.Struct:
		for _, kid := range s.kids {
			if dst = kid.append(dst, row); dst == nil {
				return nil
			}
		}
		return dst
	}
	// Arrays and maps: one block.
	from, to := int(s.ends[row]), int(s.ends[row+1])
	if from < to {
		dst = appendLong(dst, int64(to-from))
	}
	for i := from; i < to; i++ {
		for _, kid := range s.kids {
			if dst = kid.append(dst, i); dst == nil {
				return nil
			}
		}
	}
	return append(dst, 0)
}

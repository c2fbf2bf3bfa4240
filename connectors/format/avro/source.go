package avro

import (
	"encoding/binary"
	"math"

	"laminardb/connectors/format/column"
	"laminardb/sql/types"
)

// source is a column to encode, or what is inside one.
type source struct {
	*column.View
	nullable bool
	kids     []*source
}

// newSource returns the source over a view; what is inside is nullable, but for
// the keys of a map.
func newSource(v *column.View, nullable bool) *source {
	s := &source{View: v, nullable: nullable}
	for i, kid := range v.Kids {
		s.kids = append(s.kids, newSource(kid, v.Type.Kind != types.Map || i > 0))
	}
	return s
}

// append encodes the row's value; it returns nil for a NULL where none can be
// written.
func (s *source) append(dst []byte, row int) []byte {
	if s.IsNull(row) {
		if !s.nullable {
			return nil
		}
		return append(dst, 0)
	}
	if s.nullable {
		dst = append(dst, 2)
	}
	switch s.Type.Kind {
	case types.Float64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(s.Floats64[row]))
	case types.Int64, types.OID, types.Time, types.Timestamp, types.TimestampTZ:
		return appendLong(dst, s.Ints64[row])
	case types.Text, types.Bytea, types.JSON, types.JSONB:
		v := s.Data[s.Ends[row]:s.Ends[row+1]]
		return append(appendLong(dst, int64(len(v))), v...)
	case types.Int32, types.Date:
		return appendLong(dst, int64(s.Ints32[row]))
	case types.Int16:
		return appendLong(dst, int64(s.Ints16[row]))
	case types.Float32:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(s.Floats32[row]))
	case types.Bool:
		if s.Bools.Value(row) {
			return append(dst, 1)
		}
		return append(dst, 0)
	}
	return s.appendWide(dst, row)
}

func (s *source) appendWide(dst []byte, row int) []byte {
	switch s.Type.Kind {
	case types.Numeric:
		return appendDecimal(dst, s.Decimals[row])
	case types.UUID:
		return appendUUID(dst, s.Fixed.Value(row))
	case types.Interval:
		return appendInterval(dst, s.Intervals[row])
	case types.Struct:
		for _, kid := range s.kids {
			if dst = kid.append(dst, row); dst == nil {
				return nil
			}
		}
		return dst
	}
	// Arrays and maps: one block.
	from, to := int(s.Ends[row]), int(s.Ends[row+1])
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

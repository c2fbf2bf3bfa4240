package pgvalue

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// decodeBinary reads PostgreSQL's binary form of a value.
func decodeBinary(t types.Type, data []byte) (any, error) {
	if size := t.Size(); size > 0 && len(data) != int(size) {
		return nil, badBinary(t)
	}
	switch t.Kind {
	case types.Bool:
		return data[0] != 0, nil
	case types.Int16:
		return int64(int16(binary.BigEndian.Uint16(data))), nil
	case types.Int32:
		return int64(int32(binary.BigEndian.Uint32(data))), nil
	case types.Int64:
		return int64(binary.BigEndian.Uint64(data)), nil
	case types.OID:
		return int64(binary.BigEndian.Uint32(data)), nil
	case types.Float32:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(data))), nil
	case types.Float64:
		return math.Float64frombits(binary.BigEndian.Uint64(data)), nil
	case types.Numeric:
		return numericFromBinary(t, data)
	case types.Text, types.Unknown, types.JSON:
		if err := checkText(data); err != nil {
			return nil, err
		}
		return ParseText(t, string(data))
	case types.JSONB:
		return jsonbFromBinary(t, data)
	case types.Bytea:
		return append([]byte{}, data...), nil
	case types.UUID:
		return [16]byte(data), nil
	case types.Array:
		return arrayFromBinary(t, data)
	}
	return timeFromBinary(t, data)
}

func badBinary(t types.Type) error {
	return pgerr.Newf(pgerr.InvalidBinary, "incorrect binary data format for type %s", t)
}

func jsonbFromBinary(t types.Type, data []byte) (any, error) {
	if len(data) == 0 || data[0] != jsonbVersion {
		return nil, badBinary(t)
	}
	if err := checkText(data[1:]); err != nil {
		return nil, err
	}
	return ParseText(t, string(data[1:]))
}

func timeFromBinary(t types.Type, data []byte) (any, error) {
	switch t.Kind {
	case types.Date:
		days := int32(binary.BigEndian.Uint32(data))
		if days == pgtext.DateInfinity || days == pgtext.DateNegativeInfinity {
			return int64(days), nil
		}
		if days > math.MaxInt32-epochDays {
			return nil, pgerr.Newf(pgerr.DatetimeFieldOverflow, "date out of range")
		}
		return int64(days) + epochDays, nil
	case types.Time:
		micros := int64(binary.BigEndian.Uint64(data))
		if micros < 0 || micros > types.MicrosPerDay {
			return nil, pgerr.Newf(pgerr.DatetimeFieldOverflow, "time out of range")
		}
		return micros, nil
	case types.Timestamp, types.TimestampTZ:
		micros := int64(binary.BigEndian.Uint64(data))
		if micros == pgtext.TimestampInfinity || micros == pgtext.TimestampNegativeInfinity {
			return micros, nil
		}
		if micros > math.MaxInt64-1-epochMicros {
			return nil, pgerr.Newf(pgerr.DatetimeFieldOverflow, "timestamp out of range")
		}
		return micros + epochMicros, nil
	case types.Interval:
		return types.IntervalValue{
			Micros: int64(binary.BigEndian.Uint64(data)),
			Days:   int32(binary.BigEndian.Uint32(data[8:])),
			Months: int32(binary.BigEndian.Uint32(data[12:])),
		}, nil
	}
	return nil, noInput(t)
}

// numericFromBinary goes through the text, whose reader checks the range.
func numericFromBinary(t types.Type, data []byte) (any, error) {
	const (
		header   = 8
		negative = 0x4000
		// maxGroups is more groups of four digits than any decimal128 needs.
		maxGroups = 64
	)
	if len(data) < header {
		return nil, badBinary(t)
	}
	groups := int(binary.BigEndian.Uint16(data))
	weight := int(int16(binary.BigEndian.Uint16(data[2:])))
	sign := binary.BigEndian.Uint16(data[4:])
	if len(data) != header+2*groups {
		return nil, badBinary(t)
	}
	switch sign {
	case 0, negative:
	case 0xC000, 0xD000, 0xF000:
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, "type numeric does not support NaN and infinities").
			WithHint("Use double precision for them.")
	default:
		return nil, pgerr.Newf(pgerr.InvalidBinary, "invalid sign in external \"numeric\" value")
	}
	if groups > maxGroups {
		return nil, pgerr.Newf(pgerr.NumericOutOfRange, "value overflows numeric format")
	}
	text := make([]byte, 0, 4*maxGroups+16)
	if sign == negative {
		text = append(text, '-')
	}
	text = append(text, '0')
	for i := range groups {
		v := binary.BigEndian.Uint16(data[header+2*i:])
		if v > 9999 {
			return nil, pgerr.Newf(pgerr.InvalidBinary, "invalid digit in external \"numeric\" value")
		}
		text = append(text, byte('0'+v/1000), byte('0'+v/100%10), byte('0'+v/10%10), byte('0'+v%10))
	}
	text = append(text, 'e')
	text = strconv.AppendInt(text, int64(4*(weight-groups+1)), 10)
	return pgtext.ParseNumeric(string(text), t)
}

// arrayFromBinary reads an array of one dimension, or of several as nested ones.
func arrayFromBinary(t types.Type, data []byte) (any, error) {
	const header = 12
	if len(data) < header {
		return nil, badBinary(t)
	}
	dims := int(binary.BigEndian.Uint32(data))
	oid := binary.BigEndian.Uint32(data[8:])
	element := *t.Elem
	for element.Kind == types.Array {
		element = *element.Elem
	}
	if oid != element.OID() {
		return nil, pgerr.Newf(pgerr.DatatypeMismatch, "binary data has array element type %d instead of expected %d",
			oid, element.OID())
	}
	data = data[header:]
	if dims == 0 && len(data) == 0 {
		return []any{}, nil
	}
	if dims < 1 || dims > maxArrayDepth || len(data) < 8*dims {
		return nil, badBinary(t)
	}
	r := arrayReader{t: t, element: element, data: data[8*dims:]}
	for i := range dims {
		r.sizes = append(r.sizes, int(int32(binary.BigEndian.Uint32(data[8*i:]))))
	}
	if slices.Contains(r.sizes, 0) && len(r.data) == 0 {
		return []any{}, nil // some drivers give an empty array a dimension
	}
	out, err := r.read(0)
	if err == nil && len(r.data) > 0 {
		err = badBinary(t)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

type arrayReader struct {
	t, element types.Type
	sizes      []int
	data       []byte
}

// read reads the elements of one dimension. What a size claims is checked against
// the bytes that are there: an element takes four at least.
func (r *arrayReader) read(dim int) ([]any, error) {
	n := r.sizes[dim]
	if n < 1 || n > len(r.data)/4 {
		return nil, badBinary(r.t)
	}
	out := make([]any, 0, n)
	for range n {
		var v any
		var err error
		if dim+1 < len(r.sizes) {
			v, err = r.read(dim + 1)
		} else {
			v, err = r.value()
		}
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (r *arrayReader) value() (any, error) {
	if len(r.data) < 4 {
		return nil, badBinary(r.t)
	}
	size := int(int32(binary.BigEndian.Uint32(r.data)))
	r.data = r.data[4:]
	if size == -1 {
		return nil, nil
	}
	if size < 0 || size > len(r.data) {
		return nil, badBinary(r.t)
	}
	v := r.data[:size]
	r.data = r.data[size:]
	return decodeBinary(r.element, v)
}

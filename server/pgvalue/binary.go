package pgvalue

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// PostgreSQL counts dates and times from 2000-01-01.
const (
	epochDays   = 10957
	epochMicros = epochDays * types.MicrosPerDay
)

// jsonbVersion precedes the text of a binary jsonb.
const jsonbVersion = 1

// binaryBinder returns the binder of the binary format.
func binaryBinder(t types.Type) (binder, error) {
	switch t.Kind {
	case types.Array:
		return arrayBinary(t)
	case types.Struct:
		return recordBinary(t)
	case types.Map:
		return versioned(jsonBinder(t))
	case types.JSONB:
		return versioned(stringBytes, nil)
	case types.Text, types.Unknown, types.JSON:
		return stringBytes, nil
	case types.Bytea:
		return func(a arrow.Array) writer {
			v := a.(*array.Binary)
			return func(dst []byte, i int) []byte { return append(dst, v.Value(i)...) }
		}, nil
	case types.UUID:
		return func(a arrow.Array) writer {
			v := a.(*array.FixedSizeBinary)
			return func(dst []byte, i int) []byte { return append(dst, v.Value(i)...) }
		}, nil
	}
	if b := numberBinary(t); b != nil {
		return b, nil
	}
	if b := timeBinary(t); b != nil {
		return b, nil
	}
	return nil, pgerr.Newf(pgerr.FeatureNotSupported, "no binary output function available for type %s", t)
}

func versioned(b binder, err error) (binder, error) {
	return func(a arrow.Array) writer {
		write := b(a)
		return func(dst []byte, i int) []byte { return write(append(dst, jsonbVersion), i) }
	}, err
}

func numberBinary(t types.Type) binder {
	switch t.Kind {
	case types.Bool:
		return func(a arrow.Array) writer {
			v := a.(*array.Boolean)
			return func(dst []byte, i int) []byte {
				if v.Value(i) {
					return append(dst, 1)
				}
				return append(dst, 0)
			}
		}
	case types.Int16:
		return func(a arrow.Array) writer {
			v := a.(*array.Int16).Int16Values()
			return func(dst []byte, i int) []byte { return binary.BigEndian.AppendUint16(dst, uint16(v[i])) }
		}
	case types.Int32:
		return func(a arrow.Array) writer {
			v := a.(*array.Int32).Int32Values()
			return func(dst []byte, i int) []byte { return binary.BigEndian.AppendUint32(dst, uint32(v[i])) }
		}
	case types.Int64:
		return func(a arrow.Array) writer {
			v := a.(*array.Int64).Int64Values()
			return func(dst []byte, i int) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v[i])) }
		}
	case types.OID:
		return func(a arrow.Array) writer {
			v := a.(*array.Int64).Int64Values()
			return func(dst []byte, i int) []byte { return binary.BigEndian.AppendUint32(dst, uint32(v[i])) }
		}
	case types.Float32:
		return func(a arrow.Array) writer {
			v := a.(*array.Float32).Float32Values()
			return func(dst []byte, i int) []byte { return binary.BigEndian.AppendUint32(dst, math.Float32bits(v[i])) }
		}
	case types.Float64:
		return func(a arrow.Array) writer {
			v := a.(*array.Float64).Float64Values()
			return func(dst []byte, i int) []byte { return binary.BigEndian.AppendUint64(dst, math.Float64bits(v[i])) }
		}
	case types.Numeric:
		return func(a arrow.Array) writer {
			v := a.(*array.Decimal128).Values()
			return func(dst []byte, i int) []byte {
				var text [48]byte
				return appendNumericBinary(dst, pgtext.AppendNumeric(text[:0], v[i], t))
			}
		}
	}
	return nil
}

func timeBinary(t types.Type) binder {
	switch t.Kind {
	case types.Date:
		return func(a arrow.Array) writer {
			v := a.(*array.Date32).Date32Values()
			return func(dst []byte, i int) []byte { return binary.BigEndian.AppendUint32(dst, uint32(pgDays(int32(v[i])))) }
		}
	case types.Time:
		return func(a arrow.Array) writer {
			v := a.(*array.Time64).Time64Values()
			return func(dst []byte, i int) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v[i])) }
		}
	case types.Timestamp, types.TimestampTZ:
		return func(a arrow.Array) writer {
			v := a.(*array.Timestamp).TimestampValues()
			return func(dst []byte, i int) []byte {
				return binary.BigEndian.AppendUint64(dst, uint64(pgMicros(int64(v[i]))))
			}
		}
	case types.Interval:
		return func(a arrow.Array) writer {
			v := a.(*array.MonthDayNanoInterval).MonthDayNanoIntervalValues()
			return func(dst []byte, i int) []byte {
				x := intervalValue(v[i])
				dst = binary.BigEndian.AppendUint64(dst, uint64(x.Micros))
				dst = binary.BigEndian.AppendUint32(dst, uint32(x.Days))
				return binary.BigEndian.AppendUint32(dst, uint32(x.Months))
			}
		}
	}
	return nil
}

func pgDays(days int32) int32 {
	if days == pgtext.DateInfinity || days == pgtext.DateNegativeInfinity {
		return days
	}
	return days - epochDays
}

func pgMicros(micros int64) int64 {
	if micros == pgtext.TimestampInfinity || micros == pgtext.TimestampNegativeInfinity {
		return micros
	}
	return micros - epochMicros
}

// appendNumericBinary turns a number's text into groups of four decimal digits:
// count, weight of the first, sign, display scale, groups.
func appendNumericBinary(dst, text []byte) []byte {
	const negative = 0x4000
	sign := uint16(0)
	if text[0] == '-' {
		sign, text = negative, text[1:]
	}
	whole, frac, _ := bytes.Cut(text, []byte{'.'})
	scale := len(frac)
	header := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	weight := (len(whole)+3)/4 - 1
	started := false
	group := func(digits []byte, padded int) {
		v := uint16(0)
		for i := range 4 {
			if v *= 10; i >= padded && i-padded < len(digits) {
				v += uint16(digits[i-padded] - '0')
			}
		}
		if started = started || v != 0; started {
			dst = binary.BigEndian.AppendUint16(dst, v)
		} else {
			weight--
		}
	}
	if head := len(whole) % 4; head != 0 {
		group(whole[:head], 4-head)
		whole = whole[head:]
	}
	for ; len(whole) > 0; whole = whole[4:] {
		group(whole[:4], 0)
	}
	for len(frac) > 0 {
		n := min(4, len(frac))
		group(frac[:n], 0)
		frac = frac[n:]
	}
	for len(dst) > header+8 && dst[len(dst)-1] == 0 && dst[len(dst)-2] == 0 {
		dst = dst[:len(dst)-2]
	}
	groups := (len(dst) - header - 8) / 2
	if groups == 0 {
		weight, sign = 0, 0
	}
	binary.BigEndian.PutUint16(dst[header:], uint16(groups))
	binary.BigEndian.PutUint16(dst[header+2:], uint16(weight))
	binary.BigEndian.PutUint16(dst[header+4:], sign)
	binary.BigEndian.PutUint16(dst[header+6:], uint16(scale))
	return dst
}

// arrayBinary writes one dimension. PostgreSQL's binary arrays of several
// dimensions are rectangular, which a list of lists need not be.
func arrayBinary(t types.Type) (binder, error) {
	if t.Elem.Kind == types.Array {
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, "no binary output function available for type %s", t).
			WithHint("Ask for the text format.")
	}
	element, err := binaryBinder(*t.Elem)
	if err != nil {
		return nil, err
	}
	oid := t.Elem.OID()
	return func(a arrow.Array) writer {
		list := a.(*array.List)
		inner := bindColumn(element, list.ListValues())
		return func(dst []byte, i int) []byte {
			from, to := list.ValueOffsets(i)
			if from == to {
				dst = binary.BigEndian.AppendUint64(dst, 0) // no dimensions, no nulls
				return binary.BigEndian.AppendUint32(dst, oid)
			}
			header := len(dst)
			dst = binary.BigEndian.AppendUint32(dst, 1)
			dst = binary.BigEndian.AppendUint32(dst, 0)
			dst = binary.BigEndian.AppendUint32(dst, oid)
			dst = binary.BigEndian.AppendUint32(dst, uint32(to-from))
			dst = binary.BigEndian.AppendUint32(dst, 1) // lower bound
			for j := from; j < to; j++ {
				if inner.isNull(int(j)) {
					dst[header+7] = 1 // has nulls
				}
				dst = inner.appendSized(dst, int(j))
			}
			return dst
		}
	}, nil
}

func recordBinary(t types.Type) (binder, error) {
	binders := make([]binder, len(t.Fields))
	for i, f := range t.Fields {
		var err error
		if binders[i], err = binaryBinder(f.Type); err != nil {
			return nil, err
		}
	}
	return func(a arrow.Array) writer {
		fields := bindFields(a, binders)
		return func(dst []byte, i int) []byte {
			dst = binary.BigEndian.AppendUint32(dst, uint32(len(fields)))
			for f := range fields {
				dst = binary.BigEndian.AppendUint32(dst, t.Fields[f].Type.OID())
				dst = fields[f].appendSized(dst, i)
			}
			return dst
		}
	}, nil
}

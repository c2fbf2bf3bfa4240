package pgvalue

import (
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// textBinder returns the binder of the text format.
func textBinder(t types.Type, zone *time.Location) (binder, error) {
	switch t.Kind {
	case types.Array:
		return arrayText(t, zone)
	case types.Struct:
		return recordText(t, zone)
	case types.Map:
		return jsonBinder(t)
	case types.Bool:
		return func(a arrow.Array) writer {
			v := a.(*array.Boolean)
			return func(dst []byte, i int) []byte { return pgtext.AppendBool(dst, v.Value(i)) }
		}, nil
	case types.Text, types.Unknown, types.JSON, types.JSONB:
		return stringBytes, nil
	case types.Bytea:
		return func(a arrow.Array) writer {
			v := a.(*array.Binary)
			return func(dst []byte, i int) []byte { return pgtext.AppendBytea(dst, v.Value(i)) }
		}, nil
	case types.UUID:
		return func(a arrow.Array) writer {
			v := a.(*array.FixedSizeBinary)
			return func(dst []byte, i int) []byte { return pgtext.AppendUUID(dst, v.Value(i)) }
		}, nil
	}
	if b := numberText(t); b != nil {
		return b, nil
	}
	if b := timeText(t, zone); b != nil {
		return b, nil
	}
	return nil, pgerr.Newf(pgerr.FeatureNotSupported, "no text output for type %s", t)
}

func stringBytes(a arrow.Array) writer {
	v := a.(*array.String)
	return func(dst []byte, i int) []byte { return append(dst, v.Value(i)...) }
}

func numberText(t types.Type) binder {
	switch t.Kind {
	case types.Int16:
		return integerText((*array.Int16).Int16Values)
	case types.Int32:
		return integerText((*array.Int32).Int32Values)
	case types.Int64, types.OID:
		return integerText((*array.Int64).Int64Values)
	case types.Float32:
		return func(a arrow.Array) writer {
			v := a.(*array.Float32).Float32Values()
			return func(dst []byte, i int) []byte { return pgtext.AppendFloat32(dst, v[i]) }
		}
	case types.Float64:
		return func(a arrow.Array) writer {
			v := a.(*array.Float64).Float64Values()
			return func(dst []byte, i int) []byte { return pgtext.AppendFloat64(dst, v[i]) }
		}
	case types.Numeric:
		return func(a arrow.Array) writer {
			v := a.(*array.Decimal128).Values()
			return func(dst []byte, i int) []byte { return pgtext.AppendNumeric(dst, v[i], t) }
		}
	}
	return nil
}

func integerText[A arrow.Array, T int16 | int32 | int64](values func(A) []T) binder {
	return func(a arrow.Array) writer {
		v := values(a.(A))
		return func(dst []byte, i int) []byte { return strconv.AppendInt(dst, int64(v[i]), 10) }
	}
}

func timeText(t types.Type, zone *time.Location) binder {
	switch t.Kind {
	case types.Date:
		return func(a arrow.Array) writer {
			v := a.(*array.Date32).Date32Values()
			return func(dst []byte, i int) []byte { return pgtext.AppendDate(dst, int32(v[i])) }
		}
	case types.Time:
		return func(a arrow.Array) writer {
			v := a.(*array.Time64).Time64Values()
			return func(dst []byte, i int) []byte { return pgtext.AppendTime(dst, int64(v[i])) }
		}
	case types.Timestamp:
		return func(a arrow.Array) writer {
			v := a.(*array.Timestamp).TimestampValues()
			return func(dst []byte, i int) []byte { return pgtext.AppendTimestamp(dst, int64(v[i])) }
		}
	case types.TimestampTZ:
		return func(a arrow.Array) writer {
			v := a.(*array.Timestamp).TimestampValues()
			return func(dst []byte, i int) []byte { return pgtext.AppendTimestampTZ(dst, int64(v[i]), zone) }
		}
	case types.Interval:
		return func(a arrow.Array) writer {
			v := a.(*array.MonthDayNanoInterval).MonthDayNanoIntervalValues()
			return func(dst []byte, i int) []byte { return pgtext.AppendInterval(dst, intervalValue(v[i])) }
		}
	}
	return nil
}

func intervalValue(v arrow.MonthDayNanoInterval) types.IntervalValue {
	return types.IntervalValue{Months: v.Months, Days: v.Days, Micros: v.Nanoseconds / 1000}
}

// arrayText writes {1,2,NULL}; an inner array is not quoted.
func arrayText(t types.Type, zone *time.Location) (binder, error) {
	element, err := textBinder(*t.Elem, zone)
	if err != nil {
		return nil, err
	}
	nested := t.Elem.Kind == types.Array
	return func(a arrow.Array) writer {
		list := a.(*array.List)
		inner := bindColumn(element, list.ListValues())
		return func(dst []byte, i int) []byte {
			from, to := list.ValueOffsets(i)
			dst = append(dst, '{')
			for j := from; j < to; j++ {
				if j > from {
					dst = append(dst, ',')
				}
				if inner.isNull(int(j)) {
					dst = append(dst, "NULL"...)
					continue
				}
				start := len(dst)
				if dst = inner.write(dst, int(j)); !nested {
					dst = pgtext.QuoteElement(dst, start)
				}
			}
			return append(dst, '}')
		}
	}, nil
}

// bindFields binds the fields of a struct's column.
func bindFields(a arrow.Array, binders []binder) []column {
	s := a.(*array.Struct)
	out := make([]column, len(binders))
	for i, b := range binders {
		out[i] = bindColumn(b, s.Field(i))
	}
	return out
}

// recordText writes (1,"a b",), null as nothing.
func recordText(t types.Type, zone *time.Location) (binder, error) {
	binders := make([]binder, len(t.Fields))
	for i, f := range t.Fields {
		var err error
		if binders[i], err = textBinder(f.Type, zone); err != nil {
			return nil, err
		}
	}
	return func(a arrow.Array) writer {
		fields := bindFields(a, binders)
		return func(dst []byte, i int) []byte {
			dst = append(dst, '(')
			for f := range fields {
				if f > 0 {
					dst = append(dst, ',')
				}
				if fields[f].isNull(i) {
					continue
				}
				start := len(dst)
				dst = pgtext.QuoteField(fields[f].write(dst, i), start)
			}
			return append(dst, ')')
		}
	}, nil
}

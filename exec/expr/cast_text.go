package expr

import (
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// AppendText appends row i of an array of the type as SQL's cast to text gives
// it. The row must not be NULL. A nil zone is UTC.
func AppendText(dst []byte, t types.Type, arr arrow.Array, i int, zone *time.Location) []byte {
	return appendText(dst, load(t, array.NewSlice(arr, int64(i), int64(i+1))), 0, zone)
}

func appendText(dst []byte, v *vector, i int, zone *time.Location) []byte {
	if v.konst {
		i = 0
	}
	switch v.t.Kind {
	case types.Bool:
		return strconv.AppendBool(dst, bit(v.bits, i))
	case types.Int16:
		return strconv.AppendInt(dst, int64(values[int16](v)[i]), 10)
	case types.Int32:
		return strconv.AppendInt(dst, int64(values[int32](v)[i]), 10)
	case types.Int64, types.OID:
		return strconv.AppendInt(dst, values[int64](v)[i], 10)
	case types.Float32:
		return pgtext.AppendFloat32(dst, values[float32](v)[i])
	case types.Float64:
		return pgtext.AppendFloat64(dst, values[float64](v)[i])
	case types.Numeric:
		return pgtext.AppendNumeric(dst, values[num](v)[i], v.t)
	case types.Bytea:
		return pgtext.AppendBytea(dst, v.bytes(i))
	case types.Date:
		return pgtext.AppendDate(dst, values[int32](v)[i])
	case types.Time:
		return pgtext.AppendTime(dst, values[int64](v)[i])
	case types.Timestamp:
		return pgtext.AppendTimestamp(dst, values[int64](v)[i])
	case types.TimestampTZ:
		return pgtext.AppendTimestampTZ(dst, values[int64](v)[i], zone)
	case types.Interval:
		return pgtext.AppendInterval(dst, unpackInterval(values[arrow.MonthDayNanoInterval](v)[i]))
	case types.UUID:
		id := values[[16]byte](v)[i]
		return pgtext.AppendUUID(dst, id[:])
	case types.Array:
		return appendArrayText(dst, v, i, zone)
	case types.Struct:
		return appendRecordText(dst, v, i, zone)
	case types.Map:
		return appendJSONValue(dst, v, i, zone)
	}
	return append(dst, v.bytes(i)...)
}

func appendArrayText(dst []byte, v *vector, i int, zone *time.Location) []byte {
	list := v.arr.(*array.List)
	from, to := list.ValueOffsets(i)
	elems := load(*v.t.Elem, array.NewSlice(list.ListValues(), from, to))
	dst = append(dst, '{')
	for k := range elems.n {
		if k > 0 {
			dst = append(dst, ',')
		}
		start := len(dst)
		switch {
		case elems.isNull(k):
			dst = append(dst, "NULL"...)
		case v.t.Elem.Kind == types.Array:
			dst = appendText(dst, elems, k, zone)
		case v.t.Elem.Kind == types.Bool:
			dst = pgtext.AppendBool(dst, elems.isTrue(k))
		default:
			dst = pgtext.QuoteElement(appendText(dst, elems, k, zone), start)
		}
	}
	return append(dst, '}')
}

func appendRecordText(dst []byte, v *vector, i int, zone *time.Location) []byte {
	s := v.arr.(*array.Struct)
	dst = append(dst, '(')
	for k, field := range v.t.Fields {
		if k > 0 {
			dst = append(dst, ',')
		}
		value := load(field.Type, s.Field(k))
		start := len(dst)
		switch {
		case value.isNull(i):
		case field.Type.Kind == types.Bool:
			dst = pgtext.AppendBool(dst, value.isTrue(i))
		default:
			dst = pgtext.QuoteField(appendText(dst, value, i, zone), start)
		}
	}
	return append(dst, ')')
}

// toText casts to text or varchar(n). An explicit cast cuts what is too long, an
// implicit one (an assignment) refuses it unless only spaces are cut.
func toText(from, to types.Type, implicit bool) kernel {
	limit := int(to.Precision)
	isText := from.Kind == types.Text || from.Kind == types.Unknown
	if isText && (limit == 0 || from.Precision > 0 && from.Precision <= to.Precision) ||
		(from.Kind == types.JSON || from.Kind == types.JSONB) && limit == 0 {
		return identity()
	}
	k := textFn(func(r *row) error {
		v, i := r.at(0)
		if isText && len(v.bytes(i)) <= limit {
			r.out = append(r.out, v.bytes(i)...)
			return nil
		}
		start := len(r.out)
		r.out = appendText(r.out, v, i, r.f.p.env.zone())
		if limit == 0 {
			return nil
		}
		s := string(r.out[start:])
		kept := cutText(s, limit)
		if implicit && strings.TrimRight(s[len(kept):], " ") != "" {
			return pgerr.Newf(pgerr.StringTruncation, "value too long for type character varying(%d)", limit)
		}
		r.out = r.out[:start+len(kept)]
		return nil
	})
	k.stable = from.Kind == types.TimestampTZ
	return k
}

// fromText casts from text, by the type's input function.
func fromText(to types.Type) (kernel, bool) {
	switch to.Kind {
	case types.Bool:
		return boolFn(func(r *row) (bool, error) { return pgtext.ParseBool(r.text(0)) }), true
	case types.Int16:
		return parse(pgtext.ParseInt16), true
	case types.Int32:
		return parse(pgtext.ParseInt32), true
	case types.Int64:
		return parse(pgtext.ParseInt64), true
	case types.OID:
		return parse(pgtext.ParseOID), true
	case types.Float32:
		return parse(pgtext.ParseFloat32), true
	case types.Float64:
		return parse(pgtext.ParseFloat64), true
	case types.Numeric:
		return parse(func(s string) (num, error) { return pgtext.ParseNumeric(s, to) }), true
	case types.Date:
		return parse(pgtext.ParseDate), true
	case types.Time:
		return parse(pgtext.ParseTime), true
	case types.Timestamp:
		return parse(pgtext.ParseTimestamp), true
	case types.TimestampTZ:
		k := fixedFn(func(r *row) (int64, error) { return pgtext.ParseTimestampTZ(r.text(0), r.f.p.env.zone()) })
		k.stable = true
		return k, true
	case types.Interval:
		return parse(func(s string) (arrow.MonthDayNanoInterval, error) {
			v, err := pgtext.ParseInterval(s, "")
			if err != nil {
				return arrow.MonthDayNanoInterval{}, err
			}
			return arrowInterval(v)
		}), true
	case types.UUID:
		return parse(pgtext.ParseUUID), true
	}
	return fromTextVariable(to)
}

func parse[T any](read func(string) (T, error)) kernel {
	return fixedFn(func(r *row) (T, error) { return read(r.text(0)) })
}

func fromTextVariable(to types.Type) (kernel, bool) {
	switch to.Kind {
	case types.Bytea:
		return textFn(func(r *row) error {
			b, err := pgtext.ParseBytea(r.text(0))
			r.out = append(r.out, b...)
			return err
		}), true
	case types.JSON:
		return textFn(func(r *row) error {
			r.out = append(r.out, r.text(0)...)
			return pgtext.CheckJSON(r.text(0))
		}), true
	case types.JSONB:
		return textFn(parseJSONB), true
	case types.Array:
		return arrayFromText(*to.Elem)
	}
	return kernel{}, false
}

func parseJSONB(r *row) error {
	s, err := pgtext.ParseJSONB(r.text(0))
	r.out = append(r.out, s...)
	return err
}

// arrayFromText reads an array's text: its elements are text for their own cast.
func arrayFromText(elem types.Type) (kernel, bool) {
	k, ok := castKernel(types.Of(types.Text), elem, false)
	if !ok {
		return kernel{}, false
	}
	return anyFn(func(r *row) (any, error) {
		parts, err := pgtext.ParseArray(r.text(0))
		if err != nil {
			return nil, err
		}
		list := make([]any, len(parts))
		for i, p := range parts {
			if !p.Null {
				list[i] = p.Text
			}
		}
		return castList(r.f, k, types.Of(types.Text), elem, list)
	}), true
}

func castArray(from, to types.Type, implicit bool) (kernel, bool) {
	if from.Equal(to) {
		return identity(), true
	}
	k, ok := castKernel(from, to, implicit)
	if !ok {
		return kernel{}, false
	}
	return anyFn(func(r *row) (any, error) {
		return castList(r.f, k, from, to, r.value(0).([]any))
	}), true
}

// castList casts the elements of one array.
func castList(f *frame, k kernel, from, to types.Type, list []any) (any, error) {
	if len(list) == 0 {
		return list, nil
	}
	arr, err := ValuesArray(from, list)
	if err != nil {
		return nil, err
	}
	errs := &RowErrors{}
	inner := *f
	inner.n, inner.mask, inner.parent, inner.errs = len(list), nil, nil, errs
	v := k.eval(&inner, &node{t: to, args: []*node{{t: from, konst: load(from, arr)}}})
	if errs.Len() > 0 {
		return nil, errs.First()
	}
	out := make([]any, len(list))
	for i := range out {
		out[i] = v.value(i)
	}
	return out, nil
}

package agg

import (
	"bytes"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/exec/rowcodec"
	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// newJSON is json_agg and json_object_agg and their jsonb forms. What is kept is
// each row's JSON text; of an object's fields the name and the value.
func newJSON(s *Spec) Accumulator {
	how := inOrder(s, len(s.Args))
	how.valueType = how.valueType[:0:0]
	for range s.Args {
		how.valueType = append(how.valueType, types.Of(types.JSON))
	}
	how.valueCols = func(in *Input) []arrow.Array {
		cols := make([]arrow.Array, len(s.Args))
		for i, t := range s.Args {
			cols[i] = jsonColumn(t, in.Args[i], len(s.Args) == 2 && i == 0)
		}
		return cols
	}
	how.result = jsonResult
	return newCollected(s, how)
}

// jsonColumn gives each value's JSON text. A field's name is NULL where the value
// is, which is an error for Result to tell.
func jsonColumn(t types.Type, arr arrow.Array, name bool) arrow.Array {
	out := newTextOutput(types.Of(types.JSON), arr.Len())
	col := rowcodec.View(t, arr)
	for i := range arr.Len() {
		if name && col.Null(i) {
			out.appendNull()
			continue
		}
		start := len(out.data)
		out.data = appendJSON(out.data, t, arr, i)
		if name && out.data[start] != '"' {
			text := string(out.data[start:])
			out.data = pgtext.AppendJSONString(out.data[:start], text)
		}
		out.append(nil)
	}
	json, err := out.array()
	if err != nil {
		panic(err) // a batch of 8192 rows is far from the limit
	}
	return json
}

func jsonResult(c *collected, ids []uint32) (arrow.Array, error) {
	out := newTextOutput(c.spec.Result, len(ids))
	var rows [][]byte
	for _, id := range ids {
		if rows = c.rowsOf(id, rows[:0]); len(rows) == 0 {
			out.appendNull()
			continue
		}
		start := len(out.data)
		var err error
		if len(c.spec.Args) == 2 {
			out.data, err = appendObject(out.data, rows)
		} else {
			out.data = appendJSONArray(out.data, rows)
		}
		if err == nil && c.spec.Result.Kind == types.JSONB {
			var text string
			text, err = pgtext.ParseJSONB(string(out.data[start:]))
			out.data = append(out.data[:start], text...)
		}
		if err != nil {
			return nil, err
		}
		out.append(nil)
	}
	return out.array()
}

func appendJSONArray(dst []byte, rows [][]byte) []byte {
	dst = append(dst, '[')
	for i, row := range rows {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		value, _ := cutText(row[1:])
		dst = append(dst, value...)
	}
	return append(dst, ']')
}

func appendObject(dst []byte, rows [][]byte) ([]byte, error) {
	dst = append(dst, '{')
	for i, row := range rows {
		if row[0] != 0 {
			return dst, pgerr.Newf(pgerr.NullNotAllowed, "null value not allowed for object key")
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		name, rest := cutText(row[1:])
		value, _ := cutText(rest)
		dst = append(append(dst, ' '), name...)
		dst = append(append(dst, " : "...), value...)
	}
	return append(dst, " }"...), nil
}

// appendJSON appends a value as PostgreSQL's to_json gives it. Times with a zone
// are in UTC.
func appendJSON(dst []byte, t types.Type, arr arrow.Array, i int) []byte {
	if arr.IsNull(i) {
		return append(dst, "null"...)
	}
	switch a := arr.(type) {
	case *array.Boolean:
		return strconv.AppendBool(dst, a.Value(i))
	case *array.Int16:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10)
	case *array.Int32:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10)
	case *array.Int64:
		return strconv.AppendInt(dst, a.Value(i), 10)
	case *array.Float32:
		return appendJSONFloat(dst, float64(a.Value(i)), pgtext.AppendFloat32(nil, a.Value(i)))
	case *array.Float64:
		return appendJSONFloat(dst, a.Value(i), pgtext.AppendFloat64(nil, a.Value(i)))
	case *array.Decimal128:
		return pgtext.AppendNumeric(dst, decimal128.Num(a.Value(i)), t)
	case *array.String:
		if t.Kind == types.JSON || t.Kind == types.JSONB {
			return append(dst, a.Value(i)...)
		}
		return pgtext.AppendJSONString(dst, a.Value(i))
	case *array.List:
		from, to := a.ValueOffsets(i)
		return appendJSONList(dst, *t.Elem, a.ListValues(), int(from), int(to))
	case *array.Map:
		return appendJSONMap(dst, t, a, i)
	case *array.Struct:
		dst = append(dst, '{')
		for f, field := range t.Fields {
			if f > 0 {
				dst = append(dst, ',')
			}
			dst = append(pgtext.AppendJSONString(dst, field.Name), ':')
			dst = appendJSON(dst, field.Type, a.Field(f), i)
		}
		return append(dst, '}')
	}
	return pgtext.AppendJSONString(dst, string(appendText(nil, t, arr, i)))
}

func appendJSONFloat(dst []byte, v float64, text []byte) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return pgtext.AppendJSONString(dst, string(text))
	}
	return append(dst, text...)
}

func appendJSONList(dst []byte, elem types.Type, values arrow.Array, from, to int) []byte {
	dst = append(dst, '[')
	for j := from; j < to; j++ {
		if j > from {
			dst = append(dst, ',')
		}
		dst = appendJSON(dst, elem, values, j)
	}
	return append(dst, ']')
}

func appendJSONMap(dst []byte, t types.Type, m *array.Map, i int) []byte {
	dst = append(dst, '{')
	from, to := m.ValueOffsets(i)
	for j := int(from); j < int(to); j++ {
		if j > int(from) {
			dst = append(dst, ',')
		}
		key := appendJSON(nil, *t.Key, m.Keys(), j)
		if key[0] != '"' {
			key = pgtext.AppendJSONString(nil, string(key))
		}
		dst = append(append(dst, key...), ':')
		dst = appendJSON(dst, *t.Elem, m.Items(), j)
	}
	return append(dst, '}')
}

// appendText appends a value of a type that JSON has as a string.
func appendText(dst []byte, t types.Type, arr arrow.Array, i int) []byte {
	switch a := arr.(type) {
	case *array.Date32:
		return pgtext.AppendDate(dst, int32(a.Value(i)))
	case *array.Time64:
		return pgtext.AppendTime(dst, int64(a.Value(i)))
	case *array.Timestamp:
		if t.Kind != types.TimestampTZ {
			return bytes.Replace(pgtext.AppendTimestamp(dst, int64(a.Value(i))), []byte(" "), []byte("T"), 1)
		}
		b := bytes.Replace(pgtext.AppendTimestampTZ(dst, int64(a.Value(i)), time.UTC), []byte(" "), []byte("T"), 1)
		return bytes.Replace(b, []byte("+00"), []byte("+00:00"), 1)
	case *array.MonthDayNanoInterval:
		v := a.Value(i)
		return pgtext.AppendInterval(dst, types.IntervalValue{Months: v.Months, Days: v.Days, Micros: v.Nanoseconds / 1000})
	case *array.Binary:
		return pgtext.AppendBytea(dst, a.Value(i))
	case *array.FixedSizeBinary:
		return pgtext.AppendUUID(dst, a.Value(i))
	}
	return append(dst, arr.ValueStr(i)...)
}

package json

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/connectors/format/column"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// NewEncoder returns an encoder that writes one object a row, with a member for
// each column, NULLs included. subject is not used.
func (Format) NewEncoder(_ context.Context, spec connectors.SinkSpec, _ string, cols []int) (format.Encoder, error) {
	e := &encoder{cols: cols}
	seen := map[string]bool{}
	for _, c := range cols {
		f := spec.Schema.Fields[c]
		if seen[f.Name] {
			return nil, pgerr.Newf(pgerr.DuplicateColumn, "column %q occurs twice in the sink", f.Name)
		}
		seen[f.Name] = true
		e.fields = append(e.fields, newField(f.Name, column.NewView(f.Type)))
	}
	return e, nil
}

// encoder implements format.Encoder.
type encoder struct {
	cols   []int
	fields []*field
}

// field is a column to encode, or what is inside one. The values are written as
// PostgreSQL's to_json writes them: times in ISO 8601, bytea as "\\x..", NaN and
// the infinities as strings.
type field struct {
	*column.View
	key  []byte // "name":
	kids []*field
}

func newField(name string, v *column.View) *field {
	f := &field{View: v, key: append(column.AppendQuoted(nil, []byte(name)), ':')}
	for i, kid := range v.Kids {
		name := ""
		if v.Type.Kind == types.Struct {
			name = v.Type.Fields[i].Name
		}
		f.kids = append(f.kids, newField(name, kid))
	}
	return f
}

// Append encodes the rows.
func (e *encoder) Append(dst []byte, ends []int32, b *batch.Batch, from, to int) ([]byte, []int32, error) {
	for i, f := range e.fields {
		if err := f.Bind(b.Cols[e.cols[i]]); err != nil {
			return dst, ends, fmt.Errorf("encoding json: %w", err)
		}
	}
	for row := from; row < to; row++ {
		start := len(dst)
		dst = appendObject(dst, e.fields, row)
		if len(dst) > math.MaxInt32 {
			return dst[:start], ends, pgerr.Newf(pgerr.ProgramLimitExceeded, "a batch of records has more than %d bytes", math.MaxInt32)
		}
		ends = append(ends, int32(len(dst)))
	}
	return dst, ends, nil
}

func appendObject(dst []byte, fields []*field, row int) []byte {
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = f.append(append(dst, f.key...), row)
	}
	return append(dst, '}')
}

func (f *field) append(dst []byte, row int) []byte {
	if f.IsNull(row) {
		return append(dst, "null"...)
	}
	switch f.Type.Kind {
	case types.Bool:
		return strconv.AppendBool(dst, f.Bools.Value(row))
	case types.Int16:
		return strconv.AppendInt(dst, int64(f.Ints16[row]), 10)
	case types.Int32:
		return strconv.AppendInt(dst, int64(f.Ints32[row]), 10)
	case types.Int64, types.OID:
		return strconv.AppendInt(dst, f.Ints64[row], 10)
	case types.Float32:
		return f.appendFloat(dst, float64(f.Floats32[row]), 32)
	case types.Float64:
		return f.appendFloat(dst, f.Floats64[row], 64)
	case types.Numeric:
		return pgtext.AppendNumeric(dst, f.Decimals[row], f.Type)
	case types.Text:
		return column.AppendQuoted(dst, f.Data[f.Ends[row]:f.Ends[row+1]])
	case types.JSON, types.JSONB:
		return append(dst, f.Data[f.Ends[row]:f.Ends[row+1]]...)
	case types.Struct:
		return appendObject(dst, f.kids, row)
	case types.Array, types.Map:
		return f.appendItems(dst, row)
	}
	return append(f.appendText(append(dst, '"'), row), '"')
}

func (f *field) appendFloat(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return append(pgtext.AppendFloat64(append(dst, '"'), v), '"')
	case bits == 32:
		return pgtext.AppendFloat32(dst, float32(v))
	}
	return pgtext.AppendFloat64(dst, v)
}

// appendText appends the text of the types that JSON has none for.
func (f *field) appendText(dst []byte, row int) []byte {
	start := len(dst)
	switch f.Type.Kind {
	case types.Date:
		return pgtext.AppendDate(dst, f.Ints32[row])
	case types.Time:
		return pgtext.AppendTime(dst, f.Ints64[row])
	case types.Timestamp:
		return isoSeparator(pgtext.AppendTimestamp(dst, f.Ints64[row]), start)
	case types.TimestampTZ:
		dst = isoSeparator(pgtext.AppendTimestampTZ(dst, f.Ints64[row], time.UTC), start)
		if n := len(dst); n > 3 && dst[n-3] == '+' {
			dst = append(dst, ":00"...)
		}
		return dst
	case types.UUID:
		return pgtext.AppendUUID(dst, f.Fixed.Value(row))
	case types.Interval:
		v := f.Intervals[row]
		return pgtext.AppendInterval(dst, types.IntervalValue{Months: v.Months, Days: v.Days, Micros: v.Nanoseconds / 1000})
	}
	return hex.AppendEncode(append(dst, `\\x`...), f.Data[f.Ends[row]:f.Ends[row+1]])
}

// isoSeparator puts a T between the date and the time of the text from start.
func isoSeparator(dst []byte, start int) []byte {
	for i := start; i < len(dst); i++ {
		if dst[i] == ' ' {
			dst[i] = 'T'
			break
		}
	}
	return dst
}

func (f *field) appendItems(dst []byte, row int) []byte {
	isMap := f.Type.Kind == types.Map
	open, end := byte('['), byte(']')
	if isMap {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	from, to := int(f.Ends[row]), int(f.Ends[row+1])
	for i := from; i < to; i++ {
		if i > from {
			dst = append(dst, ',')
		}
		if isMap {
			dst = append(f.appendKey(dst, i), ':')
		}
		dst = f.kids[len(f.kids)-1].append(dst, i)
	}
	return append(dst, end)
}

// appendKey appends a map's key, which JSON wants to be a string.
func (f *field) appendKey(dst []byte, i int) []byte {
	key := f.kids[0]
	if k := key.Type.Kind; k >= types.Bool && k <= types.Numeric || k == types.OID {
		return append(key.append(append(dst, '"'), i), '"')
	}
	return key.append(dst, i)
}

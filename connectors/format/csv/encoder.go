package csv

import (
	"bytes"
	"context"
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

// NewEncoder returns an encoder that writes one line a row, without a line
// break. subject is not used.
func (Format) NewEncoder(_ context.Context, spec connectors.SinkSpec, _ string, cols []int) (format.Encoder, error) {
	dialect, err := readDialect(spec.Options)
	if err != nil {
		return nil, err
	}
	e := &encoder{dialect: dialect, cols: cols}
	for _, c := range cols {
		f := spec.Schema.Fields[c]
		if err := scalar(f); err != nil {
			return nil, err
		}
		e.views = append(e.views, column.NewView(f.Type))
	}
	return e, nil
}

// encoder implements format.Encoder.
type encoder struct {
	dialect
	cols  []int
	views []*column.View
	buf   []byte // of a text to quote
}

// Append encodes the rows.
func (e *encoder) Append(dst []byte, ends []int32, b *batch.Batch, from, to int) ([]byte, []int32, error) {
	for i, v := range e.views {
		if err := v.Bind(b.Cols[e.cols[i]]); err != nil {
			return dst, ends, fmt.Errorf("encoding csv: %w", err)
		}
	}
	for row := from; row < to; row++ {
		start := len(dst)
		for i, v := range e.views {
			if i > 0 {
				dst = append(dst, e.delimiter)
			}
			dst = e.value(dst, v, row)
		}
		if len(dst) > math.MaxInt32 {
			return dst[:start], ends, pgerr.Newf(pgerr.ProgramLimitExceeded, "a batch of records has more than %d bytes", math.MaxInt32)
		}
		ends = append(ends, int32(len(dst)))
	}
	return dst, ends, nil
}

// value appends a value, quoted where it would be read as something else.
func (e *encoder) value(dst []byte, v *column.View, row int) []byte {
	if v.IsNull(row) {
		return append(dst, e.null...)
	}
	start := len(dst)
	dst = appendText(dst, v, row)
	text := dst[start:]
	if string(text) != e.null && bytes.IndexByte(text, e.delimiter) < 0 &&
		bytes.IndexByte(text, e.quote) < 0 && bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') < 0 {
		return dst
	}
	e.buf = append(e.buf[:0], text...)
	dst = append(dst[:start], e.quote)
	for _, c := range e.buf {
		if c == e.quote {
			dst = append(dst, c)
		}
		dst = append(dst, c)
	}
	return append(dst, e.quote)
}

// appendText appends the value as PostgreSQL shows it.
func appendText(dst []byte, v *column.View, row int) []byte {
	switch v.Type.Kind {
	case types.Bool:
		return pgtext.AppendBool(dst, v.Bools.Value(row))
	case types.Int16:
		return strconv.AppendInt(dst, int64(v.Ints16[row]), 10)
	case types.Int32:
		return strconv.AppendInt(dst, int64(v.Ints32[row]), 10)
	case types.Int64, types.OID:
		return strconv.AppendInt(dst, v.Ints64[row], 10)
	case types.Float32:
		return pgtext.AppendFloat32(dst, v.Floats32[row])
	case types.Float64:
		return pgtext.AppendFloat64(dst, v.Floats64[row])
	case types.Numeric:
		return pgtext.AppendNumeric(dst, v.Decimals[row], v.Type)
	case types.Date:
		return pgtext.AppendDate(dst, v.Ints32[row])
	case types.Time:
		return pgtext.AppendTime(dst, v.Ints64[row])
	case types.Timestamp:
		return pgtext.AppendTimestamp(dst, v.Ints64[row])
	case types.TimestampTZ:
		return pgtext.AppendTimestampTZ(dst, v.Ints64[row], time.UTC)
	case types.UUID:
		return pgtext.AppendUUID(dst, v.Fixed.Value(row))
	case types.Interval:
		i := v.Intervals[row]
		return pgtext.AppendInterval(dst, types.IntervalValue{Months: i.Months, Days: i.Days, Micros: i.Nanoseconds / 1000})
	case types.Bytea:
		return pgtext.AppendBytea(dst, v.Data[v.Ends[row]:v.Ends[row+1]])
	}
	return append(dst, v.Data[v.Ends[row]:v.Ends[row+1]]...)
}

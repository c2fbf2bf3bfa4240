package avro

import (
	"encoding/binary"
	"math"

	"laminardb/connectors/format/column"
	"laminardb/sql/types"
)

// convert returns the op that reads a value of the writer's type n, neither
// null nor union, into the column; ok is false where that makes no sense. In
// short: numbers widen (Avro's promotions) or are checked against the narrower
// range; bytes and strings go into each other; a time goes into any type of
// time that can hold it, and as epoch milliseconds into bigint, which is what
// bigint event time is; a string is read as SQL text of the column's type.
func convert(n *node, col *column.Column) (op, bool) {
	switch n.kind {
	case kindBoolean:
		return op{code: opBool}, col.Type.Kind == types.Bool
	case kindInt, kindLong:
		return convertInteger(n, col.Type)
	case kindFloat, kindDouble:
		return convertFloat(n, col.Type)
	case kindString:
		return convertString(col.Type)
	case kindEnum:
		return op{code: opCall, fn: runEnum, node: n}, col.Type.Kind == types.Text
	case kindBytes, kindFixed:
		return convertBytes(n, col.Type)
	}
	return op{}, false
}

const (
	microsPerDay = types.MicrosPerDay
)

// convertInteger covers int and long with their logical types.
func convertInteger(n *node, t types.Type) (op, bool) {
	scaled := func(mul, div int64) (op, bool) {
		return op{code: opCall, fn: runScaled, mul: mul, div: div}, true
	}
	switch n.logical {
	case "date":
		switch t.Kind {
		case types.Date:
			return op{code: opInt}, true
		case types.Timestamp, types.TimestampTZ:
			return scaled(microsPerDay, 1)
		}
	case "time-millis":
		if t.Kind == types.Time {
			return op{code: opCall, fn: runTimeOfDay, mul: 1000}, true
		}
	case "time-micros":
		if t.Kind == types.Time {
			return op{code: opCall, fn: runTimeOfDay, mul: 1}, true
		}
	case "timestamp-millis", "local-timestamp-millis":
		return convertMoment(t, 1000, 1)
	case "timestamp-micros", "local-timestamp-micros":
		return convertMoment(t, 1, 1)
	case "timestamp-nanos", "local-timestamp-nanos":
		return convertMoment(t, 1, 1000)
	}
	switch t.Kind {
	case types.Int64:
		return op{code: opLong}, true
	case types.Int32:
		if n.kind == kindInt {
			return op{code: opInt}, true
		}
		return op{code: opCall, fn: runNarrow}, true
	case types.Int16, types.OID:
		return op{code: opCall, fn: runNarrow}, true
	case types.Float32, types.Float64:
		return op{code: opCall, fn: runIntToFloat}, true
	case types.Numeric:
		return op{code: opCall, fn: runIntToNumeric}, true
	}
	return op{}, false
}

// convertMoment covers a point in time of value·mul/div microseconds.
func convertMoment(t types.Type, mul, div int64) (op, bool) {
	o := op{code: opCall, fn: runScaled, mul: mul, div: div}
	switch t.Kind {
	case types.Timestamp, types.TimestampTZ:
		if mul == 1 && div == 1 {
			return op{code: opLong}, true
		}
		return o, true
	case types.Int64:
		if mul == 1000 {
			return op{code: opLong}, true
		}
		o.div *= 1000
		return o, true
	case types.Date:
		o.fn = runScaledDate
		if mul == 1000 {
			o.mul, o.div = 1, microsPerDay/1000
		} else {
			o.div *= microsPerDay
		}
		return o, true
	}
	return op{}, false
}

func convertFloat(n *node, t types.Type) (op, bool) {
	switch {
	case n.kind == kindDouble && t.Kind == types.Float64:
		return op{code: opDouble}, true
	case n.kind == kindFloat && t.Kind == types.Float32:
		return op{code: opFloat}, true
	case n.kind == kindFloat:
		return op{code: opCall, fn: runFloat, n: 4}, t.Kind == types.Float64 || t.Kind == types.Numeric
	}
	return op{code: opCall, fn: runFloat, n: 8}, t.Kind == types.Float32 || t.Kind == types.Numeric
}

func convertString(t types.Type) (op, bool) {
	switch t.Kind {
	case types.Text:
		return op{code: opText, n: int(t.Precision)}, true
	case types.Bytea:
		return op{code: opCall, fn: runBytes}, true
	case types.UUID, types.Numeric, types.Date, types.Time, types.Timestamp, types.TimestampTZ,
		types.Interval, types.JSON, types.JSONB:
		return op{code: opCall, fn: runParse}, true
	}
	return op{}, false
}

func convertBytes(n *node, t types.Type) (op, bool) {
	call := op{code: opCall, node: n}
	switch {
	case n.logical == "decimal":
		call.fn = runDecimal
		return call, t.Kind == types.Numeric || t.Kind == types.Float64
	case n.logical == "uuid" && n.size == 16 && t.Kind == types.UUID:
		call.fn = runUUID
		return call, true
	case n.logical == "duration" && n.size == 12 && t.Kind == types.Interval:
		call.fn = runDuration
		return call, true
	case t.Kind == types.Bytea:
		call.fn = runBytes
		return call, true
	case t.Kind == types.Text && n.kind == kindBytes:
		return op{code: opText, n: int(t.Precision)}, true
	}
	return op{}, false
}

// raw returns the bytes of a string, bytes or fixed; end is -1 on failure.
func (m *machine) raw(o *op, b []byte, pos int) (start, end int) {
	if o.node == nil || o.node.kind != kindFixed {
		return m.bytes(o, b, pos)
	}
	if len(b)-pos < o.node.size {
		return 0, m.short(o)
	}
	return pos, pos + o.node.size
}

func runBytes(m *machine, o *op, b []byte, pos int) int {
	start, end := m.raw(o, b, pos)
	if end >= 0 {
		o.col.AppendBytes(b[start:end])
	}
	return end
}

func runUUID(m *machine, o *op, b []byte, pos int) int {
	start, end := m.raw(o, b, pos)
	if end >= 0 {
		o.col.Fixed = append(o.col.Fixed, b[start:end]...)
	}
	return end
}

// runParse reads a string as the SQL text of the column's type.
func runParse(m *machine, o *op, b []byte, pos int) int {
	start, end := m.bytes(o, b, pos)
	if end < 0 {
		return -1
	}
	if err := o.col.AppendParsed(b[start:end]); err != nil {
		return m.fail(o, "%s", reasonOf(err))
	}
	return end
}

func runEnum(m *machine, o *op, b []byte, pos int) int {
	v, n := varint(b, pos)
	if n <= 0 {
		return m.badVarint(o, n)
	}
	if v < 0 || v >= int64(len(o.node.symbols)) {
		return m.fail(o, "enum symbol %d of %d", v, len(o.node.symbols))
	}
	symbol := o.node.symbols[v]
	if len(o.col.Data)+len(symbol) > column.MaxData {
		return m.fail(o, "the batch has more than %d bytes of text", column.MaxData)
	}
	o.col.Data = append(o.col.Data, symbol...)
	o.col.Ends = append(o.col.Ends, int32(len(o.col.Data)))
	return pos + n
}

// integer reads an int or a long.
func (m *machine) integer(o *op, b []byte, pos int) (v int64, next int) {
	v, n := varint(b, pos)
	if n <= 0 {
		return 0, m.badVarint(o, n)
	}
	return v, pos + n
}

func (m *machine) outOfRange(o *op, v int64) int {
	return m.fail(o, "%d is out of range for type %s", v, o.col.Type)
}

func runNarrow(m *machine, o *op, b []byte, pos int) int {
	v, next := m.integer(o, b, pos)
	if next < 0 {
		return -1
	}
	switch o.col.Type.Kind {
	case types.Int16:
		if v != int64(int16(v)) {
			return m.outOfRange(o, v)
		}
		o.col.Ints16 = append(o.col.Ints16, int16(v))
	case types.Int32:
		if v != int64(int32(v)) {
			return m.outOfRange(o, v)
		}
		o.col.Ints32 = append(o.col.Ints32, int32(v))
	default:
		if v != int64(uint32(v)) {
			return m.outOfRange(o, v)
		}
		o.col.Ints64 = append(o.col.Ints64, v)
	}
	return next
}

func runIntToFloat(m *machine, o *op, b []byte, pos int) int {
	v, next := m.integer(o, b, pos)
	if next < 0 {
		return -1
	}
	if o.col.Type.Kind == types.Float32 {
		o.col.Floats32 = append(o.col.Floats32, float32(v))
	} else {
		o.col.Floats64 = append(o.col.Floats64, float64(v))
	}
	return next
}

// scale returns v·mul/div, rounded down, as an integer.
func (m *machine) scale(o *op, v int64, next int) (int64, int) {
	if next >= 0 && o.mul > 1 && (v > math.MaxInt64/o.mul || v < math.MinInt64/o.mul) {
		return 0, m.outOfRange(o, v)
	}
	v *= o.mul
	q := v / o.div
	if v%o.div < 0 {
		q--
	}
	return q, next
}

func runScaled(m *machine, o *op, b []byte, pos int) int {
	v, next := m.integer(o, b, pos)
	if v, next = m.scale(o, v, next); next >= 0 {
		o.col.Ints64 = append(o.col.Ints64, v)
	}
	return next
}

func runScaledDate(m *machine, o *op, b []byte, pos int) int {
	v, next := m.integer(o, b, pos)
	if v, next = m.scale(o, v, next); next < 0 {
		return -1
	}
	if v != int64(int32(v)) {
		return m.outOfRange(o, v)
	}
	o.col.Ints32 = append(o.col.Ints32, int32(v))
	return next
}

func runTimeOfDay(m *machine, o *op, b []byte, pos int) int {
	v, next := m.integer(o, b, pos)
	if next < 0 {
		return -1
	}
	if v < 0 || v > microsPerDay/o.mul {
		return m.outOfRange(o, v)
	}
	o.col.Ints64 = append(o.col.Ints64, v*o.mul)
	return next
}

// runDuration reads Avro's duration: months, days and milliseconds, unsigned.
func runDuration(m *machine, o *op, b []byte, pos int) int {
	start, end := m.raw(o, b, pos)
	if end < 0 {
		return -1
	}
	months, days := binary.LittleEndian.Uint32(b[start:]), binary.LittleEndian.Uint32(b[start+4:])
	millis := binary.LittleEndian.Uint32(b[start+8:])
	if months > math.MaxInt32 || days > math.MaxInt32 {
		return m.fail(o, "%d months and %d days are out of range for type interval", months, days)
	}
	o.col.AppendInterval(types.IntervalValue{Months: int32(months), Days: int32(days), Micros: int64(millis) * 1000})
	return end
}

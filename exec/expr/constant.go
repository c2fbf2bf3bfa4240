package expr

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// oneRow is the input of expressions that refer to no column.
var oneRow = &batch.Batch{Rows: 1}

// EvalConst computes an expression that refers to no column. The error is that
// of its evaluation.
func EvalConst(e plan.Expr, env Env) (plan.Const, error) {
	if c, ok := e.(*plan.Const); ok {
		return *c, nil
	}
	p, err := Compile([]plan.Expr{e}, env)
	if err != nil {
		return plan.Const{}, err
	}
	if usesColumn(e) {
		return plan.Const{}, fmt.Errorf("evaluating %s: it is not constant", e)
	}
	errs := &RowErrors{}
	v := newFrame(p, oneRow, errs).eval(p.roots[0])
	if errs.Len() > 0 {
		return plan.Const{}, errs.First()
	}
	return plan.Const{Value: v.value(0), T: e.Type()}, nil
}

func usesColumn(e plan.Expr) bool {
	if _, ok := e.(*plan.Column); ok {
		return true
	}
	for _, c := range plan.Children(e) {
		if usesColumn(c) {
			return true
		}
	}
	return false
}

// ConstArray returns an array of n times the constant.
func ConstArray(c plan.Const, n int) (arrow.Array, error) {
	v, err := constVector(&c)
	if err != nil {
		return nil, err
	}
	return v.array(n), nil
}

// ValuesArray returns an array of the type with the values, each as in
// plan.Const.Value.
func ValuesArray(t types.Type, list []any) (arrow.Array, error) {
	b := array.NewBuilder(memory.DefaultAllocator, t.Arrow())
	b.Reserve(len(list))
	for _, v := range list {
		if err := appendValue(b, t, v); err != nil {
			return nil, err
		}
	}
	return b.NewArray(), nil
}

// ValueAt returns row i of an array of the type as in plan.Const.Value.
func ValueAt(t types.Type, arr arrow.Array, i int) any {
	return load(t, array.NewSlice(arr, int64(i), int64(i+1))).value(0)
}

func constVector(c *plan.Const) (*vector, error) {
	arr, err := ValuesArray(c.T, []any{c.Value})
	if err != nil {
		return nil, err
	}
	v := load(c.T, arr)
	v.konst = true
	return v, nil
}

// appendValue appends one value in plan.Const's form.
func appendValue(b array.Builder, t types.Type, value any) error {
	if value == nil {
		b.AppendNull()
		return nil
	}
	ok := false
	switch v := value.(type) {
	case bool:
		var bb *array.BooleanBuilder
		if bb, ok = b.(*array.BooleanBuilder); ok {
			bb.Append(v)
		}
	case int64:
		ok = appendInt(b, v)
	case float64:
		ok = appendFloat(b, v)
	case decimal128.Num:
		var bb *array.Decimal128Builder
		if bb, ok = b.(*array.Decimal128Builder); ok {
			bb.Append(v)
		}
	case string:
		var bb *array.StringBuilder
		if bb, ok = b.(*array.StringBuilder); ok {
			bb.Append(v)
		}
	case []byte:
		var bb *array.BinaryBuilder
		if bb, ok = b.(*array.BinaryBuilder); ok {
			bb.Append(v)
		}
	case [16]byte:
		var bb *array.FixedSizeBinaryBuilder
		if bb, ok = b.(*array.FixedSizeBinaryBuilder); ok {
			bb.Append(v[:])
		}
	case types.IntervalValue:
		var bb *array.MonthDayNanoIntervalBuilder
		if bb, ok = b.(*array.MonthDayNanoIntervalBuilder); ok {
			bb.Append(packInterval(v))
		}
	case []any:
		return appendList(b, t, v)
	}
	if !ok {
		return fmt.Errorf("making an array: a value of %T is no %s", value, t)
	}
	return nil
}

func appendInt(b array.Builder, v int64) bool {
	switch b := b.(type) {
	case *array.Int16Builder:
		b.Append(int16(v))
	case *array.Int32Builder:
		b.Append(int32(v))
	case *array.Int64Builder:
		b.Append(v)
	case *array.Date32Builder:
		b.Append(arrow.Date32(v))
	case *array.Time64Builder:
		b.Append(arrow.Time64(v))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v))
	default:
		return false
	}
	return true
}

func appendFloat(b array.Builder, v float64) bool {
	switch b := b.(type) {
	case *array.Float32Builder:
		b.Append(float32(v))
	case *array.Float64Builder:
		b.Append(v)
	default:
		return false
	}
	return true
}

func appendList(b array.Builder, t types.Type, list []any) error {
	switch b := b.(type) {
	case *array.ListBuilder:
		b.Append(true)
		for _, e := range list {
			if err := appendValue(b.ValueBuilder(), *t.Elem, e); err != nil {
				return err
			}
		}
		return nil
	case *array.StructBuilder:
		if len(list) != len(t.Fields) {
			return fmt.Errorf("making a %s: %d values", t, len(list))
		}
		b.Append(true)
		for i, e := range list {
			if err := appendValue(b.FieldBuilder(i), t.Fields[i].Type, e); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("making an array: a list is no %s", t)
}

// value returns row i in plan.Const's form; a map gives a list of [key, value]
// lists.
func (v *vector) value(i int) any {
	if v.isNull(i) {
		return nil
	}
	if v.konst {
		i = 0
	}
	switch v.t.Kind {
	case types.Bool:
		return bit(v.bits, i)
	case types.Int16:
		return int64(values[int16](v)[i])
	case types.Int32, types.Date:
		return int64(values[int32](v)[i])
	case types.Float32:
		return float64(values[float32](v)[i])
	case types.Float64:
		return values[float64](v)[i]
	case types.Numeric:
		return values[decimal128.Num](v)[i]
	case types.Interval:
		return unpackInterval(values[arrow.MonthDayNanoInterval](v)[i])
	case types.UUID:
		return values[[16]byte](v)[i]
	case types.Bytea:
		return append([]byte{}, v.bytes(i)...)
	case types.Text, types.JSON, types.JSONB, types.Unknown:
		return string(v.bytes(i))
	case types.Array, types.Struct, types.Map:
		return v.nested(i)
	}
	return values[int64](v)[i]
}

func (v *vector) nested(i int) []any {
	switch a := v.arr.(type) {
	case *array.Map:
		from, to := a.ValueOffsets(i)
		keys, items := a.Keys(), a.Items()
		out := make([]any, 0, to-from)
		for k := from; k < to; k++ {
			out = append(out, []any{ValueAt(*v.t.Key, keys, int(k)), ValueAt(*v.t.Elem, items, int(k))})
		}
		return out
	case *array.List:
		from, to := a.ValueOffsets(i)
		elems := load(*v.t.Elem, array.NewSlice(a.ListValues(), from, to))
		out := make([]any, 0, to-from)
		for k := range elems.n {
			out = append(out, elems.value(k))
		}
		return out
	case *array.Struct:
		out := make([]any, len(v.t.Fields))
		for k, field := range v.t.Fields {
			out[k] = ValueAt(field.Type, a.Field(k), i)
		}
		return out
	}
	return nil
}

// packInterval gives an interval its Arrow form, which counts nanoseconds. A
// time part beyond 292 years is clamped; arithmetic refuses it before.
func packInterval(v types.IntervalValue) arrow.MonthDayNanoInterval {
	nanos := v.Micros * 1000
	if v.Micros > maxIntervalMicros {
		nanos = math.MaxInt64 / 1000 * 1000
	} else if v.Micros < -maxIntervalMicros {
		nanos = math.MinInt64 / 1000 * 1000
	}
	return arrow.MonthDayNanoInterval{Months: v.Months, Days: v.Days, Nanoseconds: nanos}
}

func unpackInterval(v arrow.MonthDayNanoInterval) types.IntervalValue {
	return types.IntervalValue{Months: v.Months, Days: v.Days, Micros: v.Nanoseconds / 1000}
}

// maxIntervalMicros is the longest time part that Arrow's nanoseconds hold.
const maxIntervalMicros = math.MaxInt64 / 1000

// checkInterval refuses a time part that has no Arrow form.
func checkInterval(v types.IntervalValue) error {
	if v.Micros > maxIntervalMicros || v.Micros < -maxIntervalMicros {
		return pgerr.Newf(pgerr.DatetimeFieldOverflow, "interval out of range")
	}
	return nil
}

// uuidText is only for uuid versions made here: version 4, variant 1.
func uuidBits(high, low uint64) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], high&^0xf000|0x4000)
	binary.BigEndian.PutUint64(id[8:], low&^(0xc<<60)|0x8<<60)
	return id
}

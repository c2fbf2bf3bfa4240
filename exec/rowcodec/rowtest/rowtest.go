// Package rowtest makes random columns for the tests of what keeps rows as
// state.
//
// Nouns: Column (a random array of a type), Value (a value as text that is equal
// where SQL says NOT DISTINCT), Kinds (the scalar types).
//
// Rule: values come from small domains, so that they meet again, and hold what is
// easily done wrong: NULL, -0.0, NaN, equal intervals of different parts, long
// and empty strings, and arrays that start in the middle of their buffers.
package rowtest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/sql/types"
)

// Kinds returns every scalar type that a column can have.
func Kinds() []types.Type {
	var ts []types.Type
	for k := types.Bool; k <= types.JSONB; k++ {
		ts = append(ts, types.Of(k))
	}
	return ts
}

// Column returns n random values. About one in nullEvery is NULL, none where it
// is 0.
func Column(rng *rand.Rand, t types.Type, n, nullEvery int) arrow.Array {
	skip := rng.IntN(20)
	b := array.NewBuilder(memory.DefaultAllocator, t.Arrow())
	for range skip + n {
		appendRandom(rng, t, b, nullEvery)
	}
	return array.NewSlice(b.NewArray(), int64(skip), int64(skip+n))
}

func appendRandom(rng *rand.Rand, t types.Type, b array.Builder, nullEvery int) {
	if nullEvery > 0 && rng.IntN(nullEvery) == 0 {
		b.AppendNull()
		return
	}
	v := int64(rng.IntN(7) - 3)
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(v > 0)
	case *array.Int16Builder:
		b.Append(int16(v * 1000))
	case *array.Int32Builder:
		b.Append(int32(v * 100000))
	case *array.Int64Builder:
		b.Append(v << 40)
	case *array.Float32Builder:
		b.Append(float32(float(rng, v)))
	case *array.Float64Builder:
		b.Append(float(rng, v))
	case *array.Date32Builder:
		b.Append(arrow.Date32(v))
	case *array.Time64Builder:
		b.Append(arrow.Time64(v + 3))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v << 30))
	case *array.Decimal128Builder:
		b.Append(decimal128.New(v, uint64(rng.IntN(2))))
	case *array.MonthDayNanoIntervalBuilder:
		b.Append(interval(rng, v))
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte(fmt.Sprintf("0123456789abcde%d", v+3)))
	case *array.StringBuilder:
		b.Append(text(rng, v))
	case *array.BinaryBuilder:
		b.Append([]byte(text(rng, v)))
	case *array.StructBuilder:
		b.Append(true)
		for i, f := range t.Fields {
			appendRandom(rng, f.Type, b.FieldBuilder(i), 4)
		}
	case *array.MapBuilder:
		b.Append(true)
		if rng.IntN(2) == 0 {
			b.KeyBuilder().(*array.StringBuilder).Append("k")
			appendRandom(rng, *t.Elem, b.ItemBuilder(), 4)
		}
	case *array.ListBuilder:
		b.Append(true)
		for range rng.IntN(3) {
			appendRandom(rng, *t.Elem, b.ValueBuilder(), 4)
		}
	default:
		panic("rowtest: no values of " + t.String())
	}
}

func float(rng *rand.Rand, v int64) float64 {
	switch v {
	case -1:
		return math.Copysign(0, -1)
	case -2:
		return math.NaN()
	case -3:
		return math.Inf(1 - 2*rng.IntN(2))
	}
	return float64(v) / 4
}

func interval(rng *rand.Rand, v int64) arrow.MonthDayNanoInterval {
	const day = types.MicrosPerDay * 1000
	switch rng.IntN(3) {
	case 0:
		return arrow.MonthDayNanoInterval{Months: int32(v)}
	case 1:
		return arrow.MonthDayNanoInterval{Days: int32(v) * 30}
	}
	return arrow.MonthDayNanoInterval{Months: int32(v) - 1, Days: 29, Nanoseconds: day}
}

func text(rng *rand.Rand, v int64) string {
	s := "symbol, 16 bytes and more; the difference is at the end: "
	switch rng.IntN(3) {
	case 0:
		return s + fmt.Sprint(v)
	case 1:
		return s[:v+3]
	}
	return s[:v+14]
}

// Value returns row i's value, equal for two scalar values where they are NOT
// DISTINCT.
func Value(arr arrow.Array, i int) string {
	if arr.IsNull(i) {
		return "NULL"
	}
	switch a := arr.(type) {
	case *array.Float64:
		return fmt.Sprint(a.Value(i) + 0)
	case *array.Float32:
		return fmt.Sprint(a.Value(i) + 0)
	case *array.MonthDayNanoInterval:
		v := a.Value(i)
		days := int64(v.Months)*30 + int64(v.Days) + v.Nanoseconds/(types.MicrosPerDay*1000)
		return fmt.Sprint(days, v.Nanoseconds%(types.MicrosPerDay*1000))
	}
	return "'" + arr.ValueStr(i) + "'"
}

// Row returns row i of all columns as Value does.
func Row(cols []arrow.Array, i int) string {
	s := ""
	for _, c := range cols {
		s += Value(c, i) + "|"
	}
	return s
}

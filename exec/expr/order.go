package expr

import (
	"bytes"
	"cmp"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/planner/plan"
	"laminardb/sql/types"
)

// order compares row i of a with row k of b; neither is NULL.
type order func(a *vector, i int, b *vector, k int) int

func compareOrdered(compare order) comparer {
	return func(n int, a, b *vector, less bool, out []uint64) {
		for i := range n {
			if a.isNull(i) || b.isNull(i) {
				continue
			}
			c := compare(a, i, b, i)
			out[i/64] |= flag(c == 0 && !less || c < 0 && less) << (i % 64)
		}
	}
}

// orderOf returns the order of a type's values.
func orderOf(t types.Type) order {
	switch t.Kind {
	case types.Bool:
		return func(a *vector, i int, b *vector, k int) int { return int(flag(a.isTrue(i))) - int(flag(b.isTrue(k))) }
	case types.Int16:
		return orderFixed(cmp.Compare[int16])
	case types.Int32, types.Date:
		return orderFixed(cmp.Compare[int32])
	case types.Float32:
		return orderFixed(func(a, b float32) int { return orderFloat(float64(a), float64(b)) })
	case types.Float64:
		return orderFixed(orderFloat)
	case types.Numeric:
		return orderFixed(func(a, b decimal128.Num) int { return a.Cmp(b) })
	case types.Interval:
		return orderFixed(func(a, b arrow.MonthDayNanoInterval) int { return cmp.Compare(span(a), span(b)) })
	case types.UUID:
		return orderFixed(func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	case types.Text, types.Bytea, types.JSON:
		return func(a *vector, i int, b *vector, k int) int { return bytes.Compare(a.bytes(i), b.bytes(k)) }
	case types.JSONB:
		return func(a *vector, i int, b *vector, k int) int { return compareJSON(a.str(i), b.str(k)) }
	case types.Array, types.Struct, types.Map:
		return func(a *vector, i int, b *vector, k int) int { return compareNested(t, a, i, b, k) }
	}
	return orderFixed(cmp.Compare[int64])
}

func orderFixed[T any](compare func(a, b T) int) order {
	return func(a *vector, i int, b *vector, k int) int {
		return compare(access[T](a).at(i), access[T](b).at(k))
	}
}

func orderFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	}
	return int(flag(math.IsNaN(a))) - int(flag(math.IsNaN(b)))
}

// span is an interval's length for comparison: months of 30 days of 24 hours.
func span(v arrow.MonthDayNanoInterval) int64 {
	days := int64(v.Months)*30 + int64(v.Days)
	return days*types.MicrosPerDay + v.Nanoseconds/1000
}

// compareNested compares arrays and records by their elements, a NULL one being
// the greatest, and then by length.
func compareNested(t types.Type, a *vector, i int, b *vector, k int) int {
	x, y := a.value(i).([]any), b.value(k).([]any)
	for at := range min(len(x), len(y)) {
		elem := types.Type{}
		switch t.Kind {
		case types.Struct:
			elem = t.Fields[at].Type
		case types.Map:
			elem = types.Type{Kind: types.Struct, Fields: []types.Field{{Name: "key", Type: *t.Key}, {Name: "value", Type: *t.Elem}}}
		default:
			elem = *t.Elem
		}
		if c := CompareValues(elem, x[at], y[at]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

// CompareValues orders two values of a type in plan.Const's form as PostgreSQL
// does; NULL is the greatest.
func CompareValues(t types.Type, x, y any) int {
	if x == nil || y == nil {
		return int(flag(x == nil)) - int(flag(y == nil))
	}
	switch v := x.(type) {
	case bool:
		return int(flag(v)) - int(flag(y.(bool)))
	case int64:
		return cmp.Compare(v, y.(int64))
	case float64:
		return orderFloat(v, y.(float64))
	case decimal128.Num:
		return v.Cmp(y.(decimal128.Num))
	case string:
		if t.Kind == types.JSONB {
			return compareJSON(v, y.(string))
		}
		return cmp.Compare(v, y.(string))
	case []byte:
		return bytes.Compare(v, y.([]byte))
	case [16]byte:
		w := y.([16]byte)
		return bytes.Compare(v[:], w[:])
	case types.IntervalValue:
		return cmp.Compare(span(packInterval(v)), span(packInterval(y.(types.IntervalValue))))
	}
	a, errA := constVector(&plan.Const{Value: x, T: t})
	b, errB := constVector(&plan.Const{Value: y, T: t})
	if errA != nil || errB != nil {
		return 0
	}
	return compareNested(t, a, 0, b, 0)
}

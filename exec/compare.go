package exec

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/planner/plan"
	"laminardb/sql/pgerr"
)

// newComparer returns the order of a column's rows by one sort key, in
// PostgreSQL's order: NaN is above every number, and text compares by bytes (the
// C collation).
func newComparer(col arrow.Array, k plan.SortKey) (func(a, b int32) int, error) {
	values, err := valueComparer(col)
	if err != nil {
		return nil, err
	}
	nullFirst := 1
	if k.NullsFirst {
		nullFirst = -1
	}
	if k.Desc {
		ascending := values
		values = func(a, b int32) int { return ascending(b, a) }
	}
	if col.NullN() == 0 {
		return values, nil
	}
	return func(a, b int32) int {
		an, bn := col.IsNull(int(a)), col.IsNull(int(b))
		switch {
		case an && bn:
			return 0
		case an:
			return nullFirst
		case bn:
			return -nullFirst
		}
		return values(a, b)
	}, nil
}

func valueComparer(col arrow.Array) (func(a, b int32) int, error) {
	switch c := col.(type) {
	case *array.Boolean:
		return func(a, b int32) int { return boolOrder(c.Value(int(a))) - boolOrder(c.Value(int(b))) }, nil
	case *array.Int16:
		return ordered(c.Int16Values()), nil
	case *array.Int32:
		return ordered(c.Int32Values()), nil
	case *array.Int64:
		return ordered(c.Int64Values()), nil
	case *array.Float32:
		return floats(c.Float32Values()), nil
	case *array.Float64:
		return floats(c.Float64Values()), nil
	case *array.Date32:
		return ordered(c.Date32Values()), nil
	case *array.Time64:
		return ordered(c.Time64Values()), nil
	case *array.Timestamp:
		return ordered(c.TimestampValues()), nil
	case *array.Decimal128:
		return func(a, b int32) int { return c.Value(int(a)).Cmp(c.Value(int(b))) }, nil
	case *array.String:
		return func(a, b int32) int { return strings.Compare(c.Value(int(a)), c.Value(int(b))) }, nil
	case *array.Binary:
		return func(a, b int32) int { return bytes.Compare(c.Value(int(a)), c.Value(int(b))) }, nil
	case *array.FixedSizeBinary:
		return func(a, b int32) int { return bytes.Compare(c.Value(int(a)), c.Value(int(b))) }, nil
	case *array.MonthDayNanoInterval:
		return func(a, b int32) int { return compareIntervals(c.Value(int(a)), c.Value(int(b))) }, nil
	}
	return nil, pgerr.Newf(pgerr.UndefinedFunction, "could not identify an ordering operator for type %s", col.DataType()).
		WithHint("Use an explicit ordering operator or modify the query.")
}

func boolOrder(v bool) int {
	if v {
		return 1
	}
	return 0
}

func ordered[T cmp.Ordered](v []T) func(a, b int32) int {
	return func(a, b int32) int { return cmp.Compare(v[a], v[b]) }
}

// floats orders NaN above all numbers, where Go's cmp puts it below.
func floats[T float32 | float64](v []T) func(a, b int32) int {
	return func(a, b int32) int {
		x, y := v[a], v[b]
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		case x == y:
			return 0
		}
		return boolOrder(x != x) - boolOrder(y != y)
	}
}

// compareIntervals compares as PostgreSQL does: a month is 30 days, a day 24
// hours.
func compareIntervals(a, b arrow.MonthDayNanoInterval) int {
	length := func(v arrow.MonthDayNanoInterval) (days, nanos int64) {
		days = int64(v.Months)*30 + int64(v.Days) + v.Nanoseconds/nanosPerDay
		nanos = v.Nanoseconds % nanosPerDay
		if nanos < 0 {
			days, nanos = days-1, nanos+nanosPerDay
		}
		return days, nanos
	}
	ad, an := length(a)
	bd, bn := length(b)
	return cmp.Or(cmp.Compare(ad, bd), cmp.Compare(an, bn))
}

const nanosPerDay = 24 * 60 * 60 * 1_000_000_000

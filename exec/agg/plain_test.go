package agg

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/rowcodec/rowtest"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// testCase is an aggregate with its reference.
type testCase struct {
	name   string
	arg    types.Kind
	result types.Type
	finite bool
	expect func(rows []testRow) any
}

func notNull(rows []testRow) []arrow.Array {
	var out []arrow.Array
	for _, r := range rows {
		if !r.args[0].IsNull(0) {
			out = append(out, r.args[0])
		}
	}
	return out
}

func number64(a arrow.Array) float64 {
	v, err := strconv.ParseFloat(a.ValueStr(0), 64)
	if err != nil {
		panic(err)
	}
	return v
}

// ofNumbers makes a reference from a function of the values that are not NULL.
func ofNumbers(least int, fold func(v []float64) float64) func(rows []testRow) any {
	return func(rows []testRow) any {
		var v []float64
		for _, a := range notNull(rows) {
			v = append(v, number64(a))
		}
		if len(v) < least {
			return nil
		}
		return fold(v)
	}
}

func sumOf(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}

func variance(v []float64, less float64) float64 {
	mean, s := sumOf(v)/float64(len(v)), 0.0
	for _, x := range v {
		s += (x - mean) * (x - mean)
	}
	return s / (float64(len(v)) - less)
}

// extremeOf is min and max by how two values compare.
func extremeOf(above func(a, b arrow.Array) bool, greatest bool) func(rows []testRow) any {
	return func(rows []testRow) any {
		var best arrow.Array
		for _, a := range notNull(rows) {
			if best == nil || greatest && above(a, best) || !greatest && above(best, a) {
				best = a
			}
		}
		if best == nil {
			return nil
		}
		return rowtest.Value(best, 0)
	}
}

func aboveNumber(a, b arrow.Array) bool {
	x, y := number64(a), number64(b)
	return x > y || x != x && y == y
}

func aboveNumeric(a, b arrow.Array) bool {
	return a.(*array.Decimal128).Value(0).Cmp(b.(*array.Decimal128).Value(0)) > 0
}

func aboveText(a, b arrow.Array) bool { return a.ValueStr(0) > b.ValueStr(0) }

func aboveBytes(a, b arrow.Array) bool {
	return string(a.(interface{ Value(int) []byte }).Value(0)) > string(b.(interface{ Value(int) []byte }).Value(0))
}

func aboveInterval(a, b arrow.Array) bool {
	length := func(a arrow.Array) float64 {
		v := a.(*array.MonthDayNanoInterval).Value(0)
		return (float64(v.Months)*30+float64(v.Days))*types.MicrosPerDay + float64(v.Nanoseconds)/1000
	}
	return length(a) > length(b)
}

func numericSum(rows []testRow) any {
	values := notNull(rows)
	if len(values) == 0 {
		return nil
	}
	sum := new(big.Int)
	for _, a := range values {
		sum.Add(sum, a.(*array.Decimal128).Value(0).BigInt())
	}
	return new(big.Rat).SetFrac(sum, big.NewInt(1_000_000_000_000))
}

func edgeOf(last bool) func(rows []testRow) any {
	return func(rows []testRow) any {
		var best *testRow
		for i, r := range rows {
			if best == nil || last && r.order >= best.order || !last && r.order < best.order {
				best = &rows[i]
			}
		}
		if best == nil || best.args[0].IsNull(0) {
			return nil
		}
		return rowtest.Value(best.args[0], 0)
	}
}

func anyValue(rows []testRow) any {
	var kept []testRow
	for _, r := range rows {
		if !r.args[0].IsNull(0) {
			kept = append(kept, r)
		}
	}
	return edgeOf(false)(kept)
}

func countRows(rows []testRow) any { return fmt.Sprintf("'%d'", len(notNull(rows))) }

func boolean(v bool, ok bool) any {
	if !ok {
		return nil
	}
	return fmt.Sprintf("'%v'", v)
}

func boolAnd(rows []testRow) any {
	all := true
	for _, a := range notNull(rows) {
		all = all && a.(*array.Boolean).Value(0)
	}
	return boolean(all, len(notNull(rows)) > 0)
}

func boolOr(rows []testRow) any {
	some := false
	for _, a := range notNull(rows) {
		some = some || a.(*array.Boolean).Value(0)
	}
	return boolean(some, len(notNull(rows)) > 0)
}

func bitOf(op func(a, b int64) int64) func(rows []testRow) any {
	return func(rows []testRow) any {
		values := notNull(rows)
		if len(values) == 0 {
			return nil
		}
		v := int64(number64(values[0]))
		for _, a := range values[1:] {
			v = op(v, int64(number64(a)))
		}
		return float64(v)
	}
}

func plainCases() []testCase {
	bigint, double := types.Of(types.Int64), types.Of(types.Float64)
	all := []testCase{
		{"count", types.Text, bigint, false, countRows},
		{"sum", types.Numeric, types.Of(types.Numeric), false, numericSum},
		{"bool_and", types.Bool, types.Of(types.Bool), false, boolAnd},
		{"every", types.Bool, types.Of(types.Bool), false, boolAnd},
		{"bool_or", types.Bool, types.Of(types.Bool), false, boolOr},
		{"min", types.Bool, types.Of(types.Bool), false, boolAnd},
		{"max", types.Bool, types.Of(types.Bool), false, boolOr},
	}
	for _, finite := range []bool{true, false} {
		all = append(all,
			testCase{"var_samp", types.Float64, double, finite, ofNumbers(2, func(v []float64) float64 { return variance(v, 1) })},
			testCase{"var_pop", types.Float64, double, finite, ofNumbers(1, func(v []float64) float64 { return variance(v, 0) })},
			testCase{"stddev", types.Float64, double, finite, ofNumbers(2, func(v []float64) float64 { return math.Sqrt(variance(v, 1)) })},
			testCase{"stddev_pop", types.Float64, double, finite, ofNumbers(1, func(v []float64) float64 { return math.Sqrt(variance(v, 0)) })},
			testCase{"sum", types.Float64, double, finite, ofNumbers(1, sumOf)},
			testCase{"sum", types.Float32, types.Of(types.Float32), finite, ofNumbers(1, sumOf)},
			testCase{"avg", types.Float64, double, finite, ofNumbers(1, func(v []float64) float64 { return sumOf(v) / float64(len(v)) })},
			testCase{"avg", types.Float32, double, finite, ofNumbers(1, func(v []float64) float64 { return sumOf(v) / float64(len(v)) })})
	}
	for _, k := range []types.Kind{types.Int16, types.Int32, types.Int64} {
		all = append(all, testCase{"sum", k, bigint, false, ofNumbers(1, sumOf)},
			testCase{"avg", k, double, false, ofNumbers(1, func(v []float64) float64 { return sumOf(v) / float64(len(v)) })},
			testCase{"bit_and", k, types.Of(k), false, bitOf(func(a, b int64) int64 { return a & b })},
			testCase{"bit_or", k, types.Of(k), false, bitOf(func(a, b int64) int64 { return a | b })},
			testCase{"bit_xor", k, types.Of(k), false, bitOf(func(a, b int64) int64 { return a ^ b })})
	}
	orders := map[types.Kind]func(a, b arrow.Array) bool{
		types.Int16: aboveNumber, types.Int32: aboveNumber, types.Int64: aboveNumber, types.Float32: aboveNumber,
		types.Float64: aboveNumber, types.Numeric: aboveNumeric, types.Text: aboveText, types.Bytea: aboveBytes, types.UUID: aboveBytes,
		types.Date: aboveText, types.Time: aboveText, types.Timestamp: aboveText, types.TimestampTZ: aboveText, types.Interval: aboveInterval,
	}
	for k := types.Int16; k <= types.UUID; k++ {
		if above := orders[k]; above != nil {
			all = append(all, testCase{"min", k, types.Of(k), false, extremeOf(above, false)}, testCase{"max", k, types.Of(k), false, extremeOf(above, true)})
		}
	}
	for _, t := range append(rowtest.Kinds(), types.ArrayOf(types.Of(types.Text))) {
		if t.Kind != types.Array {
			all = append(all, testCase{"any_value", t.Kind, t, false, anyValue})
			all = append(all, testCase{"first_value", t.Kind, t, false, edgeOf(false)}, testCase{"last_value", t.Kind, t, false, edgeOf(true)})
		}
	}
	return all
}

func TestPlain(t *testing.T) {
	for i, c := range plainCases() {
		for _, retractable := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s(%s)/%v/%v", c.name, types.Of(c.arg), c.finite, retractable), func(t *testing.T) {
				f := &fixture{
					t: t, rng: rand.New(rand.NewPCG(uint64(i), 1)), finite: c.finite, expect: c.expect,
					spec: Spec{Func: c.name, Args: []types.Type{types.Of(c.arg)}, Result: c.result, Retractable: retractable},
				}
				for _, rows := range []int{1, 3, 25} {
					f.ordered = f.rng.IntN(2) == 0
					f.run(rows, 50/(rows+1)+15)
				}
			})
		}
	}
}

func bigints(v ...int64) arrow.Array {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.AppendValues(v, nil)
	return b.NewArray()
}

func TestSumOverflow(t *testing.T) {
	bigint := types.Of(types.Int64)
	a, err := New(Spec{Func: "sum", Args: []types.Type{bigint}, Result: bigint, Retractable: true})
	if err != nil {
		t.Fatal(err)
	}
	a.Grow(1)
	zero := []uint32{0, 0, 0}
	a.Update(&Input{IDs: zero, Args: []arrow.Array{bigints(math.MaxInt64, 1, math.MinInt64)}, Diffs: []int8{1, 1, -1}})
	if _, err := a.Result([]uint32{0}); !pgerr.Is(err, pgerr.NumericOutOfRange) {
		t.Fatalf("error %v", err)
	}
	a.Update(&Input{IDs: zero, Args: []arrow.Array{bigints(math.MaxInt64, math.MinInt64, 7)}, Diffs: []int8{-1, 1, 1}})
	if got, err := a.Result([]uint32{0}); err != nil || got.ValueStr(0) != "8" {
		t.Fatalf("after taking back: %v %v", got, err)
	}
}

func TestNotSupported(t *testing.T) {
	for _, s := range []Spec{{Func: "sum"}, {Func: "no_such"}, {Func: "sum", Args: []types.Type{types.Of(types.Text)}}} {
		if _, err := New(s); !pgerr.Is(err, pgerr.FeatureNotSupported) {
			t.Errorf("%s: %v", s.Func, err)
		}
	}
}

// TestTakingBackLargeFloats: what a large value drowned is there when it is gone.
func TestTakingBackLargeFloats(t *testing.T) {
	double := types.Of(types.Float64)
	a, err := New(Spec{Func: "sum", Args: []types.Type{double}, Result: double, Retractable: true})
	if err != nil {
		t.Fatal(err)
	}
	a.Grow(1)
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	b.AppendValues([]float64{1e16, 1, math.Inf(1), 1e16, math.Inf(1)}, nil)
	a.Update(in(b.NewArray(), 1, 1, 1, -1, -1))
	if got, err := a.Result([]uint32{0}); err != nil || got.ValueStr(0) != "1" {
		t.Fatal(got, err)
	}
}

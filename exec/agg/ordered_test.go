package agg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/exec/rowcodec"
	"laminardb/exec/rowcodec/rowtest"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// orderedCase is an aggregate for which the order of rows matters, or that keeps
// them.
type orderedCase struct {
	name   string
	spec   Spec
	expect func(rows []testRow) any
}

// inSortOrder sorts rows by one bigint key; keys reads it.
func inSortOrder(rows []testRow, desc, nullsFirst bool) []testRow {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b testRow) int {
		x, y := a.sort[0], b.sort[0]
		switch {
		case x.IsNull(0) && y.IsNull(0):
			return 0
		case x.IsNull(0) != y.IsNull(0):
			if x.IsNull(0) == nullsFirst {
				return -1
			}
			return 1
		}
		c := int(number64(x) - number64(y))
		if c != 0 {
			c /= max(c, -c)
		}
		if desc {
			c = -c
		}
		return c
	})
	return rows
}

// listOf spells an array as Arrow's ValueStr does.
func listOf(rows []testRow) any {
	if len(rows) == 0 {
		return nil
	}
	var parts []string
	for _, r := range rows {
		if r.args[0].IsNull(0) {
			parts = append(parts, "null")
		} else {
			parts = append(parts, fmt.Sprint(r.args[0].GetOneForMarshal(0)))
		}
	}
	return "'[" + strings.Join(parts, ",") + "]'"
}

func joinText(rows []testRow) any {
	var b strings.Builder
	some := false
	for _, r := range rows {
		if r.args[0].IsNull(0) {
			continue
		}
		if some && !r.args[1].IsNull(0) {
			b.WriteString(r.args[1].ValueStr(0))
		}
		b.WriteString(r.args[0].ValueStr(0))
		some = true
	}
	if !some {
		return nil
	}
	return "'" + b.String() + "'"
}

func distinctRows(rows []testRow) []testRow {
	seen := map[string]bool{}
	var out []testRow
	for _, r := range rows {
		k := rowtest.Row(r.args, 0) + rowtest.Row(r.sort, 0)
		if !seen[k] {
			seen[k] = true
			out = append(out, r)
		}
	}
	return out
}

func percentile(at int, f float64) func(rows []testRow) any {
	return func(rows []testRow) any {
		var v []float64
		for _, r := range rows {
			if !r.args[at].IsNull(0) {
				v = append(v, number64(r.args[at]))
			}
		}
		if len(v) == 0 {
			return nil
		}
		slices.Sort(v)
		where := f * float64(len(v)-1)
		low, high := v[int(math.Floor(where))], v[int(math.Ceil(where))]
		return low + (where-math.Floor(where))*(high-low)
	}
}

func percentileDiscrete(f float64) func(rows []testRow) any {
	return func(rows []testRow) any {
		var v []string
		for _, r := range rows {
			if !r.args[1].IsNull(0) {
				v = append(v, r.args[1].ValueStr(0))
			}
		}
		if len(v) == 0 {
			return nil
		}
		slices.Sort(v)
		return "'" + v[max(int(math.Ceil(f*float64(len(v)))), 1)-1] + "'"
	}
}

func modeOf(rows []testRow) any {
	counts, best := map[string]int{}, ""
	for _, a := range notNull(rows) {
		counts[a.ValueStr(0)]++
	}
	for v, n := range counts {
		if n > counts[best] || n == counts[best] && v < best {
			best = v
		}
	}
	if len(counts) == 0 {
		return nil
	}
	return "'" + best + "'"
}

func argExtreme(greatest bool) func(rows []testRow) any {
	return func(rows []testRow) any {
		var best *testRow
		for i, r := range rows {
			if r.args[1].IsNull(0) {
				continue
			}
			if best == nil || greatest && aboveNumber(r.args[1], best.args[1]) || !greatest && aboveNumber(best.args[1], r.args[1]) {
				best = &rows[i]
			}
		}
		if best == nil || best.args[0].IsNull(0) {
			return nil
		}
		return rowtest.Value(best.args[0], 0)
	}
}

// pairSums are means and sums of squares of pairs (y, x), computed in two passes.
type pairSums struct{ n, x, y, sxx, syy, sxy float64 }

func regressionOf(least float64, value func(p pairSums) float64) func(rows []testRow) any {
	return func(rows []testRow) any {
		var p pairSums
		var kept [][2]float64
		for _, r := range rows {
			if !r.args[0].IsNull(0) && !r.args[1].IsNull(0) {
				kept = append(kept, [2]float64{number64(r.args[0]), number64(r.args[1])})
				p.y += number64(r.args[0])
				p.x += number64(r.args[1])
			}
		}
		p.n = float64(len(kept))
		p.x, p.y = p.x/p.n, p.y/p.n
		for _, k := range kept {
			p.syy += (k[0] - p.y) * (k[0] - p.y)
			p.sxx += (k[1] - p.x) * (k[1] - p.x)
			p.sxy += (k[0] - p.y) * (k[1] - p.x)
		}
		if p.n < least {
			return nil
		}
		return value(p)
	}
}

// longestList is the greatest bigint array: element by element, NULL last, a
// longer one after its prefix.
func longestList(rows []testRow) any {
	values := notNull(rows)
	if len(values) == 0 {
		return nil
	}
	elements := func(a arrow.Array) []float64 {
		list := a.(*array.List)
		from, to := list.ValueOffsets(0)
		var v []float64
		for i := from; i < to; i++ {
			x := math.Inf(1)
			if !list.ListValues().IsNull(int(i)) {
				x = number64(array.NewSlice(list.ListValues(), i, i+1))
			}
			v = append(v, x)
		}
		return v
	}
	best := slices.MaxFunc(values, func(a, b arrow.Array) int { return slices.Compare(elements(a), elements(b)) })
	return rowtest.Value(best, 0)
}

func orderedCases() []orderedCase {
	bigint, text, double := types.Of(types.Int64), types.Of(types.Text), types.Of(types.Float64)
	one, two := []types.Type{bigint}, []types.Type{text, text}
	asc := []rowcodec.OrderKey{{Type: bigint}}
	desc := []rowcodec.OrderKey{{Type: bigint, Desc: true, NullsFirst: true}}
	sorted := func(next func(rows []testRow) any) func(rows []testRow) any {
		return func(rows []testRow) any { return next(inSortOrder(rows, true, true)) }
	}
	once := func(next func(rows []testRow) any) func(rows []testRow) any {
		return func(rows []testRow) any { return next(distinctRows(rows)) }
	}
	list := types.ArrayOf(bigint)
	pairs := Spec{Args: []types.Type{double, double}, Result: double}
	lists := Spec{Args: []types.Type{list}, Result: list}
	return []orderedCase{
		{"covar_pop", pairs, regressionOf(1, func(p pairSums) float64 { return p.sxy / p.n })},
		{"covar_samp", pairs, regressionOf(2, func(p pairSums) float64 { return p.sxy / (p.n - 1) })},
		{"corr", pairs, regressionOf(2, func(p pairSums) float64 { return p.sxy / math.Sqrt(p.sxx*p.syy) })},
		{"regr_slope", pairs, regressionOf(2, func(p pairSums) float64 { return p.sxy / p.sxx })},
		{"regr_intercept", pairs, regressionOf(2, func(p pairSums) float64 { return p.y - p.x*p.sxy/p.sxx })},
		{"regr_r2", pairs, regressionOf(2, func(p pairSums) float64 { return p.sxy * p.sxy / (p.sxx * p.syy) })},
		{"regr_avgx", pairs, regressionOf(1, func(p pairSums) float64 { return p.x })},
		{"regr_avgy", pairs, regressionOf(1, func(p pairSums) float64 { return p.y })},
		{"regr_sxx", pairs, regressionOf(1, func(p pairSums) float64 { return p.sxx })},
		{"regr_syy", pairs, regressionOf(1, func(p pairSums) float64 { return p.syy })},
		{"regr_sxy", pairs, regressionOf(1, func(p pairSums) float64 { return p.sxy })},
		{"regr_count", Spec{Args: pairs.Args, Result: bigint}, regressionOf(0, func(p pairSums) float64 { return p.n })},
		{"approx_count_distinct", Spec{Args: []types.Type{text}, Result: bigint}, func(rows []testRow) any { return countRows(distinctRows(rows)) }},
		{"max", lists, longestList},
		{"array_agg", Spec{Args: one, Result: list}, listOf},
		{"array_agg", Spec{Args: one, Result: list, OrderBy: desc}, sorted(listOf)},
		{"array_agg", Spec{Args: one, Result: list, OrderBy: asc}, func(rows []testRow) any { return listOf(inSortOrder(rows, false, false)) }},
		{"string_agg", Spec{Args: two, Result: text}, joinText},
		{"string_agg", Spec{Args: two, Result: text, OrderBy: desc}, sorted(joinText)},
		{"median", Spec{Args: []types.Type{double}, Result: double}, percentile(0, 0.5)},
		{"percentile_cont", Spec{Args: []types.Type{double, double}, Consts: []any{0.9}, Result: double}, percentile(1, 0.9)},
		{"approx_percentile_cont", Spec{Args: []types.Type{double, double}, Consts: []any{nil, 0.9}, Result: double}, percentile(0, 0.9)},
		{"percentile_disc", Spec{Args: []types.Type{double, text}, Consts: []any{0.3}, Result: text}, percentileDiscrete(0.3)},
		{"mode", Spec{Args: []types.Type{text}, Result: text}, modeOf},
		{"arg_min", Spec{Args: []types.Type{text, double}, Result: text}, argExtreme(false)},
		{"arg_max", Spec{Args: []types.Type{bigint, bigint}, Result: bigint}, argExtreme(true)},
		{"first_value", Spec{Args: one, Result: bigint, OrderBy: desc}, sorted(edgeOf(false))},
		{"last_value", Spec{Args: one, Result: bigint, OrderBy: desc}, sorted(edgeOf(true))},
		{"count", Spec{Args: []types.Type{text}, Result: bigint, Distinct: true}, once(countRows)},
		{"sum", Spec{Args: one, Result: bigint, Distinct: true}, once(ofNumbers(1, sumOf))},
		{"avg", Spec{Args: []types.Type{types.Of(types.Int16)}, Result: double, Distinct: true}, once(ofNumbers(1, func(v []float64) float64 { return sumOf(v) / float64(len(v)) }))},
		{"max", Spec{Args: one, Result: bigint, Distinct: true}, extremeOf(aboveNumber, true)},
	}
}

func TestOrdered(t *testing.T) {
	for i, c := range orderedCases() {
		for _, retractable := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%d/%v", c.name, i, retractable), func(t *testing.T) {
				f := &fixture{t: t, rng: rand.New(rand.NewPCG(uint64(i), 7)), finite: true, expect: c.expect, spec: c.spec}
				f.spec.Func, f.spec.Retractable = c.name, retractable
				for _, rows := range []int{1, 3, 25} {
					f.run(rows, 50/(rows+1)+15)
				}
			})
		}
	}
}

// TestDistinctInOrder: what DISTINCT gives to array_agg is sorted.
func TestDistinctInOrder(t *testing.T) {
	bigint := types.Of(types.Int64)
	f := &fixture{
		t: t, rng: rand.New(rand.NewPCG(5, 7)), spec: Spec{Func: "array_agg", Args: []types.Type{bigint}, Result: types.ArrayOf(bigint), Distinct: true},
		expect: func(rows []testRow) any {
			rows = distinctRows(rows)
			for i := range rows {
				rows[i].sort = rows[i].args
			}
			return listOf(inSortOrder(rows, false, false))
		},
	}
	for _, rows := range []int{1, 3, 25} {
		f.run(rows, 50/(rows+1)+15)
	}
}

// TestRetractionBeforeRow: a changelog may bring a row's -1 before its +1 where
// two inputs meet.
func TestRetractionBeforeRow(t *testing.T) {
	bigint := types.Of(types.Int64)
	for _, name := range []string{"min", "max", "last_value", "array_agg", "median"} {
		s := Spec{Func: name, Args: []types.Type{bigint}, Result: bigint, Retractable: true}
		if name == "array_agg" {
			s.Result = types.ArrayOf(bigint)
		}
		if name == "median" {
			continue // takes double only
		}
		a, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		a.Grow(1)
		a.Update(in(bigints(5, 3), -1, 1))
		a.Update(in(bigints(5), 1))
		got, err := a.Result([]uint32{0})
		if err != nil || strings.Trim(got.ValueStr(0), "[]") != "3" {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}

func TestPercentileNeedsConstant(t *testing.T) {
	double := types.Of(types.Float64)
	_, err := New(Spec{Func: "percentile_cont", Args: []types.Type{double, double}, Result: double})
	if !pgerr.Is(err, pgerr.FeatureNotSupported) {
		t.Fatal(err)
	}
	_, err = New(Spec{Func: "percentile_cont", Args: []types.Type{double, double}, Consts: []any{1.5}, Result: double})
	if !pgerr.Is(err, pgerr.NumericOutOfRange) {
		t.Fatal(err)
	}
}

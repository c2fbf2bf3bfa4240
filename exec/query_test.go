package exec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// tables runs a plan once over named tables.
func tables(t *testing.T, root plan.Node, data map[string]*batch.Batch) [][]int64 {
	t.Helper()
	var out [][]int64
	err := NewEngine(testEnv()).Query(context.Background(), root, func(_ context.Context, s *plan.Scan) (*batch.Batch, error) {
		return data[s.Name], nil
	}, func(b *batch.Batch) error {
		out = append(out, int64Rows(b)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func scanOf(name string, columns ...string) *plan.Scan {
	s := &plan.Scan{Name: name}
	s.Out = int64Schema(columns...)
	for i := range columns {
		s.Columns = append(s.Columns, i)
	}
	return s
}

func column(i int) plan.Expr {
	return &plan.Column{Index: i, Name: fmt.Sprint("c", i), T: types.Of(types.Int64), Pos: -1}
}

// Every kind of join, with and without a further condition, against nested loops.
func TestJoins(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	random := func(n int) *batch.Batch {
		keys, vs := make([]int64, n), make([]int64, n)
		for i := range keys {
			keys[i], vs[i] = int64(rng.IntN(5)), int64(rng.IntN(10))
			if rng.IntN(5) == 0 {
				keys[i] = null
			}
		}
		return int64Batch(keys, vs)
	}
	less := &plan.Call{Func: "lt(bigint,bigint)", Args: []plan.Expr{column(1), column(3)}, T: types.Of(types.Bool), Name: "<", Pos: -1}
	for kind := plan.JoinInner; kind <= plan.JoinAnti; kind++ {
		for _, residual := range []plan.Expr{nil, less} {
			for _, keys := range []int{1, 0} {
				for _, size := range [][2]int{{0, 0}, {0, 4}, {4, 0}, {1, 1}, {12, 9}, {30, 40}} {
					j := &plan.Join{Left: scanOf("l", "k", "v"), Right: scanOf("r", "k", "v"), Kind: kind, Residual: residual}
					if keys > 0 {
						j.LeftKeys, j.RightKeys = []plan.Expr{column(0)}, []plan.Expr{column(0)}
					}
					j.Out = int64Schema("lk", "lv", "rk", "rv")
					if kind == plan.JoinSemi || kind == plan.JoinAnti {
						j.Out = int64Schema("lk", "lv")
					}
					l, r := random(size[0]), random(size[1])
					got := tables(t, j, map[string]*batch.Batch{"l": l, "r": r})
					want := nestedLoops(kind, keys > 0, residual != nil, int64Rows(l), int64Rows(r))
					slices.SortFunc(got, slices.Compare[[]int64])
					slices.SortFunc(want, slices.Compare[[]int64])
					if !slices.EqualFunc(got, want, slices.Equal[[]int64]) {
						t.Errorf("%s, %d keys, residual %v, %v:\n got %v\nwant %v", strings.TrimSpace(j.Label()), keys, residual != nil, size, got, want)
					}
				}
			}
		}
	}
}

func nestedLoops(kind plan.JoinKind, keyed, residual bool, left, right [][]int64) (out [][]int64) {
	nulls := []int64{null, null}
	matched := make([]bool, len(right))
	for _, l := range left {
		hits := 0
		for i, r := range right {
			if keyed && (l[0] != r[0] || l[0] == null) || residual && l[1] >= r[1] {
				continue
			}
			hits++
			matched[i] = true
			if kind != plan.JoinSemi && kind != plan.JoinAnti {
				out = append(out, slices.Concat(l, r))
			}
		}
		switch {
		case hits > 0 && kind == plan.JoinSemi, hits == 0 && kind == plan.JoinAnti:
			out = append(out, l)
		case hits == 0 && (kind == plan.JoinLeft || kind == plan.JoinFull):
			out = append(out, slices.Concat(l, nulls))
		}
	}
	for i, r := range right {
		if !matched[i] && (kind == plan.JoinRight || kind == plan.JoinFull) {
			out = append(out, slices.Concat(nulls, r))
		}
	}
	return out
}

// Orders by two keys, NULLs on either side, equal rows as they came; then a part.
func TestSortAndLimit(t *testing.T) {
	in := int64Batch([]int64{2, null, 1, 2, null, 1}, []int64{0, 1, 2, 3, 4, 5})
	for _, c := range []struct {
		desc, nullsFirst bool
		skip, count      int64
		want             string
	}{
		{false, false, 0, -1, "[2 5 0 3 1 4]"},
		{false, true, 0, -1, "[1 4 2 5 0 3]"},
		{true, true, 0, -1, "[1 4 0 3 2 5]"},
		{true, false, 0, -1, "[0 3 2 5 1 4]"},
		{false, false, 1, 3, "[5 0 3]"},
		{false, false, 5, 9, "[4]"},
		{false, false, 9, 1, "[]"},
		{false, false, 0, 0, "[]"},
	} {
		sorted := &plan.Sort{Input: scanOf("t", "a", "b"), Keys: []plan.SortKey{{Expr: column(0), Desc: c.desc, NullsFirst: c.nullsFirst}}}
		sorted.Out = int64Schema("a", "b")
		limit := &plan.Limit{Input: sorted, Count: c.count, Offset: c.skip}
		limit.Out = sorted.Out
		got := []int64{}
		for _, row := range tables(t, limit, map[string]*batch.Batch{"t": in}) {
			got = append(got, row[1])
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

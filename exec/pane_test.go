package exec

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/agg"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// paneCalls are calls over (key text, n bigint, x double precision, s text), one
// of each way to keep state.
func paneCalls() *calls {
	text, bigint, double := types.Of(types.Text), types.Of(types.Int64), types.Of(types.Float64)
	c := &calls{keyTypes: []types.Type{text}, outTypes: []types.Type{text}, countRows: true, time: -1}
	add := func(name string, result types.Type, distinct bool, args ...int) {
		s := agg.Spec{Func: name, Result: result, Distinct: distinct}
		for _, a := range args {
			s.Args = append(s.Args, []types.Type{text, bigint, double, text}[a])
		}
		c.specs = append(c.specs, s)
		c.aggs = append(c.aggs, callColumns{args: args, filter: -1, order: 1})
		c.outTypes = append(c.outTypes, result)
	}
	add("count", bigint, false)
	add("count", bigint, true, 1)
	add("sum", bigint, false, 1)
	add("avg", double, false, 2)
	add("stddev", double, false, 2)
	add("min", double, false, 2)
	add("max", text, false, 3)
	add("first_value", double, false, 2)
	add("last_value", text, false, 3)
	add("median", double, false, 2)
	return c
}

func paneBatch(rng *rand.Rand, rows int) *batch.Batch {
	key, s := array.NewStringBuilder(memory.DefaultAllocator), array.NewStringBuilder(memory.DefaultAllocator)
	n, x := array.NewInt64Builder(memory.DefaultAllocator), array.NewFloat64Builder(memory.DefaultAllocator)
	for range rows {
		key.Append(fmt.Sprintf("a key of some length %d", rng.IntN(9)))
		n.Append(rng.Int64N(100))
		if rng.IntN(5) == 0 {
			x.AppendNull()
		} else {
			x.Append(float64(rng.IntN(1000)))
		}
		s.Append(fmt.Sprint(rng.IntN(1e6)))
	}
	return batch.New([]arrow.Array{key.NewArray(), n.NewArray(), x.NewArray(), s.NewArray()}, rows)
}

// A pane that another window has used gives what a new one does.
func TestPaneReset(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	used, err := newPane(paneCalls())
	if err != nil {
		t.Fatal(err)
	}
	for round := range 20 {
		fresh, err := newPane(paneCalls())
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + rng.IntN(3) {
			b := paneBatch(rng, 1+rng.IntN(30))
			for _, p := range []*pane{used, fresh} {
				p.update(b, p.group(b))
			}
		}
		if got, want := paneText(t, used), paneText(t, fresh); got != want {
			t.Fatalf("round %d:\ngot  %s\nwant %s", round, got, want)
		}
		if used.in.IDs != nil || len(used.in.Args) > 0 || cap(used.in.Args) > 0 && used.in.Args[:1][0] != nil {
			t.Fatalf("the pane keeps its input: %+v", used.in)
		}
		used.reset()
		if n := used.table.Len(); n != 0 {
			t.Fatalf("%d groups after a reset", n)
		}
	}
}

// paneText shows the results and row counts of all groups.
func paneText(t *testing.T, p *pane) (out string) {
	t.Helper()
	ids := p.table.IDs(nil)
	cols, err := p.results(ids)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		out += fmt.Sprintf("\n%s, %d rows", rowText(batch.New(cols, len(ids)), i), p.rows[id])
	}
	return out
}

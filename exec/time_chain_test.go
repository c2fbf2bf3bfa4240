package exec

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// numbered is a batch of one bigint column.
func numbered(values ...int64) *batch.Batch {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return batch.New([]arrow.Array{b.NewArray()}, len(values))
}

// chainRow is a row of the list that a chain is compared with.
type chainRow struct {
	key   uint32
	t, id int64
}

func showRow(r chainRow) string {
	if r.id == nullRow {
		return "none"
	}
	return fmt.Sprint(r.id)
}

// searchRows finds, among the rows of a key that are not below a time, the latest
// up to at, the earliest from at on, and those within 5 behind it.
func searchRows(rows []chainRow, key uint32, below, at int64) (latest, earliest chainRow, between []string) {
	latest, earliest = chainRow{id: nullRow}, chainRow{id: nullRow}
	for _, r := range rows {
		if r.key != key || r.t < below {
			continue
		}
		if r.t <= at && (latest.id == nullRow || r.t >= latest.t) {
			latest = r
		}
		if r.t >= at && (earliest.id == nullRow || r.t <= earliest.t) {
			earliest = r
		}
		if r.t >= at && r.t <= at+5 {
			between = append(between, fmt.Sprint(r.id))
		}
	}
	return latest, earliest, between
}

// TestTimeChain compares a chain with a list that is searched from end to end,
// while rows come out of order and dead ones are dropped.
func TestTimeChain(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 7))
		disorder := []int64{1, 3, 30, 1000}[seed%4]
		c := newTimeChain([]types.Type{types.Of(types.Int64)})
		c.checkAt = 50
		c.grow(3)
		var rows []chainRow // in order of arrival
		id := func(n int64) string {
			if n == nullRow {
				return "none"
			}
			got, err := c.store.take([]int64{n})
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(got.Cols[0].(*array.Int64).Value(0))
		}
		for step := range int64(400) {
			r := chainRow{uint32(rng.IntN(3)), step/2 + rng.Int64N(disorder), step}
			rows = append(rows, r)
			if _, err := c.add(numbered(r.id), []uint32{r.key}, []int64{r.t}); err != nil {
				t.Fatal(err)
			}
			below := step/2 - 60
			if step%7 == 0 {
				c.dropFront(below)
			}
			if step%50 == 49 {
				c.checkAt = min(c.checkAt, len(c.links))
				if _, err := c.retain(func(_ int64, l *timeLink) bool { return l.t >= below }); err != nil {
					t.Fatal(err)
				}
			}
			key, at := uint32(rng.IntN(3)), below+rng.Int64N(70+disorder)
			latest, earliest, between := searchRows(rows, key, below, at)
			if n, when := c.latest(key, at); when >= below && id(n) != showRow(latest) || when < below && latest.id != nullRow {
				t.Fatalf("seed %d step %d: latest(%d, %d) is %s at %d, not %s", seed, step, key, at, id(n), when, showRow(latest))
			}
			if n, _ := c.earliest(key, at); id(n) != showRow(earliest) {
				t.Fatalf("seed %d step %d: earliest(%d, %d) is %s, not %s", seed, step, key, at, id(n), showRow(earliest))
			}
			var got []string
			for _, n := range c.between(nil, key, at, at+5) {
				got = append(got, id(n))
			}
			slices.Reverse(got)
			if !slices.Equal(got, between) {
				t.Fatalf("seed %d step %d: between(%d, %d) is %v, not %v", seed, step, key, at, got, between)
			}
		}
		if disorder < 1000 && len(c.links) > 300 {
			t.Errorf("seed %d: %d rows are kept of those within 60", seed, len(c.links))
		}
	}
}

// TestTimeChainSteps holds the search over many newer rows to a few steps.
func TestTimeChainSteps(t *testing.T) {
	c := newTimeChain([]types.Type{types.Of(types.Int64)})
	c.grow(1)
	const n = 1 << 16
	for i := range int64(n) {
		c.link(0, i)
	}
	for _, at := range []int64{0, 1, 77, n / 2, n - 2} {
		steps := 0
		for row := c.heads[0]; row >= 0; steps++ {
			l := &c.links[row]
			if l.low > at {
				row = c.step(row, l.skip)
				continue
			}
			if l.t <= at {
				break
			}
			row = c.step(row, l.prev)
		}
		if steps > 64 {
			t.Errorf("%d steps to %d of %d", steps, at, n)
		}
		if row, _ := c.latest(0, at); row != at {
			t.Errorf("latest(%d) is %d", at, row)
		}
	}
}

func TestTimeQueue(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var q timeQueue
	var all []timedRow
	next := int64(0)
	for step := range int64(300) {
		var rows []timedRow
		for range rng.IntN(5) {
			rows = append(rows, timedRow{t: step + rng.Int64N(20), row: next})
			next++
		}
		all = append(all, rows...)
		q.add(rows)
		slices.SortFunc(all, compareTimed)
		below := step - rng.Int64N(10)
		n := 0
		for n < len(all) && all[n].t < below {
			n++
		}
		if got := q.take(below, false); !slices.Equal(got, all[:n]) {
			t.Fatalf("step %d: took %v, not %v", step, got, all[:n])
		}
		if all = all[n:]; len(all) > 0 && q.first() != all[0].t {
			t.Fatalf("step %d: first is %d, not %d", step, q.first(), all[0].t)
		}
		if len(q.runs) > 10 {
			t.Fatalf("step %d: %d runs of %d rows", step, len(q.runs), len(all))
		}
	}
	if got := q.take(0, true); !slices.Equal(got, all) {
		t.Fatalf("the rest is %v, not %v", got, all)
	}
}

// TestRowStore takes rows of every layout from chunks of all sizes, with NULLs.
func TestRowStore(t *testing.T) {
	list := types.ArrayOf(types.Of(types.Text))
	ts := []types.Type{
		types.Of(types.Bool), types.Of(types.Int16), types.Of(types.Int32), types.Of(types.Float64),
		types.Of(types.Text), types.Of(types.UUID), list,
	}
	rng := rand.New(rand.NewPCG(5, 6))
	var want []string // by row number
	show := func(b *batch.Batch, i int) string {
		out := ""
		for _, c := range b.Cols {
			out += c.ValueStr(i) + ";"
		}
		return out
	}
	s := rowStore{types: ts}
	for range 60 {
		n := 1 + rng.IntN(4)*rng.IntN(40)
		b := mixedRows(t, ts, n, rng)
		first, err := s.add(b)
		if err != nil || first != int64(len(want)) {
			t.Fatalf("add: %d, %v", first, err)
		}
		for i := range n {
			want = append(want, show(b, i))
		}
	}
	check := func(rows []int64, names []string) {
		t.Helper()
		got, err := s.take(rows)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range rows {
			w := "(null);(null);(null);(null);(null);(null);(null);"
			if n >= 0 {
				w = names[n]
			}
			if show(got, i) != w {
				t.Fatalf("row %d is %s, not %s", n, show(got, i), w)
			}
		}
	}
	var rows []int64
	for range 500 {
		rows = append(rows, rng.Int64N(int64(len(want))+1)-1)
	}
	check(rows, want)
	check([]int64{nullRow, nullRow}, want)
	check(nil, want)

	keep := []int64{3, 77, 78, int64(len(want)) - 1}
	var names []string
	for _, k := range keep {
		names = append(names, want[k])
	}
	if err := s.rebuild(keep); err != nil {
		t.Fatal(err)
	}
	check([]int64{3, 0, nullRow, 2, 1}, names)
	s.release([]int64{0, 2, 1, 3})
	if s.rows != 0 || len(s.chunks) != 0 {
		t.Errorf("%d rows in %d chunks after all were released", s.rows, len(s.chunks))
	}
}

func mixedRows(t *testing.T, ts []types.Type, n int, rng *rand.Rand) *batch.Batch {
	t.Helper()
	cols := make([]arrow.Array, len(ts))
	for i, typ := range ts {
		b := array.NewBuilder(memory.DefaultAllocator, typ.Arrow())
		for range n {
			v := rng.IntN(1000)
			switch b := b.(type) {
			case *array.BooleanBuilder:
				b.Append(v%2 == 0)
			case *array.Int16Builder:
				b.Append(int16(v))
			case *array.Int32Builder:
				b.Append(int32(v))
			case *array.Float64Builder:
				b.Append(float64(v) / 8)
			case *array.StringBuilder:
				b.Append(fmt.Sprint("text", v))
			case *array.FixedSizeBinaryBuilder:
				b.Append([]byte(fmt.Sprintf("%016d", v)))
			case *array.ListBuilder:
				b.Append(true)
				for k := range v % 3 {
					b.ValueBuilder().(*array.StringBuilder).Append(fmt.Sprint(v, "-", k))
				}
			default:
				if rng.IntN(3) == 0 {
					b.AppendNull()
				} else {
					t.Fatalf("no builder for %s", typ)
				}
			}
		}
		cols[i] = b.NewArray()
	}
	for i := range cols { // NULLs, in some columns of some batches
		if rng.IntN(2) == 0 {
			continue
		}
		sel := make([]int32, n)
		for k := range sel {
			sel[k] = int32(k)
			if rng.IntN(4) == 0 {
				sel[k] = -1
			}
		}
		cols[i] = takeAll(cols[i:i+1], sel)[0]
	}
	return batch.New(cols, n)
}

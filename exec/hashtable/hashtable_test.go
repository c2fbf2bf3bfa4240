package hashtable

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
	"laminardb/exec/rowcodec/rowtest"
	"laminardb/sql/types"
)

// reference is the table as a Go map, a row at a time.
type reference struct {
	ids  map[string]uint32
	free []uint32
	next uint32
}

func (r *reference) lookup(key string, insert bool) uint32 {
	id, ok := r.ids[key]
	if ok {
		return id
	}
	if !insert {
		return NoGroup
	}
	if n := len(r.free); n > 0 {
		id, r.free = r.free[n-1], r.free[:n-1]
	} else {
		id, r.next = r.next, r.next+1
	}
	r.ids[key] = id
	return id
}

func (r *reference) delete(id uint32) {
	for k, v := range r.ids {
		if v == id {
			delete(r.ids, k)
			r.free = append(r.free, id)
		}
	}
}

func TestAgainstMap(t *testing.T) {
	text, bigint := types.Of(types.Text), types.Of(types.Int64)
	lists := [][]types.Type{{}, {text, bigint}, {text, text, text}, {types.ArrayOf(bigint)}, {bigint, bigint, types.Of(types.Interval)}}
	for _, k := range rowtest.Kinds() {
		lists = append(lists, []types.Type{k})
	}
	for i, ts := range lists {
		t.Run(fmt.Sprint(ts), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			for _, rows := range []int{1, 3, 50} {
				againstMap(t, rng, ts, rows)
			}
		})
	}
}

func againstMap(t *testing.T, rng *rand.Rand, ts []types.Type, rows int) {
	table, ref := New(ts), &reference{ids: map[string]uint32{}}
	for range 60 {
		cols := make([]arrow.Array, len(ts))
		for i, typ := range ts {
			cols[i] = rowtest.Column(rng, typ, rows, rng.IntN(5))
		}
		var sel []int32
		want := make([]uint32, 0, rows)
		insert := rng.IntN(3) > 0
		for row := range rows {
			if rng.IntN(4) > 0 {
				sel = append(sel, int32(row))
			}
		}
		if rng.IntN(2) == 0 {
			sel = nil
			for row := range rows {
				want = append(want, ref.lookup(rowtest.Row(cols, row), insert))
			}
		}
		for _, row := range sel {
			want = append(want, ref.lookup(rowtest.Row(cols, int(row)), insert))
		}
		got := make([]uint32, len(want))
		if len(want) > 0 && insert {
			table.Lookup(cols, rows, sel, got)
		} else if len(want) > 0 {
			table.Find(cols, rows, sel, got)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("ids %v, want %v", got, want)
		}
		checkKeys(t, table, ref)
		deleteSome(rng, table, ref)
		if rng.IntN(4) == 0 {
			table = restored(t, table)
		}
	}
}

func checkKeys(t *testing.T, table *Table, ref *reference) {
	t.Helper()
	ids := table.IDs(nil)
	keys := table.Keys(nil)
	if table.Len() != len(ref.ids) || len(ids) != len(ref.ids) || table.Bound() != int(ref.next) {
		t.Fatalf("%d keys, %d ids, bound %d; want %d, bound %d", table.Len(), len(ids), table.Bound(), len(ref.ids), ref.next)
	}
	for i, id := range ids {
		if want, ok := ref.ids[rowtest.Row(keys, i)]; !ok || want != id {
			t.Fatalf("id %d has key %s, want id %d", id, rowtest.Row(keys, i), want)
		}
	}
}

func deleteSome(rng *rand.Rand, table *Table, ref *reference) {
	var gone []uint32
	one := 2 + rng.IntN(10)
	for _, id := range table.IDs(nil) {
		if rng.IntN(one) == 0 {
			gone = append(gone, id)
			ref.delete(id)
		}
	}
	table.Delete(gone)
}

func snapshot(t testing.TB, table *Table) []byte {
	var buf bytes.Buffer
	w := rowcodec.NewStateWriter(&buf)
	table.Snapshot(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func restored(t *testing.T, table *Table) *Table {
	t.Helper()
	image := snapshot(t, table)
	next := New(table.Types())
	if err := next.Restore(rowcodec.NewStateReader(bytes.NewReader(image))); err != nil {
		t.Fatal(err)
	}
	if again := snapshot(t, next); !bytes.Equal(image, again) {
		t.Fatal("a restored table gives another snapshot")
	}
	return next
}

func textColumn(n int, format string) arrow.Array {
	rows := &rowcodec.Rows{}
	for i := range n {
		s := fmt.Sprintf(format, i)
		rows.Append(append([]byte{0, byte(len(s))}, s...))
	}
	cols, err := rowcodec.NewDecoder([]types.Type{types.Of(types.Text)}).Rows(rows, nil)
	if err != nil {
		panic(err)
	}
	return cols[0]
}

// TestManyLongKeys grows the index often and makes the arena compact.
func TestManyLongKeys(t *testing.T) {
	const n = 50_000
	col := []arrow.Array{textColumn(n, "a key that is too long for an entry %d")}
	table, ids := New([]types.Type{types.Of(types.Text)}), make([]uint32, n)
	table.Lookup(col, n, nil, ids)
	before := table.SizeBytes()
	table.Delete(ids[:n-10])
	if after := table.SizeBytes(); after > before-3*n*40/4 {
		t.Errorf("%d bytes, %d after deleting nearly all", before, after)
	}
	again := make([]uint32, n)
	table.Find(col, n, nil, again)
	for i, id := range again {
		if want := ids[i]; i < n-10 && id != NoGroup || i >= n-10 && id != want {
			t.Fatalf("key %d has id %d", i, id)
		}
	}
	table.Reset()
	if table.Find(col, n, nil, again); again[n-1] != NoGroup || table.Bound() != 0 {
		t.Fatal("a key is left after Reset")
	}
}

func FuzzRestore(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	lists := [][]types.Type{{}, {types.Of(types.Text)}, {types.Of(types.Int32)}, {types.Of(types.Text), types.Of(types.Int64)}}
	for i, ts := range lists {
		table := New(ts)
		cols := make([]arrow.Array, len(ts))
		for c, typ := range ts {
			cols[c] = rowtest.Column(rng, typ, 20, 4)
		}
		ids := make([]uint32, 20)
		table.Lookup(cols, 20, nil, ids)
		table.Delete(table.IDs(nil)[:table.Len()/2])
		f.Add(i, snapshot(f, table))
	}
	f.Fuzz(func(t *testing.T, list int, image []byte) {
		table := New(lists[uint(list)%uint(len(lists))])
		if err := table.Restore(rowcodec.NewStateReader(bytes.NewReader(image))); err != nil {
			if table.Len() != 0 || table.Bound() != 0 {
				t.Fatal("not empty after an error")
			}
			return
		}
		table = restored(t, table)
		table.Delete(table.IDs(nil))
		if table.Len() != 0 {
			t.Fatal("keys left")
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	const rows = 8192
	text, bigint := types.Of(types.Text), types.Of(types.Int64)
	for _, groups := range []int{5, 1000, 1_000_000} {
		for _, ts := range [][]types.Type{{text}, {bigint}, {text, bigint}} {
			b.Run(fmt.Sprintf("%v/%d", ts, groups), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 1))
				table := New(ts)
				all := []arrow.Array{textColumn(groups, "SYM%d"), nil}
				if groups == 5 {
					all[0] = textColumn(groups, "%d-USD")
				}
				all[1] = numberColumn(groups)
				cols := all[:len(ts)]
				if ts[0].Kind == types.Int64 {
					cols = all[1:]
				}
				table.Lookup(cols, groups, nil, make([]uint32, groups))
				sel, ids := make([]int32, rows), make([]uint32, rows)
				for b.Loop() {
					b.StopTimer()
					for i := range sel {
						sel[i] = int32(rng.IntN(groups))
					}
					b.StartTimer()
					table.Lookup(cols, groups, sel, ids)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
			})
		}
	}
}

func numberColumn(n int) arrow.Array {
	rows := &rowcodec.Rows{}
	for i := range n {
		rows.Append([]byte{0, byte(i), byte(i >> 8), byte(i >> 16), 0, 0, 0, 0, 1})
	}
	cols, err := rowcodec.NewDecoder([]types.Type{types.Of(types.Int64)}).Rows(rows, nil)
	if err != nil {
		panic(err)
	}
	return cols[0]
}

package rowcodec

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/rowcodec/rowtest"
	"laminardb/sql/types"
)

func nestedTypes() []types.Type {
	text, bigint := types.Of(types.Text), types.Of(types.Int64)
	pair := types.Type{Kind: types.Struct, Fields: []types.Field{{Name: "a", Type: text}, {Name: "b", Type: types.ArrayOf(bigint)}}}
	return []types.Type{
		types.ArrayOf(text), types.ArrayOf(types.ArrayOf(types.Of(types.Numeric))), pair, types.ArrayOf(pair),
		{Kind: types.Map, Key: &text, Elem: &bigint},
	}
}

func randomTypes(rng *rand.Rand) []types.Type {
	all := append(rowtest.Kinds(), nestedTypes()...)
	ts := make([]types.Type, rng.IntN(12))
	for i := range ts {
		ts[i] = all[rng.IntN(len(all))]
	}
	return ts
}

func randomColumns(rng *rand.Rand, ts []types.Type, n int) []arrow.Array {
	cols := make([]arrow.Array, len(ts))
	for i, t := range ts {
		cols[i] = rowtest.Column(rng, t, n, rng.IntN(4))
	}
	return cols
}

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 400 {
		ts := randomTypes(rng)
		n := rng.IntN(30)
		cols := randomColumns(rng, ts, n)
		var sel []int32
		if rng.IntN(2) == 0 {
			sel = []int32{}
			for range rng.IntN(10) * min(n, 1) {
				sel = append(sel, int32(rng.IntN(n)))
			}
		}
		rows := &Rows{}
		rows.Append([]byte("before"))
		NewEncoder(ts).Encode(cols, n, sel, rows)
		got, err := NewDecoder(ts).Decode(rows.Slices(nil)[1:])
		if err != nil {
			t.Fatal(err)
		}
		checkColumns(t, ts, cols, sel, got)
	}
}

func checkColumns(t *testing.T, ts []types.Type, cols []arrow.Array, sel []int32, got []arrow.Array) {
	t.Helper()
	for c := range ts {
		if !arrow.TypeEqual(got[c].DataType(), ts[c].Arrow()) {
			t.Fatalf("column of %s is %s", ts[c], got[c].DataType())
		}
		if sel == nil {
			if !array.ApproxEqual(got[c], cols[c], array.WithNaNsEqual(true)) {
				t.Fatalf("%s: got %v want %v", ts[c], got[c], cols[c])
			}
			continue
		}
		for i, row := range sel {
			if g, w := got[c].ValueStr(i), cols[c].ValueStr(int(row)); g != w {
				t.Fatalf("%s row %d: got %s want %s", ts[c], i, g, w)
			}
		}
	}
}

func TestKeyEquality(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for _, typ := range rowtest.Kinds() {
		ts := []types.Type{typ, types.Of(types.Int32)}
		cols := []arrow.Array{rowtest.Column(rng, typ, 60, 5), rowtest.Column(rng, ts[1], 60, 2)}
		var rows Rows
		NewKeyEncoder(ts).Encode(cols, 60, nil, &rows)
		for i := range 60 {
			for j := range 60 {
				same := rowtest.Row(cols, i) == rowtest.Row(cols, j)
				if got := bytes.Equal(rows.Row(i), rows.Row(j)); got != same {
					t.Fatalf("%s: %s and %s: equal is %v", typ, rowtest.Row(cols, i), rowtest.Row(cols, j), got)
				}
			}
		}
	}
}

func TestNestedKeyIgnoresMapOrder(t *testing.T) {
	text, bigint := types.Of(types.Text), types.Of(types.Int64)
	typ := types.Type{Kind: types.Map, Key: &text, Elem: &bigint}
	b := array.NewMapBuilder(memory.DefaultAllocator, text.Arrow(), bigint.Arrow(), false)
	for _, keys := range []string{"ab", "ba"} {
		b.Append(true)
		for _, k := range keys {
			b.KeyBuilder().(*array.StringBuilder).Append(string(k))
			b.ItemBuilder().(*array.Int64Builder).Append(int64(k))
		}
	}
	var rows Rows
	NewKeyEncoder([]types.Type{typ}).Encode([]arrow.Array{b.NewArray()}, 2, nil, &rows)
	if !bytes.Equal(rows.Row(0), rows.Row(1)) {
		t.Fatalf("%x and %x", rows.Row(0), rows.Row(1))
	}
}

// TestLayout pins the bytes that are on disk.
func TestLayout(t *testing.T) {
	ts := []types.Type{types.Of(types.Int32), types.Of(types.Text), types.Of(types.Bool)}
	i, s, b := array.NewInt32Builder(memory.DefaultAllocator), array.NewStringBuilder(memory.DefaultAllocator), array.NewBooleanBuilder(memory.DefaultAllocator)
	i.AppendValues([]int32{-2, 7}, []bool{true, false})
	s.AppendValues([]string{"hey", ""}, nil)
	b.AppendValues([]bool{true, true}, []bool{true, false})
	var rows Rows
	NewEncoder(ts).Encode([]arrow.Array{i.NewArray(), s.NewArray(), b.NewArray()}, 2, nil, &rows)
	want := []string{"\x00\xfe\xff\xff\xff\x03hey\x01", "\x05\x00"}
	for n, w := range want {
		if got := string(rows.Row(n)); got != w {
			t.Errorf("row %d: %q want %q", n, got, w)
		}
	}
}

func TestHashSpreads(t *testing.T) {
	var b [40]byte
	seen := map[uint32]int{}
	for n := range len(b) + 1 {
		for bit := range 8 * n {
			clear(b[:])
			b[bit/8] |= 1 << (bit % 8)
			seen[uint32(Hash(b[:n])>>32)]++
		}
	}
	for h, n := range seen {
		if n > 2 {
			t.Errorf("%d inputs hash to %x", n, h)
		}
	}
}

func FuzzDecode(f *testing.F) {
	rng := rand.New(rand.NewPCG(3, 1))
	ts := append(rowtest.Kinds(), nestedTypes()...)
	var rows Rows
	NewEncoder(ts).Encode(randomColumns(rng, ts, 4), 4, nil, &rows)
	for i := range rows.Len() {
		f.Add(rows.Row(i))
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		cols, err := NewDecoder(ts).Decode([][]byte{row})
		if err != nil {
			return
		}
		var again Rows
		NewEncoder(ts).Encode(cols, 1, nil, &again)
		if _, err := NewDecoder(ts).Decode(again.Slices(nil)); err != nil {
			t.Fatalf("decoded %x, which encodes to %x: %v", row, again.Row(0), err)
		}
	})
}

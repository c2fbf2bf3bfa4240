package rowcodec

import (
	"bytes"
	"cmp"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/rowcodec/rowtest"
	"laminardb/sql/types"
)

// compareValues is the reference: how SQL orders two values that are not NULL.
func compareValues(t *testing.T, arr arrow.Array, i, j int) int {
	t.Helper()
	switch a := arr.(type) {
	case *array.Boolean:
		return bytes.Compare([]byte{one(a.Value(i))}, []byte{one(a.Value(j))})
	case *array.Int16:
		return cmp.Compare(a.Value(i), a.Value(j))
	case *array.Int32:
		return cmp.Compare(a.Value(i), a.Value(j))
	case *array.Int64:
		return cmp.Compare(a.Value(i), a.Value(j))
	case *array.Float32:
		return compareFloat(float64(a.Value(i)), float64(a.Value(j)))
	case *array.Float64:
		return compareFloat(a.Value(i), a.Value(j))
	case *array.Decimal128:
		return a.Value(i).Cmp(a.Value(j))
	case *array.String:
		return cmp.Compare(a.Value(i), a.Value(j))
	case *array.Binary:
		return bytes.Compare(a.Value(i), a.Value(j))
	case *array.Date32:
		return cmp.Compare(a.Value(i), a.Value(j))
	case *array.Time64:
		return cmp.Compare(a.Value(i), a.Value(j))
	case *array.Timestamp:
		return cmp.Compare(a.Value(i), a.Value(j))
	case *array.FixedSizeBinary:
		return bytes.Compare(a.Value(i), a.Value(j))
	case *array.MonthDayNanoInterval:
		length := func(v arrow.MonthDayNanoInterval) float64 {
			return (float64(v.Months)*30+float64(v.Days))*nanosPerDay + float64(v.Nanoseconds)
		}
		return cmp.Compare(length(a.Value(i)), length(a.Value(j)))
	}
	t.Fatalf("no reference for %s", arr.DataType())
	return 0
}

func one(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func compareFloat(a, b float64) int {
	switch {
	case math.IsNaN(a) && math.IsNaN(b):
		return 0
	case math.IsNaN(a):
		return 1
	case math.IsNaN(b):
		return -1
	}
	return cmp.Compare(a+0, b+0)
}

func TestOrderedAgainstValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	bigint := types.Of(types.Int64)
	for _, typ := range rowtest.Kinds() {
		for flags := range 4 {
			key := OrderKey{Type: typ, Desc: flags&1 != 0, NullsFirst: flags&2 != 0}
			cols := []arrow.Array{rowtest.Column(rng, typ, 50, 5), rowtest.Column(rng, bigint, 50, 0)}
			var rows Rows
			NewOrderedEncoder([]OrderKey{key, {Type: bigint}}).Encode(cols, 50, nil, &rows)
			for i := range 50 {
				for j := range 50 {
					want := compareRow(t, key, cols[0], i, j)
					if want == 0 {
						want = compareValues(t, cols[1], i, j)
					}
					if got := bytes.Compare(rows.Row(i), rows.Row(j)); got != want {
						t.Fatalf("%+v: %s and %s compare as %d", key, rowtest.Row(cols, i), rowtest.Row(cols, j), got)
					}
				}
			}
		}
	}
}

func compareRow(t *testing.T, key OrderKey, arr arrow.Array, i, j int) int {
	switch a, b := arr.IsNull(i), arr.IsNull(j); {
	case a && b:
		return 0
	case a || b:
		if a == key.NullsFirst {
			return -1
		}
		return 1
	}
	c := compareValues(t, arr, i, j)
	if key.Desc {
		return -c
	}
	return c
}

// TestOrderedStrings: zero bytes and prefixes.
func TestOrderedStrings(t *testing.T) {
	values := []string{"", "\x00", "\x00\x00", "\x00\x01", "\x00\xff", "a", "a\x00", "a\x00b", "ab", "\xff"}
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	col := []arrow.Array{b.NewArray()}
	for _, desc := range []bool{false, true} {
		var rows Rows
		NewOrderedEncoder([]OrderKey{{Type: types.Of(types.Text), Desc: desc}}).Encode(col, len(values), nil, &rows)
		for i := 1; i < len(values); i++ {
			if c := bytes.Compare(rows.Row(i-1), rows.Row(i)); (c < 0) == desc || c == 0 {
				t.Errorf("%q and %q compare as %d, descending: %v", values[i-1], values[i], c, desc)
			}
		}
	}
}

// TestEqualIntervals: the parts may differ in sign.
func TestEqualIntervals(t *testing.T) {
	const hour = nanosPerDay / 24
	b := array.NewMonthDayNanoIntervalBuilder(memory.DefaultAllocator)
	b.AppendValues([]arrow.MonthDayNanoInterval{
		{Days: 1, Nanoseconds: -hour},
		{Nanoseconds: 23 * hour},
		{Days: -1, Nanoseconds: hour},
		{Nanoseconds: -23 * hour},
		{Months: 1, Days: -1},
		{Days: 29},
	}, nil)
	ts, cols := []types.Type{types.Of(types.Interval)}, []arrow.Array{b.NewArray()}
	var keys, ordered Rows
	NewKeyEncoder(ts).Encode(cols, 6, nil, &keys)
	NewOrderedEncoder([]OrderKey{{Type: ts[0]}}).Encode(cols, 6, nil, &ordered)
	for i := 0; i < 6; i += 2 {
		if !bytes.Equal(keys.Row(i), keys.Row(i+1)) || !bytes.Equal(ordered.Row(i), ordered.Row(i+1)) {
			t.Errorf("row %d: %x and %x, %x and %x", i, keys.Row(i), keys.Row(i+1), ordered.Row(i), ordered.Row(i+1))
		}
	}
}

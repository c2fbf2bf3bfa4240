package column_test

import (
	"bytes"
	"encoding/json"
	"math/rand"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/connectors/format/column"
	"laminardb/sql/types"
)

// TestTruncateDropsHalfRows appends rows, breaks off inside some of them, and
// expects only the whole ones, at every nesting.
func TestTruncateDropsHalfRows(t *testing.T) {
	inner := types.Type{Kind: types.Struct, Fields: []types.Field{
		{Name: "n", Type: types.Of(types.Int64)}, {Name: "s", Type: types.Of(types.Text)},
	}}
	c := column.New(types.ArrayOf(inner))
	appendElem := func(n int64, s string) {
		e := c.Kids[0]
		e.Kids[0].Ints64 = append(e.Kids[0].Ints64, n)
		e.Kids[1].AppendBytes([]byte(s))
		e.Rows++
	}
	for round := range 2 {
		c.Reset(4)
		appendElem(1, "one")
		c.Kids[0].AppendNull()
		c.Ends = append(c.Ends, int32(c.Kids[0].Len()))
		c.AppendNull()
		// A row that fails behind a NULL element and half an element.
		c.Kids[0].AppendNull()
		c.Kids[0].Kids[0].Ints64 = append(c.Kids[0].Kids[0].Ints64, 7)
		c.Truncate(2)
		c.AppendNull()
		c.Truncate(2)
		appendElem(2, "two")
		c.Ends = append(c.Ends, int32(c.Kids[0].Len()))

		got := c.Finish()
		want := `[[{"n":1,"s":"one"},null],null,[{"n":2,"s":"two"}]]`
		if got.NullN() != 1 || got.Len() != 3 {
			t.Fatalf("round %d: %d rows, %d nulls", round, got.Len(), got.NullN())
		}
		js, err := got.MarshalJSON()
		var compact bytes.Buffer
		if err == nil {
			err = json.Compact(&compact, js)
		}
		if err != nil || compact.String() != want {
			t.Fatalf("round %d: got %s, %v, want %s", round, js, err, want)
		}
	}
}

func TestNullsAcrossBytes(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for range 200 {
		c := column.New(types.Of(types.Bool))
		n := rng.Intn(40)
		var want []any
		for range n {
			switch rng.Intn(4) {
			case 0:
				c.AppendNull()
				want = append(want, nil)
			case 1:
				c.AppendNull()
				c.Truncate(len(want))
			default:
				v := rng.Intn(2) == 0
				c.Bools = append(c.Bools, v)
				want = append(want, v)
			}
		}
		got := c.Finish().(*array.Boolean)
		if got.Len() != len(want) {
			t.Fatalf("%d rows, want %d", got.Len(), len(want))
		}
		for i, w := range want {
			if got.IsNull(i) != (w == nil) || w != nil && got.Value(i) != w {
				t.Fatalf("row %d: %v, want %v", i, got.ValueStr(i), w)
			}
		}
	}
}

func TestValidTextAgreesWithUTF8(t *testing.T) {
	rng := rand.New(rand.NewSource(2))
	for range 20000 {
		v := make([]byte, rng.Intn(20))
		for i := range v {
			v[i] = byte(1 + rng.Intn(127))
		}
		if rng.Intn(2) == 0 {
			v = append(v, "añ€😀"[:rng.Intn(11)]...)
		}
		if len(v) > 0 && rng.Intn(3) == 0 {
			v[rng.Intn(len(v))] = byte(rng.Intn(256))
		}
		want := utf8.Valid(v)
		for _, b := range v {
			want = want && b != 0
		}
		if got := column.ValidText(v); got != want {
			t.Fatalf("ValidText(%q) = %v", v, got)
		}
	}
}

func TestMap(t *testing.T) {
	text, long := types.Of(types.Text), types.Of(types.Int64)
	c := column.New(types.Type{Kind: types.Map, Key: &text, Elem: &long})
	c.Kids[0].AppendBytes([]byte("k"))
	c.Kids[1].AppendNull()
	c.Ends = append(c.Ends, 1)
	c.AppendNull()
	got := c.Finish().(*array.Map)
	if got.Len() != 2 || !got.IsNull(1) || got.Keys().(*array.String).Value(0) != "k" || !got.Items().IsNull(0) {
		t.Fatalf("got %v", got)
	}
}

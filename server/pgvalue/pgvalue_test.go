package pgvalue

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgproto3/v2"

	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// jsonBatch makes a batch of one column from Arrow's JSON form of its values.
func jsonBatch(t testing.TB, typ types.Type, values string) *batch.Batch {
	t.Helper()
	a, _, err := array.FromJSON(memory.DefaultAllocator, typ.Arrow(), strings.NewReader(values))
	if err != nil {
		t.Fatal(err)
	}
	return batch.New([]arrow.Array{a}, a.Len())
}

// rows takes DataRow messages apart again.
func rows(t testing.TB, b []byte) (out [][][]byte) {
	t.Helper()
	for len(b) > 0 {
		size := int(b[1])<<24 | int(b[2])<<16 | int(b[3])<<8 | int(b[4])
		var m pgproto3.DataRow
		if err := m.Decode(b[5 : size+1]); err != nil || b[0] != 'D' {
			t.Fatalf("row %x: %v", b, err)
		}
		out = append(out, append([][]byte{}, m.Values...))
		b = b[size+1:]
	}
	return out
}

func typeNamed(t testing.TB, name string) types.Type {
	t.Helper()
	if elem, ok := strings.CutSuffix(name, "[]"); ok {
		return types.ArrayOf(typeNamed(t, elem))
	}
	if value, ok := strings.CutPrefix(name, "map_"); ok {
		key, elem := types.Of(types.Text), typeNamed(t, value)
		return types.Type{Kind: types.Map, Key: &key, Elem: &elem}
	}
	if name == "struct" {
		return types.Type{Kind: types.Struct, Fields: []types.Field{
			{Name: "a", Type: types.Of(types.Int32)},
			{Name: "b", Type: types.Of(types.Text)},
			{Name: "c", Type: types.ArrayOf(types.Of(types.Int64))},
		}}
	}
	if name == "numeric_10_2" {
		return types.DecimalOf(10, 2)
	}
	typ, ok := types.Lookup(name)
	if !ok {
		t.Fatalf("no type %q", name)
	}
	return typ
}

// TestEncode holds the bytes of values in both formats. PostgreSQL's own send
// functions gave the ones of testdata/encode that it has types for.
func TestEncode(t *testing.T) {
	datadriven.RunTest(t, "testdata/encode", func(t *testing.T, d *datadriven.TestData) string {
		typ := typeNamed(t, d.Cmd)
		b := jsonBatch(t, typ, d.Input)
		var out strings.Builder
		for _, format := range []int16{Text, Binary} {
			e, err := NewEncoder([]types.Type{typ}, []int16{format}, nil)
			if err != nil {
				fmt.Fprintf(&out, "%v\n", err)
				continue
			}
			whole := e.AppendRows(nil, b, []int{0}, 0, b.Rows)
			checkPieces(t, e, b, whole)
			for _, row := range rows(t, whole) {
				switch {
				case row[0] == nil:
					out.WriteString("NULL\n")
				case format == Text:
					fmt.Fprintf(&out, "%s\n", row[0])
				default:
					fmt.Fprintf(&out, "%s\n", hex.EncodeToString(row[0]))
				}
			}
		}
		return out.String()
	})
}

// checkPieces holds that rows do not depend on how a batch is cut.
func checkPieces(t *testing.T, e *Encoder, b *batch.Batch, want []byte) {
	t.Helper()
	var sliced, ranged []byte
	for i := range b.Rows {
		sliced = e.AppendRows(sliced, b.Slice(i, i+1), []int{0}, 0, 1)
		ranged = e.AppendRows(ranged, b, []int{0}, i, i+1)
	}
	if string(sliced) != string(want) || string(ranged) != string(want) {
		t.Errorf("in pieces: %x\nor %x\nbut whole: %x", sliced, ranged, want)
	}
}

func TestCopyText(t *testing.T) {
	typ := types.Of(types.Text)
	e, err := NewEncoder([]types.Type{typ, typ}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := jsonBatch(t, typ, `["plain", "tab\tnewline\nback\\slash", null, "\\N", ""]`)
	var lines []string
	for data := e.AppendCopyText(nil, b, []int{0, 0}, 0, b.Rows); len(data) > 0; {
		size := int(data[3])<<8 | int(data[4])
		lines = append(lines, string(data[5:size+1]))
		data = data[size+1:]
	}
	const want = "plain\tplain\n" + `tab\tnewline\nback\\slash` + "\t" + `tab\tnewline\nback\\slash` + "\n" +
		`\N` + "\t" + `\N` + "\n" + `\\N` + "\t" + `\\N` + "\n" + "\t\n"
	if got := strings.Join(lines, ""); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestDecode holds what parameters give, text as it is, binary in hex.
func TestDecode(t *testing.T) {
	datadriven.RunTest(t, "testdata/decode", func(t *testing.T, d *datadriven.TestData) string {
		typ := typeNamed(t, d.Cmd)
		var out strings.Builder
		for _, line := range strings.Split(d.Input, "\n") {
			format, data := Text, []byte(line)
			if h, ok := strings.CutPrefix(line, "0x"); ok {
				format = Binary
				var err error
				if data, err = hex.DecodeString(strings.ReplaceAll(h, " ", "")); err != nil {
					t.Fatal(err)
				}
			}
			v, err := DecodeParam(typ, format, data)
			if err != nil {
				fmt.Fprintf(&out, "%v\n", err)
			} else {
				fmt.Fprintf(&out, "%T %v\n", v, v)
			}
		}
		return out.String()
	})
}

// FuzzDecodeParam holds that no bytes break a decoder.
func FuzzDecodeParam(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add([]byte(`{1,{2},"a\"",NULL}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for k := types.Unknown; k <= types.OID; k++ {
			typ := types.Of(k)
			if k == types.Array || k == types.Struct || k == types.Map {
				continue
			}
			for _, typ := range []types.Type{typ, types.ArrayOf(typ), types.ArrayOf(types.ArrayOf(typ))} {
				_, _ = DecodeParam(typ, Text, data)
				_, _ = DecodeParam(typ, Binary, data)
			}
		}
	})
}

package json

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// columnTypes are the types that the cases use.
func columnTypes() map[string]types.Type {
	text, bigint := types.Of(types.Text), types.Of(types.Int64)
	point := types.Type{Kind: types.Struct, Fields: []types.Field{{Name: "x", Type: bigint}, {Name: "y", Type: types.Of(types.Float64)}}}
	return map[string]types.Type{
		"map":           {Kind: types.Map, Key: &text, Elem: &bigint},
		"point":         point,
		"point[]":       types.ArrayOf(point),
		"bigint[]":      types.ArrayOf(bigint),
		"text[][]":      types.ArrayOf(types.ArrayOf(text)),
		"numeric(10,2)": types.DecimalOf(10, 2),
		"varchar(3)":    {Kind: types.Text, Precision: 3},
		"map-of-points": {Kind: types.Map, Key: &text, Elem: &point},
	}
}

func parseColumns(t *testing.T, line string) (fields []batch.Field) {
	t.Helper()
	for _, part := range strings.Split(line, ", ") {
		name, typ, _ := strings.Cut(part, " ")
		typ, notNull := strings.CutSuffix(typ, " not null")
		parsed, ok := columnTypes()[typ]
		if !ok {
			if parsed, ok = types.Lookup(typ); !ok {
				t.Fatalf("unknown type %q", typ)
			}
		}
		fields = append(fields, batch.Field{Name: name, Type: parsed, NotNull: notNull})
	}
	return fields
}

// TestCases runs testdata. The first line of a decode names the columns, the
// others are records. What is decoded is printed as our encoder writes it.
func TestCases(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			columns, rest, _ := strings.Cut(d.Input, "\n")
			fields := parseColumns(t, columns)
			lines := strings.Split(rest, "\n")
			for i := range lines {
				lines[i] = strings.NewReplacer("<01>", "\x01", "<ff>", "\xff", "<deep>", strings.Repeat("[", maxDepth+1)).Replace(lines[i])
			}
			whole := outcome(t, fields, records(lines...))
			for i, line := range lines {
				if one := outcome(t, fields, records(line)); one[0] != whole[i] {
					t.Fatalf("record %d alone gives %s, in the batch %s", i, one[0], whole[i])
				}
			}
			return strings.Join(whole, "\n") + "\n"
		})
	})
}

func outcome(t *testing.T, fields []batch.Field, r *format.Records) []string {
	t.Helper()
	out := decode(t, mustDecoder(t, fields...), r)
	lines := make([]string, r.N)
	for _, reject := range out.Rejects {
		lines[reject.Record] = "rejected: " + reject.Reason
	}
	var cols []int
	for i := range fields {
		cols = append(cols, i)
	}
	e, err := New().NewEncoder(context.Background(), connectors.SinkSpec{Schema: batch.NewSchema(fields...)}, "", cols)
	if err != nil {
		t.Fatal(err)
	}
	dst, ends, err := e.Append(nil, []int32{0}, batch.New(out.Cols, out.Rows), 0, out.Rows)
	if err != nil {
		t.Fatal(err)
	}
	for row := range out.Rows {
		at := row
		if out.Record != nil {
			at = int(out.Record[row])
		}
		text := dst[ends[row]:ends[row+1]]
		if !json.Valid(text) {
			t.Fatalf("the encoder wrote invalid JSON: %s", text)
		}
		lines[at] = string(text)
	}
	return lines
}

// FuzzJSONDecode reads hostile records: no panic, no record lost, whole rows
// only, and nothing that the standard library calls invalid.
func FuzzJSONDecode(f *testing.F) {
	tt := &testing.T{}
	fields := parseColumns(tt, "a bigint, f double, s text, n numeric, t timestamptz, j jsonb, m map, p point[], p.x bigint, b bytea, tt text[][]")
	d := mustDecoder(f, fields...)
	for _, s := range []string{
		`{"a":1,"f":-1.5e3,"s":"x\u00e9\n","n":"1.5","t":"2024-01-01T00:00:00Z"}`,
		`{"j":{"a":[1,null]},"m":{"k":1,"k":2},"p":[{"x":1},null],"b":"\\x00ff","tt":[["a"],[]]}`,
		`{"p":{"x":1}}`, `{"a":1e3,"A":2}`, `{"s":"\ud83d\ude00"}`, `[`, `{"a":99999999999999999999}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		out := decode(t, d, records(`{"a":77}`, string(value), `{"a":77}`))
		if out.Rows < 2 {
			t.Fatalf("the neighbours are rejected: %v", out.Rejects)
		}
		for c := range fields {
			if out.Cols[c].Len() != out.Rows {
				t.Fatalf("column %s has %d of %d rows", fields[c].Name, out.Cols[c].Len(), out.Rows)
			}
		}
		if out.Rows == 3 && !json.Valid(value) {
			t.Fatalf("%q is accepted", value)
		}
		if s := out.Cols[0].ValueStr(0) + out.Cols[0].ValueStr(out.Rows-1); s != "7777" {
			t.Fatalf("the neighbours are damaged: %s", s)
		}
	})
}

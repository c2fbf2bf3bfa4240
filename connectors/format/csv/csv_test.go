package csv

import (
	"context"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

func records(lines ...string) *format.Records {
	r := &format.Records{N: len(lines), ValueEnds: []int32{0}}
	for _, v := range lines {
		r.Values = append(r.Values, v...)
		r.ValueEnds = append(r.ValueEnds, int32(len(r.Values)))
	}
	return r
}

func parseColumns(t *testing.T, line string) (fields []batch.Field) {
	t.Helper()
	for _, part := range strings.Split(line, ", ") {
		name, typ, _ := strings.Cut(part, " ")
		typ, notNull := strings.CutSuffix(typ, " not null")
		parsed, ok := types.Lookup(strings.TrimSuffix(typ, "[]"))
		if !ok {
			t.Fatalf("unknown type %q", typ)
		}
		if strings.HasSuffix(typ, "[]") {
			parsed = types.ArrayOf(parsed)
		}
		fields = append(fields, batch.Field{Name: name, Type: parsed, NotNull: notNull})
	}
	return fields
}

// TestCases runs testdata. Arguments are options, the first line names the
// columns, the others are records (¶ is a line break). A row is printed as the
// encoder writes it, and that text must decode to itself.
func TestCases(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var opts []ast.Option
			for _, a := range d.CmdArgs {
				opts = append(opts, ast.Option{Name: a.Key, Value: strings.Join(a.Vals, ",")})
			}
			columns, rest, _ := strings.Cut(d.Input, "\n")
			fields := parseColumns(t, columns)
			lines := strings.Split(rest, "\n")
			for i := range lines {
				lines[i] = strings.ReplaceAll(lines[i], "¶", "\n")
			}
			rel := connectors.Relation{Schema: batch.NewSchema(fields...), Declared: len(fields), Options: connectors.NewOptions(opts)}
			dec, err := New().NewDecoder(context.Background(), rel)
			if err != nil {
				return err.Error() + "\n"
			}
			return strings.Join(outcome(t, dec, rel, records(lines...)), "\n") + "\n"
		})
	})
}

func outcome(t *testing.T, dec format.Decoder, rel connectors.Relation, r *format.Records) []string {
	t.Helper()
	out, err := dec.Decode(context.Background(), r)
	if err != nil || out.Rows+len(out.Rejects) != r.N {
		t.Fatalf("%d rows, %d rejects of %d, %v", out.Rows, len(out.Rejects), r.N, err)
	}
	lines := make([]string, r.N)
	for _, reject := range out.Rejects {
		lines[reject.Record] = "rejected: " + reject.Reason
	}
	encode := func(out *format.Decoded) *format.Records {
		cols := make([]int, len(out.Cols))
		for i := range cols {
			cols[i] = i
		}
		e, err := New().NewEncoder(context.Background(), connectors.SinkSpec{Schema: rel.Schema, Options: rel.Options}, "", cols)
		if err != nil {
			t.Fatal(err)
		}
		dst, ends, err := e.Append(nil, []int32{0}, batch.New(out.Cols, out.Rows), 0, out.Rows)
		if err != nil {
			t.Fatal(err)
		}
		return &format.Records{N: out.Rows, Values: dst, ValueEnds: ends}
	}
	first := encode(out)
	back, err := dec.Decode(context.Background(), first)
	if err != nil || back.Rows != first.N {
		t.Fatalf("what was encoded decodes to %d of %d rows: %v", back.Rows, first.N, back.Rejects)
	}
	second := encode(back)
	for row := range out.Rows {
		at := row
		if out.Record != nil {
			at = int(out.Record[row])
		}
		lines[at] = strings.ReplaceAll(string(first.Value(row)), "\n", "¶")
		if string(second.Value(row)) != string(first.Value(row)) {
			t.Fatalf("%s encodes again as %s", first.Value(row), second.Value(row))
		}
	}
	return lines
}

// FuzzCSVDecode: no panic, no record lost, whole rows only.
func FuzzCSVDecode(f *testing.F) {
	fields := parseColumns(&testing.T{}, "a bigint, s text, n numeric, j jsonb")
	dec, err := New().NewDecoder(context.Background(), connectors.Relation{Schema: batch.NewSchema(fields...), Declared: len(fields)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`1,"a""b",1.5,"{""x"":1}"`)
	f.Add(`,,,`)
	f.Fuzz(func(t *testing.T, line string) {
		out, err := dec.Decode(context.Background(), records("7,x,,", line, "7,x,,"))
		if err != nil || out.Rows+len(out.Rejects) != 3 || out.Rows < 2 {
			t.Fatalf("%+v, %v", out, err)
		}
		for _, c := range out.Cols {
			if c.Len() != out.Rows {
				t.Fatalf("a column has %d of %d rows", c.Len(), out.Rows)
			}
		}
	})
}

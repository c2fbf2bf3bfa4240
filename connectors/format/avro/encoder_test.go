package avro

import (
	"context"
	"encoding/hex"
	"math/rand"
	"net/http"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/connectors/format/column"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

func sinkSpec(url string, fields ...batch.Field) connectors.SinkSpec {
	return connectors.SinkSpec{
		Name: "my sink", Schema: batch.NewSchema(fields...),
		Options: connectors.NewOptions([]ast.Option{{Name: "schema_registry_url", Value: url}}),
	}
}

func allColumns(fields []batch.Field) []int {
	cols := make([]int, len(fields))
	for i := range cols {
		cols[i] = i
	}
	return cols
}

// TestEncoderRoundTrip decodes random columns, encodes a slice of them, and
// expects the general library and our decoder to read the same values.
func TestEncoderRoundTrip(t *testing.T) {
	ctx := context.Background()
	for seed := range int64(60) {
		fake := fakeRegistry(t)
		g := &generator{Rand: rand.New(rand.NewSource(seed))}
		s := g.record(2, 1+g.Intn(8))
		schema := avro.MustParse(s.schema)
		id, _, err := fake.RegisterSchema("in", sr.Schema{Schema: s.schema})
		if err != nil {
			t.Fatal(err)
		}
		var fields []batch.Field
		for _, f := range s.typ.Fields {
			fields = append(fields, batch.Field{Name: f.Name, Type: f.Type})
		}
		r := &format.Records{}
		for range 2 + g.Intn(20) {
			addRecord(r, framed(t, schema, id, s.value()))
		}
		in, err := mustDecoder(t, fake.URL(), fields...).Decode(ctx, r)
		if err != nil || in.Rows != r.N {
			t.Fatal(err, in.Rejects)
		}
		from := g.Intn(in.Rows)
		whole := batch.New(in.Cols, in.Rows)
		e, err := New(clock).NewEncoder(ctx, sinkSpec(fake.URL(), fields...), "out-value", allColumns(fields))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		// Rows [1, ..) of a slice, to meet array offsets.
		sliced := whole.Slice(from, in.Rows)
		bytes, ends, err := e.Append(nil, []int32{0}, sliced, 0, sliced.Rows)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		back := &format.Records{N: sliced.Rows, Values: bytes, ValueEnds: ends}
		out, err := mustDecoder(t, fake.URL(), fields...).Decode(ctx, back)
		if err != nil || out.Rows != sliced.Rows {
			t.Fatalf("seed %d: %v %v", seed, err, out.Rejects)
		}
		registered, ok := fake.GetSchema("out-value", 1)
		if !ok {
			t.Fatal("the schema is not registered")
		}
		general := avro.MustParse(registered.Schema.Schema)
		for row := range sliced.Rows {
			var m map[string]any
			if rest, err := general.Decode(back.Value(row)[headerSize:], &m); err != nil || len(rest) > 0 {
				t.Fatalf("seed %d: %v, %d bytes left", seed, err, len(rest))
			}
			for c, f := range fields {
				want := canonArrow(in.Cols[c], from+row, f.Type)
				if got := canonArrow(out.Cols[c], row, f.Type); got != want {
					t.Fatalf("seed %d row %d %s: got %s, want %s", seed, row, f.Name, got, want)
				}
				if got := canonGo(m[f.Name], f.Type); !hasInterval(f.Type) && got != want {
					t.Fatalf("seed %d row %d %s: the general library reads %s, want %s", seed, row, f.Name, got, want)
				}
			}
		}
	}
}

// hasInterval reports a type that is written as text.
func hasInterval(t types.Type) bool {
	if t.Kind == types.Interval || t.Elem != nil && hasInterval(*t.Elem) {
		return true
	}
	for _, f := range t.Fields {
		if hasInterval(f.Type) {
			return true
		}
	}
	return false
}

func TestDerivedSchema(t *testing.T) {
	fake := fakeRegistry(t)
	fields := parseColumns(t, strings.TrimSpace(`
a bigint not null
b numeric(10,2)
c numeric not null
d text[] not null
e struct(x bigint, y uuid) not null
f map(text, date) not null
g timestamptz not null
h timestamp not null
i json not null`))
	_, err := New(clock).NewEncoder(context.Background(), sinkSpec(fake.URL(), fields...), "s-value", allColumns(fields))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := fake.GetSchema("s-value", 1)
	want := `{"type":"record","name":"my_sink","fields":[` +
		`{"name":"a","type":"long"},` +
		`{"name":"b","type":["null",{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}],"default":null},` +
		`{"name":"c","type":{"type":"bytes","logicalType":"decimal","precision":38,"scale":12}},` +
		`{"name":"d","type":{"type":"array","items":["null","string"]}},` +
		`{"name":"e","type":{"type":"record","name":"my_sink_e","fields":[{"name":"x","type":["null","long"],"default":null},` +
		`{"name":"y","type":["null",{"type":"string","logicalType":"uuid"}],"default":null}]}},` +
		`{"name":"f","type":{"type":"map","values":["null",{"type":"int","logicalType":"date"}]}},` +
		`{"name":"g","type":{"type":"long","logicalType":"timestamp-micros"}},` +
		`{"name":"h","type":{"type":"long","logicalType":"local-timestamp-micros"}},` +
		`{"name":"i","type":"string"}]}`
	if got.Schema.Schema != want {
		t.Fatalf("got  %s\nwant %s", got.Schema.Schema, want)
	}
}

// TestEncoderKeepsRegisteredName: Avro compares record names, so the newest
// schema's name is taken over.
func TestEncoderKeepsRegisteredName(t *testing.T) {
	fake := fakeRegistry(t)
	fake.SeedSchema("s-value", 1, 1, sr.Schema{Schema: `{"type":"record","name":"Bar","namespace":"a.b","fields":[]}`})
	fields := parseColumns(t, "a bigint")
	if _, err := New(clock).NewEncoder(context.Background(), sinkSpec(fake.URL(), fields...), "s-value", []int{0}); err != nil {
		t.Fatal(err)
	}
	got, _ := fake.GetSchema("s-value", 2)
	if !strings.HasPrefix(got.Schema.Schema, `{"type":"record","name":"Bar","namespace":"a.b"`) {
		t.Fatalf("got %s", got.Schema.Schema)
	}
}

func TestEncoderErrors(t *testing.T) {
	ctx := context.Background()
	fake := fakeRegistry(t)
	fake.SeedSchema("s-value", 1, 1, sr.Schema{Schema: `{"type":"record","name":"R","fields":[]}`})
	fake.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/compatibility/") {
			return false
		}
		_, _ = w.Write([]byte(`{"is_compatible":false,"messages":["READER_FIELD_MISSING_DEFAULT_VALUE: a"]}`))
		return true
	})
	for _, tc := range []struct {
		columns, subject, want string
	}{
		{"a bigint not null", "s-value", `error 22023: the sink's schema is refused for subject "s-value": READER_FIELD_MISSING_DEFAULT_VALUE: a`},
		{"?column? bigint", "t-value", `error 42602: column "?column?" cannot be an Avro field name`},
		{"a bigint\na bigint", "t-value", `error 42701: column "a" occurs twice in the sink`},
		{"a map(bigint, bigint)", "t-value", `error 0A000: Avro maps have text keys, not bigint`},
	} {
		fields := parseColumns(t, tc.columns)
		_, err := New(clock).NewEncoder(ctx, sinkSpec(fake.URL(), fields...), tc.subject, allColumns(fields))
		if err == nil || clientText(err) != tc.want {
			t.Errorf("got %v, want %s", err, tc.want)
		}
	}
	url := fake.URL()
	fake.Close()
	_, err := New(clock).NewEncoder(ctx, sinkSpec(url, parseColumns(t, "a bigint")...), "s", []int{0})
	if !pgerr.Is(err, pgerr.CannotConnect) || !strings.Contains(err.Error(), url) {
		t.Errorf("without a registry: %v", err)
	}
}

func TestEncoderRefusesNullInNotNull(t *testing.T) {
	fake := fakeRegistry(t)
	e, err := New(clock).NewEncoder(context.Background(), sinkSpec(fake.URL(), parseColumns(t, "a bigint not null")...), "s", []int{0})
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.AppendNull()
	_, _, err = e.Append(nil, nil, batch.New([]arrow.Array{b.NewArray()}, 1), 0, 1)
	if !pgerr.Is(err, pgerr.NotNullViolation) {
		t.Fatalf("got %v", err)
	}
}

// BenchmarkEncodeTick encodes the seven columns of a market tick.
func BenchmarkEncodeTick(b *testing.B) {
	fake := fakeRegistry(b)
	ctx := context.Background()
	out, err := mustDecoder(b, fake.URL(), tickFields()...).Decode(ctx, tickRecords(b, fake, 8192))
	if err != nil {
		b.Fatal(err)
	}
	in := batch.New(out.Cols, out.Rows)
	e, err := New(clock).NewEncoder(ctx, sinkSpec(fake.URL(), tickFields()...), "sink-value", allColumns(tickFields()))
	if err != nil {
		b.Fatal(err)
	}
	var dst []byte
	var ends []int32
	b.ReportAllocs()
	for b.Loop() {
		if dst, ends, err = e.Append(dst[:0], ends[:0], in, 0, in.Rows); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(in.Rows), "ns/row")
}

// TestDecimalBytes checks the shortest two's complement at its boundaries.
func TestDecimalBytes(t *testing.T) {
	for _, tc := range []struct{ value, want string }{
		{"0", "0200"},
		{"1", "0201"},
		{"127", "027f"},
		{"128", "040080"},
		{"255", "0400ff"},
		{"256", "040100"},
		{"-1", "02ff"},
		{"-128", "0280"},
		{"-129", "04ff7f"},
		{"-32768", "048000"},
		{"9223372036854775808", "12008000000000000000"},
		{"-9223372036854775808", "108000000000000000"},
		{"99999999999999999999999999999999999999", "204b3b4ca85a86c47a098a223fffffffff"},
	} {
		v, err := decimal128.FromString(tc.value, 38, 0)
		if err != nil {
			t.Fatal(err)
		}
		got := appendDecimal(nil, v)
		if hex.EncodeToString(got) != tc.want {
			t.Errorf("%s is %x, want %s", tc.value, got, tc.want)
		}
		col := column.New(types.DecimalOf(38, 0))
		o := op{col: col, node: &node{kind: kindBytes, logical: "decimal"}}
		m := &machine{}
		if end := runDecimal(m, &o, got, 0); end != len(got) || col.Decimals[0] != v {
			t.Errorf("%s reads back as %v (%s)", tc.value, col.Decimals, m.reason)
		}
	}
}

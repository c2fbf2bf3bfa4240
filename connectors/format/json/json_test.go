package json

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

func mustDecoder(t testing.TB, fields ...batch.Field) format.Decoder {
	t.Helper()
	d, err := New().NewDecoder(context.Background(), connectors.Relation{
		Schema: batch.NewSchema(fields...), Declared: len(fields),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func records(values ...string) *format.Records {
	r := &format.Records{N: len(values), ValueEnds: []int32{0}}
	for _, v := range values {
		r.Values = append(r.Values, v...)
		r.ValueEnds = append(r.ValueEnds, int32(len(r.Values)))
	}
	return r
}

func decode(t testing.TB, d format.Decoder, r *format.Records) *format.Decoded {
	t.Helper()
	out, err := d.Decode(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	if out.Rows+len(out.Rejects) != r.N {
		t.Fatalf("%d rows and %d rejects of %d records", out.Rows, len(out.Rejects), r.N)
	}
	return out
}

func tickFields() []batch.Field {
	col := func(name string, k types.Kind) batch.Field {
		return batch.Field{Name: name, Type: types.Of(k), NotNull: true}
	}
	return []batch.Field{
		col("symbol", types.Text), col("price", types.Float64), col("bid", types.Float64),
		col("ask", types.Float64), col("volume", types.Int64), col("side", types.Text), col("ts", types.Int64),
	}
}

func tickRecords(n int) *format.Records {
	values := make([]string, n)
	for i := range values {
		price := 150 + float64(i%1000)/100
		values[i] = fmt.Sprintf(`{"symbol":%q,"price":%.2f,"bid":%.2f,"ask":%.2f,"volume":%d,"side":"buy","ts":%d}`,
			[]string{"AAPL", "GOOGL", "MSFT", "AMZN", "TSLA"}[i%5], price, price-.01, price+.01, i%5000, 1_700_000_000_000+i)
	}
	return records(values...)
}

// BenchmarkTick decodes the seven columns of a market tick.
func BenchmarkTick(b *testing.B) {
	const rows = 8192
	r := tickRecords(rows)
	d := mustDecoder(b, tickFields()...)
	b.SetBytes(int64(len(r.Values)))
	b.ReportAllocs()
	for b.Loop() {
		if out := decode(b, d, r); out.Rows != rows {
			b.Fatal(out.Rejects[0])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}

// BenchmarkEncodeTick encodes the same.
func BenchmarkEncodeTick(b *testing.B) {
	out := decode(b, mustDecoder(b, tickFields()...), tickRecords(8192))
	in := batch.New(out.Cols, out.Rows)
	e, err := New().NewEncoder(context.Background(), connectors.SinkSpec{Schema: batch.NewSchema(tickFields()...)}, "", []int{0, 1, 2, 3, 4, 5, 6})
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

// TestAgreesWithEncodingJSON decodes random objects, as valid as not, and
// compares with the standard library.
func TestAgreesWithEncodingJSON(t *testing.T) {
	fields := []batch.Field{
		{Name: "i", Type: types.Of(types.Int64)},
		{Name: "f", Type: types.Of(types.Float64)},
		{Name: "s", Type: types.Of(types.Text)},
		{Name: "b", Type: types.Of(types.Bool)},
		{Name: "j", Type: types.Of(types.JSON)},
		{Name: "l", Type: types.ArrayOf(types.Of(types.Float64))},
	}
	d := mustDecoder(t, fields...)
	for seed := range int64(3000) {
		rng := rand.New(rand.NewSource(seed))
		text := randomObject(rng)
		out := decode(t, d, records(`{"i":1}`, text, `{"i":2}`))
		var want struct {
			I *int64
			F *float64
			S *string
			B *bool
			J *json.RawMessage
			L *[]*float64
		}
		err := json.Unmarshal([]byte(text), &want)
		if !utf8.ValidString(text) || len(out.Rejects) == 1 && strings.Contains(out.Rejects[0].Reason, "is not a character") {
			err = errors.New("the standard library mends it, we refuse it")
		}
		if err != nil {
			if len(out.Rejects) != 1 {
				t.Fatalf("seed %d: %q is accepted, the standard library says %v", seed, text, err)
			}
			continue
		}
		if len(out.Rejects) != 0 {
			t.Fatalf("seed %d: %q: %s", seed, text, out.Rejects[0].Reason)
		}
		wants := []any{want.I, want.F, want.S, want.B, want.L}
		for k, c := range []int{0, 1, 2, 3, 5} {
			got, _ := json.Marshal(out.Cols[c].GetOneForMarshal(1))
			expect, _ := json.Marshal(wants[k])
			if string(got) != string(expect) {
				t.Fatalf("seed %d: %q column %s: got %s, want %s", seed, text, fields[c].Name, got, expect)
			}
		}
		if j := out.Cols[4].(*array.String); want.J != nil && string(*want.J) != "null" && j.Value(1) != string(*want.J) {
			t.Fatalf("seed %d: %q: got %s, want %s", seed, text, j.Value(1), *want.J)
		}
	}
}

func randomObject(rng *rand.Rand) string {
	pick := func(list ...string) string { return list[rng.Intn(len(list))] }
	space := func() string { return pick("", "", "", " ", "\n\t") }
	var parts []string
	for range rng.Intn(8) {
		number := strings.TrimSuffix(fmt.Sprintf("%d.%d", rng.Int63n(1000)-500, rng.Int63n(1_000_000)), ".0")
		value := map[string]string{
			"i": pick("0", "-0", "7", "-12345", fmt.Sprint(int64(rng.Uint64())), "9223372036854775807", "null"),
			"f": pick("0", number, number+"e"+fmt.Sprint(rng.Intn(40)-20), fmt.Sprint(rng.NormFloat64()), "1e-400", "123456789012345678901234567890", "null"),
			"s": pick(`""`, `"abc"`, `"a\"b\\c\/\b\f\n\r\t"`, `"\u00e9\ud83d\ude00é😀"`, `"a long one of more than sixteen bytes"`, `null`),
			"b": pick("true", "false", "null"),
			"j": pick(`{"a":[1,2,{"b":"\n"}],"c":null}`, `[]`, `"x"`, "1.50", "{ }", "true"),
			"l": pick("[]", "[1]", "[ 1 , 2.5,null ]", "null"),
			"x": pick(`{"y":[[[]],{}]}`, `"z"`, "-1.5E+3", "false"),
		}
		key := pick("i", "f", "s", "b", "j", "l", "x")
		parts = append(parts, space()+`"`+key+`"`+space()+":"+space()+value[key]+space())
	}
	text := "{" + strings.Join(parts, ",") + "}" + space()
	if rng.Intn(3) == 0 && len(text) > 2 { // break it somewhere
		i := 1 + rng.Intn(len(text)-1)
		text = text[:i] + pick("", ",", "}", `"`, "\\", "\x01", "9", "nul") + text[i+rng.Intn(2)*min(1, len(text)-i):]
	}
	return text
}

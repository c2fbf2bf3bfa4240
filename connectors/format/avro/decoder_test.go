package avro

import (
	"context"
	"encoding/binary"
	"os"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// clock is a fixed time for tests.
func clock() time.Time { return time.Unix(1_700_000_000, 0) }

func fakeRegistry(t testing.TB) *srfake.Registry {
	t.Helper()
	fake := srfake.New()
	t.Cleanup(fake.Close)
	return fake
}

func relation(url string, fields ...batch.Field) connectors.Relation {
	return connectors.Relation{
		Name: "t", Schema: batch.NewSchema(fields...), Declared: len(fields),
		Options: connectors.NewOptions([]ast.Option{
			{Name: "schema_registry_url", Value: url}, {Name: "topic", Value: "topic"},
		}),
	}
}

func mustDecoder(t testing.TB, url string, fields ...batch.Field) format.Decoder {
	t.Helper()
	d, err := New(clock).NewDecoder(context.Background(), relation(url, fields...))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func addRecord(r *format.Records, value []byte) {
	if r.ValueEnds == nil {
		r.ValueEnds = []int32{0}
	}
	r.N++
	r.Values = append(r.Values, value...)
	r.ValueEnds = append(r.ValueEnds, int32(len(r.Values)))
}

// framed returns v encoded behind Confluent's header.
func framed(t testing.TB, s *avro.Schema, id int, v any) []byte {
	t.Helper()
	out, err := s.AppendEncode(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// tickFields are the columns of the market ticks.
func tickFields() []batch.Field {
	column := func(name string, k types.Kind) batch.Field {
		return batch.Field{Name: name, Type: types.Of(k), NotNull: true}
	}
	return []batch.Field{
		column("symbol", types.Text), column("price", types.Float64), column("bid", types.Float64),
		column("ask", types.Float64), column("volume", types.Int64), column("side", types.Text), column("ts", types.Int64),
	}
}

func tickRecords(t testing.TB, fake *srfake.Registry, n int) *format.Records {
	t.Helper()
	text, err := os.ReadFile("../../../examples/market-data/schemas/market_tick.avsc")
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := fake.RegisterSchema("topic-value", sr.Schema{Schema: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	s := avro.MustParse(string(text))
	symbols := []string{"AAPL", "GOOGL", "MSFT", "AMZN", "TSLA"}
	sides := []string{"buy", "sell"}
	r := &format.Records{}
	for i := range n {
		price := 150 + float64(i%1000)/100
		addRecord(r, framed(t, s, id, map[string]any{
			"symbol": symbols[i%5], "price": price, "bid": price - .01, "ask": price + .01,
			"volume": int64(i % 5000), "side": sides[i%2], "ts": 1_700_000_000_000 + int64(i),
		}))
	}
	return r
}

// BenchmarkTick decodes the seven columns of a market tick.
func BenchmarkTick(b *testing.B) {
	fake := fakeRegistry(b)
	const rows = 8192
	r := tickRecords(b, fake, rows)
	d := mustDecoder(b, fake.URL(), tickFields()...)
	b.SetBytes(int64(len(r.Values)))
	b.ReportAllocs()
	for b.Loop() {
		out, err := d.Decode(context.Background(), r)
		if err != nil || out.Rows != rows {
			b.Fatal(err, out)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}

// BenchmarkTickGeneral decodes the same records into structs with the general
// library, for the ratio.
func BenchmarkTickGeneral(b *testing.B) {
	r := tickRecords(b, fakeRegistry(b), 8192)
	text, err := os.ReadFile("../../../examples/market-data/schemas/market_tick.avsc")
	if err != nil {
		b.Fatal(err)
	}
	s := avro.MustParse(string(text))
	var tick struct {
		Symbol string  `avro:"symbol"`
		Price  float64 `avro:"price"`
		Bid    float64 `avro:"bid"`
		Ask    float64 `avro:"ask"`
		Volume int64   `avro:"volume"`
		Side   string  `avro:"side"`
		TS     int64   `avro:"ts"`
	}
	for b.Loop() {
		for i := range r.N {
			if _, err := s.Decode(r.Value(i)[headerSize:], &tick); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(r.N), "ns/row")
}

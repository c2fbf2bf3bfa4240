package generator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/connectors"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

func tickRelation(kv ...string) connectors.Relation {
	schema := batch.NewSchema(
		batch.Field{Name: "symbol", Type: types.Of(types.Text)}, batch.Field{Name: "price", Type: types.Of(types.Float64)},
		batch.Field{Name: "bid", Type: types.Of(types.Float64)}, batch.Field{Name: "ask", Type: types.Of(types.Float64)},
		batch.Field{Name: "volume", Type: types.Of(types.Int64)}, batch.Field{Name: "side", Type: types.Of(types.Text)},
		batch.Field{Name: "ts", Type: types.Of(types.Int64)},
	)
	return relation(schema, kv...)
}

func relation(schema *batch.Schema, kv ...string) connectors.Relation {
	var list []ast.Option
	for i := 0; i < len(kv); i += 2 {
		list = append(list, ast.Option{Name: kv[i], Value: kv[i+1]})
	}
	return connectors.Relation{Name: "g", Schema: schema, Declared: len(schema.Fields), Options: connectors.NewOptions(list)}
}

func open(t testing.TB, rel connectors.Relation, now func() time.Time, from connectors.Positions) connectors.Reader {
	t.Helper()
	s, err := New(now).NewSource(context.Background(), rel)
	if err != nil {
		t.Fatal(err)
	}
	if err := rel.Options.Unused(); err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(context.Background(), from)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// readAll reads to the end, one text a row by split and offset.
func readAll(t testing.TB, r connectors.Reader) map[string]string {
	t.Helper()
	out := map[string]string{}
	for {
		c, err := r.Poll(context.Background(), 0)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil || c == nil {
			t.Fatal(c, err)
		}
		for i := range c.Batch.Rows {
			key := fmt.Sprintf("%d/%d", c.Splits[i], c.Offsets[i])
			if out[key] != "" {
				t.Fatal("twice:", key)
			}
			out[key] = rowText(c.Batch, i)
		}
	}
}

func rowText(b *batch.Batch, i int) string {
	var parts []string
	for _, c := range b.Cols {
		parts = append(parts, c.ValueStr(i))
	}
	return strings.Join(parts, " ")
}

func TestSameRowsFromAnyPosition(t *testing.T) {
	opts := []string{"rows_per_second", "0", "max_rows", "20001", "splits", "2", "seed", "7"}
	all := readAll(t, open(t, tickRelation(opts...), time.Now, nil))
	if len(all) != 20001 {
		t.Fatal(len(all))
	}
	rest := readAll(t, open(t, tickRelation(opts...), time.Now, connectors.Positions{0: 9990, 1: 10000}))
	if len(rest) != 11 {
		t.Fatal(len(rest))
	}
	for k, v := range rest {
		if all[k] != v {
			t.Fatalf("%s: %s, before %s", k, v, all[k])
		}
	}
	other := readAll(t, open(t, tickRelation("rows_per_second", "0", "max_rows", "10", "seed", "8"), time.Now, nil))
	if other["0/0"] == all["0/0"] || all["0/0"] == all["1/0"] {
		t.Fatal("seed or split does not matter:", other["0/0"], all["0/0"], all["1/0"])
	}
}

// The first rows, so that a change of what a seed means does not go unseen.
func TestFirstRows(t *testing.T) {
	got := readAll(t, open(t, tickRelation("rows_per_second", "0", "max_rows", "3", "seed", "1", "start_time_ms", "5000"), time.Now, nil))
	want := map[string]string{
		"0/0": "TSLA 255.0821 254.9957 255.1685 203 sell 5000",
		"0/1": "TSLA 255.0858 255.0132 255.1584 189 buy 5001",
		"0/2": "TSLA 255.0895 255.0327 255.1462 884 buy 5002",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("got %v", got)
	}
}

func TestPlausible(t *testing.T) {
	r := open(t, tickRelation("rows_per_second", "0", "max_rows", "8000"), time.Now, nil)
	c, err := r.Poll(context.Background(), 0)
	if err != nil || c.Batch.Rows != 8000 {
		t.Fatal(c, err)
	}
	price, bid, ask := floats(c, 1), floats(c, 2), floats(c, 3)
	volume, ts := c.Batch.Cols[4].(*array.Int64).Int64Values(), c.Batch.Cols[6].(*array.Int64).Int64Values()
	base := map[string]float64{}
	for _, s := range symbols {
		base[s.name] = s.price
	}
	last, seen := map[string]float64{}, map[string]int{}
	for i := range c.Batch.Rows {
		name := c.Batch.Cols[0].ValueStr(i)
		if p := price[i]; p < 0.9*base[name] || p > 1.1*base[name] || bid[i] >= p || ask[i] <= p {
			t.Fatalf("row %d: %s", i, rowText(c.Batch, i))
		}
		if was := last[name]; was != 0 && (price[i]/was > 1.01 || price[i]/was < 0.99) {
			t.Fatalf("%s jumps from %v to %v", name, was, price[i])
		}
		last[name] = price[i]
		seen[name]++
		if volume[i] < 1 || volume[i] > 1000 || i > 0 && ts[i] < ts[i-1] {
			t.Fatalf("row %d: %s", i, rowText(c.Batch, i))
		}
	}
	for name, n := range seen {
		if n < 800 || n > 1200 {
			t.Errorf("%s comes %d times in 8000", name, n)
		}
	}
}

func floats(c *connectors.Chunk, col int) []float64 {
	return c.Batch.Cols[col].(*array.Float64).Float64Values()
}

func TestEveryType(t *testing.T) {
	var fields []batch.Field
	for _, name := range []string{
		"boolean", "smallint", "integer", "bigint", "real", "double", "numeric", "text", "bytea", "date", "time",
		"timestamp", "timestamptz", "interval", "uuid", "json", "jsonb",
	} {
		typ, ok := types.Lookup(name)
		if !ok {
			t.Fatal(name)
		}
		fields = append(fields, batch.Field{Name: "c_" + name, Type: typ})
	}
	fields = append(fields, batch.Field{Name: "order_id", Type: types.Of(types.Int64)},
		batch.Field{Name: "price", Type: types.DecimalOf(10, 2)}, batch.Field{Name: "code", Type: types.Type{Kind: types.Text, Precision: 3}})
	r := open(t, relation(batch.NewSchema(fields...), "max_rows", "100", "rows_per_second", "0"), time.Now, nil)
	c, err := r.Poll(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range fields {
		if !arrow.TypeEqual(c.Batch.Cols[i].DataType(), f.Type.Arrow()) {
			t.Errorf("%s is a %s", f.Name, c.Batch.Cols[i].DataType())
		}
		first := c.Batch.Cols[i].ValueStr(0)
		for j := 1; j < 100 && first == c.Batch.Cols[i].ValueStr(j); j++ {
			if j == 99 && f.Name != "c_date" {
				t.Errorf("%s is always %s", f.Name, first)
			}
		}
	}
	nested := batch.NewSchema(batch.Field{Name: "a", Type: types.ArrayOf(types.Of(types.Int64))})
	_, err = New(time.Now).NewSource(context.Background(), relation(nested))
	if !pgerr.Is(err, pgerr.FeatureNotSupported) {
		t.Error(err)
	}
}

func TestPace(t *testing.T) {
	at := time.Unix(1000, 0)
	r := open(t, tickRelation("rows_per_second", "100", "splits", "3"), func() time.Time { return at }, connectors.Positions{1: 50})
	poll := func() (n int64) {
		for {
			c, err := r.Poll(context.Background(), 0)
			if err != nil {
				t.Fatal(err)
			}
			if c == nil {
				return n
			}
			n += c.Records
		}
	}
	for _, step := range []struct {
		d    time.Duration
		want int64
	}{{0, 0}, {10 * time.Millisecond, 1}, {990 * time.Millisecond, 99}, {0, 0}, {1000 * time.Second, 100_000}} {
		at = at.Add(step.d)
		if got := poll(); got != step.want {
			t.Fatalf("%v later: %d rows, want %d", step.d, got, step.want)
		}
	}
	if s := r.Splits()[1]; s.Position < 50+33_000 || s.Empty {
		t.Fatal(s)
	}
}

func TestOptionErrors(t *testing.T) {
	for name, value := range map[string]string{
		"rows_per_second": "-1", "max_rows": "many", "splits": "0", "seed": "x", "start_time_ms": "-5",
	} {
		if _, err := New(time.Now).NewSource(context.Background(), tickRelation(name, value)); !pgerr.Is(err, pgerr.InvalidParameterValue) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
	s, err := New(time.Now).NewSource(context.Background(), tickRelation("max_rows", "5"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(context.Background(), connectors.Positions{0: 6}); !pgerr.Is(err, pgerr.ObjectNotInPrerequisite) {
		t.Error(err)
	}
}

func BenchmarkPoll(b *testing.B) {
	r := open(b, tickRelation("rows_per_second", "0"), time.Now, nil)
	b.ReportAllocs()
	n := int64(0)
	for range b.N {
		c, err := r.Poll(context.Background(), 0)
		if err != nil {
			b.Fatal(err)
		}
		n += c.Records
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/row")
}

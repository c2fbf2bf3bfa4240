package expr

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// benchBatch has rows as market ticks have: a, b bigint; x, y double; s text of
// few values; n with NULLs; d numeric(10,2).
func benchBatch(rows int) (*batch.Schema, *batch.Batch) {
	schema := batch.NewSchema(
		batch.Field{Name: "a", Type: types.Of(types.Int64)}, batch.Field{Name: "b", Type: types.Of(types.Int64)},
		batch.Field{Name: "x", Type: types.Of(types.Float64)}, batch.Field{Name: "y", Type: types.Of(types.Float64)},
		batch.Field{Name: "s", Type: types.Of(types.Text)}, batch.Field{Name: "n", Type: types.Of(types.Float64)},
		batch.Field{Name: "d", Type: types.DecimalOf(10, 2)},
	)
	cols := make([]arrow.Array, len(schema.Fields))
	for c, f := range schema.Fields {
		list := make([]any, rows)
		for i := range list {
			switch f.Name {
			case "a", "b":
				list[i] = int64(i*7919%10007 + c)
			case "x", "y":
				list[i] = float64(i*7919%10007) + float64(c)/2
			case "s":
				list[i] = []string{"AAPL", "MSFT", "GOOG", "buy", "sell"}[i*31%5]
			case "n":
				if i%10 != 0 {
					list[i] = float64(i)
				}
			case "d":
				list[i] = decimalInt(int64(i*7919%10007) * 100)
			}
		}
		arr, err := ValuesArray(f.Type, list)
		if err != nil {
			panic(err)
		}
		cols[c] = arr
	}
	return schema, batch.New(cols, rows)
}

func BenchmarkEval(b *testing.B) {
	schema, data := benchBatch(batch.MaxRows)
	for _, text := range []string{
		"a + b", "a * b", "a + 5", "a / 7", "x + y", "x * y", "x * 2.5", "x / y", "n + x", "a - interval '2 seconds'",
		"d + d", "d * d", "d / 3", "a::double precision", "x::bigint",
		"CASE WHEN s = 'buy' THEN x ELSE 0 END", "coalesce(n, x)", "CASE WHEN a <> 0 THEN b / a END",
		"upper(s)", "s || 'x'", "length(s)", "s LIKE 'A%'", "a::text", "abs(x)", "round(x)",
	} {
		e, err := bindText(schema, text)
		if err != nil {
			b.Fatal(text, err)
		}
		p, err := Compile([]plan.Expr{e}, testEnv())
		if err != nil {
			b.Log(text, err)
			continue
		}
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			errs := &RowErrors{}
			for b.Loop() {
				errs.Reset()
				if _, err := p.Eval(data, errs); err != nil {
					b.Fatal(err)
				}
			}
			perRow(b)
		})
	}
}

func BenchmarkSelect(b *testing.B) {
	schema, data := benchBatch(batch.MaxRows)
	for _, text := range []string{
		"x > 5000", "x < y", "a < 100", "x > 100 AND x < 9000", "s = 'buy'", "n > 10", "s IN ('buy', 'sell')", "d > 100.5",
	} {
		p, err := CompilePredicate(mustBind(b, schema, text), testEnv())
		if err != nil {
			b.Fatal(text, err)
		}
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := p.Select(data, nil); err != nil {
					b.Fatal(err)
				}
			}
			perRow(b)
		})
	}
}

func BenchmarkTake(b *testing.B) {
	_, data := benchBatch(batch.MaxRows)
	sel := make([]int32, batch.MaxRows/2)
	for i := range sel {
		sel[i] = int32(i * 2)
	}
	b.ReportAllocs()
	for b.Loop() {
		Take(data, sel)
	}
	perRow(b)
}

func perRow(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch.MaxRows, "ns/row")
}

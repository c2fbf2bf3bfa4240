package expr

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// batchSchema has two columns of each kind: t0 and t1, i0 and i1 and so on.
func batchSchema() *batch.Schema {
	var fields []batch.Field
	for _, c := range []struct {
		name string
		t    types.Type
	}{
		{"bo", types.Of(types.Bool)},
		{"sm", types.Of(types.Int16)},
		{"i", types.Of(types.Int32)},
		{"b", types.Of(types.Int64)},
		{"r", types.Of(types.Float32)},
		{"d", types.Of(types.Float64)},
		{"n", types.DecimalOf(10, 2)},
		{"u", types.Of(types.Numeric)},
		{"t", types.Of(types.Text)},
		{"y", types.Of(types.Bytea)},
		{"da", types.Of(types.Date)},
		{"ti", types.Of(types.Time)},
		{"ts", types.Of(types.Timestamp)},
		{"tz", types.Of(types.TimestampTZ)},
		{"iv", types.Of(types.Interval)},
		{"id", types.Of(types.UUID)},
		{"j", types.Of(types.JSONB)},
		{"a", types.ArrayOf(types.Of(types.Int64))},
	} {
		fields = append(fields, batch.Field{Name: c.name + "0", Type: c.t}, batch.Field{Name: c.name + "1", Type: c.t})
	}
	return batch.NewSchema(fields...)
}

// randomValue gives small values, so that rows meet, some NULLs and extremes.
func randomValue(r *rand.Rand, t types.Type) any {
	if r.IntN(6) == 0 {
		return nil
	}
	small := int64(r.IntN(9) - 4)
	switch t.Kind {
	case types.Bool:
		return r.IntN(2) == 0
	case types.Int16:
		return []int64{small, small, 32767, -32768}[r.IntN(4)]
	case types.Int32:
		return []int64{small, small, 2147483647, -2147483648}[r.IntN(4)]
	case types.Int64:
		return []int64{small, small, 9223372036854775807, -9223372036854775808}[r.IntN(4)]
	case types.Float32, types.Float64:
		list := []float64{float64(small), float64(small) / 2, 1e30, -1e-30, 0}
		return list[r.IntN(len(list))]
	case types.Numeric:
		return decimal128.FromI64(small * 100)
	case types.Text:
		return []string{"", "a", "abc", "äöü", "1", "-7", "2024-01-01", "%b%"}[r.IntN(8)]
	case types.Bytea:
		return []byte([]string{"", "\x00", "ab"}[r.IntN(3)])
	case types.Time:
		return (small + 4) * 3600_000_000
	case types.Timestamp, types.TimestampTZ:
		return small * 86_399_999_999
	case types.Interval:
		return types.IntervalValue{Months: int32(small), Days: int32(r.IntN(3)), Micros: small * 1_000_000}
	case types.UUID:
		return [16]byte{byte(small)}
	case types.JSONB:
		return []string{`{"a": 1}`, `[1, 2]`, `"x"`, `null`, `5`}[r.IntN(5)]
	case types.Array:
		return []any{small, nil, int64(2)}[:r.IntN(4)]
	}
	return small
}

func randomBatch(seed uint64, schema *batch.Schema, rows int) *batch.Batch {
	r := rand.New(rand.NewPCG(seed, 1))
	cols := make([]arrow.Array, len(schema.Fields))
	for c, f := range schema.Fields {
		list := make([]any, rows)
		for i := range list {
			list[i] = randomValue(r, f.Type)
		}
		arr, err := ValuesArray(f.Type, list)
		if err != nil {
			panic(err)
		}
		cols[c] = arr
	}
	return batch.New(cols, rows)
}

// batchCases are expressions that reach every family of kernels.
var batchCases = []string{
	"i0 + i1", "i0 - i1", "i0 * i1", "i0 / i1", "i0 % i1", "-i0", "abs(i0)", "sm0 + sm1", "sm0 * sm1", "b0 + b1", "b0 * b1", "b0 - 1",
	"1 - b0", "b0 / b1", "10 / b0", "b0 & b1", "b0 # 5", "~b0", "b0 << 2", "i0 >> i1", "abs(b0)",
	"d0 + d1", "d0 - d1", "d0 * d1", "d0 / d1", "d0 * 2.5", "1 / d0", "r0 + r1", "r0 * r1", "r0 / r1", "-d0", "abs(d0)", "round(d0)", "sqrt(d0)",
	"power(d0, d1)", "ln(d0)", "n0 + n1", "n0 - n1", "n0 * n1", "n0 / n1", "n0 % n1", "u0 * u1", "u0 / u1", "round(n0)", "floor(n0)", "-n0",
	"i0 = i1", "i0 < i1", "i0 <= 1", "2 > i0", "d0 < d1", "d0 >= d1", "d0 = 0", "0 < d0", "d0 <> d1", "n0 < n1", "n0 = 1.5", "t0 = t1", "t0 < t1",
	"t0 = 'abc'", "'a' <= t0", "bo0 = bo1", "bo0 < bo1", "y0 = y1", "da0 < da1", "ts0 >= ts1", "iv0 = iv1", "iv0 < iv1", "id0 = id1", "j0 = j1", "a0 = a1", "a0 < a1",
	"i0 IS DISTINCT FROM i1", "t0 IS NOT DISTINCT FROM t1", "d0 IS DISTINCT FROM 0", "NULL IS DISTINCT FROM b0",
	"bo0 AND bo1", "bo0 OR bo1", "NOT bo0", "bo0 AND i0 / i1 > 0", "bo0 OR 1 / i0 > 0", "bo0 AND NULL", "NULL OR bo0", "bo0 IS NULL", "i0 IS NOT NULL",
	"CASE WHEN i0 <> 0 THEN 100 / i0 END", "CASE WHEN bo0 THEN i0 WHEN bo1 THEN i1 ELSE 7 END", "CASE WHEN bo0 THEN t0 ELSE 'no' END",
	"CASE WHEN bo0 THEN bo1 ELSE false END", "CASE WHEN bo0 THEN n0 ELSE n1 END", "CASE WHEN bo0 THEN a0 ELSE a1 END", "CASE WHEN i0 > 0 THEN t0::int ELSE 0 END",
	"CASE WHEN bo0 THEN CASE WHEN i0 <> 0 THEN i1 / i0 ELSE 1 / i1 END END", "CASE i0 WHEN 1 THEN 'one' WHEN 2 THEN 'two' END",
	"coalesce(i0, i1, 5)", "coalesce(t0, t1)", "coalesce(bo0, true)", "coalesce(i0, 1 / i1)", "nullif(i0, i1)",
	"i0 IN (1, 2, NULL)", "i0 NOT IN (1, 2)", "i0 IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)", "i0 NOT IN (1, 2, 3, 4, 5, 6, 7, 8, 9, NULL)", "t0 IN ('a', 'abc')",
	"t0 IN ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'abc')", "i0 IN (i1, 3)",
	"greatest(i0, i1, 0)", "least(t0, t1)", "greatest(d0, NULL)",
	"i0::bigint", "b0::int", "b0::smallint", "i0::double precision", "d0::int", "d0::real", "d0::numeric(10,2)", "n0::int", "n0::numeric(4,1)", "u0::double precision",
	"i0::text", "d0::text", "n0::text", "bo0::text", "ts0::text", "iv0::text", "id0::text", "a0::text", "y0::text", "t0::int", "t0::date", "t0::bytea", "t0::varchar(2)",
	"a0::int[]", "a0::text[]", "da0::timestamp", "ts0::date", "ts0::time", "tz0::timestamp", "i0::bool", "j0::text", "t0::jsonb",
	"ts0 + iv0", "ts0 - ts1", "da0 + i0", "da0 - da1", "b0 + iv0", "b0 - interval '5 seconds'", "iv0 + iv1", "iv0 * d0", "iv0 / d0", "ti0 + iv0", "date_trunc('month', ts0)",
	"date_part('day', ts0)", "extract(epoch from ts0)", "to_char(ts0, 'YYYY-MM-DD HH24:MI')", "age(ts0, ts1)", "window_start_of(b0, 5000, 0)", "to_epoch_ms(ts0)",
	"upper(t0)", "length(t0)", "t0 || t1", "t0 || i0", "concat(t0, i0, NULL, bo0)", "concat_ws(',', t0, t1)", "substring(t0, 2, 2)", "replace(t0, 'b', 'xx')", "lpad(t0, 5, '*')",
	"t0 LIKE 'a%'", "t0 LIKE t1", "t0 ~ 'b'", "regexp_replace(t0, '[a-c]', 'z', 'g')", "split_part(t0, 'b', 1)", "md5(t0)", "to_hex(i0)",
	"a0 || b0", "(a0)[i0]", "b0 = ANY (a0)", "cardinality(a0)", "ARRAY[b0, b1]", "array_to_string(a0, ',')", "a0 @> a1",
	"j0 -> 'a'", "j0 ->> 0", "j0 @> j1", "to_json(d0)", "json_build_object('k', i0)", "pg_typeof(i0)", "now()", "1 / 0 + i0", "5", "NULL::int", "'x'",
}

// result is one row of an evaluation: its value as text, or its error.
func evalRows(t *testing.T, p *Program, e plan.Expr, b *batch.Batch) []string {
	t.Helper()
	errs := &RowErrors{}
	cols, err := p.Eval(b, errs)
	if err != nil {
		t.Fatal(err)
	}
	if cols[0].Len() != b.Rows {
		t.Fatalf("%s: %d values for %d rows", e, cols[0].Len(), b.Rows)
	}
	out := make([]string, b.Rows)
	for i := range out {
		out[i] = showAt(e.Type(), cols[0], i)
	}
	for i, row := range errs.Rows {
		if !cols[0].IsNull(int(row)) && e.Type().Kind != types.Bool && !canRecover(e) {
			t.Errorf("%s: row %d failed but is %s", e, row, out[row])
		}
		out[row] = "ERROR " + shown(errs.Errs[i])
	}
	return out
}

// canRecover: an operand's error may be hidden by an outer coalesce or CASE.
func canRecover(e plan.Expr) bool {
	switch e.(type) {
	case *plan.Coalesce, *plan.Case, *plan.Logic:
		return true
	}
	return false
}

// TestBatchSizes checks that an expression gives the same for each row alone, in
// threes, in slices that do not start at a byte, and in one batch.
func TestBatchSizes(t *testing.T) {
	schema := batchSchema()
	whole := randomBatch(7, schema, 131)
	for _, text := range batchCases {
		e := mustBind(t, schema, text)
		p, err := Compile([]plan.Expr{e}, testEnv())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		want := make([]string, 0, whole.Rows)
		for i := range whole.Rows {
			want = append(want, evalRows(t, p, e, Take(whole, []int32{int32(i)}))...)
		}
		for _, size := range []int{3, 77, whole.Rows} {
			for from := 0; from < whole.Rows; from += size {
				to := min(from+size, whole.Rows)
				got := evalRows(t, p, e, whole.Slice(from, to))
				for i, v := range got {
					if v != want[from+i] {
						t.Fatalf("%s: batches of %d: row %d is %s, alone %s", text, size, from+i, v, want[from+i])
					}
				}
			}
		}
	}
}

// TestPredicate checks Select against the boolean that Eval gives.
func TestPredicate(t *testing.T) {
	schema := batchSchema()
	whole := randomBatch(3, schema, 150)
	for _, text := range batchCases {
		e := mustBind(t, schema, text)
		if e.Type().Kind != types.Bool {
			continue
		}
		p, err := CompilePredicate(e, testEnv())
		if err != nil {
			t.Fatal(err)
		}
		b := whole.Slice(5, 149)
		errs := &RowErrors{}
		sel, all, err := p.Select(b, errs)
		if err != nil {
			t.Fatal(err)
		}
		cols, err := p.p.Eval(b, &RowErrors{})
		if err != nil {
			t.Fatal(err)
		}
		var want []int32
		for i := range b.Rows {
			if v := cols[0].(*array.Boolean); v.IsValid(i) && v.Value(i) {
				want = append(want, int32(i))
			}
		}
		if all != (len(want) == b.Rows) || !all && fmt.Sprint(sel) != fmt.Sprint(want) {
			t.Errorf("%s: selected %v (all %v), want %v", text, sel, all, want)
		}
	}
}

// TestTakeAndConcat checks the gather of all types from slices, and its inverse.
func TestTakeAndConcat(t *testing.T) {
	schema := batchSchema()
	b := randomBatch(9, schema, 100)
	b.Diffs = make([]int8, b.Rows)
	for i := range b.Diffs {
		b.Diffs[i] = int8(1 - i%2*2)
	}
	b = b.Slice(3, 99)
	sel := []int32{5, 0, 95, 5, 17, 64, 63}
	got := Take(b, sel)
	for c, f := range schema.Fields {
		for i, r := range sel {
			if x, y := showAt(f.Type, got.Cols[c], i), showAt(f.Type, b.Cols[c], int(r)); x != y {
				t.Errorf("%s: row %d is %s, want %s", f.Name, i, x, y)
			}
		}
	}
	if fmt.Sprint(got.Diffs) != "[-1 -1 -1 -1 1 -1 1]" && got.Diffs[0] != b.Diffs[5] {
		t.Errorf("diffs %v", got.Diffs)
	}
	back, err := Concat([]*batch.Batch{b.Slice(0, 30), b.Slice(30, 31), b.Slice(31, b.Rows)})
	if err != nil {
		t.Fatal(err)
	}
	for c, f := range schema.Fields {
		for i := range b.Rows {
			if x, y := showAt(f.Type, back.Cols[c], i), showAt(f.Type, b.Cols[c], i); x != y {
				t.Fatalf("%s: row %d is %s, want %s", f.Name, i, x, y)
			}
		}
	}
	if fmt.Sprint(back.Diffs) != fmt.Sprint(b.Diffs) {
		t.Errorf("diffs %v, want %v", back.Diffs, b.Diffs)
	}
	empty := Take(b, nil)
	if empty.Rows != 0 || empty.Cols[0].Len() != 0 {
		t.Errorf("an empty selection gives %d rows", empty.Rows)
	}
}

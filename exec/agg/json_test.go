package agg

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/rowcodec"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// fromJSON makes a column from Arrow's JSON for tests.
func fromJSON(t *testing.T, typ types.Type, values string) arrow.Array {
	t.Helper()
	b := array.NewBuilder(memory.DefaultAllocator, typ.Arrow())
	if err := b.UnmarshalJSON([]byte(values)); err != nil {
		t.Fatal(err)
	}
	return b.NewArray()
}

// TestJSON compares with what PostgreSQL 16 prints.
func TestJSON(t *testing.T) {
	text, bigint := types.Of(types.Text), types.Of(types.Int64)
	pair := types.Type{Kind: types.Struct, Fields: []types.Field{{Name: "a", Type: text}, {Name: "b", Type: types.ArrayOf(bigint)}}}
	for _, c := range []struct {
		name   string
		args   []types.Type
		values []string
		result types.Kind
		want   string
	}{
		{"json_agg", []types.Type{bigint}, []string{`[1,null,-3]`}, types.JSON, `[1, null, -3]`},
		{"json_agg", []types.Type{text}, []string{`["a\"b",null,"é"]`}, types.JSON, `["a\"b", null, "é"]`},
		{"json_agg", []types.Type{types.Of(types.Bool)}, []string{`[true,false]`}, types.JSON, `[true, false]`},
		{"json_agg", []types.Type{types.Of(types.Float64)}, []string{`[0.5,"NaN","-Inf"]`}, types.JSON, `[0.5, "NaN", "-Infinity"]`},
		{"json_agg", []types.Type{pair}, []string{`[{"a":"x","b":[1,null]},{"a":null,"b":null}]`}, types.JSON, `[{"a":"x","b":[1,null]}, {"a":null,"b":null}]`},
		{"json_agg", []types.Type{types.Of(types.Date)}, []string{`["2024-02-29"]`}, types.JSON, `["2024-02-29"]`},
		{"json_agg", []types.Type{types.Of(types.Timestamp)}, []string{`["2024-02-29T10:00:00.5"]`}, types.JSON, `["2024-02-29T10:00:00.5"]`},
		{"json_agg", []types.Type{types.Of(types.TimestampTZ)}, []string{`["2024-02-29T10:00:00Z"]`}, types.JSON, `["2024-02-29T10:00:00+00:00"]`},
		{"json_object_agg", []types.Type{text, bigint}, []string{`["k","l"]`, `[1,null]`}, types.JSON, `{ "k" : 1, "l" : null }`},
		{"json_object_agg", []types.Type{bigint, text}, []string{`[7]`, `["v"]`}, types.JSON, `{ "7" : "v" }`},
		{"jsonb_object_agg", []types.Type{text, bigint}, []string{`["kk","l","kk"]`, `[1,2,3]`}, types.JSONB, `{"l": 2, "kk": 3}`},
		{"jsonb_agg", []types.Type{bigint}, []string{`[1,2]`}, types.JSONB, `[1, 2]`},
	} {
		a, err := New(Spec{Func: c.name, Args: c.args, Result: types.Of(c.result)})
		if err != nil {
			t.Fatal(err)
		}
		input := &Input{}
		for i, typ := range c.args {
			input.Args = append(input.Args, fromJSON(t, typ, c.values[i]))
		}
		input.IDs = make([]uint32, input.Args[0].Len())
		a.Grow(2)
		a.Update(input)
		got, err := a.Result([]uint32{0, 1})
		if err != nil || got.(*array.String).Value(0) != c.want || !got.IsNull(1) {
			t.Errorf("%s%v: got %v (%v), want %s", c.name, c.args, got, err, c.want)
		}
	}
}

func TestJSONObjectNullKey(t *testing.T) {
	text := types.Of(types.Text)
	a, err := New(Spec{Func: "json_object_agg", Args: []types.Type{text, text}, Result: types.Of(types.JSON)})
	if err != nil {
		t.Fatal(err)
	}
	a.Grow(1)
	a.Update(&Input{IDs: []uint32{0}, Args: []arrow.Array{fromJSON(t, text, `[null]`), fromJSON(t, text, `["v"]`)}})
	if _, err := a.Result([]uint32{0}); !pgerr.Is(err, pgerr.NullNotAllowed) {
		t.Fatal(err)
	}
}

// TestAverages checks rounding and intervals against PostgreSQL 16.
func TestAverages(t *testing.T) {
	numeric, interval := types.DecimalOf(10, 2), types.Of(types.Interval)
	for _, c := range []struct {
		name        string
		arg, result types.Type
		values      string
		want        string
	}{
		{"avg", numeric, types.DecimalOf(20, 4), `["1.00","1.00","0.00"]`, "0.6667"},
		{"avg", numeric, types.DecimalOf(20, 4), `["-1.00","-1.00","0.00"]`, "-0.6667"},
		{"avg", numeric, types.DecimalOf(20, 1), `["0.24","0.25"]`, "0.2"},
		{"avg", numeric, types.DecimalOf(20, 2), `["0.01","0.02"]`, "0.02"},
		{"avg", numeric, types.DecimalOf(20, 2), `["-0.01","-0.02"]`, "-0.02"},
		{"avg", types.DecimalOf(38, 2), types.DecimalOf(38, 4), `["99999999999999999999999999999999.99","0.02"]`, "50000000000000000000000000000000.005"},
		{"sum", numeric, types.DecimalOf(20, 2), `["1.25",null,"-0.75"]`, "0.5"},
		{"avg", interval, interval, `[{"months":1,"days":0,"nanoseconds":0},{"months":0,"days":1,"nanoseconds":0}]`, `{"months":0,"days":15,"nanoseconds":43200000000000}`},
		{"sum", interval, interval, `[{"months":1,"days":2,"nanoseconds":3000},{"months":1,"days":-3,"nanoseconds":4000}]`, `{"months":2,"days":-1,"nanoseconds":7000}`},
	} {
		a, err := New(Spec{Func: c.name, Args: []types.Type{c.arg}, Result: c.result})
		if err != nil {
			t.Fatal(err)
		}
		a.Grow(1)
		a.Update(in(fromJSON(t, c.arg, c.values)))
		if got, err := a.Result([]uint32{0}); err != nil || got.ValueStr(0) != c.want {
			t.Errorf("%s(%s): got %v (%v), want %s", c.name, c.values, got, err, c.want)
		}
	}
}

func TestPercentileOfIntervals(t *testing.T) {
	interval, double := types.Of(types.Interval), types.Of(types.Float64)
	a, err := New(Spec{
		Func: "percentile_cont", Args: []types.Type{double, interval}, Consts: []any{0.25}, Result: interval,
		OrderBy: []rowcodec.OrderKey{{Type: interval}},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Grow(1)
	values := fromJSON(t, interval, `[{"months":0,"days":2,"nanoseconds":0},{"months":0,"days":1,"nanoseconds":0}]`)
	a.Update(&Input{IDs: []uint32{0, 0}, Args: []arrow.Array{nil, values}, Sort: []arrow.Array{values}})
	if got, err := a.Result([]uint32{0}); err != nil || got.ValueStr(0) != `{"months":0,"days":1,"nanoseconds":21600000000000}` {
		t.Fatal(got, err)
	}
}

// TestOrderByIgnored: ORDER BY on what no order matters for changes nothing.
func TestOrderByIgnored(t *testing.T) {
	bigint := types.Of(types.Int64)
	a, err := New(Spec{Func: "sum", Args: []types.Type{bigint}, Result: bigint, OrderBy: []rowcodec.OrderKey{{Type: bigint}}})
	if err != nil {
		t.Fatal(err)
	}
	a.Grow(1)
	a.Update(in(bigints(1, 2)))
	if got, err := a.Result([]uint32{0}); err != nil || got.ValueStr(0) != "3" {
		t.Fatal(got, err)
	}
}

package exec

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/exec/agg"
	"laminardb/exec/expr"
	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/types"
)

// overKind is how a window function finds its result.
type overKind uint8

const (
	overCount overKind = iota // from the places of rows alone
	overShift                 // a value of a row at a distance: lag, lead
	overPick                  // a value of one row of the frame
	overFold                  // an aggregate of the frame
)

// overFunc is one function with its columns in the evaluated batch.
type overFunc struct {
	plan.OverFunc
	kind      overKind
	args      []int
	filter    int // -1 for none
	low, high int // which of overCalls.bounds, -1 for none
	spec      agg.Spec
	// only is the one place of a partition that an overFold takes, -1 for all: the
	// first or nth value of a frame without a start.
	only int64
	// placed gives the accumulator the place of each row to order by.
	placed bool
}

// overCalls are the expressions of an Over and where each stands in the evaluated
// batch: the input's columns first.
type overCalls struct {
	program   *expr.Program
	types     []types.Type // of the evaluated columns
	inputs    int
	partition []int
	order     []int
	keys      []rowcodec.OrderKey
	funcs     []overFunc
	bounds    []int // columns of RANGE bounds
}

func newOverCalls(n *plan.Over, env expr.Env) (*overCalls, error) {
	c := &overCalls{types: schemaTypes(n.Input.Schema())}
	c.inputs = len(c.types)
	exprs := make([]plan.Expr, c.inputs)
	for i, f := range n.Input.Schema().Fields {
		exprs[i] = &plan.Column{Index: i, Name: f.Name, T: f.Type, Pos: -1}
	}
	add := func(e plan.Expr) int {
		if col, ok := e.(*plan.Column); ok {
			return col.Index
		}
		exprs, c.types = append(exprs, e), append(c.types, e.Type())
		return len(exprs) - 1
	}
	for _, e := range n.PartitionBy {
		c.partition = append(c.partition, add(e))
	}
	for _, k := range n.OrderBy {
		c.order = append(c.order, add(k.Expr))
		c.keys = append(c.keys, rowcodec.OrderKey{Type: k.Expr.Type(), Desc: k.Desc, NullsFirst: k.NullsFirst})
	}
	for _, fn := range n.Funcs {
		f := newOverFunc(fn)
		for _, e := range fn.Agg.Args {
			f.args = append(f.args, add(e))
		}
		if fn.Agg.Filter != nil {
			f.filter = add(fn.Agg.Filter)
		}
		for _, b := range []struct {
			value plan.Expr
			to    *int
		}{{fn.Frame.Start.Value, &f.low}, {fn.Frame.End.Value, &f.high}} {
			if b.value != nil {
				*b.to = len(c.bounds)
				c.bounds = append(c.bounds, add(b.value))
			}
		}
		if f.kind == overFold { // so that CREATE fails, not the first row
			if _, err := agg.New(f.spec); err != nil {
				return nil, err
			}
		}
		c.funcs = append(c.funcs, f)
	}
	var err error
	c.program, err = expr.Compile(exprs, env)
	return c, err
}

func newOverFunc(fn plan.OverFunc) overFunc {
	f := overFunc{OverFunc: fn, filter: -1, low: -1, high: -1, only: -1}
	grows := fn.Frame.Start.Unbounded && fn.Frame.Exclude == plan.ExcludeNothing
	switch fn.Func {
	case "":
		f.kind = overFold
		f.spec = agg.SpecOf(&fn.Agg, !grows)
		f.placed = !grows && arrivalMatters(f.spec.Func)
	case "lag", "lead":
		f.kind = overShift
		if fn.Func == "lag" {
			f.Offset = -f.Offset
		}
	case "first_value", "nth_value":
		if f.kind = overPick; grows {
			f.kind, f.only = overFold, fn.Offset-1
			f.spec = agg.Spec{Func: "first_value", Args: []types.Type{fn.Agg.Type}, Result: fn.Agg.Type}
		}
	case "last_value":
		f.kind = overPick
	}
	if f.placed {
		f.spec.OrderBy = []rowcodec.OrderKey{{Type: types.Of(types.Int64)}}
	}
	return f
}

// arrivalMatters names the aggregates whose result depends on the order of rows,
// which an accumulator forgets when it takes rows back.
func arrivalMatters(name string) bool {
	switch name {
	case "array_agg", "string_agg", "listagg", "group_concat", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg":
		return true
	}
	return false
}

// retracts reports whether rows leave the accumulator of an overFold.
func (f *overFunc) retracts() bool {
	return !f.Frame.Start.Unbounded || f.Frame.Exclude != plan.ExcludeNothing
}

// framed reports whether the function looks at its frame.
func (f *overFunc) framed() bool { return f.kind == overPick || f.kind == overFold }

// orderInts maps an order key's values, or its bounds, to integers of the same
// order. NULL is beyond all others, where the order puts it.
func orderInts(col arrow.Array, k rowcodec.OrderKey) []int64 {
	out := make([]int64, col.Len())
	switch c := col.(type) {
	case *array.Int64:
		copy(out, c.Int64Values())
	case *array.Timestamp:
		for i, v := range c.TimestampValues() {
			out[i] = int64(v)
		}
	case *array.Int32:
		for i, v := range c.Int32Values() {
			out[i] = int64(v)
		}
	case *array.Int16:
		for i, v := range c.Int16Values() {
			out[i] = int64(v)
		}
	case *array.Date32:
		for i, v := range c.Date32Values() {
			out[i] = int64(v)
		}
	case *array.Float64:
		for i, v := range c.Float64Values() {
			out[i] = floatOrder(v)
		}
	case *array.Float32:
		for i, v := range c.Float32Values() {
			out[i] = floatOrder(float64(v))
		}
	default:
		panic("exec: a RANGE frame over " + col.DataType().String())
	}
	null := int64(math.MaxInt64)
	if k.NullsFirst {
		null = math.MinInt64
	}
	for i := range out {
		if k.Desc {
			out[i] = ^out[i]
		}
		if col.IsNull(i) {
			out[i] = null
		}
	}
	return out
}

// floatOrder keeps the order of floats, NaN above all.
func floatOrder(v float64) int64 {
	if v != v {
		return math.MaxInt64 - 1
	}
	if v == 0 {
		return 0
	}
	bits := int64(math.Float64bits(v))
	if bits < 0 {
		bits = math.MinInt64 - bits
	}
	return bits
}

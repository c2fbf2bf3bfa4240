package exec

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// maxSeriesRows bounds the rows of generate_series, which are all made at once.
const maxSeriesRows = 10_000_000

// tableFunc computes the rows of a set-returning function of constants.
func (b *builder) tableFunc(n *plan.TableFunc) (*batch.Batch, error) {
	name, _, _ := strings.Cut(n.Name, "(")
	p, err := b.compile(n.Args)
	if err != nil {
		return nil, err
	}
	args, err := p.Eval(batch.New(nil, 1), nil)
	if err != nil {
		return nil, err
	}
	for _, a := range args {
		if a.IsNull(0) {
			return batch.New(nullColumns(schemaTypes(n.Out), 0), 0), nil
		}
	}
	switch name {
	case "generate_series":
		return series(n, args)
	case "pg_options_to_table":
		if list, ok := args[0].(*array.List); ok {
			return options(list), nil
		}
	case "unnest":
		if list, ok := args[0].(*array.List); ok && len(args) == 1 {
			from, to := list.ValueOffsets(0)
			values := array.NewSlice(list.ListValues(), from, to)
			return batch.New([]arrow.Array{values}, values.Len()), nil
		}
	}
	return nil, pgerr.Newf(pgerr.FeatureNotSupported, "%s is not supported yet", n.Label())
}

// options splits "name=value" elements.
func options(list *array.List) *batch.Batch {
	from, to := list.ValueOffsets(0)
	texts := list.ListValues().(*array.String)
	names, values := array.NewStringBuilder(memory.DefaultAllocator), array.NewStringBuilder(memory.DefaultAllocator)
	for i := int(from); i < int(to); i++ {
		name, value, given := strings.Cut(texts.Value(i), "=")
		names.Append(name)
		if given {
			values.Append(value)
		} else {
			values.AppendNull()
		}
	}
	return batch.New([]arrow.Array{names.NewArray(), values.NewArray()}, int(to-from))
}

// series is generate_series over integers.
func series(n *plan.TableFunc, args []arrow.Array) (*batch.Batch, error) {
	bound := make([]int64, 0, 3)
	for _, a := range args {
		switch a := a.(type) {
		case *array.Int32:
			bound = append(bound, int64(a.Value(0)))
		case *array.Int64:
			bound = append(bound, a.Value(0))
		default:
			return nil, pgerr.Newf(pgerr.FeatureNotSupported, "%s is not supported yet", n.Label())
		}
	}
	step := int64(1)
	if len(bound) == 3 {
		step = bound[2]
	}
	if step == 0 {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "step size cannot equal zero")
	}
	narrow := n.Out.Fields[0].Type.Kind == types.Int32
	out := array.NewBuilder(memory.DefaultAllocator, n.Out.Fields[0].Type.Arrow())
	for v := bound[0]; step > 0 && v <= bound[1] || step < 0 && v >= bound[1]; v += step {
		if out.Len() == maxSeriesRows {
			return nil, pgerr.Newf(pgerr.ProgramLimitExceeded, "generate_series gives more than %d rows", maxSeriesRows)
		}
		if narrow {
			out.(*array.Int32Builder).Append(int32(v))
		} else {
			out.(*array.Int64Builder).Append(v)
		}
		if next := v + step; (next > v) != (step > 0) {
			break // the next value is out of range
		}
	}
	col := out.NewArray()
	return batch.New([]arrow.Array{col}, col.Len()), nil
}

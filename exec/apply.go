package exec

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/exec/expr"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// apply evaluates a correlated subquery for the rows of a bounded input: once for
// each of the different values that the subquery names.
type apply struct {
	Receiver
	b      *builder
	node   *plan.Apply
	args   *expr.Program
	faults faults
	errs   expr.RowErrors
	known  map[string]arrow.Array // results by the text of the arguments, maxKnown at most
}

// maxKnown bounds the memory of a subquery's results; those of further rows are
// computed again.
const maxKnown = 1 << 16

// apply builds the operator. What the subquery scans is noted, so that its rows
// are taken together with those of the query.
func (b *builder) apply(n *plan.Apply, out Receiver) error {
	p, err := b.compile(n.Args)
	if err != nil {
		return err
	}
	if b.subqueries == nil {
		b.subqueries = map[*plan.Scan][]*batch.Batch{}
	}
	b.noteScans(n.Sub)
	return b.build(n.Input, &apply{Receiver: out, b: b, node: n, args: p, faults: b.faults, known: map[string]arrow.Array{}})
}

func (b *builder) noteScans(n plan.Node) {
	if scan, ok := n.(*plan.Scan); ok {
		if _, known := b.subqueries[scan]; !known {
			b.subqueries[scan] = nil
		}
	}
	for _, in := range n.Inputs() {
		b.noteScans(in)
	}
}

// Batch implements Receiver.
func (a *apply) Batch(ctx context.Context, in *batch.Batch) error {
	if in.Rows == 0 {
		return nil
	}
	args, err := evaluate(a.args, in, &a.errs, a.faults)
	if err != nil {
		return err
	}
	results := make([]*batch.Batch, in.Rows)
	for row := range in.Rows {
		outer := make([]arrow.Array, len(args.Cols))
		for i, c := range args.Cols {
			outer[i] = array.NewSlice(c, int64(row), int64(row+1))
		}
		key := fmt.Sprint(outer)
		result, ok := a.known[key]
		if !ok {
			if result, err = a.evaluate(ctx, outer); err != nil {
				return err
			}
			if len(a.known) < maxKnown {
				a.known[key] = result
			}
		}
		results[row] = batch.New([]arrow.Array{result}, 1)
	}
	column, err := expr.Concat(results)
	if err != nil {
		return err
	}
	return a.Receiver.Batch(ctx, in.With(append(in.Cols[:len(in.Cols):len(in.Cols)], column.Cols[0])))
}

// evaluate runs the subquery for one row and returns its value.
func (a *apply) evaluate(ctx context.Context, outer []arrow.Array) (arrow.Array, error) {
	b := &builder{faults: a.b.faults, stats: a.b.stats, now: a.b.now, outer: outer, subqueries: a.b.subqueries}
	var value arrow.Array
	take := rowsOut(func(r *batch.Batch) error {
		value = r.Cols[0]
		return nil
	})
	single := &singleRow{Receiver: take, types: schemaTypes(a.node.Sub.Schema())}
	if err := b.build(a.node.Sub, single); err != nil {
		return nil, err
	}
	inputs := make([][]*batch.Batch, len(b.ports))
	for i, p := range b.ports {
		inputs[i] = a.b.subqueries[p.scan]
	}
	if err := b.run(ctx, inputs); err != nil {
		return nil, err
	}
	return value, nil
}

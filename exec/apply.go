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

// apply evaluates a correlated subquery for each row: once for each of the different
// values that the subquery names.
type apply struct {
	lateral
	b    *builder
	node *plan.Apply
	args *expr.Program
	errs expr.RowErrors
	// known holds the rows, or the one value, by the text of the arguments; maxKnown at
	// most.
	known map[string]*batch.Batch
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
	a := &apply{b: b, node: n, args: p, known: map[string]*batch.Batch{}}
	a.lateral = lateral{Receiver: out, left: n.Left, faults: b.faults}
	if n.On != nil {
		if a.on, err = expr.CompilePredicate(n.On, b.exprEnv()); err != nil {
			return err
		}
	}
	return b.build(n.Input, a)
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
	in, args, err := evaluateKeys(a.args, in, &a.errs, a.faults)
	if err != nil || in.Rows == 0 {
		return err
	}
	a.failed = nil
	none := batch.New(nullColumns(schemaTypes(a.node.Sub.Schema()), 0), 0)
	results, owner, from := []*batch.Batch{none}, []int32(nil), 0
	for row := range in.Rows {
		outer := make([]arrow.Array, len(args))
		for i, c := range args {
			outer[i] = array.NewSlice(c, int64(row), int64(row+1))
		}
		rows, err := a.result(ctx, outer)
		if err != nil {
			if err := a.fail(in, row, err); err != nil {
				return err
			}
			continue
		}
		results = append(results, rows)
		for range rows.Rows {
			owner = append(owner, int32(row))
		}
		if len(owner) < batch.MaxRows {
			continue
		}
		if err := a.flush(ctx, in, from, row+1, owner, results); err != nil {
			return err
		}
		results, owner, from = results[:1], owner[:0], row+1
	}
	if from == in.Rows {
		return nil
	}
	return a.flush(ctx, in, from, in.Rows, owner, results)
}

func (a *apply) flush(ctx context.Context, in *batch.Batch, from, to int, owner []int32, results []*batch.Batch) error {
	all, err := expr.Concat(results)
	if err != nil {
		return err
	}
	return a.emit(ctx, in, from, to, owner, all.Cols)
}

// result returns the subquery's rows for the values of a row.
func (a *apply) result(ctx context.Context, outer []arrow.Array) (*batch.Batch, error) {
	key := fmt.Sprint(outer)
	if known, ok := a.known[key]; ok {
		return known, nil
	}
	rows, err := a.evaluate(ctx, outer)
	if err == nil && len(a.known) < maxKnown {
		a.known[key] = rows
	}
	return rows, err
}

// evaluate runs the subquery for one row. A row in it that fails fails that one.
func (a *apply) evaluate(ctx context.Context, outer []arrow.Array) (*batch.Batch, error) {
	b := &builder{faults: queryFaults{}, stats: a.b.stats, now: a.b.now, outer: outer, subqueries: a.b.subqueries}
	types := schemaTypes(a.node.Sub.Schema())
	list := []*batch.Batch{batch.New(nullColumns(types, 0), 0)}
	var out Receiver = rowsOut(func(r *batch.Batch) error {
		list = append(list, r)
		return nil
	})
	if !a.node.Rows {
		out = &singleRow{Receiver: out, types: types}
	}
	if err := b.build(a.node.Sub, out); err != nil {
		return nil, err
	}
	inputs := make([][]*batch.Batch, len(b.ports))
	for i, p := range b.ports {
		inputs[i] = a.b.subqueries[p.scan]
	}
	if err := b.run(ctx, inputs); err != nil {
		return nil, err
	}
	return expr.Concat(list)
}

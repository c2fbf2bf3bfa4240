package exec

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/sql/batch"
)

// project computes columns.
type project struct {
	Receiver
	program *expr.Program
	faults  faults
	errs    expr.RowErrors
}

// Batch implements Receiver.
func (p *project) Batch(ctx context.Context, b *batch.Batch) error {
	out, err := evaluate(p.program, b, &p.errs, p.faults)
	if err != nil || out.Rows == 0 {
		return err
	}
	return p.Receiver.Batch(ctx, out)
}

// pairs is Batch for the rows of a join: b has at least the columns that are
// computed with and those of nested types, and nil for others.
func (p *project) pairs(ctx context.Context, b *batch.Batch, all *joinedRows) error {
	p.errs.Reset()
	cols, err := p.program.Eval(b, &p.errs)
	if err != nil {
		return err
	}
	if p.errs.Len() > 0 {
		whole, err := all.batch([2][]bool{})
		if err != nil {
			return err
		}
		return p.Batch(ctx, whole)
	}
	passes := p.program.Passes()
	l := &laterBatch{b.With(cols), func(i int) arrow.Array { return all.column(passes[i]) }}
	if all.held() > heldRows*b.Rows {
		return p.Receiver.Batch(ctx, l.batch())
	}
	return passLater(ctx, p.Receiver, l)
}

// evaluate returns the program's columns for the rows that did not fail.
func evaluate(program *expr.Program, b *batch.Batch, errs *expr.RowErrors, f faults) (*batch.Batch, error) {
	errs.Reset()
	cols, err := program.Eval(b, errs)
	if err != nil {
		return nil, err
	}
	out := b.With(cols)
	if errs.Len() == 0 {
		return out, nil
	}
	keep, err := f.rows(b, errs)
	if err != nil {
		return nil, err
	}
	return expr.Take(out, keep), nil
}

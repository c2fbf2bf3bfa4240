package exec

import (
	"context"

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

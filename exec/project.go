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
	return p.some(ctx, b, func() (*batch.Batch, error) { return b, nil })
}

// some is Batch for a batch that has perhaps only the columns that are read; whole
// makes it with all of them.
func (p *project) some(ctx context.Context, b *batch.Batch, whole func() (*batch.Batch, error)) error {
	out, err := evaluateSome(p.program, b, whole, &p.errs, p.faults)
	if err != nil || out.Rows == 0 {
		return err
	}
	return p.Receiver.Batch(ctx, out)
}

// evaluate returns the program's columns for the rows that did not fail.
func evaluate(program *expr.Program, b *batch.Batch, errs *expr.RowErrors, f faults) (*batch.Batch, error) {
	return evaluateSome(program, b, func() (*batch.Batch, error) { return b, nil }, errs, f)
}

// evaluateSome is evaluate for a batch that whole makes with all columns.
func evaluateSome(program *expr.Program, b *batch.Batch, whole func() (*batch.Batch, error), errs *expr.RowErrors, f faults) (*batch.Batch, error) {
	errs.Reset()
	cols, err := program.Eval(b, errs)
	if err != nil {
		return nil, err
	}
	out := b.With(cols)
	if errs.Len() == 0 {
		return out, nil
	}
	if b, err = whole(); err != nil {
		return nil, err
	}
	keep, err := f.rows(b, errs)
	if err != nil {
		return nil, err
	}
	return expr.Take(out, keep), nil
}

package exec

import (
	"context"

	"laminardb/exec/expr"
	"laminardb/sql/batch"
)

// filter passes the rows for which its predicate is true.
type filter struct {
	Receiver
	predicate *expr.Predicate
	faults    faults
	errs      expr.RowErrors
}

// Batch implements Receiver.
func (f *filter) Batch(ctx context.Context, b *batch.Batch) error {
	f.errs.Reset()
	sel, all, err := f.predicate.Select(b, &f.errs)
	if err != nil {
		return err
	}
	// A failed row's predicate is NULL, so it is not in sel.
	if _, err := f.faults.rows(b, &f.errs); err != nil {
		return err
	}
	switch {
	case all:
		return f.Receiver.Batch(ctx, b)
	case len(sel) == 0:
		return nil
	}
	return f.Receiver.Batch(ctx, expr.Take(b, sel))
}

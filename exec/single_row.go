package exec

import (
	"context"

	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// singleRow passes the one row of a bounded input, or a row of NULLs.
type singleRow struct {
	Receiver
	types []types.Type
	row   *batch.Batch // nil before the row
}

// Batch implements Receiver.
func (s *singleRow) Batch(_ context.Context, b *batch.Batch) error {
	if b.Rows > 1 || b.Rows == 1 && s.row != nil {
		return pgerr.Newf(pgerr.CardinalityViolation, "more than one row returned by a subquery used as an expression")
	}
	if b.Rows == 1 {
		s.row = b
	}
	return nil
}

// End implements Receiver.
func (s *singleRow) End(ctx context.Context) error {
	if s.row == nil {
		s.row = batch.New(nullColumns(s.types, 1), 1)
	}
	if err := s.Receiver.Batch(ctx, s.row); err != nil {
		return err
	}
	return s.Receiver.End(ctx)
}

package exec

import (
	"bytes"
	"context"
	"slices"

	"laminardb/exec/expr"
	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// sorter collects a bounded input and emits it in order. Rows that compare equal
// keep the order in which they came.
type sorter struct {
	Receiver
	program *expr.Program // the keys
	keys    []plan.SortKey
	faults  faults
	errs    expr.RowErrors
	input   []*batch.Batch
	sortBy  []*batch.Batch
	// ties orders rows with equal keys by event time and by their columns.
	ties   bool
	schema *batch.Schema
}

// Batch implements Receiver.
func (s *sorter) Batch(_ context.Context, b *batch.Batch) error {
	keys, err := evaluate(s.program, b, &s.errs, s.faults)
	if err != nil {
		return err
	}
	s.input, s.sortBy = append(s.input, b), append(s.sortBy, keys)
	return nil
}

// Watermark implements Receiver: nothing leaves before the end.
func (s *sorter) Watermark(context.Context, int64) error { return nil }

// End implements Receiver.
func (s *sorter) End(ctx context.Context) error {
	if len(s.input) > 0 {
		rows, err := expr.Concat(s.input)
		if err != nil {
			return err
		}
		keys, err := expr.Concat(s.sortBy)
		if err != nil {
			return err
		}
		s.input, s.sortBy = nil, nil
		order, err := sortOrder(keys, s.keys, s.tieOrder(rows))
		if err != nil {
			return err
		}
		if err := s.Receiver.Batch(ctx, expr.Take(rows, order)); err != nil {
			return err
		}
	}
	return s.Receiver.End(ctx)
}

// tieOrder compares rows whose keys are equal, nil for not at all.
func (s *sorter) tieOrder(rows *batch.Batch) func(a, b int32) int {
	if !s.ties {
		return nil
	}
	var ties rowcodec.Rows
	keys, cols := tieOrder(schemaTypes(s.schema), rows.Cols, s.schema.EventTime)
	rowcodec.NewOrderedEncoder(keys).Encode(cols, rows.Rows, nil, &ties)
	return func(a, b int32) int { return bytes.Compare(ties.Row(int(a)), ties.Row(int(b))) }
}

// sortOrder returns the row numbers of b in the order of its columns, one for
// each key, and of ties, which may be nil.
func sortOrder(b *batch.Batch, keys []plan.SortKey, ties func(a, b int32) int) ([]int32, error) {
	compare := make([]func(a, b int32) int, len(keys), len(keys)+1)
	for i, k := range keys {
		c, err := newComparer(b.Cols[i], k)
		if err != nil {
			return nil, err
		}
		compare[i] = c
	}
	if ties != nil {
		compare = append(compare, ties)
	}
	order := make([]int32, b.Rows)
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(x, y int32) int {
		for _, c := range compare {
			if d := c(x, y); d != 0 {
				return d
			}
		}
		return 0
	})
	return order, nil
}

// limiter skips rows and passes a number of them.
type limiter struct {
	Receiver
	skip, left int64 // left < 0 for no limit
}

// Batch implements Receiver.
func (l *limiter) Batch(ctx context.Context, b *batch.Batch) error {
	from := min(l.skip, int64(b.Rows))
	l.skip -= from
	to := int64(b.Rows)
	if l.left >= 0 {
		to = min(to, from+l.left)
		l.left -= to - from
	}
	if from == to {
		return nil
	}
	return l.Receiver.Batch(ctx, b.Slice(int(from), int(to)))
}

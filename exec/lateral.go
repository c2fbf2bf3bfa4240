package exec

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/sql/batch"
)

// lateral is how an input row is joined with rows that were made of it.
type lateral struct {
	Receiver
	// left gives an input row without any row NULLs.
	left   bool
	on     *expr.Predicate // over both, nil for none
	faults faults
	onErrs expr.RowErrors
	// failed are rows of the input batch that were taken out; nil for none.
	failed map[int32]bool
}

// fail takes a row of the input out.
func (l *lateral) fail(in *batch.Batch, row int, err error) error {
	if l.failed == nil {
		l.failed = map[int32]bool{}
	}
	l.failed[int32(row)] = true
	_, err = l.faults.rows(in, &expr.RowErrors{Rows: []int32{int32(row)}, Errs: []error{err}})
	return err
}

// emit sends rows [from, to) of the input with the columns made of them; owner is the
// input row of each row of cols, in order.
func (l *lateral) emit(ctx context.Context, in *batch.Batch, from, to int, owner []int32, cols []arrow.Array) error {
	out := expr.Take(in, owner)
	out.Cols = append(out.Cols, cols...)
	if l.on == nil && !l.left && l.failed == nil {
		return l.send(ctx, out)
	}
	keep, err := l.kept(in, out, owner)
	if err != nil {
		return err
	}
	if !l.left {
		return l.send(ctx, expr.Take(out, keep))
	}
	var left, right []int32 // rows of the input and of cols, -1 for NULLs
	for row := int32(from); row < int32(to); row++ {
		if len(keep) == 0 || owner[keep[0]] > row {
			if !l.failed[row] {
				left, right = append(left, row), append(right, -1)
			}
			continue
		}
		for ; len(keep) > 0 && owner[keep[0]] == row; keep = keep[1:] {
			left, right = append(left, row), append(right, keep[0])
		}
	}
	padded := expr.Take(in, left)
	padded.Cols = append(padded.Cols, takeColumns(cols, right)...)
	return l.send(ctx, padded)
}

// kept returns the joined rows that the condition keeps and whose owner did not fail.
func (l *lateral) kept(in, out *batch.Batch, owner []int32) ([]int32, error) {
	l.onErrs.Reset()
	all := true
	var sel []int32
	if l.on != nil {
		var err error
		if sel, all, err = l.on.Select(out, &l.onErrs); err != nil {
			return nil, err
		}
	}
	for i, row := range l.onErrs.Rows {
		if at := owner[row]; !l.failed[at] {
			if err := l.fail(in, int(at), l.onErrs.Errs[i]); err != nil {
				return nil, err
			}
		}
	}
	if all {
		sel = make([]int32, out.Rows)
		for i := range sel {
			sel[i] = int32(i)
		}
	}
	keep := sel[:0]
	for _, row := range sel {
		if !l.failed[owner[row]] {
			keep = append(keep, row)
		}
	}
	return keep, nil
}

func (l *lateral) send(ctx context.Context, out *batch.Batch) error {
	for from := 0; from < out.Rows; from += batch.MaxRows {
		if err := l.Receiver.Batch(ctx, out.Slice(from, min(from+batch.MaxRows, out.Rows))); err != nil {
			return err
		}
	}
	return nil
}

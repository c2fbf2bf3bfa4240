package exec

import (
	"laminardb/exec/expr"
	"laminardb/sql/batch"
)

// Rows returns the rows of b with the numbers in sel, in that order.
func Rows(b *batch.Batch, sel []int32) *batch.Batch { return expr.Take(b, sel) }

// ConcatRows returns the rows of all batches, which have the same columns, in one.
func ConcatRows(list []*batch.Batch) (*batch.Batch, error) { return expr.Concat(list) }

package exec

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// hashJoin joins two bounded inputs: the right one is collected and indexed, then
// the left rows look their matches up.
type hashJoin struct {
	out        Receiver
	kind       plan.JoinKind
	leftKeys   *expr.Program
	rightKeys  *expr.Program
	residual   *expr.Predicate
	leftTypes  []types.Type
	rightTypes []types.Type
	keyTypes   []types.Type
	faults     faults
	errs       expr.RowErrors

	left, right       []*batch.Batch
	leftEnd, rightEnd bool

	table   *hashtable.Table
	build   *batch.Batch // all right rows, then one of NULLs
	first   []int32      // by key id: the first right row, -1 for none
	next    []int32      // by right row: the next with the same key
	last    []int32
	matched []bool // by right row, for right and full joins
}

// joinSide is one input of a join.
type joinSide struct {
	j     *hashJoin
	right bool
}

// Batch implements Receiver.
func (s joinSide) Batch(ctx context.Context, b *batch.Batch) error {
	if s.right {
		s.j.right = append(s.j.right, b)
		return nil
	}
	if !s.j.rightEnd {
		s.j.left = append(s.j.left, b)
		return nil
	}
	return s.j.probe(ctx, b)
}

// Watermark implements Receiver.
func (joinSide) Watermark(context.Context, int64) error { return nil }

// Idle implements Receiver.
func (joinSide) Idle(context.Context, bool) error { return nil }

// End implements Receiver.
func (s joinSide) End(ctx context.Context) error {
	j := s.j
	if s.right {
		j.rightEnd = true
		if err := j.index(); err != nil {
			return err
		}
		for _, b := range j.left {
			if err := j.probe(ctx, b); err != nil {
				return err
			}
		}
		j.left = nil
	} else {
		j.leftEnd = true
	}
	if !j.leftEnd || !j.rightEnd {
		return nil
	}
	if j.kind == plan.JoinRight || j.kind == plan.JoinFull {
		if err := j.unmatchedRight(ctx); err != nil {
			return err
		}
	}
	return j.out.End(ctx)
}

// index builds the table over the right rows. Rows with a NULL key match nothing.
func (j *hashJoin) index() error {
	var err error
	all := append(j.right, batch.New(nullColumns(j.rightTypes, 1), 1))
	if j.build, err = expr.Concat(all); err != nil {
		return err
	}
	j.right = nil
	rows := j.build.Rows - 1
	j.table = hashtable.New(j.keyTypes)
	j.next, j.matched = make([]int32, rows), make([]bool, rows)
	if rows == 0 {
		return nil
	}
	keys, err := evaluate(j.rightKeys, j.build.Slice(0, rows), &j.errs, j.faults)
	if err != nil {
		return err
	}
	ids := make([]uint32, rows)
	j.table.Lookup(keys.Cols, rows, nil, ids)
	j.first, j.last = make([]int32, j.table.Bound()), make([]int32, j.table.Bound())
	for i := range j.first {
		j.first[i] = -1
	}
	for row, id := range ids {
		j.next[row] = -1
		if anyNull(keys.Cols, row) {
			continue
		}
		if j.first[id] < 0 {
			j.first[id] = int32(row)
		} else {
			j.next[j.last[id]] = int32(row)
		}
		j.last[id] = int32(row)
	}
	return nil
}

func anyNull(cols []arrow.Array, row int) bool {
	for _, c := range cols {
		if c.IsNull(row) {
			return true
		}
	}
	return false
}

// probe joins left rows. Pairs are made for a slice of left rows at a time, so
// that a cross join does not hold all of them.
func (j *hashJoin) probe(ctx context.Context, b *batch.Batch) error {
	keys, err := evaluate(j.leftKeys, b, &j.errs, j.faults)
	if err != nil {
		return err
	}
	ids := make([]uint32, b.Rows)
	j.table.Find(keys.Cols, b.Rows, nil, ids)
	var left, right []int32
	from := 0
	for row, id := range ids {
		if id != hashtable.NoGroup && !anyNull(keys.Cols, row) {
			for r := j.first[id]; r >= 0; r = j.next[r] {
				left, right = append(left, int32(row)), append(right, r)
			}
		}
		if len(left) >= batch.MaxRows || row == b.Rows-1 {
			if err := j.emit(ctx, b, from, row+1, left, right); err != nil {
				return err
			}
			from, left, right = row+1, left[:0], right[:0]
		}
	}
	return nil
}

// emit filters the pairs of left rows [from, to) by the residual and emits what
// the kind asks for.
func (j *hashJoin) emit(ctx context.Context, b *batch.Batch, from, to int, left, right []int32) error {
	pairs := j.pairs(b, left, right)
	if j.residual != nil && pairs.Rows > 0 {
		j.errs.Reset()
		sel, all, err := j.residual.Select(pairs, &j.errs)
		if err != nil {
			return err
		}
		if _, err := j.faults.rows(pairs, &j.errs); err != nil {
			return err
		}
		if !all {
			left, right = picked(left, sel), picked(right, sel)
			pairs = expr.Take(pairs, sel)
		}
	}
	hit := make([]bool, to-from)
	for i, l := range left {
		hit[int(l)-from] = true
		j.matched[right[i]] = true
	}
	switch j.kind {
	case plan.JoinSemi, plan.JoinAnti:
		return j.emitLeft(ctx, b, from, hit, j.kind == plan.JoinSemi)
	case plan.JoinLeft, plan.JoinFull:
		null := int32(j.build.Rows - 1)
		for i, h := range hit {
			if !h {
				left, right = append(left, int32(from+i)), append(right, null)
			}
		}
		pairs = j.pairs(b, left, right)
	}
	if pairs.Rows == 0 {
		return nil
	}
	return j.out.Batch(ctx, pairs)
}

func (j *hashJoin) emitLeft(ctx context.Context, b *batch.Batch, from int, hit []bool, want bool) error {
	var rows []int32
	for i, h := range hit {
		if h == want {
			rows = append(rows, int32(from+i))
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return j.out.Batch(ctx, expr.Take(b, rows))
}

func (j *hashJoin) pairs(b *batch.Batch, left, right []int32) *batch.Batch {
	l, r := expr.Take(b, left), expr.Take(j.build, right)
	return batch.New(append(append([]arrow.Array(nil), l.Cols...), r.Cols...), len(left))
}

func (j *hashJoin) unmatchedRight(ctx context.Context) error {
	var rows []int32
	for r, m := range j.matched {
		if !m {
			rows = append(rows, int32(r))
		}
	}
	if len(rows) == 0 {
		return nil
	}
	r := expr.Take(j.build, rows)
	return j.out.Batch(ctx, batch.New(append(nullColumns(j.leftTypes, len(rows)), r.Cols...), len(rows)))
}

// nullColumns returns columns of NULLs.
func nullColumns(ts []types.Type, rows int) []arrow.Array {
	cols := make([]arrow.Array, len(ts))
	for i, t := range ts {
		cols[i] = array.MakeArrayOfNull(memory.DefaultAllocator, t.Arrow(), rows)
	}
	return cols
}

package exec

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// changelogJoin joins two inputs whose rows come and go, and keeps its result
// current: each batch of one side meets the rows of the other as they are then.
// It keeps every current row of both sides.
type changelogJoin struct {
	out      Receiver
	kind     plan.JoinKind
	residual *expr.Predicate
	faults   faults
	errs     expr.RowErrors
	sides    [2]joinInput
	marks    *inputMarks
	// touched are the other side's rows whose matches a slice of a batch changed;
	// seen marks them, and is all false between slices.
	touched []touchedRow
	seen    []bool
}

// joinInput is one side: 0 is the left one.
type joinInput struct {
	keys  *expr.Program
	types []types.Type
	index *rowIndex
	// padded says that this side's rows without a match are shown, with NULLs.
	padded bool
}

// touchedRow is a row with whether it had a match before.
type touchedRow struct {
	id      int32
	matched bool
}

func newChangelogJoin(n *plan.Join, b *builder, out Receiver) (*changelogJoin, error) {
	j := &changelogJoin{out: out, kind: n.Kind, faults: b.faults, marks: newInputMarks(2)}
	keyTypes := make([]types.Type, len(n.LeftKeys))
	for i, k := range n.LeftKeys {
		keyTypes[i] = k.Type()
	}
	for i, in := range []plan.Node{n.Left, n.Right} {
		s := &j.sides[i]
		s.types = schemaTypes(in.Schema())
		s.index = newRowIndex(s.types, keyTypes)
		var err error
		if s.keys, err = b.compile([][]plan.Expr{n.LeftKeys, n.RightKeys}[i]); err != nil {
			return nil, err
		}
	}
	j.sides[0].padded = n.Kind == plan.JoinLeft || n.Kind == plan.JoinFull
	j.sides[1].padded = n.Kind == plan.JoinRight || n.Kind == plan.JoinFull
	if n.Residual != nil {
		var err error
		if j.residual, err = expr.CompilePredicate(n.Residual, b.exprEnv()); err != nil {
			return nil, err
		}
	}
	return j, nil
}

func (b *builder) changelogJoin(n *plan.Join, out Receiver) error {
	j, err := newChangelogJoin(n, b, out)
	if err != nil {
		return err
	}
	b.keep("join", j)
	if err := b.build(n.Left, changelogSide{j, 0}); err != nil {
		return err
	}
	return b.build(n.Right, changelogSide{j, 1})
}

// leftOnly reports whether the output is left rows alone.
func (j *changelogJoin) leftOnly() bool {
	return j.kind == plan.JoinSemi || j.kind == plan.JoinAnti
}

// tracks reports whether the matches of side's rows are counted.
func (j *changelogJoin) tracks(side int) bool {
	return j.sides[side].padded || side == 0 && j.leftOnly()
}

// changelogSide is one input's Receiver.
type changelogSide struct {
	j    *changelogJoin
	side int
}

// Batch implements Receiver.
func (s changelogSide) Batch(ctx context.Context, b *batch.Batch) error {
	j, own := s.j, &s.j.sides[s.side]
	b, keys, err := evaluateKeys(own.keys, b, &j.errs, j.faults)
	if err != nil || b.Rows == 0 {
		return err
	}
	sel := rowsWithoutNull(keys, b.Rows)
	matches, err := j.probe(ctx, s.side, b, keys, sel)
	if err != nil {
		return err
	}
	ids := own.index.place(b, keys, sel)
	for i, id := range ids {
		row := i
		if sel != nil {
			row = int(sel[i])
		}
		own.index.counts[id] += int64(b.Diff(row))
		own.index.matches[id] = matches[row]
	}
	own.index.sweep(ids)
	return nil
}

// evaluateKeys computes key columns and drops the rows for which that failed.
func evaluateKeys(p *expr.Program, b *batch.Batch, errs *expr.RowErrors, f faults) (*batch.Batch, []arrow.Array, error) {
	errs.Reset()
	keys, err := p.Eval(b, errs)
	if err != nil || errs.Len() == 0 {
		return b, keys, err
	}
	keep, err := f.rows(b, errs)
	if err != nil {
		return nil, nil, err
	}
	return expr.Take(b, keep), takeColumns(keys, keep), nil
}

func takeColumns(cols []arrow.Array, sel []int32) []arrow.Array {
	out := make([]arrow.Array, len(cols))
	for i, c := range cols {
		out[i] = expr.TakeArray(c, sel)
	}
	return out
}

// rowsWithoutNull returns the rows that have no NULL in any column, nil for all.
// NULL equals nothing, so the other rows are in no index.
func rowsWithoutNull(cols []arrow.Array, rows int) []int32 {
	nulls := 0
	for _, c := range cols {
		nulls += c.NullN()
	}
	if nulls == 0 {
		return nil
	}
	sel := make([]int32, 0, rows)
	for row := range rows {
		if !anyNull(cols, row) {
			sel = append(sel, int32(row))
		}
	}
	return sel
}

// probe joins a batch of one side with the rows of the other and returns how many
// matches each row has. Pairs are made for a slice of rows at a time.
func (j *changelogJoin) probe(ctx context.Context, side int, b *batch.Batch, keys []arrow.Array, sel []int32) ([]int64, error) {
	other := j.sides[1-side].index
	ids := keyIDs(other, keys, b.Rows, sel)
	for n := other.rows.Bound(); len(j.seen) < n; {
		j.seen = append(j.seen, false)
	}
	matches := make([]int64, b.Rows)
	s := &joinSlice{j: j, side: side, b: b, matches: matches}
	for row, id := range ids {
		if id != hashtable.NoGroup {
			for r := other.first[id]; r >= 0; r = other.next[r] {
				s.rows, s.others = append(s.rows, int32(row)), append(s.others, r)
			}
		}
		if len(s.rows) >= batch.MaxRows || row == b.Rows-1 {
			if err := s.emit(ctx, row+1); err != nil {
				return nil, err
			}
			s.from, s.rows, s.others = row+1, s.rows[:0], s.others[:0]
		}
	}
	return matches, nil
}

// keyIDs returns the index's key of each row, NoGroup for none.
func keyIDs(x *rowIndex, keys []arrow.Array, rows int, sel []int32) []uint32 {
	if sel == nil {
		ids := make([]uint32, rows)
		x.keys.Find(keys, rows, nil, ids)
		return ids
	}
	found, ids := make([]uint32, len(sel)), make([]uint32, rows)
	x.keys.Find(keys, rows, sel, found)
	for i := range ids {
		ids[i] = hashtable.NoGroup
	}
	for i, row := range sel {
		ids[row] = found[i]
	}
	return ids
}

// Watermark implements Receiver.
func (s changelogSide) Watermark(ctx context.Context, millis int64) error {
	if !s.j.marks.watermark(s.side, millis) {
		return nil
	}
	return s.j.out.Watermark(ctx, s.j.marks.current)
}

// Idle implements Receiver.
func (s changelogSide) Idle(ctx context.Context, idle bool) error {
	if s.j.marks.setIdle(s.side, idle) {
		if err := s.j.out.Watermark(ctx, s.j.marks.current); err != nil {
			return err
		}
	}
	return s.j.marks.passIdle(ctx, s.j.out)
}

// End implements Receiver.
func (s changelogSide) End(ctx context.Context) error {
	if s.j.marks.end(s.side) {
		return s.j.out.End(ctx)
	}
	return s.Watermark(ctx, endOfTime)
}

// Snapshot writes the rows of both sides and their event time.
func (j *changelogJoin) Snapshot(w *rowcodec.StateWriter) {
	j.marks.Snapshot(w)
	for i := range j.sides {
		j.sides[i].index.Snapshot(w)
	}
}

// Restore reads what Snapshot wrote.
func (j *changelogJoin) Restore(r *rowcodec.StateReader) error {
	if err := j.marks.Restore(r); err != nil {
		return err
	}
	for i := range j.sides {
		if err := j.sides[i].index.Restore(r); err != nil {
			return err
		}
	}
	return nil
}

package session

import (
	"context"
	"fmt"
	"slices"

	"laminardb/exec"
	"laminardb/planner"
	"laminardb/server/pgwire"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// update plans UPDATE of a table.
func (s *Session) update(u *ast.Update, params *planner.Params) (*statement, error) {
	if len(u.Returning) > 0 {
		return nil, pgerr.At(int(u.Returning[0].Pos), pgerr.FeatureNotSupported, "RETURNING is not supported yet")
	}
	table, _, err := s.writable(u.Table)
	if err != nil {
		return nil, err
	}
	if len(u.From) > 0 && len(table.Key()) == 0 {
		return nil, pgerr.At(int(u.From[0].Position()), pgerr.FeatureNotSupported, "UPDATE .. FROM needs a table with a primary key")
	}
	name := &ast.TableName{Pos: u.Table.Pos, Name: u.Table, Alias: u.Alias}
	set := columnsOfSet(u.Set, table.Schema())
	r, err := s.planner(planner.Once, params).PlanChange(name, table.Schema(), u.From, u.Where, table.setDefaults(u.Set))
	if err != nil {
		return nil, err
	}
	return s.changeStatement("UPDATE", u.Pos, table, r, set), nil
}

// changeStatement runs an UPDATE, or a DELETE, where set is nil. In a transaction
// block it counts, and COMMIT runs it.
func (s *Session) changeStatement(word string, pos ast.Pos, table *tableState, r *planner.Result, set []int) *statement {
	var n int
	decide := func(ctx context.Context) (exec.TableChange, error) {
		old, changed, err := table.changed(ctx, s.db, r, set, s.system)
		n = 0
		if err != nil || old == nil {
			return exec.TableChange{}, err
		}
		n = old.Rows
		if set == nil {
			changed = nil
		}
		return exec.TableChange{Gone: old, Come: changed}, nil
	}
	return &statement{command: func(ctx context.Context, _ *pgwire.Results) (string, error) {
		if s.status != pgwire.InTransaction {
			err := table.Change(ctx, decide)
			return fmt.Sprintf("%s %d", word, n), err
		}
		if s.block.changed(table) {
			return "", pgerr.At(int(pos), pgerr.FeatureNotSupported, "%s of a table that the transaction has changed already is not supported yet", word).
				WithHint("Commit before it.")
		}
		if _, err := decide(ctx); err != nil {
			return "", err
		}
		s.block.later(table, func(ctx context.Context) error { return table.Change(ctx, decide) })
		return fmt.Sprintf("%s %d", word, n), nil
	}}
}

// columnsOfSet returns the columns that a SET list assigns, in its order; -1 for
// one that does not exist, which planning reports.
func columnsOfSet(set []ast.Assignment, schema *batch.Schema) []int {
	out := make([]int, len(set))
	for i, a := range set {
		out[i] = schema.Index(a.Column)
	}
	return out
}

// setDefaults replaces DEFAULT in a SET list.
func (t *tableState) setDefaults(set []ast.Assignment) []ast.Assignment {
	out := slices.Clone(set)
	for i, a := range out {
		if _, ok := a.Value.(*ast.Default); !ok {
			continue
		}
		if at := t.Schema().Index(a.Column); at >= 0 {
			out[i].Value = t.defaultOf(at, a.Pos)
		}
	}
	return out
}

// changed runs the plan of a change (see planner.PlanChange) and returns the rows
// as they are and as they will be; nil if there are none. A row that a join gives
// more than once is changed once.
func (t *tableState) changed(ctx context.Context, db *Database, r *planner.Result, set []int, system exec.System) (old, changed *batch.Batch, err error) {
	var list []*batch.Batch
	err = db.engine.Query(ctx, r.Root, system, func(b *batch.Batch) error {
		list = append(list, b)
		return nil
	})
	if err != nil || len(list) == 0 {
		return nil, nil, err
	}
	all, err := exec.ConcatRows(list)
	if err != nil || all.Rows == 0 {
		return nil, nil, err
	}
	if first := t.FirstOfKey(all); len(first) < all.Rows {
		all = exec.Rows(all, first)
	}
	width := len(t.Schema().Fields)
	old = batch.New(all.Cols[:width:width], all.Rows)
	changed = batch.New(slices.Clone(old.Cols), all.Rows)
	for i, c := range set {
		changed.Cols[c] = all.Cols[width+i]
	}
	return old, changed, t.checkNulls(changed)
}

// checkNulls refuses a NULL where a column does not take it.
func (t *tableState) checkNulls(b *batch.Batch) error {
	for i, f := range t.Schema().Fields {
		if f.NotNull && b.Cols[i].NullN() > 0 {
			return pgerr.Newf(pgerr.NotNullViolation, "null value in column %q violates not-null constraint", f.Name)
		}
	}
	return nil
}

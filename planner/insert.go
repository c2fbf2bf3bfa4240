package planner

import (
	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// PlanInsert plans the query of an INSERT and casts its columns to the target's,
// which may be more than the query gives. An untyped literal of VALUES takes the
// target's type directly.
func (q *Query) PlanInsert(query *ast.Query, target []batch.Field) (*Result, error) {
	if v, ok := query.Body.(*ast.Values); ok && len(query.OrderBy) == 0 && query.Limit == nil && query.Offset == nil {
		return q.insertValues(v, target)
	}
	r, err := q.Plan(query)
	if err != nil {
		return nil, err
	}
	node := visibleOnly(r.Root)
	if err := insertWidth(len(node.Schema().Fields), len(target), query.Pos); err != nil {
		return nil, err
	}
	exprs, names := make([]plan.Expr, len(node.Schema().Fields)), make([]string, len(node.Schema().Fields))
	for i, f := range node.Schema().Fields {
		var e plan.Expr = &plan.Column{Index: i, Name: f.Name, T: f.Type, Pos: -1}
		if exprs[i], err = q.assign(e, target[i], query.Pos); err != nil {
			return nil, err
		}
		names[i] = target[i].Name
	}
	r.Root = newProject(node, exprs, names, false)
	return r, nil
}

func insertWidth(have, want int, pos ast.Pos) error {
	if have > want {
		return pgerr.At(int(pos), pgerr.SyntaxError, "INSERT has more expressions than target columns")
	}
	return nil
}

// assign casts an expression to a target column's type.
func (q *Query) assign(e plan.Expr, f batch.Field, pos ast.Pos) (plan.Expr, error) {
	if !function.CanCast(e.Type(), f.Type, function.Assignment) {
		return nil, pgerr.At(int(pos), pgerr.DatatypeMismatch, "column %q is of type %s but expression is of type %s", f.Name, f.Type, e.Type()).
			WithHint("You will need to rewrite or cast the expression.")
	}
	return q.coerce(e, f.Type, function.Assignment, pos)
}

func (q *Query) insertValues(v *ast.Values, target []batch.Field) (*Result, error) {
	r := &resolver{q: q, scope: &scope{}, clause: "VALUES"}
	node := &plan.Values{Rows: make([][]plan.Expr, len(v.Rows))}
	width := len(v.Rows[0])
	if err := insertWidth(width, len(target), v.Pos); err != nil {
		return nil, err
	}
	for i, row := range v.Rows {
		if len(row) != width {
			return nil, pgerr.At(int(v.Pos), pgerr.SyntaxError, "VALUES lists must all be the same length")
		}
		for c, e := range row {
			x, err := r.expr(e)
			if err != nil {
				return nil, err
			}
			if x, err = q.assign(x, target[c], e.Position()); err != nil {
				return nil, err
			}
			node.Rows[i] = append(node.Rows[i], x)
		}
	}
	node.Out = batch.NewSchema(target[:width]...)
	return &Result{Root: node, Notices: q.notices}, nil
}

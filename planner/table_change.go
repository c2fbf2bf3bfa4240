package planner

import (
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// Default plans the DEFAULT of a table's column.
func (q *Query) Default(e ast.Expr, f batch.Field) (plan.Expr, error) {
	r := &resolver{q: q, scope: &scope{}, clause: "DEFAULT"}
	x, err := r.expr(e)
	if err != nil {
		return nil, err
	}
	return q.assign(x, f, e.Position())
}

// WithColumns appends computed columns to a plan's output.
func WithColumns(r *Result, fields []batch.Field, values []plan.Expr) {
	out := r.Root.Schema().Fields
	exprs, names := make([]plan.Expr, 0, len(out)+len(fields)), make([]string, 0, len(out)+len(fields))
	for i, f := range out {
		exprs, names = append(exprs, &plan.Column{Index: i, Name: f.Name, T: f.Type, Pos: -1}), append(names, f.Name)
	}
	for i, f := range fields {
		exprs, names = append(exprs, values[i]), append(names, f.Name)
	}
	r.Root = newProject(r.Root, exprs, names, false)
}

// PlanChange plans UPDATE, or DELETE where set is empty: which rows of the table
// are changed, and the values that they get. The output columns are the table's,
// then the values of set in its order, each of its column's type.
func (q *Query) PlanChange(table *ast.TableName, schema *batch.Schema, from []ast.TableExpr, where ast.Expr, set []ast.Assignment) (*Result, error) {
	list := append([]ast.TableExpr{table}, from...)
	node, sc, rest, err := q.from(list, where)
	if err != nil {
		return nil, err
	}
	if rest != nil {
		if node, err = q.filter(node, sc, rest, "WHERE"); err != nil {
			return nil, err
		}
	}
	exprs, names := make([]plan.Expr, len(schema.Fields)), make([]string, len(schema.Fields))
	for i, f := range schema.Fields {
		exprs[i], names[i] = &plan.Column{Index: i, Name: f.Name, T: f.Type, Pos: -1}, f.Name
	}
	values, err := q.assignments(set, schema, sc, "UPDATE")
	if err != nil {
		return nil, err
	}
	for i, v := range values {
		exprs, names = append(exprs, v), append(names, set[i].Column)
	}
	return &Result{Root: newProject(node, exprs, names, false), Reads: q.reads, Notices: q.notices}, nil
}

// assignments plans SET column = value, ...
func (q *Query) assignments(set []ast.Assignment, schema *batch.Schema, sc *scope, clause string) ([]plan.Expr, error) {
	r := &resolver{q: q, scope: sc, clause: clause}
	out := make([]plan.Expr, len(set))
	seen := map[int]bool{}
	for i, a := range set {
		at := schema.Index(a.Column)
		if at < 0 {
			return nil, pgerr.At(int(a.Pos), pgerr.UndefinedColumn, "column %q of the table does not exist", a.Column)
		}
		if seen[at] {
			return nil, pgerr.At(int(a.Pos), pgerr.SyntaxError, "multiple assignments to same column %q", a.Column)
		}
		seen[at] = true
		e, err := r.expr(a.Value)
		if err != nil {
			return nil, err
		}
		if out[i], err = q.assign(e, schema.Fields[at], a.Value.Position()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// PlanConflict plans the DO UPDATE of INSERT. Its input is the virtual relation
// "excluded": the table's columns of the rows that are there, then those of the
// rows that were to be inserted. Its output is PlanChange's.
func (q *Query) PlanConflict(name string, schema *batch.Schema, set []ast.Assignment, where ast.Expr) (*Result, error) {
	sc := scopeOf(name, schema).join(scopeOf("excluded", schema))
	scan := &plan.Scan{Name: "excluded"}
	scan.Out = batch.NewSchema(append(append([]batch.Field(nil), schema.Fields...), schema.Fields...)...)
	for i := range scan.Out.Fields {
		scan.Columns = append(scan.Columns, i)
	}
	// A bare column in SET or WHERE is the table's.
	for i := range schema.Fields {
		sc.columns[len(schema.Fields)+i].shadowed = true
	}
	var node plan.Node = scan
	var err error
	if where != nil {
		if node, err = q.filter(node, sc, where, "WHERE"); err != nil {
			return nil, err
		}
	}
	values, err := q.assignments(set, schema, sc, "ON CONFLICT")
	if err != nil {
		return nil, err
	}
	exprs, names := make([]plan.Expr, len(schema.Fields)), make([]string, len(schema.Fields))
	for i, f := range schema.Fields {
		exprs[i], names[i] = &plan.Column{Index: i, Name: f.Name, T: f.Type, Pos: -1}, f.Name
	}
	for i, v := range values {
		exprs, names = append(exprs, v), append(names, set[i].Column)
	}
	return &Result{Root: newProject(node, exprs, names, false)}, nil
}

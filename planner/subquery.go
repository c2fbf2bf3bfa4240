package planner

import (
	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// whereSubqueries turns the conditions [NOT] EXISTS (query) and x [NOT] IN (query)
// of a WHERE into semi and anti joins, and returns what is left of it.
func (q *Query) whereSubqueries(node plan.Node, sc *scope, where ast.Expr) (plan.Node, ast.Expr, error) {
	var rest []ast.Expr
	for _, cond := range conditions(where) {
		e, anti := cond, false
		if u, ok := e.(*ast.Unary); ok && u.Op == "not" {
			e, anti = u.Operand, true
		}
		var err error
		var joined plan.Node
		switch e := e.(type) {
		case *ast.Exists:
			joined, err = q.existsJoin(node, sc, e.Query, nil, anti)
		case *ast.In:
			if e.Query == nil {
				rest = append(rest, cond)
				continue
			}
			joined, err = q.existsJoin(node, sc, e.Query, e.Operand, anti != e.Not)
		default:
			rest = append(rest, cond)
			continue
		}
		switch {
		case err == nil:
			node = joined
		case asValue(err):
			rest = append(rest, cond)
		default:
			return nil, nil, err
		}
	}
	return node, conjunction(rest), nil
}

// existsJoin joins a node with a subquery: rows stay that have a match in it (no
// match, for anti). operand is x of x IN (..), nil for EXISTS. Conditions of a
// plain subquery may name columns of sc; they become the join's.
func (q *Query) existsJoin(node plan.Node, sc *scope, query *ast.Query, operand ast.Expr, anti bool) (plan.Node, error) {
	kind := plan.JoinSemi
	if anti {
		kind = plan.JoinAnti
	}
	in, err := q.subqueryInput(query)
	if err != nil {
		return nil, err
	}
	both := sc.join(in.scope)
	var on []plan.Expr
	for _, cond := range in.correlated {
		// An unqualified name means the subquery's column where it has one.
		inner := &scope{columns: both.columns, prefer: len(sc.columns)}
		e, err := (&resolver{q: q, scope: inner, clause: "WHERE"}).expr(cond)
		if err != nil {
			return nil, err
		}
		if e, err = q.boolean(e, cond.Position(), "WHERE"); err != nil {
			return nil, err
		}
		on = append(on, e)
	}
	if operand != nil {
		tests, err := q.inTests(sc, operand, query, in)
		if err != nil {
			return nil, err
		}
		if anti {
			return q.notIn(node, in, on, tests)
		}
		on = append(on, tests...)
	}
	leftKeys, rightKeys, residual := splitEqui(allOf(on), len(sc.columns))
	return q.newJoin(kind, node, in.node, leftKeys, rightKeys, residual), nil
}

// subqueryInput is a planned subquery that is tested for rows.
type subqueryInput struct {
	node  plan.Node
	scope *scope
	// columns are the expressions of IN over the scope, nil for its columns.
	columns []ast.Expr
	// correlated are conditions that name columns of the query around it.
	correlated []ast.Expr
}

// subqueryInput plans a subquery. The conditions of a plain SELECT that its own
// FROM cannot answer are left over as correlated, and the scope is then that of
// its FROM; otherwise it is that of its output.
func (q *Query) subqueryInput(query *ast.Query) (*subqueryInput, error) {
	// Names of the query right around it come before those further out.
	in := &subqueryInput{}
	err := q.apart(func() (err error) {
		in.node, in.scope, err = q.query(query)
		return err
	})
	if err == nil || !undefinedName(err) {
		return in, err
	}
	sel, ok := query.Body.(*ast.Select)
	plain := ok && len(query.With) == 0 && query.Limit == nil && query.Offset == nil && len(sel.GroupBy) == 0 &&
		sel.Having == nil && len(sel.From) > 0 && !calls(sel, function.Aggregate|function.Table)
	if !plain {
		return nil, err
	}
	out := &subqueryInput{}
	for _, item := range sel.Items {
		if item.Star {
			out.columns = nil
			break
		}
		out.columns = append(out.columns, item.Expr)
	}
	if out.node, out.scope, _, err = q.from(sel.From, nil); err != nil {
		return nil, err
	}
	for _, cond := range conditions(sel.Where) {
		err := q.apart(func() error {
			filtered, err := q.filter(out.node, out.scope, cond, "WHERE")
			if err == nil {
				out.node = filtered
			}
			return err
		})
		switch {
		case err == nil:
		case undefinedName(err):
			out.correlated = append(out.correlated, cond)
		default:
			return nil, err
		}
	}
	return out, nil
}

func undefinedName(err error) bool {
	return pgerr.Is(err, pgerr.UndefinedColumn) || pgerr.Is(err, pgerr.UndefinedTable)
}

// inTests are operand = the subquery's column, for each field of a row, over both
// inputs.
func (q *Query) inTests(sc *scope, operand ast.Expr, query *ast.Query, in *subqueryInput) ([]plan.Expr, error) {
	fields := []ast.Expr{operand}
	if row, ok := operand.(*ast.RowExpr); ok {
		fields = row.Elems
	}
	columns, err := (&resolver{q: q, scope: in.scope, clause: "SELECT"}).exprs(in.columns)
	if err != nil {
		return nil, err
	}
	if in.columns == nil {
		visible, err := in.scope.star(nil, query.Pos)
		if err != nil {
			return nil, err
		}
		for _, c := range visible {
			columns = append(columns, c)
		}
	}
	if len(columns) != len(fields) {
		few := map[bool]string{true: "few", false: "many"}[len(columns) < len(fields)]
		return nil, pgerr.At(int(query.Pos), pgerr.SyntaxError, "subquery has too %s columns", few)
	}
	r := &resolver{q: q, scope: sc, clause: "IN"}
	tests := make([]plan.Expr, len(fields))
	for i, f := range fields {
		left, err := (&resolver{q: q, scope: sc, clause: "WHERE"}).expr(f)
		if err != nil {
			return nil, err
		}
		at := []ast.Pos{f.Position(), query.Pos}
		if tests[i], err = r.operator("=", f.Position(), []plan.Expr{left, shift(columns[i], len(sc.columns))}, at); err != nil {
			return nil, err
		}
	}
	return tests, nil
}

func onlyColumn(sc *scope, pos ast.Pos, otherwise string) (*plan.Column, error) {
	visible, err := sc.star(nil, pos)
	if err != nil {
		return nil, err
	}
	if len(visible) != 1 {
		return nil, pgerr.At(int(pos), pgerr.SyntaxError, "%s", otherwise)
	}
	return visible[0], nil
}

// calls reports whether a SELECT's list calls a function of the classes.
func calls(sel *ast.Select, classes function.Class) bool {
	var walk func(e ast.Expr) bool
	walk = func(e ast.Expr) bool {
		if f, ok := e.(*ast.FuncCall); ok && f.Over == nil && function.Classify(f.Name.Last())&classes != 0 {
			return true
		}
		for _, c := range children(e) {
			if walk(c) {
				return true
			}
		}
		return false
	}
	for _, item := range sel.Items {
		if item.Expr != nil && walk(item.Expr) {
			return true
		}
	}
	return false
}

// scalars are the subqueries that stand as values in the clauses resolved with
// one resolver.
type scalars struct{ subs []scalar }

// single makes a subquery give exactly one row of one column.
func (q *Query) single(node plan.Node, column *plan.Column, pos ast.Pos) (plan.Node, error) {
	p := newProject(node, []plan.Expr{column}, []string{column.Name}, false)
	if isGlobal(node) {
		return p, nil
	}
	if q.Mode != Once {
		return nil, unsupported(pos, "a subquery used as a value must be an aggregate without GROUP BY in a continuous query")
	}
	s := &plan.SingleRow{Input: p}
	s.Out = batch.NewSchema(batch.Field{Name: column.Name, Type: column.T})
	s.Properties = plan.Properties{HasKey: true}
	return s, nil
}

// isGlobal reports whether a node always has exactly one row.
func isGlobal(node plan.Node) bool {
	switch n := node.(type) {
	case *plan.Project:
		return isGlobal(n.Input)
	case *plan.Aggregate:
		return len(n.Keys) == 0 && n.Window == nil
	}
	return false
}

// attach joins the subqueries to a node; their columns follow the node's.
func (q *Query) attach(node plan.Node, s *scalars) (plan.Node, int, error) {
	base := len(node.Schema().Fields)
	for _, sub := range s.subs {
		var err error
		switch {
		case len(sub.args) == 0:
			node = q.newJoin(plan.JoinInner, node, sub.node, nil, nil, nil)
		case q.perRow(sub.node):
			node = apply(node, sub)
		default:
			node, err = q.dependentValue(node, sub)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return node, base, nil
}

// withScalars replaces references to subqueries by their columns.
func withScalars(e plan.Expr, base int) plan.Expr {
	if e == nil {
		return nil
	}
	return plan.Rewrite(e, func(x plan.Expr) plan.Expr {
		if ref, ok := x.(*groupRef); ok && ref.what == "scalar" {
			return &plan.Column{Index: base + ref.index, Name: ref.name, T: ref.t, Pos: -1}
		}
		return x
	})
}

// where puts WHERE on top of a SELECT's input: its subqueries as joins, then the
// rest.
func (c *core) where(cond ast.Expr) error {
	node, rest, err := c.q.whereSubqueries(c.node, c.scope, cond)
	c.node = node
	if err != nil || rest == nil {
		return err
	}
	subs := &scalars{}
	e, err := (&resolver{q: c.q, scope: c.scope, clause: "WHERE", scalars: subs}).expr(rest)
	if err != nil {
		return err
	}
	if e, err = c.q.boolean(e, rest.Position(), "WHERE"); err != nil {
		return err
	}
	joined, base, err := c.q.attach(node, subs)
	if err != nil {
		return err
	}
	if c.node, e = c.q.topN(joined, withScalars(e, base)); e != nil {
		c.node = newFilter(c.node, e)
	}
	if len(subs.subs) > 0 { // what is above sees the columns of FROM only
		schema := *node.Schema()
		schema.EventTime = joined.Schema().EventTime
		c.node = pickColumns(c.node, &schema)
	}
	return nil
}

// attachScalars joins the subqueries of the select list, HAVING and ORDER BY.
func (c *core) attachScalars() error {
	if len(c.scalars.subs) == 0 {
		return nil
	}
	node, base, err := c.q.attach(c.node, &c.scalars)
	if err != nil {
		return err
	}
	c.node = node
	for i, e := range c.exprs {
		c.exprs[i] = withScalars(e, base)
	}
	for i, k := range c.order {
		c.order[i].Expr = withScalars(k.Expr, base)
	}
	for i, e := range c.distinct {
		c.distinct[i] = withScalars(e, base)
	}
	c.having = withScalars(c.having, base)
	return c.rewriteSets(func(e plan.Expr) (plan.Expr, error) { return withScalars(e, base), nil })
}

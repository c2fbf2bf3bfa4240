package planner

import (
	"fmt"

	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// query plans a query.
func (q *Query) query(query *ast.Query) (plan.Node, *scope, error) {
	q.depth++
	defer func() { q.depth-- }()
	if q.depth > maxDepth {
		return nil, nil, pgerr.At(int(query.Pos), pgerr.StatementTooComplex, "queries are nested too deeply")
	}
	pop, err := q.with(query.With)
	if err != nil {
		return nil, nil, err
	}
	defer pop()
	var node plan.Node
	if sel, ok := query.Body.(*ast.Select); ok {
		node, err = q.selectCore(sel, query.OrderBy)
	} else if node, err = q.body(query.Body); err == nil && len(query.OrderBy) > 0 {
		node, err = q.sortOutput(node, query.OrderBy)
	}
	if err != nil {
		return nil, nil, err
	}
	if node, err = q.limit(node, query); err != nil {
		return nil, nil, err
	}
	return node, scopeOf("", node.Schema()), nil
}

func (q *Query) body(b ast.QueryBody) (plan.Node, error) {
	switch b := b.(type) {
	case *ast.Select:
		return q.selectCore(b, nil)
	case *ast.Query:
		node, _, err := q.query(b)
		return node, err
	case *ast.Values:
		return q.values(b)
	case *ast.SetOp:
		return q.setOp(b)
	}
	return nil, pgerr.Newf(pgerr.Internal, "unknown query body %T", b)
}

// core is one SELECT while it is planned.
type core struct {
	q     *Query
	sel   *ast.Select
	node  plan.Node
	scope *scope
	group *grouping
	over  *overs
	// exprs, names and pos are the output columns.
	exprs []plan.Expr
	names []string
	pos   []ast.Pos
	// having and order are resolved, not yet rewritten over the groups.
	having plan.Expr
	order  []plan.SortKey
	// distinct are the expressions of DISTINCT ON.
	distinct []plan.Expr
	// scalars are the subqueries that stand as values in all of these.
	scalars scalars
	// sets are the set-returning functions in the select list and ORDER BY.
	sets sets
}

func (q *Query) selectCore(sel *ast.Select, order []ast.OrderItem) (plan.Node, error) {
	node, sc, where, err := q.from(sel.From, sel.Where)
	if err != nil {
		return nil, err
	}
	c := &core{q: q, sel: sel, node: node, scope: sc, over: &overs{named: sel.Windows, names: map[string]int{}}}
	if where != nil {
		if err := c.where(where); err != nil {
			return nil, err
		}
	}
	if c.group, err = q.groupBy(sel, sc); err != nil {
		return nil, err
	}
	if err := c.resolve(order); err != nil {
		return nil, err
	}
	c.expandGroups()
	if len(sel.GroupBy) > 0 || len(c.group.aggs) > 0 || sel.Having != nil {
		if err := c.aggregate(); err != nil {
			return nil, err
		}
	} else if err := c.attachScalars(); err != nil {
		return nil, err
	}
	if err := c.overs(); err != nil {
		return nil, err
	}
	if err := c.expand(); err != nil {
		return nil, err
	}
	return c.finish()
}

// filter puts a condition on top of a node.
func (q *Query) filter(node plan.Node, sc *scope, cond ast.Expr, clause string) (plan.Node, error) {
	r := &resolver{q: q, scope: sc, clause: clause}
	e, err := r.expr(cond)
	if err != nil {
		return nil, err
	}
	if e, err = q.boolean(e, cond.Position(), clause); err != nil {
		return nil, err
	}
	if node, e = q.topN(node, e); e == nil {
		return node, nil
	}
	return newFilter(node, e), nil
}

func newFilter(node plan.Node, predicate plan.Expr) plan.Node {
	p := node.Props()
	p.StateNote = ""
	return &plan.Filter{Base: plan.Base{Out: node.Schema(), Properties: p}, Input: node, Predicate: predicate}
}

// resolve resolves the select list, HAVING and ORDER BY over the input.
func (c *core) resolve(order []ast.OrderItem) error {
	r := &resolver{q: c.q, scope: c.scope, group: c.group, over: c.over, clause: "SELECT", scalars: &c.scalars, sets: &c.sets}
	for _, item := range c.sel.Items {
		if item.Star {
			columns, err := c.scope.star(item.Qualifier, item.Pos)
			if err != nil {
				return err
			}
			if len(columns) == 0 && len(c.sel.From) == 0 {
				return pgerr.At(int(item.Pos), pgerr.SyntaxError, "SELECT * with no tables specified is not valid")
			}
			for _, col := range columns {
				c.add(col, col.Name, item.Pos)
			}
			continue
		}
		e, err := r.expr(item.Expr)
		if err != nil {
			return err
		}
		name := item.Alias
		if name == "" {
			name = outputName(item.Expr)
		}
		c.add(c.q.settle(e), name, item.Expr.Position())
	}
	if c.sel.Having != nil {
		inner := *r
		inner.over, inner.sets, inner.clause = nil, nil, "HAVING"
		e, err := inner.expr(c.sel.Having)
		if err != nil {
			return err
		}
		if c.having, err = c.q.boolean(e, c.sel.Having.Position(), "HAVING"); err != nil {
			return err
		}
	}
	for _, item := range order {
		e, err := c.orderExpr(r, item)
		if err != nil {
			return err
		}
		c.order = append(c.order, plan.SortKey{Expr: e, Desc: item.Desc, NullsFirst: item.NullsFirst})
	}
	for _, on := range c.sel.DistinctOn {
		e, err := c.orderExpr(r, ast.OrderItem{Expr: on})
		if err != nil {
			return err
		}
		c.distinct = append(c.distinct, e)
	}
	return nil
}

func (c *core) add(e plan.Expr, name string, pos ast.Pos) {
	c.exprs, c.names, c.pos = append(c.exprs, e), append(c.names, name), append(c.pos, pos)
}

// orderExpr follows PostgreSQL: an output name or number first, then any
// expression over the input.
func (c *core) orderExpr(r *resolver, item ast.OrderItem) (plan.Expr, error) {
	if l, ok := item.Expr.(*ast.Literal); ok && l.Kind == ast.IntLiteral {
		for i := range c.exprs {
			if fmt.Sprint(i+1) == l.Text {
				return c.exprs[i], nil
			}
		}
		return nil, pgerr.At(int(l.Pos), pgerr.InvalidColumnReference, "ORDER BY position %s is not in select list", l.Text)
	}
	if col, ok := item.Expr.(*ast.Column); ok && len(col.Name.Parts) == 1 {
		for i, name := range c.names {
			if name == col.Name.Last() {
				return c.exprs[i], nil
			}
		}
	}
	e, err := r.expr(item.Expr)
	if err != nil {
		return nil, err
	}
	return c.q.settle(e), nil
}

// outputName is PostgreSQL's name for an unnamed column (FigureColname).
func outputName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Column:
		return e.Name.Last()
	case *ast.FuncCall:
		return e.Name.Last()
	case *ast.FieldAccess:
		return e.Field
	case *ast.Subscript:
		return outputName(e.Operand)
	case *ast.Cast:
		if name := outputName(e.Operand); name != "?column?" {
			return name
		}
		return castName(e.Type.Type)
	case *ast.Case:
		if e.Else != nil {
			if name := outputName(e.Else); name != "?column?" {
				return name
			}
		}
		return "case"
	case *ast.ArrayExpr:
		return "array"
	case *ast.RowExpr:
		return "row"
	case *ast.Exists:
		return "exists"
	case *ast.ArraySubquery:
		return "array"
	case *ast.ScalarSubquery:
		if sel, ok := e.Query.Body.(*ast.Select); ok && len(sel.Items) == 1 && !sel.Items[0].Star {
			if item := sel.Items[0]; item.Alias == "" {
				return outputName(item.Expr)
			}
			return sel.Items[0].Alias
		}
	case *ast.IntervalLiteral:
		return "interval"
	}
	return "?column?"
}

func castName(t types.Type) string {
	short := map[types.Kind]string{
		types.Bool: "bool", types.Int16: "int2", types.Int32: "int4", types.Int64: "int8",
		types.Float32: "float4", types.Float64: "float8", types.Timestamp: "timestamp",
		types.TimestampTZ: "timestamptz", types.Time: "time",
	}
	if s, ok := short[t.Kind]; ok {
		return s
	}
	return t.String()
}

// aggregate puts the aggregate and HAVING on top of the input and rewrites what
// is above them.
func (c *core) aggregate() error {
	g := c.group
	var err error
	if c.node, err = c.q.groups(c.node, g, c.q.depth == 1); err != nil {
		return err
	}
	if c.having != nil {
		if c.having, err = g.rewrite(c.having); err != nil {
			return err
		}
	}
	for i, e := range c.exprs {
		if c.exprs[i], err = g.rewrite(e); err != nil {
			return placed(err, c.pos[i])
		}
	}
	for i, k := range c.order {
		if c.order[i].Expr, err = g.rewrite(k.Expr); err != nil {
			return err
		}
	}
	for i, e := range c.distinct {
		if c.distinct[i], err = g.rewrite(e); err != nil {
			return err
		}
	}
	if err := c.rewriteScalars(); err != nil {
		return err
	}
	if err := c.attachScalars(); err != nil {
		return err
	}
	if c.having != nil {
		c.node = newFilter(c.node, c.having)
	}
	if err := c.rewriteSets(g.rewrite); err != nil {
		return err
	}
	return c.over.rewrite(g.rewrite)
}

// finish adds the projection, DISTINCT and the order.
func (c *core) finish() (plan.Node, error) {
	if len(c.distinct) > 0 {
		if err := c.distinctOn(c.distinct); err != nil {
			return nil, err
		}
		if c.q.Mode != Once {
			c.order = nil // it chose the rows; a continuous result has no order
		}
	}
	extra := c.sortColumns()
	project := newProject(c.node, c.exprs, c.names, extra == 0 && !c.sel.Distinct)
	var node plan.Node = project
	if c.sel.Distinct {
		if extra > 0 {
			return nil, pgerr.Newf(pgerr.InvalidColumnReference, "for SELECT DISTINCT, ORDER BY expressions must appear in select list")
		}
		node = c.q.distinct(node)
	}
	if len(c.order) == 0 {
		return node, nil
	}
	node = &plan.Sort{Base: plan.Base{Out: node.Schema(), Properties: node.Props()}, Input: node, Keys: c.order}
	if extra > 0 {
		keep := len(c.exprs) - extra
		node = pick(node, keep)
	}
	return node, nil
}

// sortColumns turns the order keys into references to output columns, appending
// those that are not in the select list, and returns how many it appended.
func (c *core) sortColumns() (extra int) {
	for i, k := range c.order {
		at := -1
		for j, e := range c.exprs {
			if fingerprint(e) == fingerprint(k.Expr) {
				at = j
				break
			}
		}
		if at < 0 {
			at = len(c.exprs)
			c.add(k.Expr, k.Expr.String(), -1)
			extra++
		}
		c.order[i].Expr = &plan.Column{Index: at, Name: c.names[at], T: c.exprs[at].Type(), Pos: -1}
	}
	return extra
}

// pickColumns keeps the first columns of a node, which are a schema's.
func pickColumns(node plan.Node, schema *batch.Schema) plan.Node {
	exprs, _ := outputColumns(schema, len(schema.Fields))
	p := node.Props()
	p.StateNote, p.Unbounded = "", false
	p.Key, p.HasKey = mapKey(p, exprs)
	return &plan.Project{Base: plan.Base{Out: schema, Properties: p}, Input: node, Exprs: exprs}
}

// pick keeps the first n columns.
func pick(node plan.Node, n int) plan.Node {
	out := batch.NewSchema(node.Schema().Fields[:n]...)
	exprs, _ := outputColumns(out, n)
	p := node.Props()
	p.Key, p.HasKey = nil, false
	return &plan.Project{Base: plan.Base{Out: out, Properties: p}, Input: node, Exprs: exprs}
}

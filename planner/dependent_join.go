package planner

import (
	"slices"

	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// attached is a dependent joined with the query around it: expressions over node, whose
// first columns are those of the query around it.
type attached struct {
	node plan.Node
	out  []plan.Expr
	// when is what has to be true for the row to be one, nil for nothing.
	when plan.Expr
}

// attachDependent joins a dependent with a node, whose expressions args the dependent's
// Outers are. on is a condition over the node's columns, then the dependent's. A left
// join keeps the rows of the node; so does one with exactly one row a row.
func (q *Query) attachDependent(left plan.Node, d *dependent, args []plan.Expr, on plan.Expr, keep bool) (*attached, error) {
	w := len(left.Schema().Fields)
	settle := func(e plan.Expr) plan.Expr {
		return plan.Rewrite(shift(e, w), func(x plan.Expr) plan.Expr {
			if o, ok := x.(*plan.Outer); ok {
				return args[o.Index]
			}
			return x
		})
	}
	a := &attached{}
	for _, e := range d.out {
		a.out = append(a.out, settle(e))
	}
	conds := slices.Concat(d.rest, d.after)
	for i, c := range conds {
		conds[i] = settle(c)
	}
	if on != nil {
		columns, _ := outputColumns(left.Schema(), w)
		conds = append(conds, conjuncts(over(on, append(columns, a.out...)))...)
	}
	if isUnit(d.node) && len(d.keys) == 0 { // its columns are computed of the row itself
		a.node, a.when = left, allOf(conds)
		return a, nil
	}
	c := &equiJoin{kind: plan.JoinInner}
	for _, k := range d.keys {
		c.leftKeys, c.rightKeys = append(c.leftKeys, settleOuter(k.outer, args)), append(c.rightKeys, k.inner)
	}
	right := d.node
	switch {
	case d.exact:
		c.kind, a.when = plan.JoinLeft, allOf(conds)
	default:
		more, moreRight, residual := splitEqui(allOf(conds), w)
		c.leftKeys, c.rightKeys, c.residual = append(c.leftKeys, more...), append(c.rightKeys, moreRight...), residual
		if keep {
			c.kind = plan.JoinLeft
		}
		if keep && !onlyColumns(d.out) {
			right = flagged(right)
			a.when = &plan.Column{Index: w + len(d.node.Schema().Fields), Name: "found", T: types.Of(types.Bool), Pos: -1}
		}
	}
	var err error
	a.node, err = q.continuousJoin(&ast.Join{Pos: -1, Kind: ast.InnerJoin}, &joinInputs{left: left, right: right}, c)
	return a, err
}

// settleOuter puts the arguments in place of the columns of the query around.
func settleOuter(e plan.Expr, args []plan.Expr) plan.Expr {
	return plan.Rewrite(e, func(x plan.Expr) plan.Expr {
		if o, ok := x.(*plan.Outer); ok {
			return args[o.Index]
		}
		return x
	})
}

// isUnit reports whether a node is the one row without columns of a missing FROM.
func isUnit(n plan.Node) bool {
	v, ok := n.(*plan.Values)
	return ok && len(v.Rows) == 1 && len(v.Out.Fields) == 0
}

// flagged adds a column that is true, to tell a row from the NULLs of a left join.
func flagged(n plan.Node) plan.Node {
	columns, names := outputColumns(n.Schema(), len(n.Schema().Fields))
	p := newProject(n, append(columns, boolConst(true)), append(names, "found"), false)
	p.Out.EventTime = n.Schema().EventTime
	return p
}

// only gives NULL where the row is none.
func (a *attached) only(e plan.Expr) plan.Expr {
	if a.when == nil {
		return e
	}
	return &plan.Case{Whens: []plan.When{{Cond: a.when, Result: e}}, Else: &plan.Const{T: e.Type()}, T: e.Type()}
}

// columns is the query around it with further columns.
func (a *attached) columns(left plan.Node, more []plan.Expr, fields []batch.Field) plan.Node {
	w := len(left.Schema().Fields)
	exprs, _ := outputColumns(a.node.Schema(), w)
	out := *left.Schema()
	if out.Fields = append(slices.Clone(out.Fields), fields...); a.node != left {
		out.EventTime = -1
		if at := a.node.Schema().EventTime; at < w {
			out.EventTime = at
		}
	}
	exprs = append(exprs, more...)
	p := a.node.Props()
	p.StateNote, p.Unbounded = "", false
	p.Key, p.HasKey = mapKey(p, exprs)
	return &plan.Project{Base: plan.Base{Out: &out, Properties: p}, Input: a.node, Exprs: exprs}
}

// dependentValue joins a correlated subquery that stands as a value; its column follows
// the node's.
func (q *Query) dependentValue(node plan.Node, s scalar) (plan.Node, error) {
	d, ok := q.dependent(s.node)
	if !ok {
		return nil, cannotDecorrelate(s.pos)
	}
	if !d.exact && !isUnit(d.node) && !d.atMostOne() {
		return nil, unsupported(s.pos, "a subquery used as a value may have several rows, which a continuous query cannot see").
			WithHint("Select an aggregate without GROUP BY, ORDER BY .. LIMIT 1, or compare the whole primary key of a table.")
	}
	a, err := q.attachDependent(node, d, s.args, nil, true)
	if err != nil {
		return nil, err
	}
	field := s.node.Schema().Fields[0]
	return a.columns(node, []plan.Expr{a.only(a.out[0])}, []batch.Field{{Name: field.Name, Type: field.Type}}), nil
}

// atMostOne reports whether no two rows have equal keys.
func (d *dependent) atMostOne() bool {
	p := d.node.Props()
	inner := make([]plan.Expr, len(d.keys))
	for i, k := range d.keys {
		inner[i] = k.inner
	}
	return p.HasKey && within(p.Key, inner)
}

func cannotDecorrelate(pos ast.Pos) *pgerr.Error {
	return unsupported(pos, "this subquery names columns of the query around it in a way that cannot be kept current in a continuous query").
		WithHint("Compare them by = in its WHERE, with no LIMIT, aggregate or outer join between, or write a join.")
}

// lateralQuery joins each row with those of a subquery that can name its columns.
func (q *Query) lateralQuery(j *ast.Join, s *ast.Subquery, left plan.Node, leftScope *scope) (plan.Node, *scope, error) {
	sub, args, err := q.queryAround(s.Query, leftScope)
	if err != nil {
		return nil, nil, err
	}
	if len(args) > 0 {
		sub = visibleOnly(sub)
	}
	sc, err := aliased(sub.Schema(), s.Alias, s.Columns, s.Pos)
	if err != nil {
		return nil, nil, err
	}
	both := leftScope.join(sc)
	if len(args) == 0 {
		return q.joinInputs(j, &joinInputs{left, sub, leftScope, sc, both})
	}
	if err := distinctAliases(leftScope, sc, j.Pos); err != nil {
		return nil, nil, err
	}
	on, err := q.joinCondition(j, leftScope, sc, both)
	if err != nil {
		return nil, nil, err
	}
	if c, ok := on.(*plan.Const); ok && c.Value == true {
		on = nil
	}
	keep := j.Kind == ast.LeftJoin
	if q.perRow(sub) {
		return q.applyRows(left, sub, args, on, keep), both, nil
	}
	d, ok := q.dependent(sub)
	if !ok {
		return nil, nil, cannotDecorrelate(s.Pos)
	}
	a, err := q.attachDependent(left, d, args, on, keep)
	if err != nil {
		return nil, nil, err
	}
	out, fields := a.out, slices.Clone(sub.Schema().Fields)
	for i := range fields {
		if keep {
			out[i], fields[i].NotNull = a.only(out[i]), false
		}
		if d.exact {
			fields[i].NotNull = false
		}
	}
	if !keep && a.when != nil {
		a.node = newFilter(a.node, a.when)
	}
	return a.columns(left, out, fields), both, nil
}

// queryAround plans a query that can name the columns of a scope, and returns which it does.
// What reads nothing but the row around it is planned to run for each.
func (q *Query) queryAround(query *ast.Query, sc *scope) (plan.Node, []plan.Expr, error) {
	run := func() (plan.Node, []plan.Expr, error) {
		around := &enclosing{scope: sc, outer: q.around}
		q.around = around
		defer func() { q.around = around.outer }()
		node, _, err := q.query(query)
		return node, around.args, err
	}
	node, args, err := run()
	if err != nil || q.Mode == Once || len(args) == 0 || scans(node) || rowOnly(node) {
		return node, args, err
	}
	mode := q.Mode
	q.Mode = Once
	defer func() { q.Mode = mode }()
	return run()
}

// rowOnly reports whether a subquery computes columns of the row around it and no more.
func rowOnly(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Project:
		return rowOnly(n.Input)
	case *plan.Filter:
		return rowOnly(n.Input)
	}
	return isUnit(n)
}

// perRow reports whether a correlated subquery runs for each row: in a SELECT, and where
// it reads nothing but that row, unless its columns can be computed of the row.
func (q *Query) perRow(sub plan.Node) bool {
	if q.Mode != Once && scans(sub) {
		return false
	}
	d, ok := q.dependent(sub)
	return !ok || !isUnit(d.node)
}

// applyRows runs a subquery for each row.
func (q *Query) applyRows(left, sub plan.Node, args []plan.Expr, on plan.Expr, keep bool) plan.Node {
	n := &plan.Apply{Input: left, Sub: sub, Args: args, Rows: true, Left: keep, On: on}
	n.Out = &batch.Schema{EventTime: applyTime(left, sub), Fields: slices.Clone(left.Schema().Fields)}
	for _, f := range sub.Schema().Fields {
		f.NotNull = f.NotNull && !keep
		n.Out.Fields = append(n.Out.Fields, f)
	}
	n.Properties.Changelog = left.Props().Changelog
	return n
}

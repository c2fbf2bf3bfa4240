package planner

import (
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// commaJoin plans FROM a, b, .. with WHERE: the conditions that need no later
// item join or filter the earlier ones, so that FROM a, b WHERE a.x = b.x is the
// same plan as FROM a JOIN b ON a.x = b.x. rest is what is left of WHERE, nil for
// nothing.
func (q *Query) commaJoin(list []ast.TableExpr, where ast.Expr) (node plan.Node, sc *scope, rest ast.Expr, err error) {
	if node, sc, err = q.tableExpr(list[0]); err != nil {
		return nil, nil, nil, err
	}
	rest = where
	for _, t := range list[1:] {
		if q.isLateral(t) {
			node, rest = q.filterEarly(node, sc, rest)
			if node, sc, err = q.lateralJoin(&ast.Join{Pos: t.Position(), Kind: ast.CrossJoin, Right: t}, node, sc); err != nil {
				return nil, nil, nil, err
			}
			continue
		}
		right, rightScope, err := q.tableExpr(t)
		if err != nil {
			return nil, nil, nil, err
		}
		if err := distinctAliases(sc, rightScope, t.Position()); err != nil {
			return nil, nil, nil, err
		}
		in := &joinInputs{node, right, sc, rightScope, sc.join(rightScope)}
		if node, rest, err = q.commaItem(in, t.Position(), rest); err != nil {
			return nil, nil, nil, err
		}
		sc = in.both
	}
	return node, sc, rest, q.checkNames(where, sc)
}

// commaItem joins an item with those before it.
func (q *Query) commaItem(in *joinInputs, pos ast.Pos, where ast.Expr) (plan.Node, ast.Expr, error) {
	start := len(in.leftScope.columns)
	conds, rest := q.splitWhere(where, in.both, []int{0, start, len(in.both.columns)})
	for _, e := range conds[0].alone {
		in.left = newFilter(in.left, e)
	}
	for _, e := range conds[1].alone {
		in.right = newFilter(in.right, shift(e, -start))
	}
	leftKeys, rightKeys, residual := splitEqui(allOf(conds[1].both), start)
	c := &equiJoin{plan.JoinInner, leftKeys, rightKeys, residual}
	if q.Mode == Once {
		return q.newJoin(c.kind, in.left, in.right, leftKeys, rightKeys, residual), rest, nil
	}
	node, err := q.continuousJoin(&ast.Join{Pos: pos, Kind: ast.InnerJoin}, in, c)
	return node, rest, err
}

// filterEarly filters by the conditions of WHERE that need no later item.
func (q *Query) filterEarly(node plan.Node, sc *scope, where ast.Expr) (plan.Node, ast.Expr) {
	conds, rest := q.splitWhere(where, sc, []int{0, len(sc.columns)})
	for _, e := range conds[0].alone {
		node = newFilter(node, e)
	}
	return node, rest
}

// checkNames reports names of WHERE that later items of FROM made ambiguous.
func (q *Query) checkNames(where ast.Expr, sc *scope) error {
	for _, part := range conditions(where) {
		if !plainCondition(part) {
			continue // it is still to be resolved
		}
		if _, err := (&resolver{q: q, scope: sc, clause: "WHERE"}).expr(part); pgerr.Is(err, pgerr.AmbiguousColumn) {
			return err
		}
	}
	return nil
}

// itemConds are the conditions of WHERE that belong to one item of FROM: those
// over it alone, and those over it and earlier ones.
type itemConds struct{ alone, both []plan.Expr }

// splitWhere gives each item of FROM its conditions. starts are the items' first
// columns in the scope.
func (q *Query) splitWhere(where ast.Expr, sc *scope, starts []int) (conds []itemConds, rest ast.Expr) {
	conds = make([]itemConds, len(starts)-1)
	keep := func(e ast.Expr) {
		if rest == nil {
			rest = e
			return
		}
		rest = &ast.Binary{At: ast.At{Pos: e.Position()}, Op: "and", OpPos: e.Position(), Left: rest, Right: e}
	}
	r := &resolver{q: q, scope: sc, clause: "WHERE"}
	for _, part := range conditions(where) {
		if !plainCondition(part) {
			keep(part)
			continue
		}
		e, err := r.expr(part)
		if err == nil {
			e, err = q.boolean(e, part.Position(), "WHERE")
		}
		low, high := columnRange(e)
		if err != nil || high < 0 {
			keep(part) // the filter reports what is wrong with it
			continue
		}
		item := 0
		for starts[item+1] <= high {
			item++
		}
		if low >= starts[item] {
			conds[item].alone = append(conds[item].alone, e)
		} else {
			conds[item].both = append(conds[item].both, e)
		}
	}
	return conds, rest
}

// plainCondition reports whether an expression is made of columns, constants,
// operators and comparisons alone.
func plainCondition(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Column, *ast.Literal, *ast.IntervalLiteral, *ast.Param:
		return true
	case *ast.Binary:
		return plainCondition(e.Left) && plainCondition(e.Right)
	case *ast.Unary:
		return plainCondition(e.Operand)
	case *ast.Between:
		return plainCondition(e.Operand) && plainCondition(e.Low) && plainCondition(e.High)
	case *ast.Cast:
		return plainCondition(e.Operand)
	case *ast.IsTest:
		return plainCondition(e.Operand)
	}
	return false
}

// columnRange returns the lowest and the highest column of an expression, -1 for
// none.
func columnRange(e plan.Expr) (low, high int) {
	if e == nil {
		return -1, -1
	}
	if c, ok := e.(*plan.Column); ok {
		return c.Index, c.Index
	}
	low, high = -1, -1
	for _, child := range plan.Children(e) {
		l, h := columnRange(child)
		if l >= 0 && (low < 0 || l < low) {
			low = l
		}
		high = max(high, h)
	}
	return low, high
}

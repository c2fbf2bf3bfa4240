package planner

import (
	"laminardb/planner/plan"
	"laminardb/sql/ast"
)

// commaJoin plans FROM a, b, .. with WHERE: the conditions that need no later
// item join or filter the earlier ones, so that FROM a, b WHERE a.x = b.x is the
// same plan as FROM a JOIN b ON a.x = b.x. rest is what is left of WHERE, nil for
// nothing.
func (q *Query) commaJoin(list []ast.TableExpr, where ast.Expr) (node plan.Node, sc *scope, rest ast.Expr, err error) {
	nodes, scopes, starts := make([]plan.Node, len(list)), make([]*scope, len(list)), make([]int, len(list)+1)
	for i, t := range list {
		if nodes[i], scopes[i], err = q.tableExpr(t); err != nil {
			return nil, nil, nil, err
		}
		if i == 0 {
			sc = scopes[0]
		} else {
			if err := distinctAliases(sc, scopes[i], t.Position()); err != nil {
				return nil, nil, nil, err
			}
			sc = sc.join(scopes[i])
		}
		starts[i+1] = len(sc.columns)
	}
	joins, rest := q.splitWhere(where, sc, starts)
	for i := range list {
		for _, e := range joins[i].alone {
			nodes[i] = newFilter(nodes[i], shift(e, -starts[i]))
		}
	}
	node, sc = nodes[0], scopes[0]
	for i, t := range list[1:] {
		right := i + 1
		in := &joinInputs{node, nodes[right], sc, scopes[right], sc.join(scopes[right])}
		var on plan.Expr
		if conds := joins[right].both; len(conds) == 1 {
			on = conds[0]
		} else if len(conds) > 1 {
			on = logic(false, conds...)
		}
		leftKeys, rightKeys, residual := splitEqui(on, starts[right])
		c := &equiJoin{plan.JoinInner, leftKeys, rightKeys, residual}
		if q.Mode == Once {
			node = q.newJoin(c.kind, in.left, in.right, leftKeys, rightKeys, residual)
		} else if node, err = q.continuousJoin(&ast.Join{Pos: t.Position(), Kind: ast.InnerJoin}, in, c); err != nil {
			return nil, nil, nil, err
		}
		sc = in.both
	}
	return node, sc, rest, nil
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
	for _, part := range astConjuncts(where) {
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

func astConjuncts(e ast.Expr) []ast.Expr {
	if b, ok := e.(*ast.Binary); ok && b.Op == "and" {
		return append(astConjuncts(b.Left), astConjuncts(b.Right)...)
	}
	if e == nil {
		return nil
	}
	return []ast.Expr{e}
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

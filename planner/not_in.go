package planner

import (
	"laminardb/planner/plan"
	"laminardb/sql/types"
)

// notIn plans x NOT IN (subquery), given the tests of NOT EXISTS (.. x = column)
// over both inputs. A null on either side makes it unknown, so that the row goes:
// it stays only if every test is false.
func (q *Query) notIn(node plan.Node, in *subqueryInput, correlated, tests []plan.Expr) (plan.Node, error) {
	n := len(node.Schema().Fields)
	both := newJoin(plan.JoinInner, node, in.node, nil, nil, nil).Schema()
	var nulls []plan.Expr // what makes a test unknown
	for _, t := range tests {
		for _, side := range plan.Children(t) {
			if !notNull(withoutCast(side), both) {
				nulls = append(nulls, &plan.IsNull{Arg: side})
			}
		}
	}
	switch {
	case len(nulls) == 0:
		return q.antiJoin(node, in.node, n, append(correlated, tests...)), nil
	case q.Mode != Once:
		return nil, errNullable
	case len(correlated) > 0 || len(tests) > 1:
		var all plan.Expr = tests[0]
		if len(tests) > 1 {
			all = logic(false, tests...)
		}
		possible := &plan.Coalesce{Args: []plan.Expr{all, boolConst(true)}, T: types.Of(types.Bool)}
		return q.antiJoin(node, in.node, n, append(correlated, possible)), nil
	}
	node = q.antiJoin(node, in.node, n, tests)
	// No test is true now. Whether one is unknown depends on x and on whether the
	// column has a null: at most two rows to look at.
	column := shift(plan.Children(tests[0])[1], -n)
	isNull := &plan.IsNull{Arg: column}
	seen := q.distinct(newProject(in.node, []plan.Expr{isNull}, []string{"is_null"}, false))
	unknown := logic(true, &plan.IsNull{Arg: plan.Children(tests[0])[0]},
		&plan.Column{Index: n, Name: "is_null", T: types.Of(types.Bool), Pos: -1})
	return q.antiJoin(node, seen, n, []plan.Expr{unknown}), nil
}

// antiJoin keeps the rows without a match, n being the columns of the left input.
func (q *Query) antiJoin(left, right plan.Node, n int, on []plan.Expr) plan.Node {
	leftKeys, rightKeys, residual := splitEqui(allOf(on), n)
	return q.newJoin(plan.JoinAnti, left, right, leftKeys, rightKeys, residual)
}

// allOf is the conjunction of conditions, nil for none.
func allOf(list []plan.Expr) plan.Expr {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return logic(false, list...)
}

// withoutCast looks through casts, which keep nulls and make none.
func withoutCast(e plan.Expr) plan.Expr {
	for {
		c, ok := e.(*plan.Cast)
		if !ok || c.Try {
			return e
		}
		e = c.Arg
	}
}

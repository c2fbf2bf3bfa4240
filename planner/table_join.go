package planner

import (
	"laminardb/planner/plan"
	"laminardb/sql/ast"
)

// lookupJoin plans the join of a stream with a table. It returns nil for any
// other join.
func (q *Query) lookupJoin(*ast.Join, *joinInputs, *equiJoin) (plan.Node, error) {
	return nil, nil
}

// changelogJoin plans a join that keeps both inputs.
func (q *Query) changelogJoin(j *ast.Join, _ *joinInputs, _ *equiJoin) (plan.Node, error) {
	return nil, unsupported(j.Pos, "joins are not supported in a continuous query yet")
}

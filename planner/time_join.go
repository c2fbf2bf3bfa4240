package planner

import (
	"laminardb/planner/plan"
	"laminardb/sql/ast"
)

// asofJoin plans ASOF [INNER] JOIN.
func (q *Query) asofJoin(j *ast.Join, _ *joinInputs) (plan.Node, error) {
	return nil, unsupported(j.Pos, "ASOF JOIN is not supported yet")
}

// intervalJoin plans a join of two append-only inputs whose condition bounds the
// time between them. It returns nil for any other join.
func (q *Query) intervalJoin(*ast.Join, *joinInputs, *equiJoin) (plan.Node, error) {
	return nil, nil
}

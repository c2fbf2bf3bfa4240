package planner

import (
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// rowComparison spells (a, b) op (c, d) as comparisons of the fields, nil if the
// operands are not both rows.
func rowComparison(e *ast.Binary) (ast.Expr, error) {
	left, isLeft := e.Left.(*ast.RowExpr)
	right, isRight := e.Right.(*ast.RowExpr)
	if !isLeft || !isRight || operatorWord[e.Op] == "" {
		return nil, nil
	}
	n := len(left.Elems)
	if n != len(right.Elems) {
		return nil, pgerr.At(int(e.OpPos), pgerr.SyntaxError, "unequal number of entries in row expressions")
	}
	if n == 0 {
		return nil, unsupported(e.OpPos, "a row value without fields is not supported")
	}
	compare := func(op string, i int) ast.Expr {
		return &ast.Binary{At: e.At, Op: op, OpPos: e.OpPos, Left: left.Elems[i], Right: right.Elems[i]}
	}
	connect := func(op string, a, b ast.Expr) ast.Expr {
		return &ast.Binary{At: e.At, Op: op, OpPos: e.OpPos, Left: a, Right: b}
	}
	if e.Op == "=" || e.Op == "<>" {
		all := compare(e.Op, 0)
		for i := 1; i < n; i++ {
			all = connect(map[string]string{"=": "and", "<>": "or"}[e.Op], all, compare(e.Op, i))
		}
		return all, nil
	}
	// From the last field on: a < c OR a = c AND what follows.
	out := compare(e.Op, n-1)
	for i := n - 2; i >= 0; i-- {
		out = connect("or", compare(e.Op[:1], i), connect("and", compare("=", i), out))
	}
	return out, nil
}

// rowIn spells (a, b) IN ((c, d), ..) as equalities.
func rowIn(e *ast.In) ast.Expr {
	var out ast.Expr
	for _, item := range e.List {
		var test ast.Expr = &ast.Binary{At: e.At, Op: "=", OpPos: item.Position(), Left: e.Operand, Right: item}
		if out != nil {
			test = &ast.Binary{At: e.At, Op: "or", OpPos: e.Pos, Left: out, Right: test}
		}
		out = test
	}
	if e.Not {
		out = &ast.Unary{At: e.At, Op: "not", Operand: out}
	}
	return out
}

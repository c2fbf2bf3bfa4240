package planner

import "laminardb/sql/ast"

// children returns the operands of an expression, nil ones left out. It does not
// look into subqueries.
func children(e ast.Expr) []ast.Expr {
	var out []ast.Expr
	add := func(list ...ast.Expr) {
		for _, x := range list {
			if x != nil {
				out = append(out, x)
			}
		}
	}
	switch e := e.(type) {
	case *ast.Unary:
		add(e.Operand)
	case *ast.Binary:
		add(e.Left, e.Right, e.Escape)
	case *ast.IsTest:
		add(e.Operand)
	case *ast.Between:
		add(e.Operand, e.Low, e.High)
	case *ast.In:
		add(e.Operand)
		add(e.List...)
	case *ast.Quantified:
		add(e.Left, e.Right)
	case *ast.Case:
		add(e.Operand, e.Else)
		for _, w := range e.Whens {
			add(w.Cond, w.Result)
		}
	case *ast.Cast:
		add(e.Operand)
	case *ast.FuncCall:
		add(e.Args...)
		add(e.Filter)
		for _, o := range append(e.OrderBy[:len(e.OrderBy):len(e.OrderBy)], e.WithinGroup...) {
			add(o.Expr)
		}
	case *ast.ArrayExpr:
		add(e.Elems...)
	case *ast.RowExpr:
		add(e.Elems...)
	case *ast.Subscript:
		add(e.Operand, e.Index, e.From, e.To)
	case *ast.FieldAccess:
		add(e.Operand)
	}
	return out
}

// conditions splits an expression at its top-level ANDs.
func conditions(e ast.Expr) []ast.Expr {
	if b, ok := e.(*ast.Binary); ok && b.Op == "and" {
		return append(conditions(b.Left), conditions(b.Right)...)
	}
	if e == nil {
		return nil
	}
	return []ast.Expr{e}
}

// conjunction is the inverse of conditions; nil for none.
func conjunction(list []ast.Expr) ast.Expr {
	var out ast.Expr
	for _, e := range list {
		if out == nil {
			out = e
			continue
		}
		out = &ast.Binary{At: ast.At{Pos: out.Position()}, Op: "and", OpPos: e.Position(), Left: out, Right: e}
	}
	return out
}

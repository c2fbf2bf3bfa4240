package planner

import (
	"strings"

	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

func (r *resolver) call(e *ast.FuncCall) (plan.Expr, error) {
	name := e.Name.Last()
	class := function.Classify(name)
	switch {
	case e.Over != nil:
		return r.overCall(e, name)
	case name == "grouping":
		return r.groupingCall(e)
	case class&function.TimeWindow != 0:
		return r.timeWindow(e, name)
	case class&function.Aggregate != 0:
		return r.aggregate(e, name)
	case class&function.Window != 0:
		return nil, pgerr.At(int(e.Pos), pgerr.WrongObjectType, "window function %s requires an OVER clause", name)
	case class == function.Table:
		return r.setValue(e, name)
	}
	if err := plainCall(e, name); err != nil {
		return nil, err
	}
	if l, ok := lookups[name]; ok {
		if v, ok := r.setting(e, name); ok {
			return v, nil
		}
		return r.lookup(e, l)
	}
	inner := r
	if name == "coalesce" {
		inner = r.withoutSets("COALESCE")
	}
	args, err := inner.exprs(e.Args)
	if err != nil {
		return nil, err
	}
	pos := positions(e.Args)
	switch name {
	case "coalesce":
		args, t, err := r.q.unify(args, pos, "COALESCE")
		if err != nil {
			return nil, err
		}
		return &plan.Coalesce{Args: args, T: t}, nil
	case "nullif":
		return r.nullif(e, args, pos)
	}
	if v, ok := r.q.Session[name]; ok && len(args) == 0 {
		return textConst(v), nil
	}
	sig, err := function.Resolve(name, typesOf(args))
	if err != nil {
		return nil, placed(err, e.Pos)
	}
	return r.apply(sig, name, e.Pos, args, pos)
}

// setting is current_setting of a constant that the session knows; ok is false for
// another call.
func (r *resolver) setting(e *ast.FuncCall, name string) (v plan.Expr, ok bool) {
	if name != "current_setting" || len(e.Args) == 0 {
		return nil, false
	}
	arg, ok := e.Args[0].(*ast.Literal)
	if !ok {
		return nil, false
	}
	value, ok := r.q.Session["setting "+strings.ToLower(arg.Text)]
	return textConst(value), ok
}

// plainCall refuses what only aggregates can have.
func plainCall(e *ast.FuncCall, name string) error {
	what := ""
	switch {
	case e.Star:
		what = "*"
	case e.Distinct:
		what = "DISTINCT"
	case len(e.OrderBy) > 0:
		what = "ORDER BY"
	case len(e.WithinGroup) > 0:
		what = "WITHIN GROUP"
	case e.Filter != nil:
		what = "FILTER"
	case e.IgnoreNulls:
		what = "IGNORE NULLS"
	default:
		return nil
	}
	return pgerr.At(int(e.Pos), pgerr.WrongObjectType, "%s specified, but %s is not an aggregate function", what, name)
}

func positions(list []ast.Expr) []ast.Pos {
	out := make([]ast.Pos, len(list))
	for i, e := range list {
		out[i] = e.Position()
	}
	return out
}

// nullif is CASE WHEN a = b THEN NULL ELSE a END.
func (r *resolver) nullif(e *ast.FuncCall, args []plan.Expr, pos []ast.Pos) (plan.Expr, error) {
	if len(args) != 2 {
		return nil, pgerr.At(int(e.Pos), pgerr.UndefinedFunction, "NULLIF takes two arguments")
	}
	equal, err := r.operator("=", e.Pos, args, pos)
	if err != nil {
		return nil, err
	}
	first := r.q.settle(args[0])
	return &plan.Case{
		Whens: []plan.When{{Cond: equal, Result: &plan.Const{T: first.Type()}}},
		Else:  first, T: first.Type(),
	}, nil
}

// array is ARRAY[..].
func (r *resolver) array(e *ast.ArrayExpr) (plan.Expr, error) {
	elems, err := r.exprs(e.Elems)
	if err != nil {
		return nil, err
	}
	if len(elems) == 0 {
		return nil, pgerr.At(int(e.Pos), pgerr.IndeterminateDatatype, "cannot determine type of empty array").
			WithHint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")
	}
	elems, t, err := r.q.unify(elems, positions(e.Elems), "ARRAY")
	if err != nil {
		return nil, err
	}
	values := make([]any, len(elems))
	for i, x := range elems {
		c, ok := x.(*plan.Const)
		if !ok {
			return &plan.Call{Func: "array(any)", Args: elems, T: types.ArrayOf(t), Name: "array", Pos: int(e.Pos)}, nil
		}
		values[i] = c.Value
	}
	return &plan.Const{Value: values, T: types.ArrayOf(t)}, nil
}

func (r *resolver) subscript(e *ast.Subscript) (plan.Expr, error) {
	if e.Slice {
		return nil, unsupported(e.Pos, "array slices are not supported yet")
	}
	args, err := r.exprs([]ast.Expr{e.Operand, e.Index})
	if err != nil {
		return nil, err
	}
	pos := []ast.Pos{e.Operand.Position(), e.Index.Position()}
	sig, err := function.Resolve("array_subscript", typesOf(args))
	if err != nil {
		return nil, pgerr.At(int(e.Pos), pgerr.DatatypeMismatch, "cannot subscript type %s because it does not support subscripting", args[0].Type())
	}
	return r.apply(sig, "array_subscript", e.Pos, args, pos)
}

func (r *resolver) field(e *ast.FieldAccess) (plan.Expr, error) {
	operand, err := r.expr(e.Operand)
	if err != nil {
		return nil, err
	}
	return r.fieldOf(operand, e.Field, e.Pos)
}

func (r *resolver) fieldOf(operand plan.Expr, field string, pos ast.Pos) (plan.Expr, error) {
	t := operand.Type()
	if t.Kind != types.Struct {
		return nil, pgerr.At(int(pos), pgerr.WrongObjectType, "column notation .%s applied to type %s, which is not a composite type", field, t)
	}
	for _, f := range t.Fields {
		if f.Name == field {
			return &plan.Call{
				Func: "struct_field(record,text)", Args: []plan.Expr{operand, textConst(field)},
				T: f.Type, Name: "struct_field", Pos: int(pos),
			}, nil
		}
	}
	return nil, pgerr.At(int(pos), pgerr.UndefinedColumn, "column %q not found in data type %s", field, t)
}

// quantified is left op ANY|ALL (array), as OR or AND over a constant array.
func (r *resolver) quantified(e *ast.Quantified) (plan.Expr, error) {
	if e.Query != nil {
		return r.quantifiedQuery(e)
	}
	list, ok := e.Right.(*ast.ArrayExpr)
	if c, isCast := e.Right.(*ast.Cast); isCast && !ok {
		list, ok = c.Operand.(*ast.ArrayExpr)
	}
	if ok {
		return r.quantifiedList(e, list.Elems)
	}
	left, err := r.expr(e.Left)
	if err != nil {
		return nil, err
	}
	right, err := r.expr(e.Right)
	if err != nil {
		return nil, err
	}
	if right.Type().Kind == types.Unknown {
		if right, err = r.q.coerce(right, types.ArrayOf(left.Type()), function.Explicit, e.Right.Position()); err != nil {
			return nil, err
		}
	}
	name := "any_" + operatorWord[e.Op]
	if e.All {
		name = "all_" + operatorWord[e.Op]
	}
	sig, err := function.Resolve(name, []types.Type{left.Type(), right.Type()})
	if err != nil {
		return nil, unsupported(e.Pos, "%s %s over %s is not supported yet", e.Op, strings.ToUpper(name[:3]), right.Type())
	}
	return r.apply(sig, name, e.Pos, []plan.Expr{left, right}, []ast.Pos{e.Left.Position(), e.Right.Position()})
}

// operatorWord spells comparison operators for function names.
var operatorWord = map[string]string{"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}

func (r *resolver) quantifiedList(e *ast.Quantified, elems []ast.Expr) (plan.Expr, error) {
	if len(elems) == 0 {
		return boolConst(e.All), nil
	}
	tests := make([]plan.Expr, len(elems))
	for i, x := range elems {
		var err error
		test := &ast.Binary{At: ast.At{Pos: e.Pos}, Op: e.Op, OpPos: e.Pos, Left: e.Left, Right: x}
		if tests[i], err = r.expr(test); err != nil {
			return nil, err
		}
	}
	if len(tests) == 1 {
		return tests[0], nil
	}
	return logic(!e.All, tests...), nil
}

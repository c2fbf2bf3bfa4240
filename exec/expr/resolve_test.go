package expr

import (
	"fmt"
	"strconv"
	"testing"

	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/parser"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// binder turns parsed expressions into plan.Expr over the columns of a schema. It
// knows just enough for tests of expressions.
type binder struct{ schema *batch.Schema }

// bindText parses and binds one SQL expression.
func bindText(schema *batch.Schema, text string) (e plan.Expr, err error) {
	parsed, err := parser.Parse("SELECT " + text)
	if err != nil {
		return nil, err
	}
	body, ok := parsed[0].Statement.(*ast.SelectStatement)
	if !ok {
		return nil, fmt.Errorf("not a query: %T", parsed[0].Statement)
	}
	defer func() {
		if r := recover(); r != nil {
			failed, ok := r.(bindError)
			if !ok {
				panic(r)
			}
			err = failed.error
		}
	}()
	b := binder{schema}
	return b.settle(b.expr(body.Query.Body.(*ast.Select).Items[0].Expr)), nil
}

func mustBind(t testing.TB, schema *batch.Schema, text string) plan.Expr {
	t.Helper()
	e, err := bindText(schema, text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

type bindError struct{ error }

func (b binder) fail(format string, args ...any) { panic(bindError{fmt.Errorf(format, args...)}) }

func (b binder) must(err error) {
	if err != nil {
		panic(bindError{err})
	}
}

func (b binder) settle(e plan.Expr) plan.Expr {
	if e.Type().Kind == types.Unknown {
		return b.cast(e, types.Of(types.Text), true)
	}
	return e
}

func (b binder) cast(e plan.Expr, t types.Type, implicit bool) plan.Expr {
	if e.Type().Equal(t) {
		return e
	}
	if c, ok := e.(*plan.Const); ok && c.T.Kind == types.Unknown {
		if c.Value == nil || t.Kind == types.Text && t.Precision == 0 {
			return &plan.Const{Value: c.Value, T: t}
		}
		return &plan.Cast{Arg: &plan.Const{Value: c.Value, T: types.Of(types.Text)}, T: t, Pos: -1}
	}
	if !function.CanCast(e.Type(), t, function.Explicit) {
		b.fail("cannot cast %s to %s", e.Type(), t)
	}
	return &plan.Cast{Arg: e, T: t, Implicit: implicit, Pos: -1}
}

func (b binder) call(name string, resolve func(string, []types.Type) (*function.Signature, error), args []plan.Expr) plan.Expr {
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type()
	}
	sig, err := resolve(name, ts)
	b.must(err)
	for i := range args {
		args[i] = b.cast(args[i], sig.Args[i], true)
	}
	return &plan.Call{Func: sig.ID, Args: args, T: sig.Result, Name: name, Pos: -1}
}

func (b binder) exprs(list []ast.Expr) []plan.Expr {
	out := make([]plan.Expr, len(list))
	for i, e := range list {
		out[i] = b.expr(e)
	}
	return out
}

func (b binder) unify(list []plan.Expr) ([]plan.Expr, types.Type) {
	ts := make([]types.Type, len(list))
	for i, e := range list {
		ts[i] = e.Type()
	}
	t, ok := function.CommonType(ts)
	if !ok {
		b.fail("types %v cannot be matched", ts)
	}
	for i := range list {
		list[i] = b.cast(list[i], t, true)
	}
	return list, t
}

func (b binder) expr(e ast.Expr) plan.Expr {
	switch e := e.(type) {
	case *ast.Literal:
		return b.literal(e)
	case *ast.IntervalLiteral:
		v, err := pgtext.ParseInterval(e.Text, e.Unit)
		b.must(err)
		return &plan.Const{Value: v, T: types.Of(types.Interval)}
	case *ast.Column:
		i := b.schema.Index(e.Name.Last())
		if i < 0 {
			b.fail("no column %s", e.Name.Last())
		}
		return &plan.Column{Index: i, Name: e.Name.Last(), T: b.schema.Fields[i].Type}
	case *ast.Unary:
		return b.unary(e)
	case *ast.Binary:
		return b.binary(e)
	case *ast.IsTest:
		return b.isTest(e)
	case *ast.Between:
		x := func() plan.Expr { return b.expr(e.Operand) }
		low := b.call(">=", function.ResolveOperator, []plan.Expr{x(), b.expr(e.Low)})
		high := b.call("<=", function.ResolveOperator, []plan.Expr{x(), b.expr(e.High)})
		return &plan.Logic{Args: []plan.Expr{low, high}}
	case *ast.In:
		list, _ := b.unify(append([]plan.Expr{b.expr(e.Operand)}, b.exprs(e.List)...))
		return &plan.InList{Arg: list[0], List: list[1:], Not: e.Not}
	case *ast.Case:
		return b.caseOf(e)
	case *ast.Cast:
		if list, ok := e.Operand.(*ast.ArrayExpr); ok && len(list.Elems) == 0 {
			return &plan.Const{Value: []any{}, T: e.Type.Type}
		}
		out := b.cast(b.expr(e.Operand), e.Type.Type, false)
		if c, ok := out.(*plan.Cast); ok {
			c.Try = e.Try
		}
		return out
	case *ast.FuncCall:
		return b.funcCall(e)
	case *ast.ArrayExpr:
		return b.call("array", function.Resolve, b.exprs(e.Elems))
	case *ast.Subscript:
		if e.Slice {
			return b.call("array_slice", function.Resolve, []plan.Expr{b.expr(e.Operand), b.expr(e.From), b.expr(e.To)})
		}
		return b.call("array_subscript", function.Resolve, []plan.Expr{b.expr(e.Operand), b.expr(e.Index)})
	case *ast.RowExpr:
		return b.call("row", function.Resolve, b.exprs(e.Elems))
	case *ast.Quantified:
		word := map[string]string{"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}[e.Op]
		name := "any_" + word
		if e.All {
			name = "all_" + word
		}
		return b.call(name, function.Resolve, []plan.Expr{b.expr(e.Left), b.expr(e.Right)})
	}
	b.fail("no binding for %T", e)
	return nil
}

func (b binder) literal(l *ast.Literal) plan.Expr {
	switch l.Kind {
	case ast.NullLiteral:
		return &plan.Const{}
	case ast.BoolLiteral:
		return &plan.Const{Value: l.Text == "true", T: types.Of(types.Bool)}
	case ast.StringLiteral:
		return &plan.Const{Value: l.Text}
	case ast.IntLiteral:
		if n, err := strconv.ParseInt(l.Text, 10, 64); err == nil {
			if n == int64(int32(n)) {
				return &plan.Const{Value: n, T: types.Of(types.Int32)}
			}
			return &plan.Const{Value: n, T: types.Of(types.Int64)}
		}
	}
	t := function.NumericLiteral(l.Text)
	v, err := pgtext.ParseNumeric(l.Text, t)
	b.must(err)
	return &plan.Const{Value: v, T: t}
}

func (b binder) unary(e *ast.Unary) plan.Expr {
	arg := b.expr(e.Operand)
	if e.Op == "not" {
		return &plan.Not{Arg: b.cast(arg, types.Of(types.Bool), true)}
	}
	return b.call(e.Op, function.ResolveOperator, []plan.Expr{arg})
}

func (b binder) binary(e *ast.Binary) plan.Expr {
	left, right := b.expr(e.Left), b.expr(e.Right)
	if e.Op == "and" || e.Op == "or" {
		boolean := types.Of(types.Bool)
		return &plan.Logic{Or: e.Op == "or", Args: []plan.Expr{b.cast(left, boolean, true), b.cast(right, boolean, true)}}
	}
	if e.Escape != nil {
		right = b.call("like_escape", function.Resolve, []plan.Expr{right, b.expr(e.Escape)})
	}
	return b.call(e.Op, function.ResolveOperator, []plan.Expr{left, right})
}

func (b binder) isTest(e *ast.IsTest) plan.Expr {
	arg := b.settle(b.expr(e.Operand))
	if e.What == "null" || e.What == "unknown" {
		return &plan.IsNull{Arg: arg, Not: e.Not}
	}
	isTrue := e.What == "true"
	var out plan.Expr = &plan.Coalesce{Args: []plan.Expr{arg, &plan.Const{Value: !isTrue, T: types.Of(types.Bool)}}, T: types.Of(types.Bool)}
	if isTrue == e.Not {
		out = &plan.Not{Arg: out}
	}
	return out
}

func (b binder) caseOf(e *ast.Case) plan.Expr {
	out := &plan.Case{}
	var results []plan.Expr
	for _, w := range e.Whens {
		cond := w.Cond
		if e.Operand != nil {
			cond = &ast.Binary{Op: "=", Left: e.Operand, Right: cond}
		}
		out.Whens = append(out.Whens, plan.When{Cond: b.expr(cond)})
		results = append(results, b.expr(w.Result))
	}
	var last plan.Expr = &plan.Const{}
	if e.Else != nil {
		last = b.expr(e.Else)
	}
	results, out.T = b.unify(append(results, last))
	for i := range out.Whens {
		out.Whens[i].Result = results[i]
	}
	out.Else = results[len(results)-1]
	return out
}

func (b binder) funcCall(e *ast.FuncCall) plan.Expr {
	args := b.exprs(e.Args)
	switch e.Name.Last() {
	case "coalesce":
		list, t := b.unify(args)
		return &plan.Coalesce{Args: list, T: t}
	case "nullif":
		equal := b.call("=", function.ResolveOperator, []plan.Expr{b.expr(e.Args[0]), args[1]})
		return &plan.Case{Whens: []plan.When{{Cond: equal, Result: &plan.Const{T: args[0].Type()}}}, Else: args[0], T: args[0].Type()}
	}
	return b.call(e.Name.Last(), function.Resolve, args)
}

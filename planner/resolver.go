package planner

import (
	"strings"

	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// resolver turns expressions of one clause into typed ones.
type resolver struct {
	q     *Query
	scope *scope
	// group collects aggregate calls; nil where none are allowed.
	group *grouping
	// over collects window function calls; nil where none are allowed.
	over *overs
	// clause names the place for errors: "WHERE".
	clause string
	// inAggregate is set inside the arguments of an aggregate.
	inAggregate bool
	// scalars collects the subqueries used as values; nil where none are allowed.
	scalars *scalars
	// sets collects calls of set-returning functions; nil where none are allowed.
	sets  *sets
	depth int
}

// maxExprDepth bounds recursion; the parser has a bound of its own, and this one
// holds for trees that came from elsewhere.
const maxExprDepth = 2000

func (r *resolver) expr(e ast.Expr) (plan.Expr, error) {
	r.depth++
	defer func() { r.depth-- }()
	if r.depth > maxExprDepth {
		return nil, pgerr.At(int(e.Position()), pgerr.StatementTooComplex, "the expression is nested too deeply")
	}
	switch e := e.(type) {
	case *ast.Literal:
		return literal(e)
	case *ast.IntervalLiteral:
		return interval(e)
	case *ast.Column:
		return r.column(e)
	case *ast.Param:
		return r.param(e)
	case *ast.Unary:
		return r.unary(e)
	case *ast.Binary:
		return r.binary(e)
	case *ast.IsTest:
		return r.isTest(e)
	case *ast.Between:
		return r.between(e)
	case *ast.In:
		return r.in(e)
	case *ast.Case:
		return r.withoutSets("CASE").caseExpr(e)
	case *ast.Cast:
		return r.cast(e)
	case *ast.FuncCall:
		return r.call(e)
	case *ast.ArrayExpr:
		return r.array(e)
	case *ast.Subscript:
		return r.subscript(e)
	case *ast.FieldAccess:
		return r.field(e)
	case *ast.Quantified:
		return r.quantified(e)
	case *ast.ScalarSubquery:
		return r.scalarSubquery(e)
	case *ast.ArraySubquery:
		return r.arraySubquery(e)
	case *ast.Exists:
		return r.existsValue(e)
	}
	return nil, unsupported(e.Position(), "%s is not supported yet", describe(e))
}

func describe(e ast.Expr) string {
	switch e.(type) {
	case *ast.Exists, *ast.ScalarSubquery, *ast.ArraySubquery:
		return "a subquery in an expression"
	case *ast.RowExpr:
		return "a row value"
	}
	return "this expression"
}

func (r *resolver) exprs(list []ast.Expr) ([]plan.Expr, error) {
	out := make([]plan.Expr, len(list))
	for i, e := range list {
		var err error
		if out[i], err = r.expr(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *resolver) column(e *ast.Column) (plan.Expr, error) {
	i, missing, err := r.scope.find(e.Name)
	if err != nil {
		return nil, err
	}
	if (missing || r.scope.columns[i].field.Hidden) && len(e.Name.Parts) == 1 {
		if ref := r.windowColumn(e.Name.Last()); ref != nil {
			return ref, nil // the group's own, not the one that a windowed input hides
		}
	}
	if !missing {
		return r.scope.column(i, e.Pos), nil
	}
	if len(e.Name.Parts) == 1 {
		if v, ok := r.q.Session[e.Name.Last()]; ok && niladic[e.Name.Last()] {
			return textConst(v), nil
		}
	}
	if len(e.Name.Parts) > 1 { // s.field, where s is a struct column
		inner := ast.Name{Pos: e.Name.Pos, Parts: e.Name.Parts[:len(e.Name.Parts)-1]}
		if i, missing, err := r.scope.find(inner); err == nil && !missing && r.scope.columns[i].field.Type.Kind == types.Struct {
			return r.fieldOf(r.scope.column(i, e.Pos), e.Name.Last(), e.Pos)
		}
	}
	if e, err := r.q.around.find(e.Name); e != nil || err != nil {
		return e, err
	}
	return nil, r.scope.undefined(e.Name)
}

// niladic are the functions that SQL calls without parentheses and that the
// session answers.
var niladic = map[string]bool{
	"current_user": true, "session_user": true, "user": true, "current_role": true,
	"current_catalog": true, "current_schema": true,
}

func textConst(s string) *plan.Const { return &plan.Const{Value: s, T: types.Of(types.Text)} }

// maxParams is the wire protocol's bound: a 16-bit count.
const maxParams = 65535

func (r *resolver) param(e *ast.Param) (plan.Expr, error) {
	p := r.q.Params
	if p == nil || e.Index < 1 || e.Index > maxParams {
		return nil, pgerr.At(int(e.Pos), pgerr.UndefinedParameter, "there is no parameter $%d", e.Index)
	}
	for len(p.Types) < e.Index {
		p.Types = append(p.Types, types.Type{})
	}
	if p.Values != nil {
		if e.Index > len(p.Values) {
			return nil, pgerr.At(int(e.Pos), pgerr.UndefinedParameter, "there is no parameter $%d", e.Index)
		}
		return &plan.Const{Value: p.Values[e.Index-1], T: p.Types[e.Index-1]}, nil
	}
	return &plan.Param{Index: e.Index, T: p.Types[e.Index-1], Pos: int(e.Pos)}, nil
}

func (r *resolver) unary(e *ast.Unary) (plan.Expr, error) {
	arg, err := r.expr(e.Operand)
	if err != nil {
		return nil, err
	}
	if e.Op == "not" {
		if arg, err = r.q.boolean(arg, e.Operand.Position(), "NOT"); err != nil {
			return nil, err
		}
		return &plan.Not{Arg: arg}, nil
	}
	if c, ok := arg.(*plan.Const); ok && e.Op == "-" {
		if v, ok := c.Value.(int64); ok && c.T.IsInteger() && v > 0 {
			return &plan.Const{Value: -v, T: c.T}, nil
		}
	}
	return r.operator(e.Op, e.Pos, []plan.Expr{arg}, []ast.Pos{e.Operand.Position()})
}

// operator resolves an operator and casts its operands.
func (r *resolver) operator(op string, pos ast.Pos, args []plan.Expr, argPos []ast.Pos) (plan.Expr, error) {
	args = intervalArgs(op, args)
	sig, err := function.ResolveOperator(op, typesOf(args))
	if err != nil {
		return nil, placed(err, pos)
	}
	return r.apply(sig, op, pos, args, argPos)
}

func (r *resolver) apply(sig *function.Signature, name string, pos ast.Pos, args []plan.Expr, argPos []ast.Pos) (plan.Expr, error) {
	cast := make([]plan.Expr, len(args))
	for i, a := range args {
		var err error
		// The signature says that the cast is possible, if not always implicit.
		if cast[i], err = r.q.coerce(a, sig.Args[i], function.Explicit, argPos[i]); err != nil {
			return nil, err
		}
		if c, ok := cast[i].(*plan.Cast); ok && c != a {
			c.Implicit = true
		}
	}
	return &plan.Call{Func: sig.ID, Args: cast, T: sig.Result, Name: name, Pos: int(pos)}, nil
}

func typesOf(list []plan.Expr) []types.Type {
	ts := make([]types.Type, len(list))
	for i, e := range list {
		ts[i] = e.Type()
	}
	return ts
}

func (r *resolver) binary(e *ast.Binary) (plan.Expr, error) {
	if e.Op == "collate" {
		return r.expr(e.Left)
	}
	if fields, err := rowComparison(e); fields != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return r.expr(fields)
	}
	left, err := r.expr(e.Left)
	if err != nil {
		return nil, err
	}
	right, err := r.expr(e.Right)
	if err != nil {
		return nil, err
	}
	leftPos, rightPos := e.Left.Position(), e.Right.Position()
	switch e.Op {
	case "and", "or":
		clause := strings.ToUpper(e.Op)
		if left, err = r.q.boolean(left, leftPos, clause); err != nil {
			return nil, err
		}
		if right, err = r.q.boolean(right, rightPos, clause); err != nil {
			return nil, err
		}
		return logic(e.Op == "or", left, right), nil
	}
	if e.Escape != nil {
		if right, err = r.likePattern(right, e); err != nil {
			return nil, err
		}
	}
	return r.operator(e.Op, e.OpPos, []plan.Expr{left, right}, []ast.Pos{leftPos, rightPos})
}

// likePattern rewrites the pattern of LIKE .. ESCAPE to the default escape.
func (r *resolver) likePattern(pattern plan.Expr, e *ast.Binary) (plan.Expr, error) {
	escape, err := r.expr(e.Escape)
	if err != nil {
		return nil, err
	}
	args := []plan.Expr{pattern, escape}
	sig, err := function.Resolve("like_escape", typesOf(args))
	if err != nil {
		return nil, placed(err, e.Escape.Position())
	}
	return r.apply(sig, "like_escape", e.OpPos, args, []ast.Pos{e.Right.Position(), e.Escape.Position()})
}

// logic flattens chains of the same connective.
func logic(or bool, list ...plan.Expr) plan.Expr {
	var args []plan.Expr
	for _, e := range list {
		if l, ok := e.(*plan.Logic); ok && l.Or == or {
			args = append(args, l.Args...)
		} else {
			args = append(args, e)
		}
	}
	return &plan.Logic{Or: or, Args: args}
}

func (r *resolver) isTest(e *ast.IsTest) (plan.Expr, error) {
	arg, err := r.expr(e.Operand)
	if err != nil {
		return nil, err
	}
	if e.What == "null" {
		return &plan.IsNull{Arg: r.q.settle(arg), Not: e.Not}, nil
	}
	if arg, err = r.q.boolean(arg, e.Operand.Position(), "IS "+strings.ToUpper(e.What)); err != nil {
		return nil, err
	}
	var test plan.Expr
	switch e.What {
	case "unknown":
		return &plan.IsNull{Arg: arg, Not: e.Not}, nil
	case "true":
		test = &plan.Coalesce{Args: []plan.Expr{arg, boolConst(false)}, T: types.Of(types.Bool)}
	default:
		test = &plan.Not{Arg: &plan.Coalesce{Args: []plan.Expr{arg, boolConst(true)}, T: types.Of(types.Bool)}}
	}
	if e.Not {
		return &plan.Not{Arg: test}, nil
	}
	return test, nil
}

func boolConst(v bool) *plan.Const { return &plan.Const{Value: v, T: types.Of(types.Bool)} }

func (r *resolver) between(e *ast.Between) (plan.Expr, error) {
	compare := func(op string, left, right ast.Expr) *ast.Binary {
		return &ast.Binary{At: ast.At{Pos: e.Pos}, Op: op, OpPos: e.Pos, Left: left, Right: right}
	}
	within := func(low, high ast.Expr) ast.Expr {
		return compare("and", compare(">=", e.Operand, low), compare("<=", e.Operand, high))
	}
	test := within(e.Low, e.High)
	if e.Symmetric {
		test = compare("or", test, within(e.High, e.Low))
	}
	if e.Not {
		test = &ast.Unary{At: ast.At{Pos: e.Pos}, Op: "not", Operand: test}
	}
	return r.expr(test)
}

func (r *resolver) in(e *ast.In) (plan.Expr, error) {
	if e.Query != nil {
		return r.inValue(e)
	}
	if _, isRow := e.Operand.(*ast.RowExpr); isRow {
		return r.expr(rowIn(e))
	}
	all := append([]ast.Expr{e.Operand}, e.List...)
	list, err := r.exprs(all)
	if err != nil {
		return nil, err
	}
	pos := make([]ast.Pos, len(all))
	for i, a := range all {
		pos[i] = a.Position()
	}
	list, _, err = r.q.unify(list, pos, "IN")
	if err != nil {
		return nil, err
	}
	return &plan.InList{Arg: list[0], List: list[1:], Not: e.Not}, nil
}

func (r *resolver) caseExpr(e *ast.Case) (plan.Expr, error) {
	conds := make([]plan.Expr, len(e.Whens))
	results := make([]plan.Expr, 0, len(e.Whens)+1)
	pos := make([]ast.Pos, 0, len(e.Whens)+1)
	for i, w := range e.Whens {
		cond := w.Cond
		if e.Operand != nil {
			cond = &ast.Binary{At: ast.At{Pos: w.Cond.Position()}, Op: "=", OpPos: w.Cond.Position(), Left: e.Operand, Right: w.Cond}
		}
		c, err := r.expr(cond)
		if err != nil {
			return nil, err
		}
		if conds[i], err = r.q.boolean(c, w.Cond.Position(), "CASE/WHEN"); err != nil {
			return nil, err
		}
		result, err := r.expr(w.Result)
		if err != nil {
			return nil, err
		}
		results, pos = append(results, result), append(pos, w.Result.Position())
	}
	var otherwise plan.Expr = &plan.Const{}
	otherwisePos := e.Pos
	if e.Else != nil {
		var err error
		if otherwise, err = r.expr(e.Else); err != nil {
			return nil, err
		}
		otherwisePos = e.Else.Position()
	}
	results, t, err := r.q.unify(append(results, otherwise), append(pos, otherwisePos), "CASE")
	if err != nil {
		return nil, err
	}
	out := &plan.Case{T: t, Else: results[len(results)-1]}
	for i, c := range conds {
		out.Whens = append(out.Whens, plan.When{Cond: c, Result: results[i]})
	}
	return out, nil
}

func (r *resolver) cast(e *ast.Cast) (plan.Expr, error) {
	if name, err := r.nameOf(e); name != nil || err != nil {
		return name, err
	}
	arg, err := r.expr(e.Operand)
	if err != nil {
		return nil, err
	}
	if oid, err := r.namedOID(arg, e); oid != nil || err != nil {
		return oid, err
	}
	out, err := r.q.coerce(arg, e.Type.Type, function.Explicit, e.Operand.Position())
	if err != nil {
		return nil, err
	}
	if c, ok := out.(*plan.Cast); ok && out != arg {
		c.Try = e.Try
	}
	return out, nil
}

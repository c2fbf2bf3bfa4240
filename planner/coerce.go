package planner

import (
	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// coerce makes an expression's type t, where the context allows the cast.
func (q *Query) coerce(e plan.Expr, t types.Type, ctx function.CastContext, pos ast.Pos) (plan.Expr, error) {
	from := e.Type()
	if from.Equal(t) {
		return e, nil
	}
	if c, ok := e.(*plan.Const); ok {
		if c.Value == nil {
			return &plan.Const{T: t}, nil
		}
		if text, isText := c.Value.(string); isText && from.Kind == types.Unknown {
			v, done, err := parseConst(text, t)
			if err != nil {
				return nil, placed(err, pos)
			}
			if done {
				return &plan.Const{Value: v, T: t}, nil
			}
			return &plan.Cast{Arg: &plan.Const{Value: text, T: types.Of(types.Text)}, T: t, Pos: int(pos)}, nil
		}
	}
	if p, ok := e.(*plan.Param); ok && from.Kind == types.Unknown {
		return q.typeParam(p, t), nil
	}
	if !function.CanCast(from, t, ctx) {
		if ctx == function.Explicit {
			return nil, pgerr.At(int(pos), pgerr.CannotCoerce, "cannot cast type %s to %s", from, t)
		}
		return nil, pgerr.At(int(pos), pgerr.DatatypeMismatch, "expression is of type %s where %s is needed", from, t).
			WithHint("You will need to rewrite or cast the expression.")
	}
	if c, ok := e.(*plan.Const); ok {
		if v, done := convertConst(c, t); done {
			return &plan.Const{Value: v, T: t}, nil
		}
	}
	return &plan.Cast{Arg: e, T: t, Implicit: ctx != function.Explicit, Pos: int(pos)}, nil
}

// typeParam settles the type of a parameter that the client left open.
func (q *Query) typeParam(p *plan.Param, t types.Type) plan.Expr {
	if q.Params.Types[p.Index-1].Kind == types.Unknown {
		q.Params.Types[p.Index-1] = t
	}
	return &plan.Param{Index: p.Index, T: t, Pos: p.Pos}
}

// settle gives an expression that is still untyped the type text.
func (q *Query) settle(e plan.Expr) plan.Expr {
	if e.Type().Kind != types.Unknown {
		return e
	}
	switch e := e.(type) {
	case *plan.Const:
		return &plan.Const{Value: e.Value, T: types.Of(types.Text)}
	case *plan.Param:
		return q.typeParam(e, types.Of(types.Text))
	}
	return e
}

// boolean checks that a condition is one.
func (q *Query) boolean(e plan.Expr, pos ast.Pos, clause string) (plan.Expr, error) {
	if t := e.Type(); t.Kind != types.Bool && t.Kind != types.Unknown {
		return nil, pgerr.At(int(pos), pgerr.DatatypeMismatch, "argument of %s must be type boolean, not type %s", clause, t)
	}
	return q.coerce(e, types.Of(types.Bool), function.Implicit, pos)
}

// unify coerces expressions to their common type, for CASE, VALUES, IN and UNION.
func (q *Query) unify(list []plan.Expr, pos []ast.Pos, what string) ([]plan.Expr, types.Type, error) {
	ts := make([]types.Type, len(list))
	for i, e := range list {
		ts[i] = e.Type()
	}
	t, ok := function.CommonType(ts)
	if !ok {
		for i := 1; i < len(ts); i++ {
			if _, ok := function.CommonType(ts[:i+1]); !ok {
				return nil, t, pgerr.At(int(pos[i]), pgerr.DatatypeMismatch, "%s types %s and %s cannot be matched", what, ts[0], ts[i])
			}
		}
	}
	out := make([]plan.Expr, len(list))
	for i, e := range list {
		var err error
		if out[i], err = q.coerce(e, t, function.Implicit, pos[i]); err != nil {
			return nil, t, err
		}
	}
	return out, t, nil
}

package planner

import (
	"strings"

	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// joinKinds maps the parser's kinds.
var joinKinds = map[ast.JoinKind]plan.JoinKind{
	ast.InnerJoin: plan.JoinInner, ast.LeftJoin: plan.JoinLeft, ast.RightJoin: plan.JoinRight,
	ast.FullJoin: plan.JoinFull, ast.CrossJoin: plan.JoinInner,
}

// joinInputs are the two planned sides of a join.
type joinInputs struct {
	left, right           plan.Node
	leftScope, rightScope *scope
	both                  *scope // left columns, then right columns
}

func (q *Query) join(j *ast.Join) (plan.Node, *scope, error) {
	if t, ok := j.Right.(*ast.TableName); ok && t.AsOf != nil {
		return q.joinAsOf(j, t)
	}
	left, leftScope, err := q.tableExpr(j.Left)
	if err != nil {
		return nil, nil, err
	}
	if q.isLateral(j.Right) && !j.Asof && j.Kind != ast.RightJoin && j.Kind != ast.FullJoin {
		return q.lateralJoin(j, left, leftScope)
	}
	right, rightScope, err := q.tableExpr(j.Right)
	if err != nil {
		return nil, nil, lateralReference(err, q.isLateral(j.Right))
	}
	in := &joinInputs{left, right, leftScope, rightScope, leftScope.join(rightScope)}
	return q.joinInputs(j, in)
}

// lateralReference is the error of a right side that names columns of the left one in a
// RIGHT or FULL join.
func lateralReference(err error, lateral bool) error {
	if !lateral || !undefinedName(err) {
		return err
	}
	e := *pgerr.From(err)
	if table, ok := strings.CutPrefix(e.Message, "missing FROM-clause entry for table "); ok {
		e.Code, e.Message = pgerr.InvalidColumnReference, "invalid reference to FROM-clause entry for table "+table
	}
	return e.WithHint("The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
}

// joinInputs joins two planned sides.
func (q *Query) joinInputs(j *ast.Join, in *joinInputs) (plan.Node, *scope, error) {
	if err := distinctAliases(in.leftScope, in.rightScope, j.Pos); err != nil {
		return nil, nil, err
	}
	if j.Asof {
		node, err := q.asofJoin(j, in)
		return node, in.both, err
	}
	on, err := q.joinCondition(j, in.leftScope, in.rightScope, in.both)
	if err != nil {
		return nil, nil, err
	}
	leftKeys, rightKeys, residual := splitEqui(on, len(in.leftScope.columns))
	c := &equiJoin{joinKinds[j.Kind], leftKeys, rightKeys, residual}
	if q.Mode != Once {
		node, err := q.continuousJoin(j, in, c)
		return node, in.both, err
	}
	if node, err := q.intervalJoin(j, in, c); node != nil || err != nil {
		return node, in.both, err
	}
	return q.newJoin(c.kind, in.left, in.right, leftKeys, rightKeys, residual), in.both, nil
}

// equiJoin is a join condition taken apart: keys over the left and the right
// input, and what is left over both.
type equiJoin struct {
	kind                plan.JoinKind
	leftKeys, rightKeys []plan.Expr
	residual            plan.Expr // nil for none
}

// continuousJoin chooses the operator of a join that runs continuously: an
// interval join where the condition bounds the time between two append-only
// inputs, a lookup where the right input is a table, else a join that keeps both
// inputs.
func (q *Query) continuousJoin(j *ast.Join, in *joinInputs, c *equiJoin) (plan.Node, error) {
	if node, err := q.intervalJoin(j, in, c); node != nil || err != nil {
		return node, err
	}
	if node, err := q.lookupJoin(j, in, c); node != nil || err != nil {
		return node, err
	}
	return q.changelogJoin(j, in, c)
}

// joinCondition resolves ON, USING or NATURAL over both sides.
func (q *Query) joinCondition(j *ast.Join, left, right, both *scope) (plan.Expr, error) {
	r := &resolver{q: q, scope: both, clause: "JOIN/ON"}
	if j.On != nil {
		e, err := r.expr(j.On)
		if err != nil {
			return nil, err
		}
		return q.boolean(e, j.On.Position(), "JOIN/ON")
	}
	using := j.Using
	if j.Natural {
		using = commonColumns(left, right)
	}
	if j.Kind == ast.FullJoin && len(using) > 0 {
		return nil, unsupported(j.Pos, "FULL JOIN with USING or NATURAL is not supported yet").
			WithHint("Use ON, and COALESCE over the columns of both sides.")
	}
	var tests []plan.Expr
	for _, name := range using {
		at := ast.Name{Pos: j.Pos, Parts: []string{name}}
		l, missingLeft, err := left.find(at)
		if err != nil {
			return nil, err
		}
		rt, missingRight, err := right.find(at)
		if err != nil {
			return nil, err
		}
		if missingLeft || missingRight {
			return nil, pgerr.At(int(j.Pos), pgerr.UndefinedColumn, "column %q specified in USING clause does not exist in both tables", name)
		}
		n := len(left.columns)
		test, err := r.operator("=", j.Pos, []plan.Expr{both.column(l, j.Pos), both.column(n+rt, j.Pos)}, []ast.Pos{j.Pos, j.Pos})
		if err != nil {
			return nil, err
		}
		show, hide := l, n+rt
		if j.Kind == ast.RightJoin {
			show, hide = hide, show
		}
		both.merge(show, hide, len(tests))
		tests = append(tests, test)
	}
	switch len(tests) {
	case 0:
		return nil, nil
	case 1:
		return tests[0], nil
	}
	return logic(false, tests...), nil
}

func commonColumns(left, right *scope) []string {
	var out []string
	for _, l := range left.columns {
		for _, r := range right.columns {
			if !l.field.Hidden && !r.field.Hidden && l.field.Name == r.field.Name {
				out = append(out, l.field.Name)
			}
		}
	}
	return out
}

// splitEqui takes the conjuncts that equate an expression over the left columns
// (below n) with one over the right out of a condition.
func splitEqui(on plan.Expr, n int) (leftKeys, rightKeys []plan.Expr, residual plan.Expr) {
	var rest []plan.Expr
	for _, e := range conjuncts(on) {
		call, ok := e.(*plan.Call)
		if !ok || call.Name != "=" {
			rest = append(rest, e)
			continue
		}
		a, b := call.Args[0], call.Args[1]
		switch {
		case side(a, n) == sideLeft && side(b, n) == sideRight:
		case side(a, n) == sideRight && side(b, n) == sideLeft:
			a, b = b, a
		default:
			rest = append(rest, e)
			continue
		}
		leftKeys = append(leftKeys, a)
		rightKeys = append(rightKeys, shift(b, -n))
	}
	switch len(rest) {
	case 0:
	case 1:
		residual = rest[0]
	default:
		residual = logic(false, rest...)
	}
	return leftKeys, rightKeys, residual
}

func conjuncts(e plan.Expr) []plan.Expr {
	if e == nil {
		return nil
	}
	if l, ok := e.(*plan.Logic); ok && !l.Or {
		return l.Args
	}
	return []plan.Expr{e}
}

const (
	sideNone = iota
	sideLeft
	sideRight
	sideBoth
)

// side says which input's columns an expression uses.
func side(e plan.Expr, n int) int {
	if c, ok := e.(*plan.Column); ok {
		if c.Index < n {
			return sideLeft
		}
		return sideRight
	}
	s := sideNone
	for _, c := range plan.Children(e) {
		s |= side(c, n)
	}
	return s
}

// shift moves the column references of an expression.
func shift(e plan.Expr, by int) plan.Expr {
	return plan.Rewrite(e, func(e plan.Expr) plan.Expr {
		if c, ok := e.(*plan.Column); ok {
			moved := *c
			moved.Index += by
			return &moved
		}
		return e
	})
}

func newJoin(kind plan.JoinKind, left, right plan.Node, leftKeys, rightKeys []plan.Expr, residual plan.Expr) plan.Node {
	j := &plan.Join{Left: left, Right: right, Kind: kind, LeftKeys: leftKeys, RightKeys: rightKeys, Residual: residual}
	j.Out = batch.NewSchema()
	add := func(fields []batch.Field, nullable bool) {
		for _, f := range fields {
			f.NotNull = f.NotNull && !nullable
			j.Out.Fields = append(j.Out.Fields, f)
		}
	}
	add(left.Schema().Fields, kind == plan.JoinRight || kind == plan.JoinFull)
	add(right.Schema().Fields, kind == plan.JoinLeft || kind == plan.JoinFull)
	return j
}

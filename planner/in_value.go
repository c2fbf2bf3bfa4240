package planner

import (
	"errors"

	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/types"
)

// quantifiedRows is a subquery whose one column a value is compared with, as conditions
// on its rows. Names in it that users cannot have keep it apart from theirs.
type quantifiedRows struct {
	at   ast.At
	from ast.TableExpr
	item ast.Expr
}

// rowsOf plans a subquery to see that it has one column, and whether that can be NULL.
func (r *resolver) rowsOf(query *ast.Query, pos ast.Pos) (rows *quantifiedRows, notNull bool, err error) {
	node, _, err := r.q.queryAround(query, r.scope)
	if err != nil {
		return nil, false, err
	}
	column, err := onlyColumn(scopeOf("", node.Schema()), query.Pos, "subquery has too many columns")
	if err != nil {
		return nil, false, err
	}
	const table, name = "rows of subquery", "value of row"
	at := ast.At{Pos: pos}
	return &quantifiedRows{
		at: at, from: &ast.Subquery{Pos: pos, Query: query, Alias: table, Columns: []string{name}},
		item: &ast.Column{At: at, Name: ast.Name{Pos: pos, Parts: []string{table, name}}},
	}, node.Schema().Fields[column.Index].NotNull, nil
}

// any is EXISTS (SELECT .. WHERE where); nil for all rows.
func (s *quantifiedRows) any(where ast.Expr) ast.Expr {
	one := &ast.Literal{At: s.at, Kind: ast.IntLiteral, Text: "1"}
	return &ast.Exists{At: s.at, Query: &ast.Query{Pos: s.at.Pos, Body: &ast.Select{
		Pos: s.at.Pos, Items: []ast.SelectItem{{Pos: s.at.Pos, Expr: one}}, From: []ast.TableExpr{s.from}, Where: where,
	}}}
}

// compare is left op the column.
func (s *quantifiedRows) compare(op string, left ast.Expr) ast.Expr {
	return &ast.Binary{At: s.at, Op: op, OpPos: s.at.Pos, Left: left, Right: s.item}
}

func (s *quantifiedRows) isNull(e ast.Expr) ast.Expr {
	return &ast.IsTest{At: s.at, Operand: e, What: "null"}
}

// inValue is x IN (query) as a value: true if a row is equal; else unknown if x or a
// row is NULL, of rows if there are any; else false.
func (r *resolver) inValue(e *ast.In) (plan.Expr, error) {
	if _, isRow := e.Operand.(*ast.RowExpr); isRow {
		return nil, unsupported(e.Pos, "a row IN (SELECT ..) is not supported here").
			WithHint("Write it as a condition of WHERE, or as EXISTS.")
	}
	rows, notNull, err := r.rowsOf(e.Query, e.Pos)
	if err != nil {
		return nil, err
	}
	left, err := r.expr(e.Operand)
	if err != nil {
		return nil, err
	}
	var unknown []ast.Expr
	if c, ok := left.(*plan.Column); !ok || c.Index >= len(r.scope.columns) || !r.scope.columns[c.Index].field.NotNull {
		unknown = append(unknown, &ast.Binary{At: rows.at, Op: "and", OpPos: e.Pos, Left: rows.isNull(e.Operand), Right: rows.any(nil)})
	}
	if !notNull {
		unknown = append(unknown, rows.any(rows.isNull(rows.item)))
	}
	return r.threeValued(rows.any(rows.compare("=", e.Operand)), unknown, e.Not)
}

// threeValued is true, or NULL where something is unknown, or false.
func (r *resolver) threeValued(is ast.Expr, unknown []ast.Expr, not bool) (plan.Expr, error) {
	yes, err := r.expr(is)
	if err != nil {
		return nil, err
	}
	boolean := types.Of(types.Bool)
	out := &plan.Case{Whens: []plan.When{{Cond: yes, Result: boolConst(!not)}}, Else: boolConst(not), T: boolean}
	for _, u := range unknown {
		cond, err := r.expr(u)
		if err != nil {
			return nil, err
		}
		out.Whens = append(out.Whens, plan.When{Cond: cond, Result: &plan.Const{T: boolean}})
	}
	return out, nil
}

// negated are the comparisons that are true where others are false.
var negated = map[string]string{"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}

// quantifiedQuery is left op ANY|ALL (query).
func (r *resolver) quantifiedQuery(e *ast.Quantified) (plan.Expr, error) {
	op, ok := e.Op, negated[e.Op] != ""
	if e.All {
		op = negated[e.Op] // all are so if not any is not
	}
	switch {
	case !ok:
		return nil, unsupported(e.Pos, "%s ANY|ALL (SELECT ..) is not supported", e.Op)
	case op == "=":
		return r.inValue(&ast.In{At: e.At, Operand: e.Left, Query: e.Query, Not: e.All})
	}
	rows, _, err := r.rowsOf(e.Query, e.Pos)
	if err != nil {
		return nil, err
	}
	test := rows.compare(op, e.Left)
	return r.threeValued(rows.any(test), []ast.Expr{rows.any(rows.isNull(test))}, e.All)
}

// errNullable says that a NOT IN cannot be a join, as something in it can be NULL.
var errNullable = errors.New("NOT IN of what can be NULL")

// asValue reports whether a condition of WHERE on a subquery that cannot be a join can
// still be computed as a value.
func asValue(err error) bool {
	return undefinedName(err) || errors.Is(err, errNullable)
}

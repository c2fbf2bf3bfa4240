package planner

import (
	"fmt"
	"slices"
	"strings"

	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// setOp plans UNION [ALL], INTERSECT and EXCEPT.
func (q *Query) setOp(s *ast.SetOp) (plan.Node, error) {
	var inputs []plan.Node
	for _, b := range []ast.QueryBody{s.Left, s.Right} {
		q.depth++ // EMIT does not reach into the branches
		node, err := q.body(b)
		q.depth--
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, visibleOnly(node))
	}
	left, right := inputs[0].Schema(), inputs[1].Schema()
	if len(left.Fields) != len(right.Fields) {
		return nil, pgerr.At(int(s.Pos), pgerr.SyntaxError, "each %s query must have the same number of columns", strings.ToUpper(s.Op))
	}
	out := batch.NewSchema()
	target := make([]types.Type, len(left.Fields))
	for i, f := range left.Fields {
		pair := []types.Type{f.Type, right.Fields[i].Type}
		for side, b := range []ast.QueryBody{s.Left, s.Right} {
			if untyped(b, i) {
				pair[side] = types.Type{}
			}
		}
		t, ok := function.CommonType(pair)
		if !ok {
			return nil, pgerr.At(int(s.Pos), pgerr.DatatypeMismatch, "%s types %s and %s cannot be matched", strings.ToUpper(s.Op), f.Type, right.Fields[i].Type)
		}
		target[i] = t
		out.Fields = append(out.Fields, batch.Field{Name: f.Name, Type: t, NotNull: f.NotNull && right.Fields[i].NotNull})
	}
	for i, in := range inputs {
		converted, err := q.convert(in, target)
		if err != nil {
			return nil, err
		}
		inputs[i] = converted
	}
	if at := inputs[0].Schema().EventTime; at == inputs[1].Schema().EventTime {
		out.EventTime = at
	}
	if s.Op != "union" {
		return q.setDifference(s, inputs, out)
	}
	union := &plan.Union{All: inputs}
	union.Out = out
	union.Properties.Changelog = inputs[0].Props().Changelog || inputs[1].Props().Changelog
	if s.All {
		return union, nil
	}
	return q.distinct(union), nil
}

// untyped reports whether an output column of a SELECT is NULL or a string in
// quotes, which takes the type of the other side.
func untyped(b ast.QueryBody, column int) bool {
	sel, ok := b.(*ast.Select)
	if !ok || column >= len(sel.Items) || slices.ContainsFunc(sel.Items, func(i ast.SelectItem) bool { return i.Star }) {
		return false
	}
	l, ok := sel.Items[column].Expr.(*ast.Literal)
	return ok && (l.Kind == ast.NullLiteral || l.Kind == ast.StringLiteral)
}

// visibleOnly drops hidden columns, which set operations cannot match.
func visibleOnly(node plan.Node) plan.Node {
	visible := node.Schema().Visible()
	if len(visible) == len(node.Schema().Fields) {
		return node
	}
	exprs, names := make([]plan.Expr, len(visible)), make([]string, len(visible))
	eventTime := -1
	for i, at := range visible {
		f := node.Schema().Fields[at]
		exprs[i], names[i] = &plan.Column{Index: at, Name: f.Name, T: f.Type, Pos: -1}, f.Name
		if at == node.Schema().EventTime {
			eventTime = i
		}
	}
	p := newProject(node, exprs, names, false)
	p.Out.EventTime = eventTime
	return p
}

// convert casts the columns. An event time that is cast is none any more.
func (q *Query) convert(node plan.Node, to []types.Type) (plan.Node, error) {
	same, eventTime := true, node.Schema().EventTime
	exprs, names := make([]plan.Expr, len(to)), make([]string, len(to))
	for i, f := range node.Schema().Fields {
		column := &plan.Column{Index: i, Name: f.Name, T: f.Type, Pos: -1}
		// The types were matched: what is not implicit is the text of a literal.
		e, err := q.coerce(column, to[i], function.Explicit, -1)
		if err != nil {
			return nil, err
		}
		if e != plan.Expr(column) {
			same = false
			if i == eventTime {
				eventTime = -1
			}
		}
		exprs[i], names[i] = e, f.Name
	}
	if same {
		return node, nil
	}
	p := newProject(node, exprs, names, false)
	p.Out.EventTime = eventTime
	return p, nil
}

// sortOutput orders a set operation by its output columns.
func (q *Query) sortOutput(node plan.Node, order []ast.OrderItem) (plan.Node, error) {
	sc := scopeOf("", node.Schema())
	r := &resolver{q: q, scope: sc, clause: "ORDER BY"}
	s := &plan.Sort{Base: plan.Base{Out: node.Schema(), Properties: node.Props()}, Input: node}
	for _, item := range order {
		key := plan.SortKey{Desc: item.Desc, NullsFirst: item.NullsFirst}
		if l, ok := item.Expr.(*ast.Literal); ok && l.Kind == ast.IntLiteral {
			for i := range sc.columns {
				if fmt.Sprint(i+1) == l.Text {
					key.Expr = sc.column(i, l.Pos)
				}
			}
			if key.Expr == nil {
				return nil, pgerr.At(int(l.Pos), pgerr.InvalidColumnReference, "ORDER BY position %s is not in select list", l.Text)
			}
		} else {
			var err error
			if key.Expr, err = r.expr(item.Expr); err != nil {
				return nil, err
			}
		}
		s.Keys = append(s.Keys, key)
	}
	return s, nil
}

// sortKeys resolves an ORDER BY list inside a call.
func (r *resolver) sortKeys(order []ast.OrderItem) ([]plan.SortKey, error) {
	var keys []plan.SortKey
	for _, item := range order {
		e, err := r.expr(item.Expr)
		if err != nil {
			return nil, err
		}
		keys = append(keys, plan.SortKey{Expr: r.q.settle(e), Desc: item.Desc, NullsFirst: item.NullsFirst})
	}
	return keys, nil
}

// limit puts LIMIT and OFFSET on top; their values must be constants.
func (q *Query) limit(node plan.Node, query *ast.Query) (plan.Node, error) {
	if query.Limit == nil && query.Offset == nil {
		return node, nil
	}
	l := &plan.Limit{Base: plan.Base{Out: node.Schema(), Properties: node.Props()}, Input: node, Count: -1}
	for _, part := range []struct {
		e    ast.Expr
		to   *int64
		name string
		code pgerr.Code
	}{{query.Limit, &l.Count, "LIMIT", pgerr.InvalidLimit}, {query.Offset, &l.Offset, "OFFSET", pgerr.InvalidOffset}} {
		if part.e == nil {
			continue
		}
		r := &resolver{q: q, scope: &scope{}, clause: part.name}
		e, err := r.expr(part.e)
		if err != nil {
			return nil, err
		}
		if e, err = q.coerce(e, types.Of(types.Int64), function.Assignment, part.e.Position()); err != nil {
			return nil, err
		}
		switch c := e.(type) {
		case *plan.Const:
			if c.Value == nil {
				continue
			}
			if *part.to = c.Value.(int64); *part.to < 0 {
				return nil, pgerr.At(int(part.e.Position()), part.code, "%s must not be negative", part.name)
			}
		case *plan.Param: // the plan is made again with its value
		default:
			return nil, unsupported(part.e.Position(), "%s must be a constant", part.name)
		}
	}
	if top := q.limitedSort(l); top != nil {
		return top, nil
	}
	return l, nil
}

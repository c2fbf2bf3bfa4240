package planner

import (
	"slices"

	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// tableFunc plans a set-returning function in FROM, whose arguments may name columns
// of an input; nil for none. The scope is that of its own columns.
func (q *Query) tableFunc(t *ast.TableFunc, input plan.Node, left *scope) (*plan.TableFunc, *scope, error) {
	name := t.Call.Name.Last()
	node := &plan.TableFunc{Input: input, Ordinality: t.WithOrdinality}
	if err := plainCall(t.Call, name); err != nil {
		return nil, nil, err
	}
	args, err := (&resolver{q: q, scope: left, clause: "functions in FROM"}).exprs(t.Call.Args)
	if err != nil {
		return nil, nil, err
	}
	alias := t.Alias
	if alias == "" {
		alias = name
	}
	own := batch.NewSchema()
	for _, group := range callArgs(name, len(args)) {
		sig, call, err := q.setCall(name, t.Call, args[group[0]:group[1]], group[0])
		if err != nil {
			return nil, nil, err
		}
		node.Calls = append(node.Calls, *call)
		for _, f := range sig.Columns {
			column := f.Name
			if column == "" {
				column = alias
			}
			own.Fields = append(own.Fields, batch.Field{Name: column, Type: f.Type})
		}
	}
	if t.WithOrdinality {
		own.Fields = append(own.Fields, batch.Field{Name: "ordinality", Type: types.Of(types.Int64)})
	}
	setRows(node, own.Fields)
	sc, err := aliased(own, alias, t.Columns, t.Pos)
	return node, sc, err
}

// callArgs are the arguments of each call: unnest of several arrays is several calls.
func callArgs(name string, n int) [][2]int {
	if name != "unnest" || n < 2 {
		return [][2]int{{0, n}}
	}
	var out [][2]int
	for i := range n {
		out = append(out, [2]int{i, i + 1})
	}
	return out
}

// setCall resolves a call of a set-returning function; first is the place of the
// first argument.
func (q *Query) setCall(name string, e *ast.FuncCall, args []plan.Expr, first int) (*function.TableSignature, *plan.SetCall, error) {
	sig, err := function.ResolveTable(name, typesOf(args))
	if err != nil {
		return nil, nil, placed(err, e.Pos)
	}
	call := &plan.SetCall{Func: sig.ID}
	for i, a := range args {
		c, err := q.coerce(a, sig.Args[i], function.Explicit, e.Args[first+i].Position())
		if err != nil {
			return nil, nil, err
		}
		call.Args = append(call.Args, c)
	}
	for _, f := range sig.Columns {
		call.Columns = append(call.Columns, f.Type)
	}
	return sig, call, nil
}

// setRows lays out the output: the input's columns, then the functions'.
func setRows(node *plan.TableFunc, own []batch.Field) {
	node.Out = batch.NewSchema()
	if node.Input != nil {
		in, p := node.Input.Schema(), node.Input.Props()
		node.Out = &batch.Schema{Fields: slices.Clone(in.Fields), EventTime: in.EventTime}
		node.Properties.Changelog = p.Changelog
		if p.HasKey && node.Ordinality && !node.Left {
			node.Properties.Key, node.Properties.HasKey = append(slices.Clone(p.Key), len(in.Fields)+len(own)-1), true
		}
	}
	node.Out.Fields = append(node.Out.Fields, own...)
}

// isLateral reports whether an item of FROM may name columns of those before it.
func (q *Query) isLateral(t ast.TableExpr) bool {
	switch t := t.(type) {
	case *ast.TableFunc:
		_, _, system := q.systemFunction(t)
		return !system
	case *ast.Subquery:
		return t.Lateral
	}
	return false
}

// lateralJoin joins the rows of left with those that the item at the right of j makes
// of each.
func (q *Query) lateralJoin(j *ast.Join, left plan.Node, leftScope *scope) (plan.Node, *scope, error) {
	if s, ok := j.Right.(*ast.Subquery); ok {
		return q.lateralQuery(j, s, left, leftScope)
	}
	t := j.Right.(*ast.TableFunc)
	node, sc, err := q.tableFunc(t, left, leftScope)
	if err != nil {
		return nil, nil, err
	}
	if err := distinctAliases(leftScope, sc, j.Pos); err != nil {
		return nil, nil, err
	}
	both := leftScope.join(sc)
	if node.On, err = q.joinCondition(j, leftScope, sc, both); err != nil {
		return nil, nil, err
	}
	if c, ok := node.On.(*plan.Const); ok && c.Value == true {
		node.On = nil
	}
	if node.Left = j.Kind == ast.LeftJoin; node.Left {
		node.Properties.Key, node.Properties.HasKey = nil, false
	}
	return node, both, nil
}

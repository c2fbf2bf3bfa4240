package planner

import (
	"strings"

	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// setDifference plans INTERSECT and EXCEPT over two inputs of equal columns: the
// rows of both are counted by side, and a row stays while its counts say so. With ALL
// it stays as often as they say.
func (q *Query) setDifference(s *ast.SetOp, inputs []plan.Node, out *batch.Schema) (plan.Node, error) {
	bigint := types.Of(types.Int64)
	n := len(out.Fields)
	union := &plan.Union{}
	for side, in := range inputs {
		exprs, names := outputColumns(in.Schema(), n)
		for tag := range 2 {
			v := int64(0)
			if tag == side {
				v = 1
			}
			exprs, names = append(exprs, &plan.Const{Value: v, T: bigint}), append(names, "")
		}
		union.All = append(union.All, newProject(in, exprs, names, false))
		union.Properties.Changelog = union.Properties.Changelog || in.Props().Changelog
	}
	fields := append(out.Fields[:n:n], batch.Field{Name: "in_left", Type: bigint}, batch.Field{Name: "in_right", Type: bigint})
	union.Out = batch.NewSchema(fields...)
	agg := &plan.Aggregate{Input: union, Emit: plan.Emit{Mode: plan.EmitChanges}}
	if q.Mode == Once {
		agg.Emit.Mode = plan.EmitFinal
	} else {
		q.notice(strings.ToUpper(s.Op) + " keeps every distinct row of both sides and never drops one")
	}
	agg.Keys, _ = outputColumns(union.Out, n)
	for i := range 2 {
		column := &plan.Column{Index: n + i, Name: fields[n+i].Name, T: bigint, Pos: -1}
		agg.Aggs = append(agg.Aggs, plan.Agg{Func: "sum(bigint)", Args: []plan.Expr{column}, Type: bigint, EventTime: -1, Label: "sum(" + column.Name + ")"})
	}
	agg.Out = batch.NewSchema(fields...)
	agg.Properties = plan.Properties{Changelog: q.Mode != Once, HasKey: true, StateNote: "every distinct row of both sides, never dropped", Unbounded: true}
	for i := range n {
		agg.Properties.Key = append(agg.Properties.Key, i)
	}
	var node plan.Node
	var err error
	if s.All {
		node, err = copies(agg, n, s.Op == "intersect")
	} else {
		node, err = stays(agg, n, s.Op == "intersect")
	}
	if err != nil {
		return nil, err
	}
	exprs, names := outputColumns(out, n)
	return newProject(node, exprs, names, false), nil
}

// stays keeps the rows that are in the left input and also (both) or not in the right
// one, given how often they are in each from column n on.
func stays(counted *plan.Aggregate, n int, both bool) (plan.Node, error) {
	op := "="
	if both {
		op = ">"
	}
	left, err := compareZero(">", counted.Out, n)
	if err != nil {
		return nil, err
	}
	right, err := compareZero(op, counted.Out, n+1)
	if err != nil {
		return nil, err
	}
	return newFilter(counted, logic(false, left, right)), nil
}

// copies repeats each row as often as it is in both inputs, or more often in the left
// one than in the right one.
func copies(counted *plan.Aggregate, n int, both bool) (plan.Node, error) {
	bigint := types.Of(types.Int64)
	r := &resolver{q: &Query{}, scope: scopeOf("", counted.Out)}
	left, right, none := r.scope.column(n, -1), r.scope.column(n+1, -1), []ast.Pos{-1, -1}
	args := []plan.Expr{left, right}
	sig, err := function.Resolve("least", typesOf(args))
	if !both {
		sig, err = function.ResolveOperator("-", typesOf(args))
	}
	if err != nil {
		return nil, err
	}
	name := map[bool]string{true: "least", false: "-"}[both]
	times, err := r.apply(sig, name, -1, args, none)
	if err != nil {
		return nil, err
	}
	one := &plan.Const{Value: int64(1), T: bigint}
	series, err := function.ResolveTable("generate_series", []types.Type{bigint, bigint})
	if err != nil {
		return nil, err
	}
	node := &plan.TableFunc{Input: counted, Calls: []plan.SetCall{{Func: series.ID, Args: []plan.Expr{one, times}, Columns: []types.Type{bigint}}}}
	setRows(node, []batch.Field{{Name: "copy", Type: bigint}})
	return node, nil
}

// outputColumns refers to the first n columns of a schema.
func outputColumns(schema *batch.Schema, n int) ([]plan.Expr, []string) {
	exprs, names := make([]plan.Expr, n), make([]string, n)
	for i, f := range schema.Fields[:n] {
		exprs[i], names[i] = &plan.Column{Index: i, Name: f.Name, T: f.Type, Pos: -1}, f.Name
	}
	return exprs, names
}

// compareZero compares a bigint column with 0.
func compareZero(op string, schema *batch.Schema, column int) (plan.Expr, error) {
	bigint := types.Of(types.Int64)
	sig, err := function.ResolveOperator(op, []types.Type{bigint, bigint})
	if err != nil {
		return nil, err
	}
	args := []plan.Expr{
		&plan.Column{Index: column, Name: schema.Fields[column].Name, T: bigint, Pos: -1},
		&plan.Const{Value: int64(0), T: bigint},
	}
	return &plan.Call{Func: sig.ID, Args: args, T: sig.Result, Name: op, Pos: -1}, nil
}

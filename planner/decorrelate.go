package planner

import (
	"slices"
	"strings"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// dependent is a planned subquery taken apart, so that it can be joined with the query
// around it instead of being run for each of its rows (Neumann and Kemper, Unnesting
// Arbitrary Queries, BTW 2015, as far as correlation is by equality). For a row around
// it, its rows are those of node for which all keys are equal and rest is true, with
// the columns out.
type dependent struct {
	node plan.Node
	// out, rest and the inner keys are over node; out and rest may hold plan.Outer.
	out  []plan.Expr
	keys []dependentKey
	rest []plan.Expr
	// exact says that there is exactly one row, with NULLs in place of node's columns
	// where no key is equal; then after are conditions on that row, and rest is empty.
	exact bool
	after []plan.Expr
}

// dependentKey is outer = inner.
type dependentKey struct{ outer, inner plan.Expr }

// dependent takes a node apart; ok is false where that is not possible.
func (q *Query) dependent(n plan.Node) (d *dependent, ok bool) {
	if !correlated(n) {
		out, _ := outputColumns(n.Schema(), len(n.Schema().Fields))
		return &dependent{node: n, out: out}, true
	}
	switch n := n.(type) {
	case *plan.Project:
		if d, ok = q.dependent(n.Input); ok {
			d.out = overAll(n.Exprs, d.out)
		}
		return d, ok
	case *plan.Filter:
		if d, ok = q.dependent(n.Input); ok {
			d.filter(conjuncts(over(n.Predicate, d.out)))
		}
		return d, ok
	case *plan.Join:
		return q.dependentJoin(n)
	case *plan.LookupJoin:
		return q.dependentLookup(n)
	case *plan.Union:
		return q.dependentUnion(n)
	case *plan.Aggregate, *plan.TopN, *plan.Over, *plan.TableFunc:
		return q.dependentGroups(n)
	}
	return nil, false
}

// filter adds conditions.
func (d *dependent) filter(conds []plan.Expr) {
	for _, c := range conds {
		if d.exact {
			d.after = append(d.after, c)
			continue
		}
		if !hasOuter(c) {
			d.node = newFilter(d.node, c)
			continue
		}
		if k, ok := keyOf(c); ok {
			d.keys = append(d.keys, k)
			continue
		}
		d.rest = append(d.rest, c)
	}
}

// keyOf reads outer = inner, either side first.
func keyOf(e plan.Expr) (k dependentKey, ok bool) {
	call, ok := e.(*plan.Call)
	if !ok || call.Name != "=" || len(call.Args) != 2 {
		return k, false
	}
	a, b := call.Args[0], call.Args[1]
	if hasOuter(b) {
		a, b = b, a
	}
	if hasOuter(b) || usesColumns(a) || !usesColumns(b) {
		return k, false
	}
	return dependentKey{a, b}, true
}

// dependentJoin takes an inner join apart at both sides, any other one at the left.
func (q *Query) dependentJoin(n *plan.Join) (*dependent, bool) {
	l, okLeft := q.dependent(n.Left)
	r, okRight := q.dependent(n.Right)
	if !okLeft || !okRight || l.exact || r.exact {
		return nil, false
	}
	inner := n.Kind == plan.JoinInner
	leftOnly := n.Kind == plan.JoinSemi || n.Kind == plan.JoinAnti
	width := len(l.node.Schema().Fields)
	both := append(slices.Clone(l.out), shiftAll(r.out, width)...)
	leftKeys, rightKeys := overAll(n.LeftKeys, l.out), overAll(n.RightKeys, r.out)
	var residual, outer []plan.Expr
	for _, c := range conjuncts(n.Residual) {
		if c = over(c, both); hasOuter(c) {
			outer = append(outer, c)
		} else {
			residual = append(residual, c)
		}
	}
	free := len(r.keys)+len(r.rest)+len(outer) == 0
	if slices.ContainsFunc(append(leftKeys, rightKeys...), hasOuter) || !inner && !free ||
		!inner && !leftOnly && (n.Kind != plan.JoinLeft || !onlyColumns(r.out)) {
		return nil, false
	}
	d := &dependent{out: both, keys: l.keys, rest: l.rest}
	d.node = q.newJoin(n.Kind, l.node, r.node, leftKeys, rightKeys, allOf(residual))
	if leftOnly {
		d.out = l.out
		return d, true
	}
	for _, k := range r.keys {
		d.keys = append(d.keys, dependentKey{k.outer, shift(k.inner, width)})
	}
	d.rest = append(d.rest, shiftAll(r.rest, width)...)
	d.filter(outer)
	return d, true
}

// dependentLookup takes the stream of a lookup apart.
func (q *Query) dependentLookup(n *plan.LookupJoin) (*dependent, bool) {
	d, ok := q.dependent(n.Stream)
	if !ok || d.exact || correlated(n.Table) {
		return nil, false
	}
	width := len(d.node.Schema().Fields)
	table, _ := outputColumns(n.Table.Schema(), len(n.Table.Schema().Fields))
	both := append(slices.Clone(d.out), shiftAll(table, width)...)
	keys := overAll(n.StreamKeys, d.out)
	var residual plan.Expr
	if n.Residual != nil {
		residual = over(n.Residual, both)
	}
	if slices.ContainsFunc(append(slices.Clone(keys), residual), hasOuter) {
		return nil, false
	}
	d.node = newLookup(d.node, n.Table, n.Kind, keys, n.TableKeys, residual)
	if n.Kind != plan.JoinSemi && n.Kind != plan.JoinAnti {
		d.out = both
	}
	return d, true
}

// dependentUnion takes the inputs of a union apart, whose keys must be the same.
func (q *Query) dependentUnion(n *plan.Union) (*dependent, bool) {
	u := &plan.Union{}
	var first *dependent
	for _, in := range n.All {
		d, ok := q.dependent(in)
		if !ok || !d.plain() {
			return nil, false
		}
		if first == nil {
			first = d
		}
		if !slices.EqualFunc(first.keys, d.keys, func(a, b dependentKey) bool {
			return fingerprint(a.outer) == fingerprint(b.outer) && a.inner.Type().Equal(b.inner.Type())
		}) {
			return nil, false
		}
		u.All = append(u.All, d.withKeys(in.Schema()))
		u.Properties.Changelog = u.Properties.Changelog || d.node.Props().Changelog
	}
	u.Out = batch.NewSchema(u.All[0].Schema().Fields...)
	u.Out.EventTime = n.Out.EventTime
	return keyed(u, len(n.Out.Fields), first.keys), true
}

// plain reports whether the rows are those of node with equal keys and nothing else.
func (d *dependent) plain() bool {
	return !d.exact && len(d.rest) == 0 && len(d.keys) > 0 && !slices.ContainsFunc(d.out, hasOuter)
}

// withKeys is node with the columns of a schema, then the inner keys.
func (d *dependent) withKeys(schema *batch.Schema) plan.Node {
	exprs := slices.Clone(d.out)
	fields := slices.Clone(schema.Fields)
	for _, k := range d.keys {
		exprs = append(exprs, k.inner)
		fields = append(fields, batch.Field{Name: k.inner.String(), Type: k.inner.Type(), NotNull: notNull(k.inner, d.node.Schema())})
	}
	p := d.node.Props()
	p.StateNote, p.Unbounded = "", false
	p.Key, p.HasKey = mapKey(p, exprs)
	return &plan.Project{Base: plan.Base{Out: &batch.Schema{Fields: fields, EventTime: schema.EventTime}, Properties: p}, Input: d.node, Exprs: exprs}
}

// keyed is a node whose columns are n of the subquery, then the inner keys.
func keyed(node plan.Node, n int, keys []dependentKey) *dependent {
	columns, _ := outputColumns(node.Schema(), n+len(keys))
	d := &dependent{node: node, out: columns[:n]}
	for i, k := range keys {
		d.keys = append(d.keys, dependentKey{k.outer, columns[n+i]})
	}
	return d
}

// dependentGroups computes for each key what an operator computes for all its rows:
// an aggregate is grouped by the keys too, an order is partitioned by them.
func (q *Query) dependentGroups(n plan.Node) (*dependent, bool) {
	if slices.ContainsFunc(nodeExprs(n), hasOuter) {
		return nil, false
	}
	in, ok := q.dependent(n.Inputs()[0])
	if !ok || !in.plain() {
		return nil, false
	}
	width := len(n.Inputs()[0].Schema().Fields)
	input := in.withKeys(n.Inputs()[0].Schema())
	fields := input.Schema().Fields[width:]
	keys, _ := outputColumns(input.Schema(), len(input.Schema().Fields))
	keys = keys[width:]
	switch n := n.(type) {
	case *plan.Aggregate:
		return q.dependentAggregate(n, input, keys, in.keys), true
	case *plan.TopN:
		out := *n.Out
		out.Fields = slices.Insert(slices.Clone(out.Fields), width, fields...)
		top := q.newTopN(input, append(slices.Clone(keys), n.PartitionBy...), n.OrderBy, n.Rank, n.Skip, n.Count, &out)
		if n.Rank == "" && n.Count-n.Skip == 1 { // at most one row for equal keys
			top.Properties.Key, _ = columnsOf(top.PartitionBy)
			top.Properties.HasKey = true
		}
		return inserted(top, width, in.keys), true
	case *plan.Over:
		o := *n
		o.Input, o.PartitionBy = input, append(slices.Clone(keys), n.PartitionBy...)
		o.Out = &batch.Schema{Fields: slices.Insert(slices.Clone(n.Out.Fields), width, fields...), EventTime: n.Out.EventTime}
		o.Properties.Key, o.Properties.HasKey = nil, false
		return inserted(&o, width, in.keys), true
	case *plan.TableFunc:
		t := *n
		t.Input = input
		setRows(&t, n.Out.Fields[width:])
		d := inserted(&t, width, in.keys)
		if n.On != nil {
			t.On = over(n.On, d.out)
		}
		return d, true
	}
	return nil, false
}

// inserted is a node in whose columns the inner keys stand behind the first n.
func inserted(node plan.Node, n int, keys []dependentKey) *dependent {
	columns, _ := outputColumns(node.Schema(), len(node.Schema().Fields))
	d := &dependent{node: node, out: slices.Delete(slices.Clone(columns), n, n+len(keys))}
	for i, k := range keys {
		d.keys = append(d.keys, dependentKey{k.outer, columns[n+i]})
	}
	return d
}

// dependentAggregate groups by the keys before all others. Without others there is a
// row for each row around the subquery, whatever its rows: where there are none,
// counts are 0 and everything else is NULL.
func (q *Query) dependentAggregate(n *plan.Aggregate, input plan.Node, keys []plan.Expr, outer []dependentKey) *dependent {
	a := *n
	a.Input, a.Keys = input, append(slices.Clone(keys), n.Keys...)
	fields := input.Schema().Fields[len(input.Schema().Fields)-len(keys):]
	a.Out = &batch.Schema{Fields: slices.Insert(slices.Clone(n.Out.Fields), 0, fields...), EventTime: n.Out.EventTime}
	if a.Out.EventTime >= 0 {
		a.Out.EventTime += len(keys)
	}
	g := &grouping{keys: a.Keys, window: a.Window, aggs: a.Aggs}
	a.Properties = plan.Properties{Changelog: g.changes(a.Emit, input.Props().Changelog), HasKey: true}
	for i := range a.Keys {
		a.Properties.Key = append(a.Properties.Key, i)
	}
	if a.Window != nil {
		a.Properties.Key = append(a.Properties.Key, g.windowKey())
	}
	q.stateNote(&a.Properties, g, a.Emit)
	d := inserted(&a, 0, outer)
	if d.exact = len(n.Keys) == 0 && n.Window == nil; !d.exact {
		return d
	}
	for i, e := range d.out {
		if t := e.Type(); countsRows(n.Aggs[i].Func) {
			d.out[i] = &plan.Coalesce{Args: []plan.Expr{e, &plan.Const{Value: int64(0), T: t}}, T: t}
		}
	}
	return d
}

// countsRows reports whether an aggregate of no rows is 0.
func countsRows(id string) bool {
	return strings.HasPrefix(id, "count(") || strings.HasPrefix(id, "regr_count(") || strings.HasPrefix(id, "approx_count_distinct(")
}

// over puts the expressions in place of the columns that e names.
func over(e plan.Expr, columns []plan.Expr) plan.Expr {
	return plan.Rewrite(e, func(x plan.Expr) plan.Expr {
		if c, ok := x.(*plan.Column); ok {
			return columns[c.Index]
		}
		return x
	})
}

func overAll(list, columns []plan.Expr) []plan.Expr {
	out := make([]plan.Expr, len(list))
	for i, e := range list {
		out[i] = over(e, columns)
	}
	return out
}

func shiftAll(list []plan.Expr, by int) []plan.Expr {
	out := make([]plan.Expr, len(list))
	for i, e := range list {
		out[i] = shift(e, by)
	}
	return out
}

// onlyColumns reports whether all expressions are columns.
func onlyColumns(list []plan.Expr) bool {
	_, ok := columnsOf(list)
	return ok
}

// hasOuter reports whether an expression names a column of the query around it.
func hasOuter(e plan.Expr) bool {
	if e == nil {
		return false
	}
	if _, ok := e.(*plan.Outer); ok {
		return true
	}
	return slices.ContainsFunc(plan.Children(e), hasOuter)
}

func usesColumns(e plan.Expr) bool {
	_, high := columnRange(e)
	return high >= 0
}

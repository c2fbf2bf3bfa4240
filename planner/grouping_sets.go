package planner

import (
	"slices"

	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// maxGroupingSets bounds ROLLUP, CUBE and GROUPING SETS: each set is an aggregate
// of its own over a copy of the input's operators.
const maxGroupingSets = 64

// maxGroupingArgs is what an integer has bits for.
const maxGroupingArgs = 31

// groupingSet is the keys of one set, as indexes into grouping.keys, ascending.
type groupingSet []int

// spread writes an item of GROUP BY out as sets, given the keys of its elements.
func spread(kind ast.GroupKind, elems []groupingSet) []groupingSet {
	n := len(elems)
	switch kind {
	case ast.GroupRollup:
		out := []groupingSet{}
		for i := n; i >= 0; i-- {
			out = append(out, union(elems[:i]...))
		}
		return out
	case ast.GroupCube:
		out := []groupingSet{nil}
		for i := n - 1; i >= 0; i-- { // as binary numbers count down, the first element leads
			var with []groupingSet
			for _, s := range out {
				with = append(with, union(elems[i], s))
			}
			out = append(with, out...)
		}
		return out
	}
	return elems
}

// union is the keys of all sets.
func union(sets ...groupingSet) groupingSet {
	all := slices.Concat(sets...)
	slices.Sort(all)
	return slices.Compact(all)
}

// cross combines each set with each of a further item of GROUP BY.
func cross(sets, more []groupingSet) []groupingSet {
	var out []groupingSet
	for _, a := range sets {
		for _, b := range more {
			out = append(out, union(a, b))
		}
	}
	return out
}

// groupSets returns the sets of an item of GROUP BY that is not an expression.
func (q *Query) groupSets(g *grouping, sel *ast.Select, item ast.GroupItem) ([]groupingSet, error) {
	tooMany := unsupported(item.Pos, "more than %d grouping sets are not supported", maxGroupingSets)
	if item.Kind == ast.GroupCube && len(item.Sets) > 6 || len(item.Sets) > maxGroupingSets {
		return nil, tooMany
	}
	elems := make([]groupingSet, len(item.Sets))
	for i, list := range item.Sets {
		for _, e := range list {
			key, window, err := q.groupKey(g, sel, e)
			if err != nil {
				return nil, err
			}
			if window {
				return nil, unsupported(e.Position(), "a time window inside ROLLUP, CUBE or GROUPING SETS is not supported").
					WithHint("Name it beside them: GROUP BY tumble(ts, INTERVAL '5' SECOND), ROLLUP (a, b).")
			}
			elems[i] = union(elems[i], groupingSet{key})
		}
	}
	return spread(item.Kind, elems), nil
}

// groupingCall resolves GROUPING(..): a bit for each argument, 1 where the row's
// set is without that key.
func (r *resolver) groupingCall(e *ast.FuncCall) (plan.Expr, error) {
	switch {
	case r.inAggregate:
		return nil, pgerr.At(int(e.Pos), pgerr.GroupingError, "aggregate function calls cannot be nested")
	case r.group == nil:
		return nil, pgerr.At(int(e.Pos), pgerr.GroupingError, "grouping operations are not allowed in %s", r.clause)
	case len(e.Args) > maxGroupingArgs:
		return nil, pgerr.At(int(e.Pos), pgerr.TooManyArguments, "GROUPING must have fewer than 32 arguments")
	}
	args, err := r.exprs(e.Args)
	if err != nil {
		return nil, err
	}
	keys := make([]int, len(args))
	for i, a := range args {
		if keys[i] = slices.Index(r.group.keyNames, fingerprint(r.q.settle(a))); keys[i] < 0 {
			return nil, pgerr.At(int(e.Args[i].Position()), pgerr.GroupingError, "arguments to GROUPING must be grouping expressions of the associated query level")
		}
	}
	r.group.calls = append(r.group.calls, keys)
	return &groupRef{what: "grouping", index: len(r.group.calls) - 1, t: types.Of(types.Int32), name: "grouping(" + plan.ExprList(args) + ")"}, nil
}

// bits is the value of GROUPING(keys) in a set's rows.
func (s groupingSet) bits(keys []int) int64 {
	v := int64(0)
	for _, k := range keys {
		v <<= 1
		if !slices.Contains(s, k) {
			v |= 1
		}
	}
	return v
}

// groups puts the aggregate on top of a node: one for each grouping set, if there
// are several, laid out alike and united.
func (q *Query) groups(input plan.Node, g *grouping, top bool) (plan.Node, error) {
	if len(g.sets) == 0 {
		return q.newAggregate(input, g, top)
	}
	out := g.setsSchema(input.Schema())
	u := &plan.Union{Base: plan.Base{Out: out}}
	for i, set := range g.sets {
		part := *g
		part.keys = make([]plan.Expr, len(set))
		for j, k := range set {
			part.keys[j] = g.keys[k]
		}
		agg, err := q.newAggregate(input, &part, top)
		if err != nil {
			return nil, err
		}
		u.All = append(u.All, g.layOut(agg, i, out))
		u.Properties.Changelog = u.Properties.Changelog || agg.Properties.Changelog
	}
	if g.window != nil && g.window.OnEventTime {
		out.EventTime = len(out.Fields) - 1
	}
	u.Properties.Key, u.Properties.HasKey = g.setsKey(), true
	return u, nil
}

// setsSchema is the layout of the united rows: that of an aggregate by all keys,
// with the calls of GROUPING and the number of the set behind the aggregates.
func (g *grouping) setsSchema(input *batch.Schema) *batch.Schema {
	out := g.schema(input)
	for i := range g.keys {
		for _, s := range g.sets {
			out.Fields[i].NotNull = out.Fields[i].NotNull && slices.Contains(s, i)
		}
	}
	number := batch.Field{Type: types.Of(types.Int32), NotNull: true}
	more := make([]batch.Field, 0, len(g.calls)+1)
	for range g.calls {
		number.Name = "grouping"
		more = append(more, number)
	}
	number.Name, number.Hidden = "grouping_set", true
	out.Fields = slices.Insert(out.Fields, g.setColumn()-len(g.calls), append(more, number)...)
	return out
}

// setColumn is where the united rows have the number of their set.
func (g *grouping) setColumn() int {
	return g.position(&groupRef{what: "grouping", index: len(g.calls)})
}

// setsKey is the key of the united rows.
func (g *grouping) setsKey() []int {
	var key []int
	for i := range g.keys {
		key = append(key, i)
	}
	if g.window != nil {
		key = append(key, g.windowKey())
	}
	return append(key, g.setColumn())
}

// layOut gives the rows of a set's aggregate all columns of the union.
func (g *grouping) layOut(agg *plan.Aggregate, number int, out *batch.Schema) plan.Node {
	set := g.sets[number]
	int32Const := func(v int64) plan.Expr { return &plan.Const{Value: v, T: types.Of(types.Int32)} }
	exprs := make([]plan.Expr, 0, len(out.Fields))
	for i, k := range g.keys {
		at := slices.Index(set, i)
		if at < 0 {
			exprs = append(exprs, &plan.Const{T: k.Type()})
			continue
		}
		exprs = append(exprs, &plan.Column{Index: at, Name: agg.Out.Fields[at].Name, T: k.Type(), Pos: -1})
	}
	for i := len(set); i < len(agg.Out.Fields); i++ {
		if i-len(set) == g.setColumn()-len(g.calls)-len(g.keys) {
			exprs = g.appendNumbers(exprs, set, number, int32Const)
		}
		f := agg.Out.Fields[i]
		exprs = append(exprs, &plan.Column{Index: i, Name: f.Name, T: f.Type, Pos: -1})
	}
	if len(exprs) < len(out.Fields) { // no event time follows
		exprs = g.appendNumbers(exprs, set, number, int32Const)
	}
	schema := *out
	if g.window != nil && g.window.OnEventTime {
		schema.EventTime = len(out.Fields) - 1
	}
	p := agg.Properties
	p.StateNote, p.Unbounded = "", false
	p.Key, p.HasKey = g.setsKey(), true
	return &plan.Project{Base: plan.Base{Out: &schema, Properties: p}, Input: agg, Exprs: exprs}
}

// appendNumbers appends the calls of GROUPING and the number of the set.
func (g *grouping) appendNumbers(exprs []plan.Expr, set groupingSet, number int, constant func(int64) plan.Expr) []plan.Expr {
	for _, keys := range g.calls {
		exprs = append(exprs, constant(set.bits(keys)))
	}
	return append(exprs, constant(int64(number)))
}

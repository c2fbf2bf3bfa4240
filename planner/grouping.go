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

// grouping is one SELECT's GROUP BY: its keys, its window, and the aggregate
// calls met while its expressions were resolved.
type grouping struct {
	input    *scope
	keys     []plan.Expr
	keyNames []string // fingerprints of keys
	window   *plan.Window
	// windowName is the fingerprint of the window call, so that the same call in
	// the select list means window_start.
	windowName string
	windowType types.Type
	aggs       []plan.Agg
	aggNames   map[string]int
	// expands are the set-returning functions in keys.
	expands sets
	// sets are the grouping sets, nil for the one that has all keys; calls are the
	// keys that each call of GROUPING asks for.
	sets  []groupingSet
	calls [][]int
}

// groupRef stands for an output of the aggregate until the layout is known.
type groupRef struct {
	what  string // "agg", "window_start", "window_end", "grouping", "scalar"
	index int    // of the aggregate, call or subquery
	t     types.Type
	name  string
}

// Type implements plan.Expr.
func (g *groupRef) Type() types.Type { return g.t }

// String implements plan.Expr.
func (g *groupRef) String() string { return g.name }

// windowColumn returns window_start or window_end of the group's window, nil for
// another name and where the group is not known yet.
func (r *resolver) windowColumn(name string) plan.Expr {
	g := r.group
	if g == nil || r.inAggregate || g.window == nil || name != "window_start" && name != "window_end" {
		return nil
	}
	return &groupRef{what: name, t: g.windowType, name: name}
}

// aggregate collects an aggregate call.
func (r *resolver) aggregate(e *ast.FuncCall, name string) (plan.Expr, error) {
	switch {
	case r.inAggregate:
		return nil, pgerr.At(int(e.Pos), pgerr.GroupingError, "aggregate function calls cannot be nested")
	case r.group == nil:
		return nil, pgerr.At(int(e.Pos), pgerr.GroupingError, "aggregate functions are not allowed in %s", r.clause)
	}
	inner := *r
	inner.inAggregate = true
	args, err := inner.exprs(e.Args)
	if err != nil {
		return nil, err
	}
	order := e.OrderBy
	argPos := positions(e.Args)
	if len(e.WithinGroup) > 0 {
		order = e.WithinGroup
	}
	keys, err := inner.sortKeys(order)
	if err != nil {
		return nil, err
	}
	resolveArgs := args
	if len(e.WithinGroup) > 0 {
		for i, k := range keys {
			resolveArgs = append(resolveArgs, k.Expr)
			argPos = append(argPos, e.WithinGroup[i].Pos)
		}
	}
	sig, err := function.ResolveAggregate(name, typesOf(resolveArgs))
	if err != nil {
		return nil, placed(err, e.Pos)
	}
	if sig.OrderedSet != (len(e.WithinGroup) > 0) {
		return nil, pgerr.At(int(e.Pos), pgerr.WrongObjectType, "%s: WITHIN GROUP is required for an ordered-set aggregate, and only there", name)
	}
	agg := plan.Agg{Func: sig.ID, Type: sig.Result, Distinct: e.Distinct, EventTime: -1}
	for i, a := range resolveArgs {
		if a, err = r.q.coerce(a, sig.Args[i], function.Explicit, argPos[i]); err != nil {
			return nil, err
		}
		agg.Args = append(agg.Args, a)
	}
	if !sig.OrderedSet {
		agg.OrderBy = keys
	} else {
		for i, k := range keys {
			k.Expr = agg.Args[len(args)+i]
			agg.OrderBy = append(agg.OrderBy, k)
		}
	}
	if e.Filter != nil {
		f, err := inner.expr(e.Filter)
		if err != nil {
			return nil, err
		}
		if agg.Filter, err = r.q.boolean(f, e.Filter.Position(), "FILTER"); err != nil {
			return nil, err
		}
	}
	agg.Label = aggLabel(name, e, &agg)
	return r.group.add(agg), nil
}

func aggLabel(name string, e *ast.FuncCall, a *plan.Agg) string {
	args := plan.ExprList(a.Args)
	if e.Star {
		args = "*"
	}
	if a.Distinct {
		args = "DISTINCT " + args
	}
	s := name + "(" + args + ")"
	if a.Filter != nil {
		s += " FILTER (" + a.Filter.String() + ")"
	}
	return s
}

// add returns the reference to an aggregate, one for calls that are the same.
func (g *grouping) add(a plan.Agg) plan.Expr {
	var b strings.Builder
	fmt.Fprintf(&b, "%s distinct=%v", a.Func, a.Distinct)
	for _, x := range a.Args {
		b.WriteString("|" + fingerprint(x))
	}
	if a.Filter != nil {
		b.WriteString("|filter " + fingerprint(a.Filter))
	}
	for _, k := range a.OrderBy {
		fmt.Fprintf(&b, "|order %s %v %v", fingerprint(k.Expr), k.Desc, k.NullsFirst)
	}
	i, ok := g.aggNames[b.String()]
	if !ok {
		i = len(g.aggs)
		g.aggs = append(g.aggs, a)
		g.aggNames[b.String()] = i
	}
	return &groupRef{what: "agg", index: i, t: a.Type, name: a.Label}
}

// position returns the output column of a groupRef: keys, window bounds, then
// aggregates.
func (g *grouping) position(ref *groupRef) int {
	n := len(g.keys)
	switch ref.what {
	case "window_start":
		return n
	case "window_end":
		return n + 1
	}
	if g.window != nil {
		n += 2
	}
	if ref.what == "grouping" {
		n += len(g.aggs)
	}
	return n + ref.index
}

// rewrite turns an expression over the input into one over the aggregate's
// output. A column that is neither grouped nor aggregated is 42803.
func (g *grouping) rewrite(e plan.Expr) (plan.Expr, error) {
	if ref, ok := e.(*groupRef); ok && ref.what == "scalar" {
		return ref, nil
	}
	if ref, ok := e.(*groupRef); ok && ref.what == "grouping" && g.sets == nil {
		return &plan.Const{Value: int64(0), T: ref.t}, nil
	}
	if ref, ok := e.(*groupRef); ok {
		return &plan.Column{Index: g.position(ref), Name: ref.name, T: ref.t, Pos: -1}, nil
	}
	name := fingerprint(e)
	for i, k := range g.keyNames {
		if k == name {
			return &plan.Column{Index: i, Name: e.String(), T: e.Type(), Pos: -1}, nil
		}
	}
	if _, ok := e.(*setRef); ok {
		return e, nil // it runs on top of the groups
	}
	if c, ok := e.(*plan.Column); ok {
		from := g.input.columns[c.Index]
		label := c.Name
		if from.table != "" {
			label = from.table + "." + c.Name
		}
		return nil, pgerr.At(c.Pos, pgerr.GroupingError, "column %q must appear in the GROUP BY clause or be used in an aggregate function", label)
	}
	return rewriteChildren(e, g.rewrite)
}

// rewriteChildren rebuilds a node over rewritten operands.
func rewriteChildren(e plan.Expr, f func(plan.Expr) (plan.Expr, error)) (plan.Expr, error) {
	children := plan.Children(e)
	if len(children) == 0 {
		return e, nil
	}
	done := make([]plan.Expr, len(children))
	for i, c := range children {
		var err error
		if done[i], err = f(c); err != nil {
			return nil, err
		}
	}
	return plan.WithChildren(e, done), nil
}

// fingerprint is equal for expressions that compute the same over one input.
func fingerprint(e plan.Expr) string {
	switch e := e.(type) {
	case *plan.Column:
		return fmt.Sprintf("#%d", e.Index)
	case *plan.Const:
		return fmt.Sprintf("%v:%s", e.Value, e.T)
	case *plan.Param:
		return fmt.Sprintf("$%d", e.Index)
	case *plan.Outer:
		return fmt.Sprintf("outer %d", e.Index)
	case *groupRef:
		return fmt.Sprintf("@%s%d", e.what, e.index)
	case *overRef:
		return fmt.Sprintf("@over%d", e.index)
	case *setRef:
		return e.print
	}
	var b strings.Builder
	switch e := e.(type) {
	case *plan.Call:
		b.WriteString(e.Func)
	case *plan.Cast:
		fmt.Fprintf(&b, "cast %s %v", e.T, e.Try)
	case *plan.Logic:
		fmt.Fprintf(&b, "logic %v", e.Or)
	case *plan.IsNull:
		fmt.Fprintf(&b, "null %v", e.Not)
	case *plan.InList:
		fmt.Fprintf(&b, "in %v", e.Not)
	default:
		fmt.Fprintf(&b, "%T", e)
	}
	b.WriteByte('(')
	for _, c := range plan.Children(e) {
		b.WriteString(fingerprint(c))
		b.WriteByte(',')
	}
	b.WriteByte(')')
	return b.String()
}

// groupBy resolves the GROUP BY list, which may name the select items by output
// name and by number.
func (q *Query) groupBy(sel *ast.Select, input *scope) (*grouping, error) {
	g := &grouping{input: input, aggNames: map[string]int{}}
	sets := []groupingSet{nil}
	for _, item := range sel.GroupBy {
		if item.Kind != ast.GroupExpr {
			more, err := q.groupSets(g, sel, item)
			if err != nil {
				return nil, err
			}
			if sets = cross(sets, more); len(sets) > maxGroupingSets {
				return nil, unsupported(item.Pos, "more than %d grouping sets are not supported", maxGroupingSets)
			}
			continue
		}
		list := []ast.Expr{item.Expr}
		if row, ok := item.Expr.(*ast.RowExpr); ok {
			list = row.Elems
		}
		for _, e := range list {
			key, window, err := q.groupKey(g, sel, e)
			if err != nil {
				return nil, err
			}
			if !window {
				sets = cross(sets, []groupingSet{{key}})
			}
		}
	}
	if len(sets) > 1 {
		g.sets = sets
	}
	return g, nil
}

// groupKey resolves an expression of GROUP BY and returns which key it is, or that
// it is the time window.
func (q *Query) groupKey(g *grouping, sel *ast.Select, item ast.Expr) (index int, window bool, err error) {
	e, err := groupExpr(item, sel, g.input)
	if err != nil {
		return 0, false, err
	}
	if call, ok := e.(*ast.FuncCall); ok && isWindowCall(call) {
		return 0, true, q.groupWindow(g, call)
	}
	key, err := (&resolver{q: q, scope: g.input, clause: "GROUP BY", sets: &g.expands}).expr(e)
	if err != nil {
		return 0, false, err
	}
	key = q.settle(key)
	name := fingerprint(key)
	if at := slices.Index(g.keyNames, name); at >= 0 {
		return at, false, nil
	}
	g.keys, g.keyNames = append(g.keys, key), append(g.keyNames, name)
	return len(g.keys) - 1, false, nil
}

// groupExpr follows PostgreSQL: a number is a select item, a bare name is an
// input column, or else an output name.
func groupExpr(e ast.Expr, sel *ast.Select, input *scope) (ast.Expr, error) {
	if l, ok := e.(*ast.Literal); ok && l.Kind == ast.IntLiteral {
		for i, item := range sel.Items {
			if fmt.Sprint(i+1) == l.Text && item.Expr != nil {
				return item.Expr, nil
			}
		}
		return nil, pgerr.At(int(l.Pos), pgerr.InvalidColumnReference, "GROUP BY position %s is not in select list", l.Text)
	}
	if c, ok := e.(*ast.Column); ok && len(c.Name.Parts) == 1 {
		if _, missing, err := input.find(c.Name); err == nil && missing {
			for _, item := range sel.Items {
				if item.Alias == c.Name.Last() && item.Expr != nil {
					return item.Expr, nil
				}
			}
		}
	}
	return e, nil
}

// schema lays out the aggregate's output.
func (g *grouping) schema(input *batch.Schema) *batch.Schema {
	out := batch.NewSchema()
	for _, k := range g.keys {
		name, notNull := k.String(), false
		if c, ok := k.(*plan.Column); ok {
			name, notNull = c.Name, input.Fields[c.Index].NotNull
		}
		out.Fields = append(out.Fields, batch.Field{Name: name, Type: k.Type(), NotNull: notNull})
	}
	if g.window != nil {
		out.Fields = append(out.Fields,
			batch.Field{Name: "window_start", Type: g.windowType, NotNull: true, Hidden: true},
			batch.Field{Name: "window_end", Type: g.windowType, NotNull: true, Hidden: true})
	}
	for _, a := range g.aggs {
		out.Fields = append(out.Fields, batch.Field{Name: a.Label, Type: a.Type})
	}
	if g.window != nil {
		if g.window.OnEventTime { // else the watermark says nothing of the windows
			out.EventTime = len(out.Fields)
		}
		out.Fields = append(out.Fields, batch.Field{Name: eventTimeName(input, g.window), Type: g.windowType, NotNull: true, Hidden: true})
	}
	return out
}

// eventTimeName is what a window's event time is called downstream: as the
// column that it was computed from.
func eventTimeName(input *batch.Schema, w *plan.Window) string {
	if c, ok := w.Time.(*plan.Column); ok {
		return c.Name
	}
	if input.EventTime >= 0 {
		return input.Fields[input.EventTime].Name
	}
	return "window_time"
}

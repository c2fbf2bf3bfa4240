package planner

import (
	"fmt"
	"slices"
	"strings"

	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// rewrite applies f to every expression of the calls.
func (o *overs) rewrite(f func(plan.Expr) (plan.Expr, error)) error {
	list := func(exprs []plan.Expr) error {
		for i, e := range exprs {
			var err error
			if exprs[i], err = f(e); err != nil {
				return err
			}
		}
		return nil
	}
	for _, s := range o.specs {
		s.partition, s.order = slices.Clone(s.partition), slices.Clone(s.order)
		if err := list(s.partition); err != nil {
			return err
		}
		for i, k := range s.order {
			e, err := f(k.Expr)
			if err != nil {
				return err
			}
			s.order[i].Expr = e
		}
	}
	for i := range o.calls {
		fn := &o.calls[i].fn
		if err := list(fn.Agg.Args); err != nil {
			return err
		}
		for _, e := range []*plan.Expr{&fn.Agg.Filter, &fn.Frame.Start.Value, &fn.Frame.End.Value} {
			if *e == nil {
				continue
			}
			var err error
			if *e, err = f(*e); err != nil {
				return err
			}
		}
	}
	return nil
}

// overs puts an Over on top for every window and makes the references to their
// results columns.
func (c *core) overs() error {
	if len(c.over.calls) == 0 {
		return nil
	}
	columns := make([]*plan.Column, len(c.over.calls))
	for i, spec := range c.over.specs {
		var fns []plan.OverFunc
		at := len(c.node.Schema().Fields)
		for k, call := range c.over.calls {
			if call.spec == i {
				columns[k] = &plan.Column{Index: at + len(fns), Name: call.fn.Agg.Label, T: call.fn.Agg.Type, Pos: -1}
				fns = append(fns, call.fn)
			}
		}
		node, err := c.q.newOver(c.node, spec, fns)
		if err != nil {
			return err
		}
		c.node = node
	}
	var settle func(e plan.Expr) (plan.Expr, error)
	settle = func(e plan.Expr) (plan.Expr, error) {
		if ref, ok := e.(*overRef); ok {
			return columns[ref.index], nil
		}
		return rewriteChildren(e, settle)
	}
	for i, e := range c.exprs {
		c.exprs[i], _ = settle(e)
	}
	for i, k := range c.order {
		c.order[i].Expr, _ = settle(k.Expr)
	}
	return c.rewriteSets(settle)
}

// newOver makes an Over and chooses how it runs.
func (q *Query) newOver(input plan.Node, spec *overSpec, fns []plan.OverFunc) (*plan.Over, error) {
	in := input.Schema()
	order := windowOrder(input, spec.order, fns)
	n := &plan.Over{Input: input, PartitionBy: spec.partition, OrderBy: order, Funcs: fns, Pos: int(spec.pos)}
	n.Out = &batch.Schema{EventTime: -1, Fields: slices.Clone(in.Fields)}
	if byEventTime(order, in.EventTime) { // else later rows change earlier ones
		n.Out.EventTime = in.EventTime
	}
	for _, fn := range fns {
		n.Out.Fields = append(n.Out.Fields, batch.Field{Name: fn.Agg.Label, Type: fn.Agg.Type})
	}
	props := input.Props()
	p := &n.Properties
	p.Key, p.HasKey, p.Changelog = props.Key, props.HasKey, props.Changelog
	switch {
	case q.Mode == Once:
		n.Mode = plan.OverOnce
	case props.Changelog:
		n.Mode = plan.OverChanges
		p.StateNote, p.Unbounded = "all current rows"+byNote(spec.partition)+"; a partition that changes is computed anew", true
	case byEventTime(order, in.EventTime):
		n.Mode = plan.OverEventTime
		p.StateNote, p.Unbounded = eventTimeNote(n)
		return n, q.checkFinal(n)
	default:
		n.Mode, p.Changelog = plan.OverChanges, true // a later row can change the results of earlier ones
		p.StateNote, p.Unbounded = "all rows"+byNote(spec.partition)+", never dropped; a partition that grows is computed anew", true
	}
	return n, nil
}

// windowOrder takes the order by window_start or window_end of a windowed group for
// what it is, that of the event time.
func windowOrder(input plan.Node, order []plan.SortKey, fns []plan.OverFunc) []plan.SortKey {
	for f, ok := input.(*plan.Filter); ok; f, ok = input.(*plan.Filter) {
		input = f.Input
	}
	agg, ok := input.(*plan.Aggregate)
	if !ok || agg.Window == nil || agg.Out.EventTime < 0 || len(order) != 1 || order[0].Desc {
		return order
	}
	for _, f := range fns {
		if f.Frame.Start.Value != nil || f.Frame.End.Value != nil {
			return order // its bounds are of the column's own values
		}
	}
	c, ok := order[0].Expr.(*plan.Column)
	start, end := len(agg.Keys), len(agg.Keys)+1
	sameLength := agg.Window.Kind == plan.Tumble || agg.Window.Kind == plan.Hop
	if !ok || c.Index != end && (c.Index != start || !sameLength) {
		return order
	}
	at := agg.Out.EventTime
	f := agg.Out.Fields[at]
	return []plan.SortKey{{Expr: &plan.Column{Index: at, Name: f.Name, T: f.Type, Pos: -1}, NullsFirst: order[0].NullsFirst}}
}

func byNote(partition []plan.Expr) string {
	if len(partition) == 0 {
		return ""
	}
	return " by " + plan.ExprList(partition)
}

// byEventTime reports whether an order is that of the event time.
func byEventTime(order []plan.SortKey, eventTime int) bool {
	if len(order) != 1 || order[0].Desc || eventTime < 0 {
		return false
	}
	c, ok := order[0].Expr.(*plan.Column)
	return ok && c.Index == eventTime
}

// eventTimeNote says what an Over by event time keeps, and whether that grows with
// the number of partitions.
func eventTimeNote(n *plan.Over) (note string, unbounded bool) {
	note = "rows until the watermark passes them"
	ahead, expires := false, true
	for _, f := range n.Funcs {
		end := f.Frame.End
		ahead = ahead || f.Func == "lead" && f.Offset > 0 || f.Func == "lag" && f.Offset < 0 || usesFrame(&f) && (end.Rows > 0 || strings.HasSuffix(end.Label, "following"))
		expires = expires && usesFrame(&f) && f.Frame.Mode == plan.FrameRange && !f.Frame.Start.Unbounded
	}
	if ahead {
		note += " and the later rows that they need have come (until then they hold back the event time)"
	}
	note += ", then those that later frames reach" + byNote(n.PartitionBy)
	if expires {
		return note + ", dropped by event time", false
	}
	return note, len(n.PartitionBy) > 0
}

// checkFinal refuses what no later row may change but would.
func (q *Query) checkFinal(n *plan.Over) error {
	for _, f := range n.Funcs {
		switch {
		case f.Func == "percent_rank" || f.Func == "cume_dist" || f.Func == "ntile":
			return pgerr.At(n.Pos, pgerr.FeatureNotSupported, "%s() needs all rows of a partition, which a continuous query over append-only rows never has", f.Func).
				WithHint("Use it in a SELECT, or over a view that is kept current.")
		case f.Frame.End.Unbounded && usesFrame(&f):
			return pgerr.At(n.Pos, pgerr.FeatureNotSupported, "a frame that ends with UNBOUNDED FOLLOWING needs all rows of a partition, which a continuous query over append-only rows never has").
				WithHint("End the frame with CURRENT ROW or an offset FOLLOWING, or use it in a SELECT.")
		case f.Frame.Exclude != plan.ExcludeNothing && f.Func != "" && usesFrame(&f) && f.Frame.Start.Unbounded:
			return pgerr.At(n.Pos, pgerr.FeatureNotSupported, "EXCLUDE with UNBOUNDED PRECEDING is not supported for %s in a continuous query", f.Func).
				WithHint("Start the frame with an offset PRECEDING.")
		}
	}
	return nil
}

// usesFrame reports whether the frame matters to a call.
func usesFrame(f *plan.OverFunc) bool {
	switch f.Func {
	case "", "first_value", "last_value", "nth_value":
		return true
	}
	return false
}

// keepsAll tells the user that an Over keeps all rows of an input that only grows.
func (q *Query) keepsAll(n *plan.Over) {
	if n.Mode != plan.OverChanges || n.Input.Props().Changelog {
		return
	}
	text := "OVER by another order than the event time keeps all rows, and each row changes the results of its partition; "
	if at := n.Input.Schema().EventTime; at >= 0 {
		text += fmt.Sprintf("OVER (.. ORDER BY %s), or the first rows alone (WHERE rn <= n), would not", n.Input.Schema().Fields[at].Name)
	} else {
		text += "the first rows alone (WHERE rn <= n) would not"
	}
	q.notice(text)
}

// topN makes a condition that bounds the rank of an Over below a TopN in its place
// and returns what is left of the condition, nil for nothing.
func (q *Query) topN(node plan.Node, cond plan.Expr) (plan.Node, plan.Expr) {
	project, isProject := node.(*plan.Project)
	below := node
	if isProject {
		below = project.Input
	}
	over, ok := below.(*plan.Over)
	if !ok || q.Mode == Once || over.Mode == plan.OverEventTime || len(over.Funcs) != 1 {
		return node, cond
	}
	rank := over.Funcs[0].Func
	if rank != "row_number" && rank != "rank" && rank != "dense_rank" {
		return node, cond
	}
	column := len(over.Out.Fields) - 1
	isRank := func(e plan.Expr) bool {
		if cast, ok := e.(*plan.Cast); ok && cast.Implicit {
			e = cast.Arg
		}
		c, ok := e.(*plan.Column)
		if ok && isProject {
			c, ok = project.Exprs[c.Index].(*plan.Column)
		}
		return ok && c.Index == column
	}
	count, left := int64(-1), []plan.Expr{}
	for _, e := range conjuncts(cond) {
		if n, ok := rankBound(e, isRank); ok && (count < 0 || n <= count) {
			count = n
			if call := e.(*plan.Call); call.Name == "=" && n > 1 {
				left = append(left, e)
			}
			continue
		}
		left = append(left, e)
	}
	if count < 0 {
		return node, cond
	}
	out := q.newTopN(over.Input, over.PartitionBy, over.OrderBy, rank, 0, count, over.Out)
	if isProject {
		c := *project
		c.Input, c.Out = out, detimed(project.Out)
		p := out.Props()
		p.StateNote, p.Unbounded = "", false
		p.Key, p.HasKey = mapKey(p, c.Exprs)
		c.Properties = p
		return &c, joined(left)
	}
	return out, joined(left)
}

func joined(list []plan.Expr) plan.Expr {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return logic(false, list...)
}

// detimed is a schema whose event time is none any more, because rows may go away.
func detimed(s *batch.Schema) *batch.Schema {
	return &batch.Schema{Fields: s.Fields, EventTime: -1}
}

// rankBound reads rank <= n, rank < n, rank = n and the same turned around.
func rankBound(e plan.Expr, isRank func(plan.Expr) bool) (n int64, ok bool) {
	call, ok := e.(*plan.Call)
	if !ok || len(call.Args) != 2 {
		return 0, false
	}
	op, a, b := call.Name, call.Args[0], call.Args[1]
	if isRank(b) {
		a, b = b, a
		op = map[string]string{">=": "<=", ">": "<", "=": "="}[op]
	}
	c, ok := b.(*plan.Const)
	if !ok || !isRank(a) {
		return 0, false
	}
	v, ok := c.Value.(int64)
	switch {
	case !ok:
		return 0, false
	case op == "<":
		v--
	case op != "<=" && op != "=":
		return 0, false
	}
	return max(v, 0), true
}

// newTopN keeps the rows with skip < rank <= count; rank is "" for a LIMIT.
func (q *Query) newTopN(input plan.Node, partition []plan.Expr, order []plan.SortKey, rank string, skip, count int64, out *batch.Schema) *plan.TopN {
	n := &plan.TopN{Input: input, PartitionBy: partition, OrderBy: order, Rank: rank, Skip: skip, Count: count}
	n.Out = detimed(out)
	props := input.Props()
	p := &n.Properties
	p.Changelog = true
	p.Key, p.HasKey = props.Key, props.HasKey
	if rank == "row_number" {
		if key, ok := columnsOf(partition); ok {
			p.Key, p.HasKey = append(key, len(out.Fields)-1), true
		}
	}
	switch {
	case props.Changelog:
		p.StateNote, p.Unbounded = "all current rows"+byNote(partition), true
		q.notice("the top rows of an input that can change need all its rows to be kept")
	case len(partition) > 0:
		p.StateNote = fmt.Sprintf("the first %d rows%s, never dropped", count, byNote(partition))
		p.Unbounded = true
	default:
		p.StateNote = fmt.Sprintf("the first %d rows", count)
	}
	return n
}

func columnsOf(exprs []plan.Expr) (columns []int, ok bool) {
	for _, e := range exprs {
		c, isColumn := e.(*plan.Column)
		if !isColumn {
			return nil, false
		}
		columns = append(columns, c.Index)
	}
	return columns, true
}

// limitedSort makes a TopN of ORDER BY with LIMIT in a continuous query, nil for
// any other limit. The sort of a SELECT takes the order of a TopN among equal rows,
// so that both choose the same.
func (q *Query) limitedSort(l *plan.Limit) plan.Node {
	node := l.Input
	project, isProject := node.(*plan.Project)
	if isProject {
		node = project.Input
	}
	sort, ok := node.(*plan.Sort)
	if ok && q.Mode == Once {
		sort.Ties = true
	}
	if !ok || q.Mode == Once || l.Count < 0 {
		return nil
	}
	top := q.newTopN(sort.Input, nil, sort.Keys, "", l.Offset, l.Offset+l.Count, sort.Out)
	if !isProject {
		return top
	}
	c := *project
	c.Input, c.Out = top, detimed(project.Out)
	p := top.Props()
	p.StateNote, p.Unbounded = "", false
	p.Key, p.HasKey = mapKey(p, c.Exprs)
	c.Properties = p
	return &c
}

// distinctOn keeps the first row of each group of equal expressions, in the order
// of ORDER BY, whose first keys they must be.
func (c *core) distinctOn(exprs []plan.Expr) error {
	spec := &overSpec{partition: exprs, pos: c.sel.DistinctOn[0].Position()}
	prints := map[string]bool{}
	for _, e := range exprs {
		prints[fingerprint(e)] = true
	}
	matched := map[string]bool{}
	for _, k := range c.order {
		print := fingerprint(k.Expr)
		if len(matched) < len(prints) && !prints[print] {
			return pgerr.At(int(spec.pos), pgerr.InvalidColumnReference, "SELECT DISTINCT ON expressions must match initial ORDER BY expressions")
		}
		if prints[print] {
			matched[print] = true
			continue
		}
		spec.order = append(spec.order, k)
	}
	fn := plan.OverFunc{Func: "row_number", Agg: plan.Agg{Type: types.Of(types.Int64), Label: "row_number()", EventTime: -1}}
	over, err := c.q.newOver(c.node, spec, []plan.OverFunc{fn})
	if err != nil {
		return err
	}
	bigint := types.Of(types.Int64)
	rank := &plan.Column{Index: len(over.Out.Fields) - 1, Name: "row_number", T: bigint, Pos: -1}
	none := []ast.Pos{-1, -1}
	first, err := (&resolver{q: c.q, scope: &scope{}}).operator("=", -1, []plan.Expr{rank, &plan.Const{Value: int64(1), T: bigint}}, none)
	if err != nil {
		return err
	}
	c.node = newFilter(over, first)
	if node, rest := c.q.topN(over, first); rest == nil {
		c.node = node
	}
	return nil
}

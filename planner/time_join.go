package planner

import (
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// asofMatch is the condition of an ASOF join while it is read.
type asofMatch struct {
	*timeTest
	direction plan.AsofDirection
}

// asofJoin plans ASOF [INNER] JOIN. Its conditions are equalities, one comparison
// of times (in MATCH_CONDITION or ON), bounds on how far the times are apart, and
// conditions on the right input alone.
func (q *Query) asofJoin(j *ast.Join, in *joinInputs) (plan.Node, error) {
	if err := q.asofInputs(j, in); err != nil {
		return nil, err
	}
	on, err := q.joinCondition(j, in.leftScope, in.rightScope, in.both)
	if err != nil {
		return nil, err
	}
	n := len(in.leftScope.columns)
	leftKeys, rightKeys, residual := splitEqui(on, n)
	var tests []*timeTest
	var others []plan.Expr
	for _, e := range conjuncts(residual) {
		if t := timeTestOf(e, n); t != nil {
			tests = append(tests, t)
		} else {
			others = append(others, e)
		}
	}
	m, err := q.asofMatch(j, in, tests)
	if err != nil {
		return nil, err
	}
	node := &plan.AsofJoin{
		Left: in.left, Right: in.right, Inner: j.Kind == ast.InnerJoin, Direction: m.direction,
		LeftKeys: leftKeys, RightKeys: rightKeys, Reach: m.reach,
	}
	for _, t := range tests {
		if t.left.Index != m.left.Index || t.right.Index != m.right.Index {
			return nil, unsupported(j.Pos, "an ASOF JOIN compares one pair of times")
		}
		node.Reach = intersect(node.Reach, t.reach)
	}
	if err := q.asofFilters(j, node, others, n); err != nil {
		return nil, err
	}
	if err := q.matchTimes(j.Pos, "ASOF JOIN", node.Left, node.Right, m.left.Index, m.right.Index-n); err != nil {
		return nil, err
	}
	node.LeftTime, node.RightTime = commonTime(m.left, shift(m.right, -n))
	q.asofProps(node)
	return node, nil
}

func (q *Query) asofInputs(j *ast.Join, in *joinInputs) error {
	for _, node := range []plan.Node{in.left, in.right} {
		if q.Mode != Once && node.Props().Changelog {
			return unsupported(j.Pos, "ASOF JOIN needs inputs whose rows do not change").
				WithHint("Join streams; a view or table whose rows can change has no rows of the past to match.")
		}
	}
	return nil
}

// asofMatch finds the comparison of times: MATCH_CONDITION, or the one in ON that
// compares the two times as they are.
func (q *Query) asofMatch(j *ast.Join, in *joinInputs, tests []*timeTest) (*asofMatch, error) {
	n := len(in.leftScope.columns)
	if j.Match == nil {
		var found *timeTest
		for _, t := range tests {
			if !t.plain || !bare(t.reach) {
				continue
			}
			if found != nil {
				return nil, pgerr.At(int(j.Pos), pgerr.SyntaxError, "ASOF JOIN has two comparisons of times in ON").
					WithHint("Write MATCH_CONDITION (left time >= right time).")
			}
			found = t
		}
		if found == nil && len(tests) == 1 && tests[0].plain {
			found = tests[0]
		}
		if found == nil {
			return nil, pgerr.At(int(j.Pos), pgerr.SyntaxError, "ASOF JOIN needs a comparison of the two times").
				WithHint("Write MATCH_CONDITION (left time >= right time), or left time >= right time in ON.")
		}
		return directed(found), nil
	}
	r := &resolver{q: q, scope: in.both, clause: "MATCH_CONDITION"}
	pos := int(j.Match.Position())
	if j.Nearest {
		return nearest(r, j.Match, n)
	}
	e, err := r.expr(j.Match)
	if err != nil {
		return nil, err
	}
	t := timeTestOf(e, n)
	if t == nil || !t.plain || t.reach.Low == t.reach.High {
		return nil, pgerr.At(pos, pgerr.FeatureNotSupported, "MATCH_CONDITION must compare a time of the left input with one of the right by >=, >, <= or <").
			WithHint("Times are bigint (epoch milliseconds), timestamp or timestamptz columns, plus or minus a constant.")
	}
	return directed(t), nil
}

// directed looks back if the right time is bounded from above.
func directed(t *timeTest) *asofMatch {
	m := &asofMatch{timeTest: t, direction: plan.AsofForward}
	if t.reach.Low == plan.NoLow {
		m.direction = plan.AsofBackward
	}
	return m
}

func nearest(r *resolver, match ast.Expr, n int) (*asofMatch, error) {
	pos := int(match.Position())
	row, ok := match.(*ast.RowExpr)
	if !ok || len(row.Elems) != 2 {
		return nil, pgerr.At(pos, pgerr.SyntaxError, "NEAREST takes a time of the left input and one of the right")
	}
	args, err := r.exprs(row.Elems)
	if err != nil {
		return nil, err
	}
	e, err := r.operator(">=", match.Position(), args, positions(row.Elems))
	if err != nil {
		return nil, err
	}
	t := timeTestOf(e, n)
	if t == nil || !t.plain || !bare(t.reach) {
		return nil, pgerr.At(pos, pgerr.FeatureNotSupported, "NEAREST takes a time column of the left input and one of the right")
	}
	t.reach = plan.TimeRange{Low: plan.NoLow, High: plan.NoHigh}
	return &asofMatch{t, plan.AsofNearest}, nil
}

// asofFilters puts conditions on the right input below the join: they choose
// which rows can match. One on the left input is a filter only where unmatched
// left rows are dropped.
func (q *Query) asofFilters(j *ast.Join, node *plan.AsofJoin, others []plan.Expr, n int) error {
	for _, e := range others {
		if c, ok := e.(*plan.Const); ok && c.Value == true {
			continue
		}
		switch s := side(e, n); {
		case s == sideRight:
			node.Right = newFilter(node.Right, shift(e, -n))
		case s == sideLeft && node.Inner:
			node.Left = newFilter(node.Left, e)
		default:
			return unsupported(j.Pos, "ASOF JOIN does not support the condition %s", e).
				WithHint("ON may hold equalities, bounds on the time between the rows, and conditions on the right input.")
		}
	}
	return nil
}

// matchTimes checks that a continuous join matches by the inputs' event times,
// which say when a match is final.
func (q *Query) matchTimes(pos ast.Pos, what string, left, right plan.Node, leftTime, rightTime int) error {
	if q.Mode == Once {
		return nil
	}
	for _, in := range []struct {
		node plan.Node
		time int
	}{{left, leftTime}, {right, rightTime}} {
		s := in.node.Schema()
		if s.EventTime == in.time {
			continue
		}
		err := unsupported(pos, "%s must compare the event times of its inputs, and %q is not one", what, s.Fields[in.time].Name)
		if s.EventTime < 0 {
			return err.WithHint("Declare WATERMARK FOR %s on the source.", s.Fields[in.time].Name)
		}
		return err.WithHint("The event time there is %q.", s.Fields[s.EventTime].Name)
	}
	return nil
}

// commonTime makes two times one type: bigint for integers, timestamptz where one
// is.
func commonTime(left, right plan.Expr) (l, r plan.Expr) {
	t := left.Type()
	switch {
	case t.IsInteger():
		t = types.Of(types.Int64)
	case right.Type().Kind == types.TimestampTZ:
		t = right.Type()
	}
	to := func(e plan.Expr) plan.Expr {
		if e.Type().Equal(t) {
			return e
		}
		return &plan.Cast{Arg: e, T: t, Implicit: true, Pos: -1}
	}
	return to(left), to(right)
}

func (q *Query) asofProps(n *plan.AsofJoin) {
	n.Out = joinSchema(n.Left, n.Right, false, !n.Inner)
	n.Out.EventTime = n.Left.Schema().EventTime
	left := n.Left.Props()
	n.Properties = plan.Properties{Key: left.Key, HasKey: left.HasKey}
	if q.Mode == Once {
		return
	}
	note := "left rows until the right watermark has passed them; of the right rows those that a left row can still match"
	if n.Direction != plan.AsofForward && n.Reach.Low == plan.NoLow {
		note += ", and the latest of each key"
	}
	if n.Direction != plan.AsofBackward && n.Reach.High == plan.NoHigh {
		note = "left rows until a right row of their key follows; of the right rows those that a left row can still match"
		n.Properties.Unbounded = true
		q.notice("this ASOF JOIN waits for a later right row of the same key, however long: bound the time between the rows in ON to bound its state")
	}
	n.Properties.StateNote = note
}

// joinSchema is the left columns, then the right ones; an input whose row can be
// missing may give NULL anywhere.
func joinSchema(left, right plan.Node, leftMissing, rightMissing bool) *batch.Schema {
	out := batch.NewSchema()
	add := func(fields []batch.Field, missing bool) {
		for _, f := range fields {
			f.NotNull = f.NotNull && !missing
			out.Fields = append(out.Fields, f)
		}
	}
	add(left.Schema().Fields, leftMissing)
	add(right.Schema().Fields, rightMissing)
	return out
}

// intervalJoin plans a join of two append-only inputs whose condition bounds the
// time between them. It returns nil for any other join. Over a snapshot it is a
// plain join with the same columns and event time.
func (q *Query) intervalJoin(_ *ast.Join, in *joinInputs, c *equiJoin) (plan.Node, error) {
	left, right := in.left.Schema(), in.right.Schema()
	if left.EventTime < 0 || right.EventTime < 0 || in.left.Props().Changelog || in.right.Props().Changelog {
		return nil, nil
	}
	n := len(left.Fields)
	reach := plan.TimeRange{Low: plan.NoLow, High: plan.NoHigh}
	var leftTime, rightTime *plan.Column
	take := func(e plan.Expr) bool {
		t := timeTestOf(e, n)
		if t == nil || t.left.Index != left.EventTime || t.right.Index != n+right.EventTime {
			return false
		}
		reach, leftTime, rightTime = intersect(reach, t.reach), t.left, t.right
		return true
	}
	var rest []plan.Expr
	for _, e := range conjuncts(c.residual) {
		if !take(e) {
			rest = append(rest, e)
		}
	}
	for i := range c.leftKeys { // l.ts = r.ts stays a key
		take(&plan.Call{Name: "=", Args: []plan.Expr{c.leftKeys[i], shift(c.rightKeys[i], n)}})
	}
	if reach.Low == plan.NoLow || reach.High == plan.NoHigh {
		return nil, nil
	}
	node := &plan.IntervalJoin{
		Left: in.left, Right: in.right, Kind: c.kind, LeftKeys: c.leftKeys, RightKeys: c.rightKeys, Reach: reach,
	}
	node.LeftTime, node.RightTime = commonTime(leftTime, shift(rightTime, -n))
	if len(rest) > 0 {
		node.Residual = rest[0]
		if len(rest) > 1 {
			node.Residual = logic(false, rest...)
		}
	}
	node.Out = joinSchema(in.left, in.right, c.kind == plan.JoinRight || c.kind == plan.JoinFull, c.kind == plan.JoinLeft || c.kind == plan.JoinFull)
	switch c.kind {
	case plan.JoinRight: // the rows that are all there
		node.Out.EventTime = n + right.EventTime
	case plan.JoinFull: // neither side's time is always there
	default:
		node.Out.EventTime = left.EventTime
	}
	if q.Mode == Once {
		join := &plan.Join{
			Left: in.left, Right: in.right, Kind: c.kind, LeftKeys: c.leftKeys, RightKeys: c.rightKeys, Residual: c.residual,
		}
		join.Out = node.Out
		return join, nil
	}
	node.Properties.StateNote = "the rows of both inputs until the other's watermark has passed their interval"
	return node, nil
}

package planner

import (
	"strconv"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// lateRows describes what LATE DATA TO gives, nil without that clause: the columns
// of the input of the one operator of the plan that finds rows late.
func (q *Query) lateRows(root plan.Node) (*batch.Schema, error) {
	if q.LateTo == nil || q.Mode == Once {
		return nil, nil
	}
	var found []plan.Node
	var walk func(n plan.Node)
	walk = func(n plan.Node) {
		if findsLate(n) {
			found = append(found, n)
		}
		for _, in := range n.Inputs() {
			walk(in)
		}
	}
	walk(root)
	switch len(found) {
	case 0:
		return nil, unsupported(q.LateTo.Pos, "LATE DATA TO needs an operator that finds rows late, and the query has none").
			WithHint("Rows are late for time windows on the event time, for ASOF, temporal and interval joins, and for OVER by event time.")
	case 1:
	default:
		return nil, unsupported(q.LateTo.Pos, "LATE DATA TO is not supported where several operators find rows late: %s, %s", found[0].Label(), found[1].Label()).
			WithHint("Make the inner ones streams of their own, each with its LATE DATA TO.")
	}
	n := found[0]
	n.(interface{ Note(text string) }).Note("late rows go to " + q.LateTo.Last())
	out := batch.NewSchema()
	for _, in := range n.Inputs() {
		for _, f := range in.Schema().Fields {
			f.NotNull = f.NotNull && len(n.Inputs()) == 1
			out.Fields = append(out.Fields, f)
		}
	}
	distinctNames(out)
	return out, nil
}

// findsLate reports whether an operator drops rows that come behind the watermark.
func findsLate(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Aggregate:
		return n.Window != nil && n.Window.OnEventTime
	case *plan.Over:
		return n.Mode == plan.OverEventTime
	case *plan.AsofJoin, *plan.IntervalJoin:
		return true
	}
	return false
}

// distinctNames numbers the visible columns whose name an earlier one has.
func distinctNames(s *batch.Schema) {
	taken := map[string]bool{}
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Hidden {
			continue
		}
		name := f.Name
		for n := 2; taken[f.Name]; n++ {
			f.Name = name + "_" + strconv.Itoa(n)
		}
		taken[f.Name] = true
	}
}

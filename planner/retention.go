package planner

import (
	"fmt"

	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// Retention reads the option retention, in milliseconds; 0 where it is not given.
func Retention(options []ast.Option) (int64, error) {
	for _, o := range options {
		if o.Name != "retention" {
			continue
		}
		millis, err := intervalMillis(&ast.IntervalLiteral{At: ast.At{Pos: o.ValuePos}, Text: o.Value})
		if err != nil {
			return 0, err
		}
		if millis == 0 || millis > maxLengthMillis {
			return 0, pgerr.At(int(o.ValuePos), pgerr.InvalidParameterValue, "the retention must be above zero and at most %d ms", int64(maxLengthMillis))
		}
		return millis, nil
	}
	return 0, nil
}

// retain applies the option retention to a query's result: its rows go away when
// the watermark has passed their event time by so much. Groups without a window
// have done it themselves.
func (q *Query) retain(node plan.Node) (plan.Node, error) {
	if q.RetentionMillis == 0 || q.Mode == Once || q.retained {
		return node, nil
	}
	p := node.Props()
	switch {
	case q.Mode == Stream && !p.Changelog:
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, "the option retention is for rows that can change, and those of this stream do not").
			WithHint("The option retain_history bounds how many of its rows are kept.")
	case node.Schema().EventTime < 0:
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, "the option retention needs results with an event time").
			WithHint("Those are rows of an input with WATERMARK FOR, its groups by a time window on that column, and its groups by columns where the query itself groups them.")
	}
	n := &plan.Retain{Input: node, Millis: q.RetentionMillis}
	n.Out, n.Properties = node.Schema(), plan.Properties{Changelog: true, Key: p.Key, HasKey: p.HasKey}
	n.Properties.StateNote = fmt.Sprintf("its rows, dropped when the watermark is %d ms past their event time", n.Millis)
	return n, nil
}

// canRetainGroups reports whether the option retention could drop groups: those
// without a window, by the event time of their newest row.
func (q *Query) canRetainGroups(in *batch.Schema, g *grouping) bool {
	return q.Mode != Once && in.EventTime >= 0 && g.window == nil && g.sets == nil && len(g.keys) > 0
}

func (q *Query) retainsGroups(in *batch.Schema, g *grouping) bool {
	return q.RetentionMillis > 0 && q.canRetainGroups(in, g)
}

// newest adds the event time of a group's newest row to its aggregates.
func (g *grouping) newest(in *batch.Schema) (index int, err error) {
	f := in.Fields[in.EventTime]
	sig, err := function.ResolveAggregate("max", []types.Type{f.Type})
	if err != nil {
		return 0, err
	}
	ref := g.add(plan.Agg{
		Func: sig.ID, Type: sig.Result, EventTime: -1, Label: "max(" + f.Name + ")",
		Args: []plan.Expr{&plan.Column{Index: in.EventTime, Name: f.Name, T: f.Type, Pos: -1}},
	}).(*groupRef)
	return ref.index, nil
}

// retainGroups drops the groups of an aggregate whose newest row is too old. Their
// event time is that of this row.
func (q *Query) retainGroups(n *plan.Aggregate, timeAgg int) {
	q.retained = true
	n.RetentionMillis, n.TimeAgg = q.RetentionMillis, timeAgg
	at := len(n.Keys) + timeAgg
	n.Out.EventTime = at
	n.Out.Fields[at].Name = n.Aggs[timeAgg].Args[0].String()
	n.Properties.StateNote = fmt.Sprintf("a row per %s, dropped when the watermark is %d ms past its newest row", plan.ExprList(n.Keys), q.RetentionMillis)
}

// hint adds to a notice that has been given.
func (q *Query) hint(notice, more string) {
	for i, n := range q.notices {
		if n == notice {
			q.notices[i] += more
		}
	}
}

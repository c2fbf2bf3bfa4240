package planner

import (
	"fmt"
	"strings"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// newAggregate groups a node. top says that the EMIT clause is this aggregate's.
func (q *Query) newAggregate(input plan.Node, g *grouping, top bool) (*plan.Aggregate, error) {
	in := input.Schema()
	if g.window != nil {
		c, ok := g.window.Time.(*plan.Column)
		g.window.OnEventTime = ok && in.EventTime >= 0 && c.Index == in.EventTime
	}
	for i := range g.aggs {
		if a := &g.aggs[i]; len(a.OrderBy) == 0 && (strings.HasPrefix(a.Func, "first_value(") || strings.HasPrefix(a.Func, "last_value(")) {
			a.EventTime = in.EventTime
		}
	}
	emit, err := q.emit(input, g, top)
	if err != nil {
		return nil, err
	}
	agg := &plan.Aggregate{Input: input, Keys: g.keys, Window: g.window, Aggs: g.aggs, Emit: emit}
	agg.Out = g.schema(in)
	p := &agg.Properties
	p.Changelog = q.Mode != Once && emit.Mode != plan.EmitFinal && (len(g.aggs) > 0 || input.Props().Changelog)
	p.HasKey = true
	for i := range g.keys {
		p.Key = append(p.Key, i)
	}
	if g.window != nil {
		p.Key = append(p.Key, len(g.keys))
	}
	q.stateNote(p, g)
	return agg, nil
}

func (q *Query) stateNote(p *plan.Properties, g *grouping) {
	keys := plan.ExprList(g.keys)
	switch {
	case g.window != nil && g.window.OnEventTime && g.window.Kind != plan.Session:
		p.StateNote = "a row per " + strings.TrimPrefix(keys+", window", ", ") + ", dropped when the watermark passes the window's end"
	case len(g.keys) == 0 && g.window == nil:
		p.StateNote = "one row"
	default:
		p.StateNote = fmt.Sprintf("a row per %s, never dropped", strings.TrimPrefix(keys, ", "))
		p.Unbounded = true
		if q.Mode != Once {
			q.notice("the state of the aggregate grows with the number of distinct groups and is never dropped")
		}
	}
}

// emit decides when an aggregate's results leave it.
func (q *Query) emit(input plan.Node, g *grouping, top bool) (plan.Emit, error) {
	e := plan.Emit{LatenessMillis: q.LatenessMillis}
	if q.Mode == Once {
		return plan.Emit{Mode: plan.EmitFinal}, nil
	}
	closes := g.window != nil && g.window.OnEventTime && !input.Props().Changelog
	e.Mode = plan.EmitChanges
	if closes && q.Mode == Stream {
		e.Mode = plan.EmitFinal
	}
	if !top || q.Emit == nil {
		return e, nil
	}
	q.emitted = true
	pos := int(q.Emit.Pos)
	switch q.Emit.Mode {
	case "final":
		if !closes {
			return e, cannotClose(pos, input, g)
		}
		e.Mode = plan.EmitFinal
	case "update":
		e.Mode = plan.EmitUpdate
	case "changes":
		e.Mode = plan.EmitChanges
	case "every":
		millis, err := intervalMillis(q.Emit.Every)
		if err != nil {
			return e, err
		}
		if millis == 0 {
			return e, pgerr.At(pos, pgerr.InvalidParameterValue, "EMIT EVERY needs an interval above zero")
		}
		e.Mode, e.EveryMillis = plan.EmitEvery, millis
	}
	return e, nil
}

func cannotClose(pos int, input plan.Node, g *grouping) error {
	err := pgerr.At(pos, pgerr.FeatureNotSupported, "EMIT AFTER WATERMARK needs results that can become final")
	switch {
	case g.window == nil:
		return err.WithHint("Group by a time window, such as tumble(ts, INTERVAL '5' SECOND), or use EMIT CHANGES.")
	case input.Props().Changelog:
		return err.WithHint("The input's rows can change at any time; use EMIT CHANGES.")
	}
	return err.WithHint("The window must be on the input's event-time column: declare WATERMARK FOR it on the source.")
}

// distinct keeps one of each row.
func (q *Query) distinct(input plan.Node) plan.Node {
	in := input.Schema()
	agg := &plan.Aggregate{Input: input, Emit: plan.Emit{Mode: plan.EmitChanges}}
	if q.Mode == Once {
		agg.Emit.Mode = plan.EmitFinal
	}
	out := batch.NewSchema(in.Fields...)
	for i, f := range in.Fields {
		agg.Keys = append(agg.Keys, &plan.Column{Index: i, Name: f.Name, T: f.Type, Pos: -1})
		agg.Properties.Key = append(agg.Properties.Key, i)
	}
	agg.Out = out
	agg.Properties.HasKey = true
	agg.Properties.Changelog = q.Mode != Once && input.Props().Changelog
	agg.Properties.StateNote, agg.Properties.Unbounded = "every distinct row, never dropped", true
	if q.Mode != Once {
		q.notice("DISTINCT keeps every distinct row and never drops one")
	}
	return agg
}

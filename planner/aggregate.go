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
	timeAgg := -1
	if top && q.retainsGroups(in, g) {
		if timeAgg, err = g.newest(in); err != nil {
			return nil, err
		}
	}
	agg := &plan.Aggregate{Input: input, Keys: g.keys, Window: g.window, Aggs: g.aggs, Emit: emit}
	agg.Out = g.schema(in)
	p := &agg.Properties
	p.Changelog = q.Mode != Once && g.changes(emit, input.Props().Changelog)
	p.HasKey = true
	for i := range g.keys {
		p.Key = append(p.Key, i)
	}
	if g.window != nil {
		p.Key = append(p.Key, g.windowKey())
	}
	if timeAgg >= 0 {
		q.retainGroups(agg, timeAgg)
		return agg, nil
	}
	q.stateNote(p, g, emit)
	if p.Unbounded && top && q.canRetainGroups(in, g) {
		q.hint(unboundedGroups, "; WITH (retention = '1 hour') would drop groups that have had no row for so long")
	}
	if g.window != nil && g.window.Kind == plan.Session && input.Props().Changelog {
		q.sessionNote(p, g)
	}
	return agg, nil
}

// changes reports whether rows that have left can go away again.
func (g *grouping) changes(e plan.Emit, input bool) bool {
	// A row of keys and fixed bounds alone only goes with its input's rows.
	values := len(g.aggs) > 0 || g.window != nil && g.window.Kind == plan.Session
	if e.Mode == plan.EmitFinal {
		return values && e.LatenessMillis > 0
	}
	return values || input
}

// windowKey is the output column that tells the windows of a key apart: those of
// cumulate share their start.
func (g *grouping) windowKey() int {
	if g.window.Kind == plan.Cumulate {
		return len(g.keys) + 1
	}
	return len(g.keys)
}

func (q *Query) stateNote(p *plan.Properties, g *grouping, e plan.Emit) {
	keys := plan.ExprList(g.keys)
	switch {
	case g.window != nil && g.window.OnEventTime:
		p.StateNote = "a row per " + strings.TrimPrefix(keys+", "+stateUnit(g.window, e), ", ") + ", dropped when the watermark passes the window's end"
		if e.LatenessMillis > 0 {
			p.StateNote += fmt.Sprintf(" by %d ms", e.LatenessMillis)
		}
	case len(g.keys) == 0 && g.window == nil:
		p.StateNote = "one row"
	default:
		p.StateNote = fmt.Sprintf("a row per %s, never dropped", strings.TrimPrefix(keys, ", "))
		p.Unbounded = true
		if q.Mode != Once {
			q.notice(unboundedGroups)
		}
	}
}

// unboundedGroups is the notice about groups that are never dropped.
const unboundedGroups = "the state of the aggregate grows with the number of distinct groups and is never dropped"

// sessionNote is what sessions keep of rows that can go away again.
func (q *Query) sessionNote(p *plan.Properties, g *grouping) {
	p.StateNote = "all current rows" + byNote(g.keys)
	if g.window.OnEventTime {
		p.StateNote += ", dropped when the watermark passes the session's end"
		return
	}
	q.notice("sessions over rows that can go away again keep all these rows")
}

// stateUnit is what a window's aggregate keeps a row of for each key.
func stateUnit(w *plan.Window, e plan.Emit) string {
	switch {
	case w.Kind == plan.Session:
		return "session"
	case w.Kind == plan.Hop && e.Mode == plan.EmitFinal:
		return "slice of " + fmt.Sprintf("%d ms", divisor(w.SizeMillis, w.SlideMillis))
	case w.Kind == plan.Cumulate && e.Mode == plan.EmitFinal:
		return "slice of " + fmt.Sprintf("%d ms", w.SlideMillis)
	}
	return "window"
}

func divisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// emit decides when an aggregate's results leave it.
func (q *Query) emit(input plan.Node, g *grouping, top bool) (plan.Emit, error) {
	var e plan.Emit
	if q.Mode == Once {
		return plan.Emit{Mode: plan.EmitFinal}, nil
	}
	closes := g.window != nil && g.window.OnEventTime && !input.Props().Changelog
	if top && q.LatenessMillis > 0 && g.window != nil && g.window.OnEventTime {
		e.LatenessMillis, q.lateness = q.LatenessMillis, true
	}
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

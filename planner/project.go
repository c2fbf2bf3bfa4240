package planner

import (
	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// newProject computes columns over a node. With carry, the input's event time
// and hidden columns come along as hidden columns, so that queries downstream
// can window by a time that was not selected.
func newProject(node plan.Node, exprs []plan.Expr, names []string, carry bool) *plan.Project {
	in := node.Schema()
	out := batch.NewSchema()
	all := append([]plan.Expr(nil), exprs...)
	for i, e := range exprs {
		out.Fields = append(out.Fields, batch.Field{Name: names[i], Type: e.Type(), NotNull: notNull(e, in)})
	}
	if carry {
		all = carryHidden(in, out, all)
	}
	p := node.Props()
	p.StateNote, p.Unbounded = "", false
	p.Key, p.HasKey = mapKey(p, all)
	return &plan.Project{Base: plan.Base{Out: out, Properties: p}, Input: node, Exprs: all}
}

// carryHidden appends the hidden and event-time columns that the projection does
// not hold already, and finds the event time of the output.
func carryHidden(in, out *batch.Schema, exprs []plan.Expr) []plan.Expr {
	place := func(column int) int {
		for i, e := range exprs {
			if c, ok := e.(*plan.Column); ok && c.Index == column {
				return i
			}
		}
		return -1
	}
	for i, f := range in.Fields {
		if !f.Hidden && i != in.EventTime || place(i) >= 0 {
			continue
		}
		if i != in.EventTime && out.Index(f.Name) >= 0 {
			continue // the name is taken, so nobody could ask for it
		}
		exprs = append(exprs, &plan.Column{Index: i, Name: f.Name, T: f.Type, Pos: -1})
		f.Hidden = true
		out.Fields = append(out.Fields, f)
	}
	if in.EventTime >= 0 {
		out.EventTime = place(in.EventTime)
	}
	return exprs
}

func notNull(e plan.Expr, in *batch.Schema) bool {
	switch e := e.(type) {
	case *plan.Column:
		return in.Fields[e.Index].NotNull
	case *plan.Const:
		return e.Value != nil
	}
	return false
}

// mapKey follows a key through a projection; it is lost unless every column of
// it is passed on.
func mapKey(p plan.Properties, exprs []plan.Expr) (key []int, ok bool) {
	if !p.HasKey {
		return nil, false
	}
	key = make([]int, 0, len(p.Key))
	for _, k := range p.Key {
		at := -1
		for i, e := range exprs {
			if c, isColumn := e.(*plan.Column); isColumn && c.Index == k {
				at = i
				break
			}
		}
		if at < 0 {
			return nil, false
		}
		key = append(key, at)
	}
	return key, true
}

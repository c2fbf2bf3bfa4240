package plan

import (
	"fmt"
	"strings"
)

// Label implements Node.
func (n *Scan) Label() string {
	switch {
	case n.Versions:
		return "Scan versions of " + n.Name
	case n.Late:
		return "Scan late rows of " + n.Name
	}
	return "Scan " + n.Name
}

// Label implements Node.
func (n *Values) Label() string { return fmt.Sprintf("Values (%d rows)", len(n.Rows)) }

// Label implements Node.
func (n *Filter) Label() string { return "Filter " + n.Predicate.String() }

// Label implements Node.
func (n *Project) Label() string { return "Project " + ExprList(n.Exprs) }

// Label implements Node.
func (n *Aggregate) Label() string {
	aggs := make([]string, len(n.Aggs))
	for i, a := range n.Aggs {
		aggs[i] = a.Label
	}
	parts := []string{"Aggregate"}
	if len(aggs) > 0 {
		parts = append(parts, strings.Join(aggs, ", "))
	}
	if len(n.Keys) > 0 {
		parts = append(parts, "by "+ExprList(n.Keys))
	}
	if n.Window != nil {
		parts = append(parts, "over "+n.Window.String())
	}
	return strings.Join(append(parts, "emit "+n.Emit.String()), " ")
}

// String returns the window as SQL calls it, with lengths in milliseconds.
func (w *Window) String() string {
	name := [...]string{"tumble", "hop", "session", "cumulate"}[w.Kind]
	lengths := fmt.Sprintf("%d ms", w.SizeMillis)
	if w.Kind == Hop || w.Kind == Cumulate {
		lengths = fmt.Sprintf("%d ms, %s", w.SlideMillis, lengths)
	}
	if w.OffsetMillis != 0 {
		lengths += fmt.Sprintf(", offset %d ms", w.OffsetMillis)
	}
	return fmt.Sprintf("%s(%s, %s)", name, w.Time, lengths)
}

// String returns the mode as SQL spells it.
func (e Emit) String() string {
	switch e.Mode {
	case EmitFinal:
		return "after watermark"
	case EmitChanges:
		return "changes"
	case EmitUpdate:
		return "on update"
	}
	return fmt.Sprintf("every %d ms", e.EveryMillis)
}

// Label implements Node.
func (n *Sort) Label() string { return "Sort " + sortKeys(n.Keys) }

func sortKeys(keys []SortKey) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = k.Expr.String()
		if k.Desc {
			parts[i] += " DESC"
		}
	}
	return strings.Join(parts, ", ")
}

// Label implements Node.
func (n *Limit) Label() string { return fmt.Sprintf("Limit %d offset %d", n.Count, n.Offset) }

// Label implements Node.
func (n *Join) Label() string {
	kind := [...]string{"Inner", "Left", "Right", "Full", "Semi", "Anti"}[n.Kind]
	s := kind + " join"
	for i := range n.LeftKeys {
		sep := " on "
		if i > 0 {
			sep = " and "
		}
		s += sep + n.LeftKeys[i].String() + " = " + n.RightKeys[i].String()
	}
	if n.Residual != nil {
		s += " where " + n.Residual.String()
	}
	return s
}

// Label implements Node.
func (*SingleRow) Label() string { return "Single row" }

// Label implements Node.
func (n *Union) Label() string { return "Union all" }

// Explain returns the tree as indented lines, an operator a line, with its
// traits in brackets.
func Explain(root Node) []string {
	var lines []string
	var walk func(n Node, depth int)
	walk = func(n Node, depth int) {
		p := n.Props()
		traits := "append-only"
		if p.Changelog {
			traits = "changelog"
		}
		if p.StateNote != "" {
			traits += "; state: " + p.StateNote
		}
		lines = append(lines, strings.Repeat("  ", depth)+n.Label()+"  ["+traits+"]")
		for _, in := range n.Inputs() {
			walk(in, depth+1)
		}
	}
	walk(root, 0)
	return lines
}

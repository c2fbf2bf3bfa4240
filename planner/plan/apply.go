package plan

import (
	"laminardb/sql/types"
)

// Apply evaluates a subquery anew for each input row: Sub sees the values of Args,
// which are over the input, as Outer expressions. Its output columns are the input's,
// then Sub's. Without Rows that is one column: NULL without a row, an error (21000)
// with more than one. It runs over bounded input, or over any where Sub scans nothing.
type Apply struct {
	Base
	Input, Sub Node
	Args       []Expr
	// Rows joins the row with all rows of Sub for which On, which is over both, is true
	// (nil for all); Left gives a row without any NULLs.
	Rows, Left bool
	On         Expr
}

// Outer is a value of the row of the innermost Apply around the subquery.
type Outer struct {
	Index int // in Apply.Args
	Name  string
	T     types.Type
}

// Type implements Expr.
func (e *Outer) Type() types.Type { return e.T }

// String implements Expr.
func (e *Outer) String() string { return "outer " + e.Name }

// Inputs implements Node.
func (n *Apply) Inputs() []Node { return []Node{n.Input, n.Sub} }

// Label implements Node.
func (n *Apply) Label() string {
	if !n.Rows {
		return "For each row a subquery of " + ExprList(n.Args)
	}
	s := "Join each row with a subquery of " + ExprList(n.Args)
	if n.Left {
		s = "Left join each row with a subquery of " + ExprList(n.Args)
	}
	if n.On != nil {
		s += " on " + n.On.String()
	}
	return s
}

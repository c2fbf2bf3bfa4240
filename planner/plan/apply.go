package plan

import (
	"laminardb/sql/types"
)

// Apply evaluates a subquery anew for each input row: Sub sees the values of Args,
// which are over the input, as Outer expressions. Its output columns are the
// input's, then Sub's one column: NULL without a row, an error (21000) with more
// than one. It runs over bounded input only.
type Apply struct {
	Base
	Input, Sub Node
	Args       []Expr
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
func (n *Apply) Label() string { return "For each row a subquery of " + ExprList(n.Args) }

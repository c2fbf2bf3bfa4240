package plan

import (
	"strings"

	"laminardb/sql/types"
)

// TableFunc joins each input row with the rows that set-returning functions make of
// it: those of several functions stand side by side, and the shorter ones are filled
// up with NULLs. Its output columns are the input's, then the functions', then with
// Ordinality a bigint that counts the rows of an input row from 1. It keeps nothing:
// a row that goes away takes its rows with it.
type TableFunc struct {
	Base
	Input      Node // nil for one row without columns
	Calls      []SetCall
	Ordinality bool
	// Left gives an input row without any row NULLs.
	Left bool
	// On is a condition over the output, nil for none.
	On Expr
}

// SetCall is a call of a set-returning function. Args are over the input.
type SetCall struct {
	// Func is the id of the function in planner/function.
	Func    string
	Args    []Expr
	Columns []types.Type
}

// Inputs implements Node.
func (n *TableFunc) Inputs() []Node {
	if n.Input == nil {
		return nil
	}
	return []Node{n.Input}
}

// Label implements Node.
func (n *TableFunc) Label() string {
	calls := make([]string, len(n.Calls))
	for i, c := range n.Calls {
		name, _, _ := strings.Cut(c.Func, "(")
		calls[i] = name + "(" + ExprList(c.Args) + ")"
	}
	s := strings.Join(calls, ", ")
	switch {
	case n.Input == nil:
		s = "Function " + s
	case n.Left:
		s = "Left join each row with " + s
	default:
		s = "Join each row with " + s
	}
	if n.Ordinality {
		s += " with ordinality"
	}
	if n.On != nil {
		s += " on " + n.On.String()
	}
	return s
}

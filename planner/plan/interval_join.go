package plan

import "fmt"

// IntervalJoin joins two append-only inputs whose times are close: a pair has the
// same keys and right time - left time within Reach, which is bounded on both
// sides. Its output columns are the left input's, then the right's. A pair leaves
// when its second row arrives; a row without a partner, where Kind keeps it, when
// the other input's watermark says that none can come.
type IntervalJoin struct {
	Base
	Left, Right         Node
	Kind                JoinKind // inner, left, right or full
	LeftKeys, RightKeys []Expr   // over the left and the right input
	// LeftTime and RightTime are the inputs' event-time columns, of one type.
	LeftTime, RightTime Expr
	Reach               TimeRange
	// Residual is evaluated over left columns then right columns, nil for none.
	Residual Expr
}

// Inputs implements Node.
func (n *IntervalJoin) Inputs() []Node { return []Node{n.Left, n.Right} }

// Label implements Node.
func (n *IntervalJoin) Label() string {
	kind := [...]string{"inner", "left", "right", "full"}[n.Kind]
	s := fmt.Sprintf("Interval %s join%s with %s", kind, onKeys(n.LeftKeys, n.RightKeys), n.Reach.Shown(n.LeftTime, n.RightTime))
	if n.Residual != nil {
		s += " where " + n.Residual.String()
	}
	return s
}

package plan

import (
	"fmt"
	"math"
	"strings"

	"laminardb/sql/types"
)

// AsofDirection is which right row an ASOF join takes of those in reach.
type AsofDirection uint8

// The directions: the latest, the earliest, or the one nearest in time (of two
// equally near ones the earlier). Of right rows with the same time the one that
// arrived last is taken.
const (
	AsofBackward AsofDirection = iota
	AsofForward
	AsofNearest
)

// AsofJoin gives each left row the one right row with the same keys whose time is
// best, by the direction, of those in reach: where right time - left time is
// within Reach. Its output columns are the left input's, then the right's, which
// are NULL for a left row without a match unless Inner drops it. A left row leaves
// once, when the right watermark says that no better match can come.
type AsofJoin struct {
	Base
	Left, Right         Node
	Inner               bool
	Direction           AsofDirection
	LeftKeys, RightKeys []Expr // over the left and the right input
	// LeftTime and RightTime are of one type: bigint, timestamp or timestamptz.
	// In a continuous query they are the inputs' event-time columns.
	LeftTime, RightTime Expr
	Reach               TimeRange
	// Temporal says that the right rows are versions, of which the last column is
	// true where the row with the keys is deleted.
	Temporal bool
}

// TimeRange bounds a difference of two times: Low <= difference <= High, in the
// unit of the times (milliseconds for bigint, microseconds for the others).
// NoLow and NoHigh leave a side open.
type TimeRange struct{ Low, High int64 }

// The open bounds of a TimeRange.
const (
	NoLow  = math.MinInt64
	NoHigh = math.MaxInt64
)

// Shown returns the range with its unit.
func (r TimeRange) Shown(left, right Expr) string {
	unit := " us"
	if left.Type().Kind == types.Int64 {
		unit = " ms"
	}
	difference := right.String() + " - " + left.String()
	switch {
	case r.Low == NoLow && r.High == NoHigh:
		return difference + " of any length"
	case r.Low == NoLow:
		return fmt.Sprintf("%s <= %d%s", difference, r.High, unit)
	case r.High == NoHigh:
		return fmt.Sprintf("%s >= %d%s", difference, r.Low, unit)
	}
	return fmt.Sprintf("%s between %d and %d%s", difference, r.Low, r.High, unit)
}

// Inputs implements Node.
func (n *AsofJoin) Inputs() []Node { return []Node{n.Left, n.Right} }

// Label implements Node.
func (n *AsofJoin) Label() string {
	kind := "left"
	if n.Inner {
		kind = "inner"
	}
	if n.Temporal {
		return fmt.Sprintf("Temporal %s join%s to the version with %s",
			kind, onKeys(n.LeftKeys, n.RightKeys), n.Reach.Shown(n.LeftTime, n.RightTime))
	}
	which := [...]string{"latest", "earliest", "nearest"}[n.Direction]
	return fmt.Sprintf("Asof %s join%s to the %s with %s",
		kind, onKeys(n.LeftKeys, n.RightKeys), which, n.Reach.Shown(n.LeftTime, n.RightTime))
}

// onKeys shows the equalities of a join.
func onKeys(left, right []Expr) string {
	parts := make([]string, len(left))
	for i := range left {
		parts[i] = left[i].String() + " = " + right[i].String()
	}
	if len(parts) == 0 {
		return ""
	}
	return " on " + strings.Join(parts, " and ")
}

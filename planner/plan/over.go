package plan

import (
	"fmt"
	"strings"

	"laminardb/sql/types"
)

// OverMode is how an Over gets at its results.
type OverMode uint8

// The modes of an Over. OverOnce sorts a bounded input at its end. OverEventTime
// runs over an append-only input ordered by its event time and gives each row once,
// when the watermark has passed it. OverChanges keeps all current rows of its input,
// computes the partitions that change anew and gives out a changelog.
const (
	OverOnce OverMode = iota
	OverEventTime
	OverChanges
)

// Over computes window functions (PostgreSQL manual 4.2.8) of one partitioning and
// order. Its output columns are the input's, then one for each function.
type Over struct {
	Base
	Input       Node
	PartitionBy []Expr
	OrderBy     []SortKey
	Funcs       []OverFunc
	Mode        OverMode
	Pos         int // byte offset of the first OVER in the statement, -1 for none
}

// OverFunc is one call.
type OverFunc struct {
	// Func is the name of a window function, "lag"; "" for an aggregate.
	Func string
	// Agg is the aggregate; of a window function only Args, Type and Label are set.
	Agg Agg
	// Offset is the constant argument: how many rows lag and lead look back or
	// ahead, nth_value's n, ntile's number of buckets.
	Offset int64
	Frame  Frame
}

// FrameMode is what a frame counts in.
type FrameMode uint8

// The frame modes.
const (
	FrameRows FrameMode = iota
	FrameRange
	FrameGroups
)

// Frame is the rows around the current one that a call sees.
type Frame struct {
	Mode       FrameMode
	Start, End FrameBound
	Exclude    FrameExclude
}

// FrameBound is one end of a frame.
type FrameBound struct {
	// Unbounded is UNBOUNDED PRECEDING at the start and FOLLOWING at the end.
	Unbounded bool
	// Rows is the distance in rows or groups, negative for PRECEDING; 0 is CURRENT
	// ROW.
	Rows int64
	// Value is the order key plus or minus the distance of a RANGE bound with an
	// offset, nil for CURRENT ROW.
	Value Expr
	// Label is the bound as SQL spells it.
	Label string
}

// FrameExclude says which rows a frame leaves out.
type FrameExclude uint8

// The exclusions.
const (
	ExcludeNothing FrameExclude = iota
	ExcludeCurrent
	ExcludeGroup
	ExcludeTies
)

// Inputs implements Node.
func (n *Over) Inputs() []Node { return []Node{n.Input} }

// Label implements Node.
func (n *Over) Label() string {
	calls := make([]string, len(n.Funcs))
	for i, f := range n.Funcs {
		calls[i] = f.Agg.Label
		if s := f.Frame.String(); s != "" {
			calls[i] += " " + s
		}
	}
	return "Over " + strings.Join(calls, ", ") + windowLabel(n.PartitionBy, n.OrderBy)
}

func windowLabel(partition []Expr, order []SortKey) string {
	s := ""
	if len(partition) > 0 {
		s += " by " + ExprList(partition)
	}
	if len(order) > 0 {
		s += " order " + sortKeys(order)
	}
	return s
}

// String returns the frame as SQL spells it, "" for the default one.
func (f Frame) String() string {
	if f.Mode == FrameRange && f.Start.Unbounded && f.End.Label == "current row" && f.Exclude == ExcludeNothing || f.End.Label == "" {
		return ""
	}
	return fmt.Sprintf("%s between %s and %s%s", [...]string{"rows", "range", "groups"}[f.Mode], f.Start.Label, f.End.Label,
		[...]string{"", " exclude current row", " exclude group", " exclude ties"}[f.Exclude])
}

// TopN keeps the first rows of each partition of an input that may change, and
// keeps what it gave current. Its output columns are the input's, then the rank
// unless Rank is "". Rows that the order does not tell apart are ordered by event
// time, then by their columns.
type TopN struct {
	Base
	Input       Node
	PartitionBy []Expr
	OrderBy     []SortKey
	// Rank is "row_number", "rank" or "dense_rank"; "" counts rows and does not show
	// the number.
	Rank string
	// Rows with Skip < rank <= Count are kept.
	Skip, Count int64
}

// Inputs implements Node.
func (n *TopN) Inputs() []Node { return []Node{n.Input} }

// Label implements Node.
func (n *TopN) Label() string {
	s := fmt.Sprintf("Top %d", n.Count-n.Skip)
	if n.Skip > 0 {
		s += fmt.Sprintf(" after %d", n.Skip)
	}
	if n.Rank != "" {
		s += " of " + n.Rank + "()"
	}
	return s + windowLabel(n.PartitionBy, n.OrderBy)
}

// Type returns the type of the call's result.
func (f *OverFunc) Type() types.Type { return f.Agg.Type }

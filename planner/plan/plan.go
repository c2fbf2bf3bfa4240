// Package plan is what the planner hands to exec: a tree of operators over typed
// expressions, every name resolved to a column index or a catalog id.
//
// Nouns: Node (one operator and the shape of its output), Properties (what its
// output rows are), Expr (a typed scalar expression), Window, Emit, Query (a
// whole plan with how its result is shown).
//
// Rule: a plan is data. It has no behaviour beyond describing itself, it knows
// neither catalog nor runtime, and the same plan runs as a batch query and as a
// continuous one.
package plan

import (
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// Node is one operator.
type Node interface {
	// Schema describes the rows that come out.
	Schema() *batch.Schema
	Props() Properties
	// Inputs returns the operators that feed this one, in port order.
	Inputs() []Node
	// Label returns the operator's line in EXPLAIN, without its inputs.
	Label() string
}

// Properties says what an operator's output rows are.
type Properties struct {
	// Changelog says that rows may go away again (differences of -1).
	Changelog bool
	// Key holds the columns that identify a row at any time: no two current rows
	// agree on them. nil where no key is known, empty for at most one row.
	Key []int
	// HasKey tells an empty Key from an unknown one.
	HasKey bool
	// StateNote says for EXPLAIN what state the operator keeps and when it is
	// dropped, "" for none.
	StateNote string
	// Unbounded says that the operator's state grows without limit.
	Unbounded bool
}

// Base holds what every node has; nodes embed it.
type Base struct {
	Out        *batch.Schema
	Properties Properties
}

// Schema implements Node.
func (b *Base) Schema() *batch.Schema { return b.Out }

// Props implements Node.
func (b *Base) Props() Properties { return b.Properties }

// Note adds a sentence to the StateNote.
func (b *Base) Note(text string) {
	if b.Properties.StateNote != "" {
		text = b.Properties.StateNote + "; " + text
	}
	b.Properties.StateNote = text
}

// Scan reads a catalog object: a source, table, stream or view, or a virtual
// relation.
type Scan struct {
	Base
	Object uint64 // catalog id; 0 for a virtual relation
	Name   string
	// Table says that the object is a table: its rows have no place in event time.
	Table bool
	// Versions says that it is the versions of a table's rows.
	Versions bool
	// Late says that it is the late rows of a stream or view, not its result.
	Late bool
	// Columns maps output columns to the object's columns.
	Columns []int
	// Args are the constant arguments of a virtual relation that takes some.
	Args []any
}

// Values gives constant rows.
type Values struct {
	Base
	Rows [][]Expr
}

// Filter keeps the rows for which the predicate is true.
type Filter struct {
	Base
	Input     Node
	Predicate Expr
}

// Project computes columns.
type Project struct {
	Base
	Input Node
	Exprs []Expr
}

// Aggregate groups rows. Its output columns are the keys, then (with a Window)
// window_start and window_end, then the aggregates, then (with a Window) the
// event time window_end - 1 ms.
type Aggregate struct {
	Base
	Input  Node
	Keys   []Expr
	Window *Window // nil for none
	Aggs   []Agg
	Emit   Emit
	// RetentionMillis drops a group, and its row, when the watermark has passed the
	// event time of its newest row, which is the result of aggregate TimeAgg, by so
	// much; 0 for never. It stands without a Window only.
	RetentionMillis int64
	TimeAgg         int
}

// Agg is one aggregate call. Args are evaluated over the input.
type Agg struct {
	// Func is the id of the aggregate in planner/function: "sum(bigint)".
	Func     string
	Args     []Expr
	Type     types.Type
	Distinct bool
	Filter   Expr // nil for none
	OrderBy  []SortKey
	// EventTime is the column that orders first_value and last_value where
	// OrderBy is empty, -1 for arrival order alone.
	EventTime int
	// Label is the call as EXPLAIN shows it.
	Label string
}

// WindowKind is the shape of a time window.
type WindowKind uint8

// The window kinds.
const (
	Tumble WindowKind = iota
	Hop
	Session
	Cumulate
)

// Window assigns rows to time windows. All lengths are in milliseconds.
type Window struct {
	Kind WindowKind
	// Time is the event time: bigint milliseconds, timestamp or timestamptz.
	// window_start and window_end have its type.
	Time Expr
	// SizeMillis is the length: tumble's and hop's size, cumulate's max, session's
	// gap.
	SizeMillis int64
	// SlideMillis is hop's slide and cumulate's step, else 0.
	SlideMillis  int64
	OffsetMillis int64
	// OnEventTime says that Time is the input's event-time column, so that the
	// watermark closes the windows.
	OnEventTime bool
}

// EmitMode is when results leave an operator.
type EmitMode uint8

// The emit modes. EmitFinal gives each result once, when the watermark has
// passed it; the others keep results current with a changelog.
const (
	EmitFinal EmitMode = iota
	EmitChanges
	EmitUpdate // a changelog that is shown as upserts
	EmitEvery  // as EmitUpdate, at most one change a key per interval
)

// Emit is when and how results leave.
type Emit struct {
	Mode EmitMode
	// EveryMillis is EmitEvery's interval.
	EveryMillis int64
	// LatenessMillis keeps closed windows for corrections.
	LatenessMillis int64
}

// SortKey is one key of an order.
type SortKey struct {
	Expr       Expr
	Desc       bool
	NullsFirst bool
}

// Sort orders rows. It runs over bounded input only.
type Sort struct {
	Base
	Input Node
	Keys  []SortKey
	// Ties orders rows that the keys do not tell apart by event time, then by their
	// columns, as a TopN does; else they keep their order.
	Ties bool
}

// Limit skips Offset rows and passes Count, -1 for no limit. It runs over
// bounded input only; a view's ORDER BY .. LIMIT is a TopN.
type Limit struct {
	Base
	Input         Node
	Count, Offset int64
}

// JoinKind is which rows a join keeps.
type JoinKind uint8

// The join kinds.
const (
	JoinInner JoinKind = iota
	JoinLeft
	JoinRight
	JoinFull
	JoinSemi
	JoinAnti
)

// Join is an equi-join over bounded input, or over changelogs with retractions.
// Its output columns are the left input's, then (except for semi and anti) the
// right's.
type Join struct {
	Base
	Left, Right         Node
	Kind                JoinKind
	LeftKeys, RightKeys []Expr // over the left and the right input
	// Residual is evaluated over left columns then right columns, nil for none.
	Residual Expr
}

// SingleRow gives exactly one row of a bounded input of at most one: NULLs where
// it is empty, and an error (21000) where it has more.
type SingleRow struct {
	Base
	Input Node
}

// Union passes the rows of all inputs, which have the same columns.
type Union struct {
	Base
	All []Node
}

// Inputs implements Node.
func (*Scan) Inputs() []Node { return nil }

// Inputs implements Node.
func (*Values) Inputs() []Node { return nil }

// Inputs implements Node.
func (n *Filter) Inputs() []Node { return []Node{n.Input} }

// Inputs implements Node.
func (n *Project) Inputs() []Node { return []Node{n.Input} }

// Inputs implements Node.
func (n *Aggregate) Inputs() []Node { return []Node{n.Input} }

// Inputs implements Node.
func (n *Sort) Inputs() []Node { return []Node{n.Input} }

// Inputs implements Node.
func (n *Limit) Inputs() []Node { return []Node{n.Input} }

// Inputs implements Node.
func (n *Join) Inputs() []Node { return []Node{n.Left, n.Right} }

// Inputs implements Node.
func (n *SingleRow) Inputs() []Node { return []Node{n.Input} }

// Inputs implements Node.
func (n *Union) Inputs() []Node { return n.All }

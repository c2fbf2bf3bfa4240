// Package planner turns a syntax tree into a plan: it looks names up, finds the
// types, checks that the query can be run exactly, and chooses the operators.
//
// Nouns: Relation (what a name in FROM means), Relations (who knows), Mode
// (continuous or once), scope (the columns that an expression can name),
// resolver (expressions), Result (a plan with its output columns).
//
// Rule: the planner does no I/O and keeps nothing. What it cannot plan exactly is
// refused here, with 0A000, the place in the text and a hint; nothing is accepted
// and then ignored.
package planner

import (
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// Relation is what a name in FROM means.
type Relation struct {
	ID     uint64 // catalog id, 0 for a virtual relation
	OID    uint32 // what 'name'::regclass gives, 0 for one that has none
	Name   string
	Kind   string // "source", "table", "stream", "materialized view", "system"
	Schema *batch.Schema
	Props  plan.Properties
	// View is the query of a plain view, which is planned in its place.
	View *ast.Query
	// Versions are the versions of a table's rows, nil for a table without event time.
	Versions *Versions
}

// Versions is the relation of all versions of a table's rows, as they come.
type Versions struct {
	ID uint64 // to be scanned, 0 for a virtual relation
	// Schema holds the table's columns, then whether the version says that the row
	// is deleted. Its event time is from when the version is valid.
	Schema *batch.Schema
}

// Relations looks relations up. Its error for an unknown name is 42P01; the
// planner adds the position.
type Relations interface {
	Relation(name ast.Name) (*Relation, error)
}

// SystemFunctions may be implemented by Relations: virtual relations that take
// arguments, laminar.why('stream'). ok is false for an unknown name.
type SystemFunctions interface {
	SystemFunction(name ast.Name) (schema *batch.Schema, args []types.Type, ok bool)
}

// Mode is how a plan will run.
type Mode uint8

// The modes: Once over a snapshot (SELECT), Stream and View continuously; the
// last two differ in when windows are emitted by default.
const (
	Once Mode = iota
	Stream
	View
)

// Params are an extended query's parameters. Types may hold Unknown, which
// planning replaces by what the context asks for; it grows to the highest
// parameter used. With Values, which are in plan.Const's form, every parameter
// becomes a constant.
type Params struct {
	Types  []types.Type
	Values []any
}

// Query is one planning job.
type Query struct {
	Relations Relations
	Mode      Mode
	Params    *Params
	// Emit is the EMIT clause, nil for the mode's default.
	Emit *ast.Emit
	// LatenessMillis is ALLOW LATENESS.
	LatenessMillis int64
	// LateTo is LATE DATA TO, nil for none.
	LateTo *ast.Name
	// RetentionMillis is the option retention, 0 for none.
	RetentionMillis int64
	// Session answers current_user and its like, and "setting NAME".
	Session map[string]string

	notices []string
	reads   []uint64
	depth   int
	ctes    []map[string]*cte
	around  *enclosing // the query around a subquery used as a value
	emitted bool       // the EMIT clause found its operator
	// lateness says that ALLOW LATENESS found its operator, retained that the option
	// retention did.
	lateness, retained bool
}

// Result is a finished plan.
type Result struct {
	Root plan.Node
	// Reads are the catalog ids of the relations that the plan scans, each once.
	Reads []uint64
	// Notices are for the user, such as about state without bounds.
	Notices []string
	// Late describes the late rows that go to LATE DATA TO, nil for none.
	Late *batch.Schema
	// Upsert says that changes are shown as upserts (EMIT ON UPDATE).
	Upsert bool
}

// maxDepth bounds how deeply queries may nest.
const maxDepth = 64

// Plan plans a query.
func (q *Query) Plan(query *ast.Query) (*Result, error) {
	node, _, err := q.query(query)
	if err != nil {
		return nil, err
	}
	if q.Emit != nil && !q.emitted {
		if err := q.plainEmit(node); err != nil {
			return nil, err
		}
	}
	if q.LatenessMillis > 0 && !q.lateness && q.Mode != Once {
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, "ALLOW LATENESS needs a time window on the event time").
			WithHint("Group by a time window, such as tumble(ts, INTERVAL '5' SECOND), on the source's watermarked column.")
	}
	if node, err = q.retain(node); err != nil {
		return nil, err
	}
	if err := q.checkContinuous(node); err != nil {
		return nil, err
	}
	late, err := q.lateRows(node)
	if err != nil {
		return nil, err
	}
	return &Result{
		Root: node, Reads: q.reads, Notices: q.notices, Late: late,
		Upsert: q.Emit != nil && (q.Emit.Mode == "update" || q.Emit.Mode == "every"),
	}, nil
}

// plainEmit checks an EMIT clause on a query without an aggregate: rows leave at
// once, which is what every mode means for append-only rows.
func (q *Query) plainEmit(node plan.Node) error {
	if node.Props().Changelog && q.Emit.Mode == "final" {
		return pgerr.At(int(q.Emit.Pos), pgerr.FeatureNotSupported, "EMIT AFTER WATERMARK needs results that can become final").
			WithHint("The query's rows can change at any time; use EMIT CHANGES, or group by a window on an event-time column.")
	}
	if q.Emit.Mode == "every" {
		return pgerr.At(int(q.Emit.Pos), pgerr.FeatureNotSupported, "EMIT EVERY is supported on aggregates only")
	}
	return nil
}

// checkContinuous refuses operators that only work over bounded input.
func (q *Query) checkContinuous(node plan.Node) error {
	if q.Mode == Once {
		return nil
	}
	switch n := node.(type) {
	case *plan.Sort:
		return pgerr.Newf(pgerr.FeatureNotSupported, "ORDER BY is not supported in a continuous query").
			WithHint("Order the rows when you read them: SELECT .. FROM the view ORDER BY ..")
	case *plan.Limit:
		return pgerr.Newf(pgerr.FeatureNotSupported, "LIMIT without ORDER BY is not supported in a continuous query").
			WithHint("Add ORDER BY, and the first rows of that order are kept current.")
	case *plan.Over:
		q.keepsAll(n)
	case *plan.Scan:
		if n.Object == 0 {
			return pgerr.Newf(pgerr.FeatureNotSupported, "system relation %q cannot be read by a continuous query", n.Name)
		}
	}
	for _, in := range node.Inputs() {
		if err := q.checkContinuous(in); err != nil {
			return err
		}
	}
	return nil
}

func (q *Query) notice(text string) {
	for _, n := range q.notices {
		if n == text {
			return
		}
	}
	q.notices = append(q.notices, text)
}

func (q *Query) read(id uint64) {
	for _, r := range q.reads {
		if r == id {
			return
		}
	}
	if id != 0 {
		q.reads = append(q.reads, id)
	}
}

func unsupported(pos ast.Pos, format string, args ...any) *pgerr.Error {
	return pgerr.At(int(pos), pgerr.FeatureNotSupported, format, args...)
}

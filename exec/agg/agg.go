// Package agg computes aggregates for many groups at once, a batch at a time.
//
// Nouns: Spec (which aggregate, over which types), Accumulator (the state of one
// aggregate for all groups, in columns indexed by group id), Input (one batch of
// rows with the group of each).
//
// Rule: group ids are dense and are the caller's (hashtable's). State has no
// pointer per group; each aggregate takes a batch in one loop over typed slices.
// The order in which groups were made never shows in a result.
package agg

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// Accumulator holds one aggregate's state for the groups 0 <= id < Grow's
// argument. One goroutine uses it at a time. Nothing that is passed in is kept.
type Accumulator interface {
	// Grow makes room for the ids below groups; the new ones are empty. It never
	// shrinks, and it must be called before an id is used.
	Grow(groups int)
	// Update takes one batch. Errors that depend on values, such as an overflow,
	// are Result's.
	Update(in *Input)
	// Merge adds the state of group fromIDs[i] of from, an Accumulator of the same
	// Spec (this one too), to group toIDs[i]; rows of from count as having arrived
	// later, except where both know the order. from does not change.
	Merge(from Accumulator, fromIDs, toIDs []uint32)
	// Result returns one value per id, of the Spec's Result type. An empty group
	// gives what SQL says: NULL, or 0 for count. The error is a *pgerr.Error, of
	// the first group whose result is out of range.
	Result(ids []uint32) (arrow.Array, error)
	// Clear makes groups empty again.
	Clear(ids []uint32)
	// SizeBytes returns the memory that is held.
	SizeBytes() int64
	// Snapshot writes the state of all groups.
	Snapshot(w *rowcodec.StateWriter)
	// Restore replaces the state by a snapshot's. After an error, which wraps
	// rowcodec.ErrCorrupt for wrong bytes, the Accumulator must be thrown away.
	Restore(r *rowcodec.StateReader) error
}

// Input is one batch for one aggregate. Rows that FILTER rejects have been
// removed from all of it.
type Input struct {
	// IDs is the group of each row.
	IDs []uint32
	// Args are the aggregate's arguments, none for count(*). A constant argument
	// (Spec.Consts) may be nil.
	Args []arrow.Array
	// Diffs is +1 or -1 for each row, nil for +1 everywhere. Only an Accumulator
	// of a Retractable Spec takes -1.
	Diffs []int8
	// Order is each row's event time, for first_value and last_value; nil for
	// arrival order.
	Order []int64
	// Sort are the columns of Spec.OrderBy.
	Sort []arrow.Array
}

// Spec says which aggregate an Accumulator computes.
type Spec struct {
	// Func is the aggregate's name: "sum".
	Func   string
	Args   []types.Type
	Result types.Type
	// Consts holds the value of each argument that is a constant, in plan.Const's
	// form, nil for the others. It may be shorter than Args.
	Consts   []any
	Distinct bool
	// Retractable says that Diffs may hold -1. Otherwise the state is smaller.
	Retractable bool
	// OrderBy is the ORDER BY inside the call, or WITHIN GROUP's.
	OrderBy []rowcodec.OrderKey

	spelt string // Func as it was before New took the common name
}

// SpecOf returns the Spec of a planned aggregate.
func SpecOf(a *plan.Agg, retractable bool) Spec {
	name, _, _ := strings.Cut(a.Func, "(")
	s := Spec{Func: name, Result: a.Type, Distinct: a.Distinct, Retractable: retractable}
	for _, e := range a.Args {
		s.Args = append(s.Args, e.Type())
		s.Consts = append(s.Consts, constant(e))
	}
	for _, k := range a.OrderBy {
		s.OrderBy = append(s.OrderBy, rowcodec.OrderKey{Type: k.Expr.Type(), Desc: k.Desc, NullsFirst: k.NullsFirst})
	}
	return s
}

// constant returns the value of a constant, of one that is cast to double
// precision too; nil for everything else.
func constant(e plan.Expr) any {
	switch e := e.(type) {
	case *plan.Const:
		return e.Value
	case *plan.Cast:
		if e.T.Kind != types.Float64 {
			return nil
		}
		switch v := constant(e.Arg).(type) {
		case int64:
			return float64(v)
		case float64:
			return v
		case decimal128.Num:
			return v.ToFloat64(e.Arg.Type().StoredScale())
		}
	}
	return nil
}

func (s *Spec) unsupported() error {
	names := make([]string, len(s.Args))
	for i, t := range s.Args {
		names[i] = t.String()
	}
	call := s.Func + "(" + strings.Join(names, ", ") + ")"
	if s.Distinct {
		call = "DISTINCT " + call
	}
	return pgerr.Newf(pgerr.FeatureNotSupported, "aggregate %s is not supported", call)
}

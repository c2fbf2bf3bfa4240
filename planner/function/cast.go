package function

import "laminardb/sql/types"

// CastContext is where a cast stands, which decides whether it is allowed
// (PostgreSQL manual, CREATE CAST).
type CastContext uint8

// The contexts: Implicit within expressions, Assignment to a column, Explicit
// with CAST or ::. Each allows what the ones before it allow.
const (
	Implicit CastContext = iota
	Assignment
	Explicit
)

// casts holds the first context in which a kind casts to another. Casts to and
// from text that are not here go through the text form (CanCast).
var casts = map[[2]types.Kind]CastContext{
	{types.Int16, types.Int32}:   Implicit,
	{types.Int16, types.Int64}:   Implicit,
	{types.Int16, types.Float32}: Implicit,
	{types.Int16, types.Float64}: Implicit,
	{types.Int16, types.Numeric}: Implicit,
	{types.Int16, types.OID}:     Implicit,

	{types.Int32, types.Int16}:   Assignment,
	{types.Int32, types.Int64}:   Implicit,
	{types.Int32, types.Float32}: Implicit,
	{types.Int32, types.Float64}: Implicit,
	{types.Int32, types.Numeric}: Implicit,
	{types.Int32, types.OID}:     Implicit,
	{types.Int32, types.Bool}:    Explicit,
	{types.Bool, types.Int32}:    Explicit,

	{types.Int64, types.Int16}:   Assignment,
	{types.Int64, types.Int32}:   Assignment,
	{types.Int64, types.Float32}: Implicit,
	{types.Int64, types.Float64}: Implicit,
	{types.Int64, types.Numeric}: Implicit,
	{types.Int64, types.OID}:     Implicit,

	{types.OID, types.Int32}: Assignment,
	{types.OID, types.Int64}: Assignment,

	{types.Numeric, types.Int16}:   Assignment,
	{types.Numeric, types.Int32}:   Assignment,
	{types.Numeric, types.Int64}:   Assignment,
	{types.Numeric, types.Float32}: Implicit,
	{types.Numeric, types.Float64}: Implicit,

	{types.Float32, types.Int16}:   Assignment,
	{types.Float32, types.Int32}:   Assignment,
	{types.Float32, types.Int64}:   Assignment,
	{types.Float32, types.Float64}: Implicit,
	{types.Float32, types.Numeric}: Assignment,

	{types.Float64, types.Int16}:   Assignment,
	{types.Float64, types.Int32}:   Assignment,
	{types.Float64, types.Int64}:   Assignment,
	{types.Float64, types.Float32}: Assignment,
	{types.Float64, types.Numeric}: Assignment,

	{types.Date, types.Timestamp}:        Implicit,
	{types.Date, types.TimestampTZ}:      Implicit,
	{types.Time, types.Interval}:         Implicit,
	{types.Timestamp, types.Date}:        Assignment,
	{types.Timestamp, types.Time}:        Assignment,
	{types.Timestamp, types.TimestampTZ}: Implicit,
	{types.TimestampTZ, types.Date}:      Assignment,
	{types.TimestampTZ, types.Time}:      Assignment,
	{types.TimestampTZ, types.Timestamp}: Assignment,
	{types.Interval, types.Time}:         Assignment,

	{types.JSON, types.JSONB}:    Assignment,
	{types.JSONB, types.JSON}:    Assignment,
	{types.JSONB, types.Bool}:    Explicit,
	{types.JSONB, types.Int16}:   Explicit,
	{types.JSONB, types.Int32}:   Explicit,
	{types.JSONB, types.Int64}:   Explicit,
	{types.JSONB, types.Float32}: Explicit,
	{types.JSONB, types.Float64}: Explicit,
	{types.JSONB, types.Numeric}: Explicit,
}

// CanCast reports whether a value of type from can be cast to type to in the
// context. Unknown casts to everything. Every type casts to text on assignment
// and from text explicitly, by its text form; arrays cast as their elements do.
func CanCast(from, to types.Type, ctx CastContext) bool {
	if from.Kind == types.Unknown || sameType(from, to) {
		return true
	}
	if from.Kind == types.Array && to.Kind == types.Array {
		return CanCast(*from.Elem, *to.Elem, ctx)
	}
	if first, ok := casts[[2]types.Kind{from.Kind, to.Kind}]; ok {
		return ctx >= first
	}
	switch {
	case to.Kind == types.Text:
		return ctx >= Assignment
	case from.Kind == types.Text:
		return ctx >= Explicit && to.Kind != types.Struct && to.Kind != types.Map
	}
	return false
}

// sameType reports whether the types are the same but for the parameters of
// numeric and varchar, which overloads do not tell apart.
func sameType(a, b types.Type) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case types.Array:
		return sameType(*a.Elem, *b.Elem)
	case types.Map:
		return sameType(*a.Key, *b.Key) && sameType(*a.Elem, *b.Elem)
	case types.Struct:
		if len(a.Fields) != len(b.Fields) {
			return false
		}
		for i := range a.Fields {
			if !sameType(a.Fields[i].Type, b.Fields[i].Type) {
				return false
			}
		}
	}
	return true
}

// preferred reports pg_type.typispreferred: the type that a category's unknown
// members become.
func preferred(t types.Type) bool {
	switch t.Kind {
	case types.Bool, types.Float64, types.OID, types.Text, types.TimestampTZ, types.Interval:
		return true
	}
	return false
}

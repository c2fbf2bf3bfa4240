// Package function says which functions, operators, aggregates and casts SQL has:
// their overloads as data, and PostgreSQL's rules (manual chapter 10) for which
// one a call means.
//
// Nouns: Signature (one overload with the types of one call filled in),
// AggregateSignature, TableSignature, Class (what kinds of function a name can
// be), CastContext. Tables are texts of one overload a line, read once into a
// library (spec.go describes a line).
//
// Rule: nothing here computes a value. A Signature's ID, "add(bigint,bigint)", is
// all that exec gets; the types in it are spelt boolean, smallint, integer, bigint,
// real, double, numeric, text, bytea, date, time, timestamp, timestamptz, interval,
// uuid, json, jsonb, oid, record, and any, anyelement, anyarray, where one overload
// covers every type.
package function

import (
	"slices"
	"strings"

	"laminardb/sql/types"
)

// Volatility says when a call may be computed once for many rows.
type Volatility uint8

// The volatilities. An Immutable call of constants may be folded when it is
// planned, a Stable one is the same throughout a statement, and a Volatile one
// is computed for each row.
const (
	Immutable Volatility = iota
	Stable
	Volatile
)

// Signature is the overload that a call means.
type Signature struct {
	// ID names the overload: "add(bigint,bigint)".
	ID string
	// Name is the ID's name, "add"; an operator's is not its symbol.
	Name string
	// Args holds the types that the call's arguments are to be cast to, one for
	// each argument of the call. Where they differ from the argument's type, the
	// cast is always possible, but not always an implicit one: 1 || 'a' casts 1
	// to text.
	Args       []types.Type
	Result     types.Type
	Volatility Volatility
	// Strict says that a NULL argument makes the result NULL.
	Strict bool
}

// Class is a set of kinds of function that one name can be.
type Class uint8

// The kinds of function. TimeWindow is tumble, hop, session and cumulate, and the
// _start and _end forms of their names: the planner gives them their meaning.
const (
	Scalar Class = 1 << iota
	Aggregate
	Window
	Table
	TimeWindow
)

// timeWindows are the names of class TimeWindow.
var timeWindows = []string{
	"tumble", "hop", "session", "cumulate",
	"tumble_start", "hop_start", "session_start", "cumulate_start",
	"tumble_end", "hop_end", "session_end", "cumulate_end",
	"window_start", "window_end",
}

// Classify returns the kinds of function that the name can be, 0 for an unknown
// name. first_value, for example, is an Aggregate and a Window function.
func Classify(name string) Class {
	var c Class
	name = bare(name)
	for class, set := range map[Class]overloads{
		Scalar: standard.functions, Aggregate: standard.aggregates,
		Window: standard.windows, Table: standard.tables,
	} {
		if len(set[name]) > 0 {
			c |= class
		}
	}
	if slices.Contains(timeWindows, name) {
		c |= TimeWindow
	}
	return c
}

// Resolve returns the scalar function that name(args) means. An argument of type
// Unknown is a string literal, NULL or a parameter without a type. The error is
// 42883 (undefined) or 42725 (ambiguous).
func Resolve(name string, args []types.Type) (*Signature, error) {
	name = bare(name)
	chosen, err := choose(standard.functions[name], args, false)
	if err != nil {
		return nil, functionError(err, name, args, standard.functions)
	}
	return chosen.signature(args), nil
}

// ResolveOperator returns the operator that op means between its one or two
// operands. op is as in ast.Binary and ast.Unary, or one of PostgreSQL's inner
// names for LIKE (~~, !~~, ~~*, !~~*). AND, OR, NOT and COLLATE are not operators.
func ResolveOperator(op string, args []types.Type) (*Signature, error) {
	op = strings.ToLower(op)
	chosen, err := choose(withArity(standard.operators[op], len(args)), args, true)
	if err != nil {
		return nil, operatorError(err, op, args)
	}
	return chosen.signature(args), nil
}

func withArity(list []*overload, n int) []*overload {
	var out []*overload
	for _, o := range list {
		if len(o.params) == n {
			out = append(out, o)
		}
	}
	return out
}

// Signatures returns every scalar function and operator once, sorted by ID. The
// polymorphic ones are bound to bigint, and arrays to bigint[].
func Signatures() []*Signature {
	byID := map[string]*Signature{}
	for _, set := range []overloads{standard.functions, standard.operators} {
		for _, list := range set {
			for _, o := range list {
				s := o.sample()
				byID[s.ID] = s
			}
		}
	}
	out := make([]*Signature, 0, len(byID))
	for _, s := range byID {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *Signature) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// bare drops the schema that all functions are in and folds the case.
func bare(name string) string {
	return strings.TrimPrefix(strings.ToLower(name), "pg_catalog.")
}

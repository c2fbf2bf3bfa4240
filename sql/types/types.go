// Package types is the one table that ties a SQL type to its Arrow type and its
// PostgreSQL OID.
//
// Nouns: Kind (which type), Type (a kind with its parameters), Interval (the one
// value that Go has no type for).
//
// Rule: a column of SQL type T is always an Arrow array of T.Arrow(); no package
// stores a type in another representation.
package types

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// Kind says which SQL type a Type is.
type Kind uint8

// The kinds. Unknown is the type of an untyped literal (NULL, 'text', $1)
// before it is resolved; a resolved plan has none.
const (
	Unknown Kind = iota
	Bool
	Int16
	Int32
	Int64
	Float32
	Float64
	Numeric
	Text // text, varchar, char
	Bytea
	Date
	Time
	Timestamp
	TimestampTZ
	Interval
	UUID
	JSON
	JSONB
	Array
	Struct
	Map
	OID // PostgreSQL's oid, regclass and such; catalog relations only
)

// NumericScale is the scale at which an unconstrained NUMERIC is stored; its
// text form drops trailing zeros.
const NumericScale = 12

// NumericPrecision is the number of decimal digits that decimal128 holds.
const NumericPrecision = 38

// Type is a SQL type. The zero Type is Unknown.
type Type struct {
	Kind Kind
	// Precision and Scale are a NUMERIC's; Precision 0 means unconstrained.
	// For Text, Precision is the n of varchar(n), 0 for no limit.
	Precision, Scale int32
	// Elem is an Array's element type or a Map's value type.
	Elem *Type
	// Key is a Map's key type.
	Key *Type
	// Fields are a Struct's.
	Fields []Field
}

// Field is one field of a Struct.
type Field struct {
	Name string
	Type Type
}

// Of returns the Type of a kind that takes no parameters.
func Of(k Kind) Type { return Type{Kind: k} }

// ArrayOf returns the type of arrays with the element type.
func ArrayOf(elem Type) Type { return Type{Kind: Array, Elem: &elem} }

// DecimalOf returns numeric(precision, scale).
func DecimalOf(precision, scale int32) Type {
	return Type{Kind: Numeric, Precision: precision, Scale: scale}
}

// StoredScale is the scale of the decimal128 values of a NUMERIC type.
func (t Type) StoredScale() int32 {
	if t.Precision == 0 {
		return NumericScale
	}
	return t.Scale
}

// Equal reports whether the types are the same, parameters included.
func (t Type) Equal(o Type) bool {
	if t.Kind != o.Kind || t.Precision != o.Precision || t.Scale != o.Scale || len(t.Fields) != len(o.Fields) {
		return false
	}
	if !equalPtr(t.Elem, o.Elem) || !equalPtr(t.Key, o.Key) {
		return false
	}
	for i, f := range t.Fields {
		if f.Name != o.Fields[i].Name || !f.Type.Equal(o.Fields[i].Type) {
			return false
		}
	}
	return true
}

func equalPtr(a, b *Type) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// IsInteger reports whether t is smallint, integer or bigint.
func (t Type) IsInteger() bool { return t.Kind >= Int16 && t.Kind <= Int64 }

// IsFloat reports whether t is real or double precision.
func (t Type) IsFloat() bool { return t.Kind == Float32 || t.Kind == Float64 }

// IsNumber reports whether t is an integer, a float or numeric.
func (t Type) IsNumber() bool { return t.Kind >= Int16 && t.Kind <= Numeric }

// IsTime reports whether t can be a point in event time: timestamp,
// timestamptz, or bigint epoch milliseconds.
func (t Type) IsTime() bool {
	return t.Kind == Timestamp || t.Kind == TimestampTZ || t.Kind == Int64
}

// String returns the type as PostgreSQL prints it (format_type).
func (t Type) String() string {
	switch t.Kind {
	case Numeric:
		if t.Precision > 0 {
			return fmt.Sprintf("numeric(%d,%d)", t.Precision, t.Scale)
		}
	case Text:
		if t.Precision > 0 {
			return fmt.Sprintf("character varying(%d)", t.Precision)
		}
	case Array:
		return t.Elem.String() + "[]"
	case Map:
		return fmt.Sprintf("map(%s, %s)", t.Key, t.Elem)
	case Struct:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = f.Name + " " + f.Type.String()
		}
		return "struct(" + strings.Join(parts, ", ") + ")"
	}
	return rows[t.Kind].name
}

// Arrow returns the Arrow type in which a column of t is stored. Times are in
// microseconds; timestamptz carries the zone "UTC".
func (t Type) Arrow() arrow.DataType {
	switch t.Kind {
	case Numeric:
		return &arrow.Decimal128Type{Precision: NumericPrecision, Scale: t.StoredScale()}
	case Array:
		return arrow.ListOf(t.Elem.Arrow())
	case Map:
		return arrow.MapOf(t.Key.Arrow(), t.Elem.Arrow())
	case Struct:
		fields := make([]arrow.Field, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = arrow.Field{Name: f.Name, Type: f.Type.Arrow(), Nullable: true}
		}
		return arrow.StructOf(fields...)
	}
	return rows[t.Kind].arrow
}

package catalog

import (
	"slices"
	"strings"
	"time"

	"laminardb/sql/batch"
)

// Kind says what sort of object it is.
type Kind uint8

// The kinds. The zero Kind is none of them.
const (
	Source Kind = iota + 1
	Table
	Stream
	MaterializedView
	View
	Sink
)

// kindNames is indexed by Kind; the names are SQL's and the encoding's.
var kindNames = [...]string{Source: "source", Table: "table", Stream: "stream", MaterializedView: "materialized view", View: "view", Sink: "sink"}

// String returns the kind as SQL spells it, in lower case.
func (k Kind) String() string {
	if !k.valid() {
		return "object"
	}
	return kindNames[k]
}

func (k Kind) valid() bool { return k >= Source && k <= Sink }

// upper returns the kind as it stands in a statement: MATERIALIZED VIEW.
func (k Kind) upper() string { return strings.ToUpper(k.String()) }

// KindNamed is the inverse of String; it is how sql/ast names a kind.
func KindNamed(name string) (k Kind, ok bool) {
	i := slices.Index(kindNames[1:], name)
	return Kind(i + 1), i >= 0
}

// DefaultSchema is the schema of an unqualified name. It is the only one that
// holds durable objects; pg_catalog and such are virtual.
const DefaultSchema = "public"

// Name is an object's full name. Kinds share one namespace.
type Name struct{ Schema, Name string }

// String returns the name as error messages show it: without the default schema.
func (n Name) String() string {
	if n.Schema == DefaultSchema || n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// Column is one column of an object's rows.
type Column struct {
	batch.Field
	// PrimaryKey columns identify a row; an object has any number of them.
	PrimaryKey bool
}

// Option is one k = v of the object's WITH or KAFKA clause.
type Option struct{ Name, Value string }

// FirstOID is PostgreSQL's FirstNormalObjectId: smaller ones are built in.
const FirstOID = 16384

// Object is one catalog entry. An Object that came out of the catalog is shared
// and never changed; a caller makes one to pass it to Create or Replace and
// sets the fields below the line only.
type Object struct {
	// ID is never given twice, not even after DROP, a discarded edit or a crash.
	ID uint64
	// Version is 1 and grows with every Replace. State on disk belongs to an
	// (ID, Version): a replaced query must not take over the old one's.
	Version uint64
	// OID is the object's pg_class.oid. It stays the same over Replace.
	OID       uint32
	CreatedAt time.Time

	// ----

	Kind Kind
	Name Name
	// SQL is the statement as the user wrote it, ${variables} unexpanded.
	SQL     string
	Columns []Column
	// EventTime is the index of the event-time column, -1 where there is none.
	EventTime int
	// Options are what is in force: after SetOptions they differ from SQL's.
	Options []Option
	// DependsOn holds the IDs of the objects that this one reads or writes to.
	DependsOn []uint64
}

// Schema returns the object's columns as a new row description.
func (o *Object) Schema() *batch.Schema {
	schema := &batch.Schema{Fields: make([]batch.Field, len(o.Columns)), EventTime: o.EventTime}
	for i, c := range o.Columns {
		schema.Fields[i] = c.Field
	}
	return schema
}

// PrimaryKey returns the indexes of the key columns, in column order.
func (o *Object) PrimaryKey() []int {
	var key []int
	for i, c := range o.Columns {
		if c.PrimaryKey {
			key = append(key, i)
		}
	}
	return key
}

// Option returns the value of the option with the name.
func (o *Object) Option(name string) (value string, ok bool) {
	i := slices.IndexFunc(o.Options, func(opt Option) bool { return opt.Name == name })
	if i < 0 {
		return "", false
	}
	return o.Options[i].Value, true
}

// describe returns "stream trades", as detail lines name an object.
func (o *Object) describe() string { return o.Kind.String() + " " + o.Name.String() }

// clone returns a copy whose slices the catalog owns.
func (o *Object) clone() *Object {
	c := *o
	c.Columns = slices.Clone(o.Columns)
	c.Options = slices.Clone(o.Options)
	c.DependsOn = slices.Clone(o.DependsOn)
	return &c
}

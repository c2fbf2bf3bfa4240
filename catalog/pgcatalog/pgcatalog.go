// Package pgcatalog shows the catalog as PostgreSQL's clients expect it: the
// relations of pg_catalog and information_schema, with their rows.
//
// Nouns: Relation (one of them: its columns and how its rows are made), Object
// (a catalog object with the columns that it shows).
//
// Rule: it is data made from one snapshot of the catalog. What LaminarDB does not
// have (triggers, policies, operators) has a relation without rows, so that a
// client's question about it has an answer.
package pgcatalog

import (
	"slices"
	"strings"

	"laminardb/catalog"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// The schemas that this package shows.
const (
	Schema            = "pg_catalog"
	InformationSchema = "information_schema"
	// SystemSchema has the relations that the server shows of itself; their rows are
	// not made here.
	SystemSchema = "laminar"
)

// OIDs that PostgreSQL's clients know by heart, or that nobody else has.
const (
	catalogNamespace = 11
	publicNamespace  = 2200
	infoNamespace    = 13000
	laminarNamespace = 13003
	owner            = 10
	databaseOID      = 5
	heap             = 2
	btree            = 403
	defaultCollation = 100
	connectorServer  = 13001
	connectorWrapper = 13002
	// indexBit makes the oid of a key's index and constraint from its table's.
	indexBit = 1 << 31
)

// ownerName is the one role; exec/expr's pg_get_userbyid knows it too.
const ownerName = "laminar"

// Relation is a relation of one of the schemas.
type Relation struct {
	Schema, Name string
	Columns      []batch.Field
	rows         func(c *contents) [][]any
}

// contents is what rows are made from.
type contents struct {
	objects  []*catalog.Object
	database string
}

// SystemOIDs is where the oids of the relations of SystemSchema begin; there are
// fewer than 100. exec/expr's pg_table_is_visible knows them too.
const SystemOIDs = 13100

// Rows returns the relation's rows: a value for each column, nil for NULL,
// []any for an array. system are the relations of SystemSchema, shown as views.
func (r *Relation) Rows(snapshot *catalog.Snapshot, system []*catalog.Object, database string) [][]any {
	if r.rows == nil {
		return nil
	}
	c := &contents{database: database, objects: slices.Clone(system)}
	for _, o := range snapshot.InCreationOrder() {
		if o.Kind != catalog.Sink {
			c.objects = append(c.objects, o)
		}
	}
	rows := r.rows(c)
	for i := range rows {
		rows[i] = append(rows[i], int64(r.OID()))
	}
	return rows
}

// Find returns the relation, nil if there is none. Without a schema it is one of
// pg_catalog, which comes before all others in the search path.
func Find(schema, name string) *Relation {
	if schema == "" && strings.HasPrefix(name, "pg_") {
		schema = Schema
	}
	if schema != Schema && schema != InformationSchema {
		return nil
	}
	list := relations()
	for i := range list {
		if list[i].Name == name && list[i].Schema == schema {
			return &list[i]
		}
	}
	return nil
}

// relations returns all of them.
func relations() []Relation {
	return slices.Concat(objectRelations(), nameRelations(), serverRelations(), emptyRelations(), informationRelations())
}

// relation declares a relation of pg_catalog; columns are names with types:
// "oid oid, relname text". Each has the hidden column tableoid too.
func relation(name, columns string, rows func(c *contents) [][]any) Relation {
	r := Relation{Schema: Schema, Name: name, rows: rows}
	for _, c := range strings.Split(columns, ",") {
		words := strings.Fields(c)
		elem, isArray := strings.CutSuffix(words[1], "[]")
		t, ok := types.Lookup(elem)
		if !ok {
			panic("pgcatalog: unknown type in " + name + ": " + c)
		}
		if isArray {
			t = types.ArrayOf(t)
		}
		r.Columns = append(r.Columns, batch.Field{Name: words[0], Type: t})
	}
	r.Columns = append(r.Columns, batch.Field{Name: "tableoid", Type: types.Of(types.OID), Hidden: true})
	return r
}

// classOIDs are the oids of relations that clients name in comparisons.
var classOIDs = map[string]uint32{
	"pg_type": 1247, "pg_attribute": 1249, "pg_proc": 1255, "pg_class": 1259, "pg_database": 1262,
	"pg_constraint": 2606, "pg_language": 2612, "pg_namespace": 2615, "pg_trigger": 2620,
}

// OID returns what 'name'::regclass gives, 0 for a relation that needs none.
func (r *Relation) OID() uint32 { return classOIDs[r.Name] }

// information is relation for information_schema.
func information(name, columns string, rows func(c *contents) [][]any) Relation {
	r := relation(name, columns, rows)
	r.Schema = InformationSchema
	return r
}

// relkind is pg_class.relkind.
func relkind(k catalog.Kind) string {
	switch k {
	case catalog.Table:
		return "r"
	case catalog.Source:
		return "f"
	case catalog.MaterializedView:
		return "m"
	}
	return "v"
}

// visible returns the columns that SELECT * shows.
func visible(o *catalog.Object) []catalog.Column {
	var out []catalog.Column
	for _, c := range o.Columns {
		if !c.Hidden {
			out = append(out, c)
		}
	}
	return out
}

// keyed returns the tables with a primary key; each shows an index for it.
func (c *contents) keyed() []*catalog.Object {
	var out []*catalog.Object
	for _, o := range c.objects {
		if o.Kind == catalog.Table && len(o.PrimaryKey()) > 0 {
			out = append(out, o)
		}
	}
	return out
}

func indexOID(o *catalog.Object) int64     { return int64(o.OID) | indexBit }
func indexName(o *catalog.Object) string   { return o.Name.Name + "_pkey" }
func namespaceOf(o *catalog.Object) string { return o.Name.Schema }

func namespaceOID(o *catalog.Object) int {
	if o.Name.Schema == SystemSchema {
		return laminarNamespace
	}
	return publicNamespace
}

// keyNames returns the key's columns, quoted where they must be.
func keyNames(o *catalog.Object) string {
	var names []string
	for _, i := range o.PrimaryKey() {
		names = append(names, quoted(o.Columns[i].Name))
	}
	return strings.Join(names, ", ")
}

// quoted quotes a name that is not a plain lower-case one.
func quoted(name string) string {
	if name == "" {
		return `""`
	}
	for i, c := range name {
		if c != '_' && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		}
	}
	return name
}

package session

import (
	"context"
	"maps"
	"slices"
	"strings"

	"laminardb/catalog"
	"laminardb/catalog/pgcatalog"
	"laminardb/planner"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
)

// postgresRelation returns the relation of pg_catalog or information_schema with
// the name, nil if there is none.
func postgresRelation(name ast.Name) *planner.Relation {
	schema := ""
	if len(name.Parts) > 1 {
		schema = name.Parts[len(name.Parts)-2]
	}
	r := pgcatalog.Find(schema, name.Last())
	if r == nil {
		return nil
	}
	return &planner.Relation{Name: r.Schema + "." + r.Name, OID: r.OID(), Kind: "system", Schema: batch.NewSchema(r.Columns...)}
}

// system implements exec.System for a session: what PostgreSQL's clients ask
// about depends on it.
func (s *Session) system(ctx context.Context, scan *plan.Scan) (*batch.Batch, error) {
	schema, name, _ := strings.Cut(scan.Name, ".")
	r := pgcatalog.Find(schema, name)
	switch {
	case r == nil:
		return s.db.system(ctx, scan)
	case name == "pg_settings":
		return rowsBatch(scan.Schema(), s.settingRows())
	}
	return rowsBatch(scan.Schema(), r.Rows(s.db.catalog.Snapshot(), systemObjects(), s.client.Database))
}

// systemNames are the names of the relations of schema laminar, whose oids are in
// their order.
func systemNames() []string { return slices.Sorted(maps.Keys(systemTables())) }

// systemOID is the oid of a relation of schema laminar that there is.
func systemOID(name string) uint32 {
	return pgcatalog.SystemOIDs + uint32(slices.Index(systemNames(), name))
}

// systemObjects are the relations of schema laminar as pg_catalog shows them.
func systemObjects() []*catalog.Object {
	tables := systemTables()
	var out []*catalog.Object
	for i, name := range systemNames() {
		o := &catalog.Object{
			OID: pgcatalog.SystemOIDs + uint32(i), Kind: catalog.Stream, Name: catalog.Name{Schema: systemSchema, Name: name},
			EventTime: -1, SQL: "-- shown by the server: " + systemSchema + "." + name,
		}
		for _, f := range tables[name].columns {
			o.Columns = append(o.Columns, catalog.Column{Field: f})
		}
		out = append(out, o)
	}
	return out
}

// settingRows is pg_settings.
func (s *Session) settingRows() [][]any {
	var rows [][]any
	for name, k := range knownSettings {
		context := "user"
		if k.fixed {
			context = "internal"
		}
		rows = append(rows, []any{name, s.settings[name], nil, "", k.note, context, "string", "default", k.value, k.value, int64(0)})
	}
	slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(a[0].(string), b[0].(string)) })
	return rows
}

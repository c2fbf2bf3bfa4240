package session

import (
	"sort"
	"strings"

	"laminardb/catalog"
	"laminardb/catalog/pgcatalog"
	"laminardb/exec"
	"laminardb/planner"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// relations looks names up for the planner, in one snapshot of the catalog.
type relations struct {
	db       *Database
	snapshot *catalog.Snapshot
}

// Relation implements planner.Relations.
func (r relations) Relation(name ast.Name) (*planner.Relation, error) {
	if rel := systemRelation(name); rel != nil {
		return rel, nil
	}
	if n := len(name.Parts); n > 1 && (name.Parts[n-2] == pgcatalog.Schema || name.Parts[n-2] == pgcatalog.InformationSchema) {
		return nil, pgerr.At(int(name.Pos), pgerr.UndefinedTable, "relation %q does not exist", strings.Join(name.Parts, "."))
	}
	o, err := r.snapshot.Relation(name)
	if err != nil {
		return nil, err
	}
	if o.Kind == catalog.Sink {
		return nil, pgerr.At(int(name.Pos), pgerr.WrongObjectType, "%q is a sink, which cannot be read", o.Name)
	}
	rel := &planner.Relation{
		ID: o.ID, OID: o.OID, Name: o.Name.String(), Kind: o.Kind.String(), Schema: o.Schema(),
		Props: r.db.state(o.ID).props,
	}
	if o.Kind == catalog.Table && o.EventTime >= 0 {
		rel.Schema.EventTime = -1 // current rows have no place in event time
		rel.Versions = &planner.Versions{ID: exec.VersionsID(o.ID), Schema: exec.VersionsSchema(rel.Schema, o.EventTime)}
	}
	return rel, nil
}

// names lists the keys of a registry.
func names[V any](m map[string]V) string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

// namesOf are the names of objects, separated by commas.
func (db *Database) namesOf(ids []uint64) string {
	snapshot := db.catalog.Snapshot()
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		if o := snapshot.Object(id); o != nil {
			out = append(out, o.Name.String())
		}
	}
	return strings.Join(out, ", ")
}

package pgcatalog

import (
	"slices"
	"strconv"

	"laminardb/catalog"
	"laminardb/sql/types"
)

// nameRelations answer to_regclass, to_regtype and oid::regclass::text: names by
// oid and oids by name. The planner looks them up.
func nameRelations() []Relation {
	return []Relation{
		relation("laminar_class_text", "oid oid, value text", func(c *contents) [][]any {
			rows := c.each(func(o *catalog.Object) []any { return []any{int64(o.OID), className(o)} })
			rows = append(rows, keyRows(c, func(o *catalog.Object) []any { return []any{indexOID(o), quoted(indexName(o))} })...)
			for name, oid := range classOIDs {
				rows = append(rows, []any{int64(oid), name})
			}
			return rows
		}),
		relation("laminar_class_oid", "name text, value oid", func(c *contents) [][]any {
			var rows [][]any
			add := func(oid int64, schema, name string) {
				names := []string{name, quoted(name), schema + "." + name, schema + "." + quoted(name), strconv.FormatInt(oid, 10)}
				slices.Sort(names)
				for _, n := range slices.Compact(names) {
					rows = append(rows, []any{n, oid})
				}
			}
			for _, o := range c.objects {
				add(int64(o.OID), o.Name.Schema, o.Name.Name)
			}
			for _, o := range c.keyed() {
				add(indexOID(o), o.Name.Schema, indexName(o))
			}
			for name, oid := range classOIDs {
				add(int64(oid), Schema, name)
			}
			return rows
		}),
		relation("laminar_type_oid", "name text, value oid", func(c *contents) [][]any {
			var rows [][]any
			seen := map[string]bool{}
			add := func(name string, oid int64) {
				if !seen[name] {
					seen[name] = true
					rows = append(rows, []any{name, oid})
				}
			}
			for _, row := range typeRows(c) {
				oid := row[0].(int64)
				add(row[1].(string), oid)
				if name, ok := types.FormatOID(uint32(oid), -1); ok {
					add(name, oid)
				}
			}
			for _, name := range []string{"int", "decimal", "float", "char", "bpchar"} {
				t, _ := types.Lookup(name)
				add(name, int64(t.OID()))
			}
			return rows
		}),
	}
}

// className is an object's name as regclass prints it: with its schema where the
// search path does not find it.
func className(o *catalog.Object) string {
	if o.Name.Schema != "public" {
		return quoted(o.Name.Schema) + "." + quoted(o.Name.Name)
	}
	return quoted(o.Name.Name)
}

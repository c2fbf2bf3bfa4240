package pgcatalog

import (
	"laminardb/catalog"
	"laminardb/sql/types"
)

// objectRelations are the relations of pg_catalog with rows for objects.
func objectRelations() []Relation {
	return []Relation{
		relation("pg_class", `oid oid, relname name, relnamespace oid, reltype oid, reloftype oid, relowner oid, relam oid,
			relfilenode oid, reltablespace oid, relpages int, reltuples real, relallvisible int, reltoastrelid oid, relhasindex bool, relisshared bool,
			relpersistence text, relkind text, relnatts smallint, relchecks smallint, relhasrules bool, relhastriggers bool,
			relhassubclass bool, relrowsecurity bool, relforcerowsecurity bool, relispopulated bool, relreplident text,
			relispartition bool, relrewrite oid, relacl text[], reloptions text[], relpartbound text`, classes),
		relation("pg_attribute", `attrelid oid, attname name, atttypid oid, attstattarget int, attlen smallint, attnum smallint,
			attndims int, atttypmod int, attbyval bool, attalign text, attstorage text, attcompression text, attnotnull bool,
			atthasdef bool, atthasmissing bool, attidentity text, attgenerated text, attisdropped bool, attislocal bool,
			attinhcount int, attcollation oid, attacl text[], attoptions text[], attfdwoptions text[]`, attributes),
		relation("pg_index", `indexrelid oid, indrelid oid, indnatts smallint, indnkeyatts smallint, indisunique bool, indnullsnotdistinct bool,
			indisprimary bool, indisexclusion bool, indimmediate bool, indisclustered bool, indisvalid bool, indisready bool,
			indislive bool, indisreplident bool, indkey smallint[], indcollation oid[], indclass oid[], indoption smallint[], indexprs text, indpred text`, indexes),
		relation("pg_constraint", `oid oid, conname name, connamespace oid, contype text, condeferrable bool, condeferred bool,
			convalidated bool, conrelid oid, contypid oid, conindid oid, conparentid oid, confrelid oid, confupdtype text, confdeltype text,
			confmatchtype text, conislocal bool, coninhcount int, connoinherit bool, conkey smallint[], confkey smallint[], conbin text`, constraints),
		relation("pg_foreign_table", "ftrelid oid, ftserver oid, ftoptions text[]", foreignTables),
		relation("pg_tables", `schemaname name, tablename name, tableowner name, tablespace name, hasindexes bool, hasrules bool,
			hastriggers bool, rowsecurity bool`, tables),
		relation("pg_indexes", "schemaname name, tablename name, indexname name, tablespace name, indexdef text", func(c *contents) [][]any {
			return keyRows(c, func(o *catalog.Object) []any {
				return []any{namespaceOf(o), o.Name.Name, indexName(o), nil, indexText(o)}
			})
		}),
		relation("pg_views", "schemaname name, viewname name, viewowner name, definition text", viewsOf("v")),
		relation("pg_matviews", "schemaname name, matviewname name, matviewowner name, definition text", viewsOf("m")),
		relation("laminar_view_text", "oid oid, value text", func(c *contents) [][]any {
			return c.each(func(o *catalog.Object) []any { return []any{int64(o.OID), o.SQL + ";"} })
		}),
		relation("laminar_index_text", "oid oid, place int, value text", indexTexts),
		relation("laminar_constraint_text", "oid oid, value text", func(c *contents) [][]any {
			return keyRows(c, func(o *catalog.Object) []any { return []any{indexOID(o), "PRIMARY KEY (" + keyNames(o) + ")"} })
		}),
	}
}

// each makes a row of each object.
func (c *contents) each(row func(o *catalog.Object) []any) [][]any {
	rows := make([][]any, len(c.objects))
	for i, o := range c.objects {
		rows[i] = row(o)
	}
	return rows
}

// keyRows makes a row of each table's primary key.
func keyRows(c *contents, row func(o *catalog.Object) []any) [][]any {
	var rows [][]any
	for _, o := range c.keyed() {
		rows = append(rows, row(o))
	}
	return rows
}

func classes(c *contents) [][]any {
	class := func(oid int64, o *catalog.Object, name, kind string, am int64, natts int, hasIndex bool) []any {
		return []any{
			oid, name, namespaceOID(o), 0, 0, owner, am,
			oid, 0, 0, -1.0, 0, 0, hasIndex, false,
			"p", kind, natts, 0, false, false,
			false, false, false, true, "d",
			false, 0, nil, nil, nil,
		}
	}
	rows := c.each(func(o *catalog.Object) []any {
		kind, am := relkind(o.Kind), int64(0)
		if kind == "r" || kind == "m" {
			am = heap
		}
		return class(int64(o.OID), o, o.Name.Name, kind, am, len(visible(o)), o.Kind == catalog.Table && len(o.PrimaryKey()) > 0)
	})
	return append(rows, keyRows(c, func(o *catalog.Object) []any {
		return class(indexOID(o), o, indexName(o), "i", btree, len(o.PrimaryKey()), false)
	})...)
}

func attributes(c *contents) [][]any {
	var rows [][]any
	for _, o := range c.objects {
		for i, col := range visible(o) {
			rows = append(rows, attribute(int64(o.OID), i+1, col))
		}
	}
	for _, o := range c.keyed() {
		for n, i := range o.PrimaryKey() {
			rows = append(rows, attribute(indexOID(o), n+1, o.Columns[i]))
		}
	}
	return rows
}

func attribute(relation int64, place int, col catalog.Column) []any {
	t := col.Type
	dims, collation, storage := 0, 0, "p"
	if t.Size() < 0 {
		storage = "x"
	}
	if t.Kind == types.Array {
		dims = 1
	}
	if t.Kind == types.Text {
		collation = defaultCollation
	}
	return []any{
		relation, col.Name, int64(t.OID()), -1, int(t.Size()), place,
		dims, int(t.Modifier()), false, "i", storage, "", col.NotNull || col.PrimaryKey,
		false, false, "", "", false, true,
		0, collation, nil, nil, nil,
	}
}

// keyPlaces are the attribute numbers of the key.
func keyPlaces(o *catalog.Object) []any {
	place := map[string]int{}
	for i, c := range visible(o) {
		place[c.Name] = i + 1
	}
	var out []any
	for _, i := range o.PrimaryKey() {
		out = append(out, place[o.Columns[i].Name])
	}
	return out
}

func indexes(c *contents) [][]any {
	return keyRows(c, func(o *catalog.Object) []any {
		key := keyPlaces(o)
		options := make([]any, len(key))
		for i := range options {
			options[i] = 0
		}
		return []any{
			indexOID(o), int64(o.OID), len(key), len(key), true, false,
			true, false, true, false, true, true,
			true, false, key, options, options, options, nil, nil,
		}
	})
}

func constraints(c *contents) [][]any {
	return keyRows(c, func(o *catalog.Object) []any {
		return []any{
			indexOID(o), indexName(o), publicNamespace, "p", false, false,
			true, int64(o.OID), 0, indexOID(o), 0, 0, " ", " ",
			" ", true, 0, true, keyPlaces(o), nil, nil,
		}
	})
}

// indexTexts has the whole index at place 0, then its columns.
func indexTexts(c *contents) [][]any {
	var rows [][]any
	for _, o := range c.keyed() {
		rows = append(rows, []any{indexOID(o), 0, indexText(o)})
		for n, i := range o.PrimaryKey() {
			rows = append(rows, []any{indexOID(o), n + 1, quoted(o.Columns[i].Name)})
		}
	}
	return rows
}

func indexText(o *catalog.Object) string {
	return "CREATE UNIQUE INDEX " + quoted(indexName(o)) + " ON " + quoted(o.Name.Schema) + "." + quoted(o.Name.Name) +
		" USING btree (" + keyNames(o) + ")"
}

func foreignTables(c *contents) [][]any {
	var rows [][]any
	for _, o := range c.objects {
		if o.Kind == catalog.Source {
			rows = append(rows, []any{int64(o.OID), connectorServer, nil})
		}
	}
	return rows
}

func tables(c *contents) [][]any {
	var rows [][]any
	for _, o := range c.objects {
		if o.Kind == catalog.Table {
			rows = append(rows, []any{namespaceOf(o), o.Name.Name, ownerName, nil, len(o.PrimaryKey()) > 0, false, false, false})
		}
	}
	return rows
}

func viewsOf(kind string) func(c *contents) [][]any {
	return func(c *contents) [][]any {
		var rows [][]any
		for _, o := range c.objects {
			if relkind(o.Kind) == kind {
				rows = append(rows, []any{namespaceOf(o), o.Name.Name, ownerName, o.SQL + ";"})
			}
		}
		return rows
	}
}

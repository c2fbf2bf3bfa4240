package pgcatalog

import (
	"laminardb/catalog"
	"laminardb/sql/types"
)

// informationRelations are the relations of information_schema.
func informationRelations() []Relation {
	return []Relation{
		information("schemata", "catalog_name text, schema_name text, schema_owner text", func(c *contents) [][]any {
			var rows [][]any
			for _, name := range []string{Schema, "public", InformationSchema, SystemSchema} {
				rows = append(rows, []any{c.database, name, ownerName})
			}
			return rows
		}),
		information("tables", `table_catalog text, table_schema text, table_name text, table_type text, is_insertable_into text`,
			func(c *contents) [][]any {
				return c.each(func(o *catalog.Object) []any {
					return []any{c.database, o.Name.Schema, o.Name.Name, tableType(o.Kind), yesNo(o.Kind == catalog.Table || o.Kind == catalog.Source)}
				})
			}),
		information("views", "table_catalog text, table_schema text, table_name text, view_definition text", func(c *contents) [][]any {
			var rows [][]any
			for _, o := range c.objects {
				if tableType(o.Kind) == "VIEW" {
					rows = append(rows, []any{c.database, o.Name.Schema, o.Name.Name, o.SQL + ";"})
				}
			}
			return rows
		}),
		information("columns", `table_catalog text, table_schema text, table_name text, column_name text, ordinal_position int,
			column_default text, is_nullable text, data_type text, character_maximum_length int, numeric_precision int,
			numeric_scale int, datetime_precision int, udt_schema text, udt_name text, is_identity text, is_generated text, is_updatable text`, columnRows),
		information("table_constraints", `constraint_catalog text, constraint_schema text, constraint_name text, table_catalog text,
			table_schema text, table_name text, constraint_type text`, func(c *contents) [][]any {
			return keyRows(c, func(o *catalog.Object) []any {
				return []any{c.database, o.Name.Schema, indexName(o), c.database, o.Name.Schema, o.Name.Name, "PRIMARY KEY"}
			})
		}),
		information("key_column_usage", `constraint_catalog text, constraint_schema text, constraint_name text, table_catalog text,
			table_schema text, table_name text, column_name text, ordinal_position int`, keyColumns),
	}
}

// tableType is information_schema's word. Streams and views are views there.
func tableType(k catalog.Kind) string {
	switch k {
	case catalog.Table:
		return "BASE TABLE"
	case catalog.Source:
		return "FOREIGN"
	}
	return "VIEW"
}

func yesNo(yes bool) string {
	if yes {
		return "YES"
	}
	return "NO"
}

func columnRows(c *contents) [][]any {
	var rows [][]any
	for _, o := range c.objects {
		for i, col := range visible(o) {
			rows = append(rows, append([]any{
				c.database, o.Name.Schema, o.Name.Name, col.Name, i + 1, nil, yesNo(!col.NotNull && !col.PrimaryKey),
			}, append(typeColumns(col.Type), "NO", "NEVER", yesNo(o.Kind == catalog.Table))...))
		}
	}
	return rows
}

// typeColumns are data_type to udt_name of a column.
func typeColumns(t types.Type) []any {
	plain := t
	if t.Kind == types.Numeric || t.Kind == types.Text {
		plain = types.Of(t.Kind)
	}
	name, udt := plain.String(), typeNames[t.Kind]
	var length, precision, scale, micros any
	switch {
	case t.Kind == types.Array:
		name, udt = "ARRAY", "_"+t.Elem.String()
		if short := typeNames[t.Elem.Kind]; short != "" {
			udt = "_" + short
		}
	case t.Kind == types.Text && t.Precision > 0:
		name, udt, length = "character varying", "varchar", int(t.Precision)
	case t.Kind == types.Numeric && t.Precision > 0:
		precision, scale = int(t.Precision), int(t.Scale)
	case t.IsInteger():
		precision, scale = int(t.Size())*8, 0
	case t.Kind == types.Timestamp || t.Kind == types.TimestampTZ || t.Kind == types.Time:
		micros = 6
	}
	if udt == "" {
		udt = name
	}
	return []any{name, length, precision, scale, micros, Schema, udt}
}

func keyColumns(c *contents) [][]any {
	var rows [][]any
	for _, o := range c.keyed() {
		for n, i := range o.PrimaryKey() {
			rows = append(rows, []any{
				c.database, o.Name.Schema, indexName(o), c.database, o.Name.Schema, o.Name.Name, o.Columns[i].Name, n + 1,
			})
		}
	}
	return rows
}

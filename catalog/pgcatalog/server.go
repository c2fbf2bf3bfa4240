package pgcatalog

import "laminardb/sql/types"

// serverRelations are the relations of pg_catalog about the server.
func serverRelations() []Relation {
	return []Relation{
		relation("pg_namespace", "oid oid, nspname name, nspowner oid, nspacl text[]", func(*contents) [][]any {
			return [][]any{
				{catalogNamespace, Schema, owner, nil},
				{publicNamespace, "public", owner, nil},
				{infoNamespace, InformationSchema, owner, nil},
				{laminarNamespace, SystemSchema, owner, nil},
			}
		}),
		relation("pg_database", `oid oid, datname name, datdba oid, encoding int, datlocprovider text, datistemplate bool,
			datallowconn bool, datconnlimit int, dattablespace oid, datcollate text, datctype text, daticulocale text,
			datcollversion text, datacl text[]`, func(c *contents) [][]any {
			return [][]any{{databaseOID, c.database, owner, 6, "c", false, true, -1, 1663, "C", "C.UTF-8", nil, nil, nil}}
		}),
		relation("pg_roles", `oid oid, rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool,
			rolcanlogin bool, rolreplication bool, rolconnlimit int, rolpassword text, rolvaliduntil timestamptz,
			rolbypassrls bool, rolconfig text[]`, func(*contents) [][]any {
			return [][]any{{owner, ownerName, true, true, true, true, true, false, -1, nil, nil, true, nil}}
		}),
		relation("pg_user", "usename name, usesysid oid, usecreatedb bool, usesuper bool", func(*contents) [][]any {
			return [][]any{{ownerName, owner, true, true}}
		}),
		relation("pg_am", "oid oid, amname name, amhandler oid, amtype text", func(*contents) [][]any {
			return [][]any{{heap, "heap", 0, "t"}, {btree, "btree", 0, "i"}}
		}),
		relation("pg_collation", `oid oid, collname name, collnamespace oid, collowner oid, collprovider text,
			collisdeterministic bool, collencoding int, collcollate text, collctype text, colliculocale text, collversion text`,
			func(*contents) [][]any {
				return [][]any{{defaultCollation, "default", catalogNamespace, owner, "d", true, -1, nil, nil, nil, nil}}
			}),
		relation("pg_tablespace", "oid oid, spcname name, spcowner oid, spcacl text[], spcoptions text[]", func(*contents) [][]any {
			return [][]any{{1663, "pg_default", owner, nil, nil}}
		}),
		relation("pg_language", "oid oid, lanname name, lanowner oid, lanispl bool, lanpltrusted bool, lanplcallfoid oid, laninline oid, lanvalidator oid, lanacl text[]", func(*contents) [][]any {
			return [][]any{{14, "sql", owner, false, true, 0, 0, 0, nil}}
		}),
		relation("pg_foreign_server", `oid oid, srvname name, srvowner oid, srvfdw oid, srvtype text, srvversion text,
			srvacl text[], srvoptions text[]`, func(*contents) [][]any {
			return [][]any{{connectorServer, "connector", owner, connectorWrapper, nil, nil, nil, nil}}
		}),
		relation("pg_foreign_data_wrapper", `oid oid, fdwname name, fdwowner oid, fdwhandler oid, fdwvalidator oid,
			fdwacl text[], fdwoptions text[]`, func(*contents) [][]any {
			return [][]any{{connectorWrapper, "laminar", owner, 0, 0, nil, nil}}
		}),
		// The session knows the settings.
		relation("pg_settings", "name text, setting text, unit text, category text, short_desc text, context text, vartype text, source text, boot_val text, reset_val text", nil),
		relation("pg_type", `oid oid, typname name, typnamespace oid, typowner oid, typlen smallint, typbyval bool, typtype text,
			typcategory text, typispreferred bool, typisdefined bool, typdelim text, typrelid oid, typelem oid, typarray oid,
			typinput text, typnotnull bool, typbasetype oid, typtypmod int, typndims int, typcollation oid, typdefault text, typacl text[]`, typeRows),
	}
}

// typeNames are pg_type.typname where it is not the SQL name.
var typeNames = map[types.Kind]string{
	types.Bool: "bool", types.Int16: "int2", types.Int32: "int4", types.Int64: "int8", types.Float32: "float4",
	types.Float64: "float8", types.Time: "time", types.Timestamp: "timestamp", types.TimestampTZ: "timestamptz",
}

func typeRows(*contents) [][]any {
	var rows [][]any
	add := func(t types.Type, name string, oid, elem, array uint32) {
		collation, kind := 0, "b"
		if t.Kind == types.Text {
			collation = defaultCollation
		}
		if t.Kind == types.Struct {
			kind = "p"
		}
		input := name + "in"
		if elem != 0 {
			input = "array_in"
		}
		rows = append(rows, []any{
			int64(oid), name, catalogNamespace, owner, int(t.Size()), t.Size() > 0 && t.Size() <= 8, kind,
			string(t.Category()), false, true, ",", 0, int64(elem), int64(array),
			input, false, 0, -1, 0, collation, nil, nil,
		})
	}
	for k := types.Bool; k <= types.OID; k++ {
		if k == types.Array || k == types.Map {
			continue
		}
		t := types.Of(k)
		name := typeNames[k]
		if name == "" {
			name = t.String()
		}
		array := types.ArrayOf(t)
		add(t, name, t.OID(), 0, array.OID())
		add(array, "_"+name, array.OID(), t.OID(), 0)
	}
	varchar := types.Type{Kind: types.Text, Precision: 1}
	add(types.Of(types.Text), "varchar", varchar.OID(), 0, 0)
	const nameOID, nameBytes = 19, 64
	add(types.Of(types.Text), "name", nameOID, 0, 0)
	rows[len(rows)-1][4] = nameBytes // drivers take the limit of identifiers from it
	return rows
}

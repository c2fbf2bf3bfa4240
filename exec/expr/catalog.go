package expr

import (
	"fmt"
	"strings"

	"laminardb/sql/types"
)

// ownerOID and ownerName are the one role, which owns everything.
const (
	ownerOID  = 10
	ownerName = "laminar"
)

// systemOIDs is where the hundred oids of the relations of schema laminar begin,
// which is not in the search path.
const systemOIDs = 13100

// utf8Encoding is PostgreSQL's number of UTF8.
const utf8Encoding = 6

// catalogFunctions answer what clients ask about the catalog, as far as the
// answer does not depend on what is in it. There are no comments, rules, triggers
// and privileges: everybody may do everything.
func catalogFunctions() map[string]kernel {
	yes := boolFn(func(*row) (bool, error) { return true, nil })
	no := boolFn(func(*row) (bool, error) { return false, nil })
	null := textFn((*row).setNull)
	expression := textFn(func(r *row) error { return r.put(r.text(0)) })
	m := map[string]kernel{
		"pg_relation_is_publishable(oid)": no,
		"pg_table_is_visible(oid)": boolFn(func(r *row) (bool, error) {
			oid := r.int64(0)
			return oid < systemOIDs || oid >= systemOIDs+100, nil
		}),
		"pg_is_in_recovery()":               no,
		"pg_get_expr(text,oid)":             expression,
		"pg_get_expr(text,oid,boolean)":     expression,
		"pg_get_userbyid(oid)":              textFn(userName),
		"format_type(oid,integer)":          textCalled(formatType),
		"pg_encoding_to_char(integer)":      textFn(encodingName),
		"pg_size_pretty(bigint)":            textFn(sizePretty),
		"pg_char_to_encoding(text)":         fixedFn(encodingNumber),
		"getdatabaseencoding()":             textFn(func(r *row) error { return r.put("UTF8") }),
		"current_schemas(boolean)":          currentSchemas(),
		"pg_get_serial_sequence(text,text)": null,
	}
	for _, id := range []string{
		"pg_type_is_visible(oid)", "pg_function_is_visible(oid)",
		"pg_operator_is_visible(oid)", "pg_conversion_is_visible(oid)",
		"pg_opclass_is_visible(oid)", "pg_opfamily_is_visible(oid)", "pg_ts_config_is_visible(oid)", "pg_ts_dict_is_visible(oid)",
		"pg_collation_is_visible(oid)", "pg_statistics_obj_is_visible(oid)",
		"has_table_privilege(oid,text)", "has_table_privilege(text,oid,text)", "has_schema_privilege(oid,text)",
		"has_schema_privilege(text,text)", "has_schema_privilege(text,oid,text)", "has_database_privilege(text,text)",
		"has_database_privilege(oid,text)", "has_column_privilege(oid,text,text)", "has_function_privilege(oid,text)",
		"has_any_column_privilege(oid,text)",
	} {
		m[id] = yes
	}
	for _, id := range []string{
		"obj_description(oid)", "obj_description(oid,text)", "shobj_description(oid,text)", "col_description(oid,integer)",
		"pg_tablespace_location(oid)", "pg_get_statisticsobjdef_columns(oid)", "pg_get_function_result(oid)", "pg_get_function_arguments(oid)",
		"pg_get_function_identity_arguments(oid)", "pg_get_partkeydef(oid)", "pg_get_function_sqlbody(oid)", "pg_get_ruledef(oid)", "pg_get_ruledef(oid,boolean)",
		"pg_get_triggerdef(oid)", "pg_get_triggerdef(oid,boolean)",
	} {
		m[id] = null
	}
	for _, id := range []string{
		"pg_table_size(oid)", "pg_relation_size(oid)", "pg_total_relation_size(oid)", "pg_database_size(text)",
		"pg_database_size(oid)", "pg_tablespace_size(oid)",
	} {
		m[id] = fixedFn(func(r *row) (int64, error) {
			r.null = true // sizes are in laminar.streams
			return 0, nil
		})
	}
	return m
}

func userName(r *row) error {
	if r.int64(0) == ownerOID {
		return r.put(ownerName)
	}
	return r.put(fmt.Sprintf("unknown (OID=%d)", r.int64(0)))
}

func encodingName(r *row) error {
	if r.int32(0) == utf8Encoding {
		return r.put("UTF8")
	}
	return r.put("")
}

func encodingNumber(r *row) (int32, error) {
	switch strings.ToUpper(r.text(0)) {
	case "UTF8", "UTF-8", "UNICODE":
		return utf8Encoding, nil
	}
	return -1, nil
}

// formatType is types.Type.String for the numbers of a type.
func formatType(r *row) error {
	if r.isNull(0) {
		return r.setNull()
	}
	oid, modifier := r.int64(0), -1
	if oid == 0 {
		return r.put("-")
	}
	if !r.isNull(1) {
		modifier = r.int32(1)
	}
	if name, ok := types.FormatOID(uint32(oid), int32(modifier)); ok {
		return r.put(name)
	}
	return r.put("???")
}

func sizePretty(r *row) error {
	size, units := r.int64(0), []string{"bytes", "kB", "MB", "GB", "TB", "PB"}
	unit := 0
	for (size >= 10240 || size <= -10240) && unit < len(units)-1 {
		size, unit = (size+512)/1024, unit+1
	}
	return r.put(fmt.Sprintf("%d %s", size, units[unit]))
}

// currentSchemas is the search path, with or without pg_catalog.
func currentSchemas() kernel {
	return kernel{eval: func(f *frame, n *node) *vector {
		arg := f.eval(n.args[0])
		lists := make([]any, f.n)
		for i := range lists {
			lists[i] = []any{"public"}
			if arg.isTrue(i) {
				lists[i] = []any{"pg_catalog", "public"}
			}
		}
		list, err := ValuesArray(n.t, lists)
		if err != nil {
			return f.failAll(n.t, err)
		}
		out := load(n.t, list)
		return out
	}}
}

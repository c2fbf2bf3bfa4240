package function

// catalogSpecs holds what clients ask about the catalog. Those that need to look
// an object up (pg_get_viewdef) are the planner's.
const catalogSpecs = `
pg_table_is_visible(oid) boolean
pg_type_is_visible(oid) boolean
pg_function_is_visible(oid) boolean
pg_operator_is_visible(oid) boolean
pg_collation_is_visible(oid) boolean
pg_conversion_is_visible(oid) boolean
pg_opclass_is_visible(oid) boolean
pg_opfamily_is_visible(oid) boolean
pg_ts_config_is_visible(oid) boolean
pg_ts_dict_is_visible(oid) boolean
pg_statistics_obj_is_visible(oid) boolean
pg_relation_is_publishable(oid) boolean
pg_is_in_recovery() boolean
pg_get_userbyid(oid) text
format_type(oid,integer) text called
pg_get_expr(text,oid) text
pg_get_expr(text,oid,boolean) text
pg_encoding_to_char(integer) text
obj_description(oid) text
obj_description(oid,text) text
shobj_description(oid,text) text
col_description(oid,integer) text
pg_get_statisticsobjdef_columns(oid) text
pg_get_function_result(oid) text
pg_get_function_arguments(oid) text
pg_get_function_identity_arguments(oid) text
pg_get_function_sqlbody(oid) text
pg_get_partkeydef(oid) text
pg_get_ruledef(oid) text
pg_get_ruledef(oid,boolean) text
pg_get_triggerdef(oid) text
pg_get_triggerdef(oid,boolean) text
pg_get_serial_sequence(text,text) text
pg_table_size(oid) bigint
pg_relation_size(oid) bigint
pg_total_relation_size(oid) bigint
pg_size_pretty(bigint) text
pg_database_size(T) bigint for text oid
pg_tablespace_size(oid) bigint
pg_tablespace_location(oid) text
pg_char_to_encoding(text) integer
getdatabaseencoding() text
current_schemas(boolean) text[]
has_table_privilege(oid,text) boolean
has_table_privilege(text,oid,text) boolean
has_schema_privilege(oid,text) boolean
has_schema_privilege(text,text) boolean
has_schema_privilege(text,oid,text) boolean
has_database_privilege(text,text) boolean
has_database_privilege(oid,text) boolean
has_column_privilege(oid,text,text) boolean
has_function_privilege(oid,text) boolean
has_any_column_privilege(oid,text) boolean
`

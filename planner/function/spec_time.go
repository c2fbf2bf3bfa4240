package function

// timeSpecs holds functions of time. window_start_of(time, size, offset) is the
// start of the tumbling window of size milliseconds that the time is in.
const timeSpecs = `
now() timestamptz stable
current_timestamp() timestamptz stable
transaction_timestamp() timestamptz stable
statement_timestamp() timestamptz stable
clock_timestamp() timestamptz volatile
current_date() date stable
current_time() time stable
localtimestamp() timestamp stable
localtime() time stable
date_trunc(text,timestamp) timestamp
date_trunc(text,timestamptz) timestamptz stable
date_trunc(text,timestamptz,text) timestamptz stable
date_trunc(text,interval) interval
date_part(text,T) double for timestamp time interval
date_part(text,date) double as(text,timestamp)
date_part(text,timestamptz) double stable
extract(text,T) numeric for date timestamp time interval
extract(text,timestamptz) numeric stable
date_bin(interval,T,T) T for timestamp timestamptz
to_timestamp(double) timestamptz
to_timestamp(text,text) timestamptz stable
to_date(text,text) date
to_char(T,text) text stable for timestamp timestamptz date interval
to_char(T,text) text for integer bigint double numeric
make_date(integer,integer,integer) date
make_time(integer,integer,double) time
make_timestamp(integer,integer,integer,integer,integer,double) timestamp
make_timestamptz(integer,integer,integer,integer,integer,double) timestamptz stable
make_interval(integer) interval
make_interval(integer,integer) interval
make_interval(integer,integer,integer) interval
make_interval(integer,integer,integer,integer) interval
make_interval(integer,integer,integer,integer,integer) interval
make_interval(integer,integer,integer,integer,integer,integer) interval
make_interval(integer,integer,integer,integer,integer,integer,double) interval
age(T,T) interval for timestamp timestamptz
age(T) interval stable for timestamp timestamptz
justify_days(interval) interval
justify_hours(interval) interval
justify_interval(interval) interval
timezone(text,timestamp) timestamptz
timezone(text,timestamptz) timestamp
to_epoch_ms(timestamp) bigint
to_epoch_ms(timestamptz) bigint
from_epoch_ms(bigint) timestamptz
window_start_of(T,bigint,bigint) T for bigint timestamp timestamptz
`

const jsonSpecs = `
json_typeof(json) text
jsonb_typeof(jsonb) text
json_array_length(json) integer
jsonb_array_length(jsonb) integer
json_extract_path(json,variadic text) json
jsonb_extract_path(jsonb,variadic text) jsonb
json_extract_path_text(json,variadic text) text
jsonb_extract_path_text(jsonb,variadic text) text
to_json(anyelement) json stable
to_jsonb(anyelement) jsonb stable
json_build_object() json stable
json_build_object(variadic any) json stable called
jsonb_build_object() jsonb stable
jsonb_build_object(variadic any) jsonb stable called
json_build_array() json stable
json_build_array(variadic any) json stable called
jsonb_build_array() jsonb stable
jsonb_build_array(variadic any) jsonb stable called
jsonb_strip_nulls(jsonb) jsonb
json_strip_nulls(json) json
jsonb_pretty(jsonb) text
jsonb_set(jsonb,text[],jsonb) jsonb
jsonb_set(jsonb,text[],jsonb,boolean) jsonb
`

// arraySpecs names what the syntax of arrays and rows means too: ARRAY[..] is
// array, a[i] is array_subscript, a[i:j] is array_slice, x = ANY (a) is any_eq and so
// on with the comparison's name, and (r).f is struct_field with the name as a constant,
// whose result type the planner takes from the record.
const arraySpecs = `
array(variadic anyelement) anyarray called
array_subscript(anyarray,integer) anyelement
array_slice(anyarray,integer,integer) anyarray
array_length(anyarray,integer) integer
array_lower(anyarray,integer) integer
array_upper(anyarray,integer) integer
array_ndims(anyarray) integer
cardinality(anyarray) integer
array_position(anyarray,anyelement) integer called
array_positions(anyarray,anyelement) integer[] called
array_append(anyarray,anyelement) anyarray called
array_prepend(anyelement,anyarray) anyarray called
array_cat(anyarray,anyarray) anyarray called
array_remove(anyarray,anyelement) anyarray called
array_replace(anyarray,anyelement,anyelement) anyarray called
array_to_string(anyarray,text) text stable called
array_to_string(anyarray,text,text) text stable called
any_eq(anyelement,anyarray) boolean
any_ne(anyelement,anyarray) boolean
any_lt(anyelement,anyarray) boolean
any_le(anyelement,anyarray) boolean
any_gt(anyelement,anyarray) boolean
any_ge(anyelement,anyarray) boolean
all_eq(anyelement,anyarray) boolean
all_ne(anyelement,anyarray) boolean
all_lt(anyelement,anyarray) boolean
all_le(anyelement,anyarray) boolean
all_gt(anyelement,anyarray) boolean
all_ge(anyelement,anyarray) boolean
row(variadic any) record called
struct_field(record,text) text called
num_nulls(variadic any) integer called
num_nonnulls(variadic any) integer called
`

const systemSpecs = `
gen_random_uuid() uuid volatile
version() text stable
current_user() text stable
session_user() text stable
user() text stable
current_role() text stable
current_database() text stable
current_catalog() text stable
current_schema() text stable
pg_typeof(any) text stable called
pg_backend_pid() integer stable
`

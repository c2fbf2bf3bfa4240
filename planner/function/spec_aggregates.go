package function

// aggregateSpecs departs from PostgreSQL where the seed's dialect does: the sum
// of bigint is bigint (an overflow is 22003), and averages and deviations of
// integers are double precision.
const aggregateSpecs = `
count() bigint called
count(any) bigint
sum(T) bigint for smallint integer bigint
sum(T) T for real double interval
sum(numeric) numeric:add
avg(T) double for smallint integer bigint real double
avg(numeric) numeric:div
avg(interval) interval
min(T) T for boolean smallint integer bigint real double text bytea date time timestamp timestamptz interval uuid oid
min(numeric) numeric:same
min(anyarray) anyarray
max(T) T for boolean smallint integer bigint real double text bytea date time timestamp timestamptz interval uuid oid
max(numeric) numeric:same
max(anyarray) anyarray
first_value(anyelement) anyelement called
last_value(anyelement) anyelement called
any_value(anyelement) anyelement
stddev(double) double
stddev_samp(double) double
stddev_pop(double) double
variance(double) double
var_samp(double) double
var_pop(double) double
covar_pop(double,double) double
covar_samp(double,double) double
corr(double,double) double
regr_slope(double,double) double
regr_intercept(double,double) double
regr_r2(double,double) double
regr_count(double,double) bigint
regr_avgx(double,double) double
regr_avgy(double,double) double
regr_sxx(double,double) double
regr_syy(double,double) double
regr_sxy(double,double) double
median(double) double
percentile_cont(double,double) double direct(1)
percentile_cont(double,interval) interval direct(1)
percentile_disc(double,anyelement) anyelement direct(1)
mode(anyelement) anyelement direct(0)
approx_percentile_cont(double,double) double
approx_median(double) double
approx_count_distinct(any) bigint
string_agg(text,text) text called
string_agg(bytea,bytea) bytea called
listagg(text) text called
listagg(text,text) text called
group_concat(text) text called
group_concat(text,text) text called
array_agg(anyelement) anyarray called
bool_and(boolean) boolean
bool_or(boolean) boolean
every(boolean) boolean
any(boolean) boolean
bit_and(T) T for smallint integer bigint
bit_or(T) T for smallint integer bigint
bit_xor(T) T for smallint integer bigint
arg_min(anyelement,any) anyelement called
arg_max(anyelement,any) anyelement called
min_by(anyelement,any) anyelement called
max_by(anyelement,any) anyelement called
json_agg(anyelement) json called
jsonb_agg(anyelement) jsonb called
json_object_agg(any,any) json called
jsonb_object_agg(any,any) jsonb called
`

const windowSpecs = `
row_number() bigint called
rank() bigint called
dense_rank() bigint called
percent_rank() double called
cume_dist() double called
ntile(integer) integer
lag(anyelement) anyelement called
lag(anyelement,integer) anyelement called
lag(anyelement,integer,anyelement) anyelement called
lead(anyelement) anyelement called
lead(anyelement,integer) anyelement called
lead(anyelement,integer,anyelement) anyelement called
first_value(anyelement) anyelement called
last_value(anyelement) anyelement called
nth_value(anyelement,integer) anyelement called
`

const tableSpecs = `
generate_series(T,T) T for integer bigint
generate_series(T,T,T) T for integer bigint
generate_series(numeric,numeric) numeric:add common
generate_series(numeric,numeric,numeric) numeric:add common
generate_series(T,T,interval) T for timestamp timestamptz
unnest(anyarray) anyelement
generate_subscripts(anyarray,integer) integer
_pg_expandarray(smallint[]) {x smallint, n integer}
pg_options_to_table(text[]) {option_name text, option_value text}
regexp_split_to_table(text,text) text
regexp_split_to_table(text,text,text) text
string_to_table(text,text) text
regexp_matches(text,text) text[]
regexp_matches(text,text,text) text[]
json_array_elements(json) {value json}
jsonb_array_elements(jsonb) {value jsonb}
json_array_elements_text(json) {value text}
jsonb_array_elements_text(jsonb) {value text}
json_object_keys(json) text
jsonb_object_keys(jsonb) text
json_each(json) {key text, value json}
jsonb_each(jsonb) {key text, value jsonb}
json_each_text(json) {key text, value text}
jsonb_each_text(jsonb) {key text, value text}
`

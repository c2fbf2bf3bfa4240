package function

// synonyms are the other spellings of an operator's symbol.
var synonyms = map[string][]string{
	"<>":              {"!="},
	"~~":              {"like"},
	"!~~":             {"not like"},
	"~~*":             {"ilike"},
	"!~~*":            {"not ilike"},
	"is_distinct":     {"is distinct from"},
	"is_not_distinct": {"is not distinct from"},
	"similar_to":      {"similar to"},
	"not_similar_to":  {"not similar to"},
	"at_time_zone":    {"at time zone"},
}

const arithmeticSpecs = `
+ add(T,T) T for smallint integer bigint real double
+ add(numeric,numeric) numeric:add common
+ add(real,double) double as(double,double)
+ add(double,real) double as(double,double)
- sub(T,T) T for smallint integer bigint real double
- sub(numeric,numeric) numeric:add common
- sub(real,double) double as(double,double)
- sub(double,real) double as(double,double)
* mul(T,T) T for smallint integer bigint real double
* mul(numeric,numeric) numeric:mul
* mul(real,double) double as(double,double)
* mul(double,real) double as(double,double)
/ div(T,T) T for smallint integer bigint real double
/ div(numeric,numeric) numeric:div
/ div(real,double) double as(double,double)
/ div(double,real) double as(double,double)
% mod(T,T) T for smallint integer bigint
% mod(numeric,numeric) numeric:add common
^ power(double,double) double
^ power(numeric,numeric) numeric
+ plus(T) T for smallint integer bigint real double
+ plus(numeric) numeric:same
- neg(T) T for smallint integer bigint real double
- neg(numeric) numeric:same
@ abs(T) T for smallint integer bigint real double
@ abs(numeric) numeric:same
|/ sqrt(double) double
||/ cbrt(double) double
& bitand(T,T) T for smallint integer bigint
| bitor(T,T) T for smallint integer bigint
# bitxor(T,T) T for smallint integer bigint
~ bitnot(T) T for smallint integer bigint
<< shl(T,integer) T for smallint integer bigint
>> shr(T,integer) T for smallint integer bigint
`

const comparisonSpecs = `
= eq(T,T) boolean for boolean smallint integer bigint real double text bytea date time timestamp timestamptz interval uuid jsonb oid record
= eq(numeric,numeric) boolean common
= eq(anyarray,anyarray) boolean
= eq(real,double) boolean as(double,double)
= eq(double,real) boolean as(double,double)
<> ne(T,T) boolean for boolean smallint integer bigint real double text bytea date time timestamp timestamptz interval uuid jsonb oid record
<> ne(numeric,numeric) boolean common
<> ne(anyarray,anyarray) boolean
<> ne(real,double) boolean as(double,double)
<> ne(double,real) boolean as(double,double)
< lt(T,T) boolean for boolean smallint integer bigint real double text bytea date time timestamp timestamptz interval uuid jsonb oid record
< lt(numeric,numeric) boolean common
< lt(anyarray,anyarray) boolean
< lt(real,double) boolean as(double,double)
< lt(double,real) boolean as(double,double)
<= le(T,T) boolean for boolean smallint integer bigint real double text bytea date time timestamp timestamptz interval uuid jsonb oid record
<= le(numeric,numeric) boolean common
<= le(anyarray,anyarray) boolean
<= le(real,double) boolean as(double,double)
<= le(double,real) boolean as(double,double)
> gt(T,T) boolean for boolean smallint integer bigint real double text bytea date time timestamp timestamptz interval uuid jsonb oid record
> gt(numeric,numeric) boolean common
> gt(anyarray,anyarray) boolean
> gt(real,double) boolean as(double,double)
> gt(double,real) boolean as(double,double)
>= ge(T,T) boolean for boolean smallint integer bigint real double text bytea date time timestamp timestamptz interval uuid jsonb oid record
>= ge(numeric,numeric) boolean common
>= ge(anyarray,anyarray) boolean
>= ge(real,double) boolean as(double,double)
>= ge(double,real) boolean as(double,double)
`

const patternSpecs = `
~~ like(text,text) boolean
!~~ not_like(text,text) boolean
~~* ilike(text,text) boolean
!~~* not_ilike(text,text) boolean
~ regex(text,text) boolean
!~ not_regex(text,text) boolean
~* iregex(text,text) boolean
!~* not_iregex(text,text) boolean
^@ starts_with(text,text) boolean
similar_to similar_to(text,text) boolean
not_similar_to not_similar_to(text,text) boolean
|| concat_op(text,text) text
|| concat_op(text,anynonarray) text as(text,text)
|| concat_op(anynonarray,text) text as(text,text)
|| concat_op(bytea,bytea) bytea
`

// timeOperatorSpecs has BIGINT ± INTERVAL too, with BIGINT as epoch milliseconds;
// PostgreSQL has not.
const timeOperatorSpecs = `
+ add(bigint,interval) bigint
+ add(interval,bigint) bigint
- sub(bigint,interval) bigint
+ add(date,integer) date
+ add(integer,date) date
+ add(date,time) timestamp
+ add(time,date) timestamp
+ add(date,interval) timestamp as(timestamp,interval)
+ add(interval,date) timestamp as(interval,timestamp)
+ add(timestamp,interval) timestamp
+ add(interval,timestamp) timestamp
+ add(timestamptz,interval) timestamptz stable
+ add(interval,timestamptz) timestamptz stable
+ add(time,interval) time
+ add(interval,time) time
+ add(interval,interval) interval
- sub(date,integer) date
- sub(date,date) integer
- sub(date,interval) timestamp as(timestamp,interval)
- sub(timestamp,interval) timestamp
- sub(timestamptz,interval) timestamptz stable
- sub(timestamp,timestamp) interval
- sub(timestamptz,timestamptz) interval
- sub(time,interval) time
- sub(time,time) interval
- sub(interval,interval) interval
- neg(interval) interval
at_time_zone at_time_zone(timestamp,text) timestamptz
at_time_zone at_time_zone(timestamptz,text) timestamp
* mul(interval,double) interval
* mul(double,interval) interval
/ div(interval,double) interval
`

const containerSpecs = `
-> json_get(T,integer) T for json jsonb
-> json_get(T,text) T for json jsonb
->> json_get_text(T,integer) text for json jsonb
->> json_get_text(T,text) text for json jsonb
#> json_path(T,text[]) T for json jsonb
#>> json_path_text(T,text[]) text for json jsonb
@> contains(jsonb,jsonb) boolean
<@ contained(jsonb,jsonb) boolean
? json_exists(jsonb,text) boolean
?| json_exists_any(jsonb,text[]) boolean
?& json_exists_all(jsonb,text[]) boolean
|| json_concat(jsonb,jsonb) jsonb
- json_delete(jsonb,text) jsonb
- json_delete(jsonb,integer) jsonb
@> contains(anyarray,anyarray) boolean
<@ contained(anyarray,anyarray) boolean
&& overlaps(anyarray,anyarray) boolean
|| array_cat(anyarray,anyarray) anyarray called
|| array_append(anyarray,anyelement) anyarray called
|| array_prepend(anyelement,anyarray) anyarray called
is_distinct is_distinct(anyelement,anyelement) boolean called
is_not_distinct is_not_distinct(anyelement,anyelement) boolean called
`

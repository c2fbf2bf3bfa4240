package function

const textSpecs = `
lower(text) text
upper(text) text
initcap(text) text
length(text) integer
length(bytea) integer
char_length(text) integer
character_length(text) integer
octet_length(text) integer
octet_length(bytea) integer
bit_length(text) integer
bit_length(bytea) integer
substring(text,integer) text
substring(text,integer,integer) text
substring(text,text) text
substring(bytea,integer) bytea
substring(bytea,integer,integer) bytea
substr(text,integer) text
substr(text,integer,integer) text
substr(bytea,integer) bytea
substr(bytea,integer,integer) bytea
overlay(text,text,integer) text
overlay(text,text,integer,integer) text
left(text,integer) text
right(text,integer) text
btrim(text) text
btrim(text,text) text
trim(text) text
trim(text,text) text
ltrim(text) text
ltrim(text,text) text
rtrim(text) text
rtrim(text,text) text
replace(text,text,text) text
translate(text,text,text) text
position(text,text) integer
strpos(text,text) integer
concat(variadic any) text stable called
concat_ws(text,variadic any) text stable called
split_part(text,text,integer) text
lpad(text,integer) text
lpad(text,integer,text) text
rpad(text,integer) text
rpad(text,integer,text) text
repeat(text,integer) text
reverse(text) text
starts_with(text,text) boolean
regexp_replace(text,text,text) text
regexp_replace(text,text,text,text) text
regexp_match(text,text) text[]
regexp_match(text,text,text) text[]
regexp_like(text,text) boolean
regexp_like(text,text,text) boolean
regexp_count(text,text) integer
regexp_substr(text,text) text
regexp_split_to_array(text,text) text[]
similar_to(text,text) boolean
like_escape(text,text) text
string_to_array(text,text) text[] called
ascii(text) integer
chr(integer) text
md5(text) text
md5(bytea) text
sha256(bytea) bytea
encode(bytea,text) text
decode(text,text) bytea
to_hex(integer) text
to_hex(bigint) text
format(text) text stable called
format(text,variadic any) text stable called
quote_ident(text) text
quote_literal(text) text
quote_nullable(text) text called
`

package function

const mathSpecs = `
abs(T) T for smallint integer bigint real double
abs(numeric) numeric:same
ceil(double) double
ceil(numeric) numeric:int
ceiling(double) double
ceiling(numeric) numeric:int
floor(double) double
floor(numeric) numeric:int
round(double) double
round(numeric) numeric:int
round(numeric,integer) numeric
trunc(double) double
trunc(numeric) numeric:int
trunc(numeric,integer) numeric
sign(double) double
sign(numeric) numeric:int
mod(T,T) T for smallint integer bigint
mod(numeric,numeric) numeric:add common
div(numeric,numeric) numeric:int
gcd(T,T) T for integer bigint
lcm(T,T) T for integer bigint
power(double,double) double
power(numeric,numeric) numeric
pow(double,double) double
pow(numeric,numeric) numeric
sqrt(double) double
sqrt(numeric) numeric
cbrt(double) double
exp(double) double
exp(numeric) numeric
ln(double) double
ln(numeric) numeric
log(double) double
log(numeric) numeric
log(numeric,numeric) numeric
log10(double) double
log10(numeric) numeric
log2(double) double
pi() double
degrees(double) double
radians(double) double
sin(double) double
cos(double) double
tan(double) double
cot(double) double
asin(double) double
acos(double) double
atan(double) double
atan2(double,double) double
sinh(double) double
cosh(double) double
tanh(double) double
asinh(double) double
acosh(double) double
atanh(double) double
isnan(double) boolean
isinf(double) boolean
isfinite(T) boolean for double date timestamp timestamptz interval
greatest(variadic anyelement) anyelement called
least(variadic anyelement) anyelement called
random() double volatile
width_bucket(double,double,double,integer) integer
`

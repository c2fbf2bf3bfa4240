package function

import (
	"fmt"
	"strconv"
	"strings"

	"laminardb/sql/types"
)

// A spec line declares an overload, or several:
//
//	[symbol] name(params) result [attribute..] [for type..]
//
// symbol is an operator's. With "for", the line is repeated with T replaced by
// each type. Parameters are types, any, anyelement, anyarray, anynonarray, and
// "variadic x" last. The result is a type, anyelement, anyarray, "numeric:rule"
// (numeric.go) or, for a table function, columns as {key text, value text}.
// Attributes: stable, volatile, called (not strict), as(types) (what the arguments
// are cast to), common (numeric arguments are cast to one scale), direct(n) (an
// ordered-set aggregate with n direct arguments).

// poly is a parameter that takes many types.
type poly uint8

const (
	polyNone poly = iota
	polyAny
	polyElement
	polyArray
	polyNonArray
)

type param struct {
	t    types.Type
	poly poly
}

type overload struct {
	id, name string
	params   []param
	variadic bool // the last parameter may stand zero or more times
	result   param
	rule     string // of a numeric result
	as       []param
	common   bool
	vol      Volatility
	called   bool
	direct   int // -1 unless an ordered-set aggregate
}

// overloads are found by the name or symbol of a call.
type overloads map[string][]*overload

// library is all tables.
type library struct {
	functions, operators, aggregates, windows, tables overloads
}

// standard is the library of this build; it is never changed.
var standard = library{
	functions: parseSpecs(false, mathSpecs, textSpecs, timeSpecs, jsonSpecs, arraySpecs, systemSpecs, catalogSpecs),
	operators: parseSpecs(true, arithmeticSpecs, comparisonSpecs, patternSpecs, timeOperatorSpecs, containerSpecs),

	aggregates: parseSpecs(false, aggregateSpecs),
	windows:    parseSpecs(false, windowSpecs),
	tables:     parseSpecs(false, tableSpecs),
}

// spellings are the types as specs and IDs spell them.
var spellings = map[string]param{
	"boolean": {t: types.Of(types.Bool)}, "smallint": {t: types.Of(types.Int16)},
	"integer": {t: types.Of(types.Int32)}, "bigint": {t: types.Of(types.Int64)},
	"real": {t: types.Of(types.Float32)}, "double": {t: types.Of(types.Float64)},
	"numeric": {t: types.Of(types.Numeric)}, "text": {t: types.Of(types.Text)},
	"bytea": {t: types.Of(types.Bytea)}, "date": {t: types.Of(types.Date)},
	"time": {t: types.Of(types.Time)}, "timestamp": {t: types.Of(types.Timestamp)},
	"timestamptz": {t: types.Of(types.TimestampTZ)}, "interval": {t: types.Of(types.Interval)},
	"uuid": {t: types.Of(types.UUID)}, "json": {t: types.Of(types.JSON)},
	"jsonb": {t: types.Of(types.JSONB)}, "oid": {t: types.Of(types.OID)},
	"record": {t: types.Of(types.Struct)},
	"any":    {poly: polyAny}, "anyelement": {poly: polyElement},
	"anyarray": {poly: polyArray}, "anynonarray": {poly: polyNonArray},
}

func parseSpecs(isOperator bool, texts ...string) overloads {
	set := overloads{}
	for _, line := range strings.Split(strings.Join(texts, "\n"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		line, kinds, repeated := strings.Cut(line, " for ")
		if !repeated {
			addSpec(set, isOperator, line)
			continue
		}
		for _, kind := range strings.Fields(kinds) {
			addSpec(set, isOperator, replaceT(line, kind))
		}
	}
	return set
}

// replaceT replaces the word T.
func replaceT(line, kind string) string {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		alone := (i == 0 || !isLetter(line[i-1])) && (i+1 == len(line) || !isLetter(line[i+1]))
		if line[i] == 'T' && alone {
			b.WriteString(kind)
			continue
		}
		b.WriteByte(line[i])
	}
	return b.String()
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }

func addSpec(set overloads, isOperator bool, line string) {
	symbol := ""
	if isOperator {
		symbol, line, _ = strings.Cut(line, " ")
	}
	o := parseSpec(strings.TrimSpace(line))
	if symbol == "" {
		symbol = o.name
	}
	for _, s := range append([]string{symbol}, synonyms[symbol]...) {
		set[s] = append(set[s], o)
	}
}

// parseSpec panics on a malformed line: specs are part of the program.
func parseSpec(line string) *overload {
	name, rest, ok := strings.Cut(line, "(")
	params, rest, ok2 := strings.Cut(rest, ")")
	rest = strings.TrimSpace(rest)
	if !ok || !ok2 || rest == "" {
		panic("function: malformed spec: " + line)
	}
	o := &overload{name: name, direct: -1}
	o.params, o.variadic = parseParams(params)
	ids := make([]string, 0, len(o.params))
	for _, p := range strings.Split(params, ",") {
		ids = append(ids, strings.TrimSpace(p))
	}
	o.id = name + "(" + strings.Join(ids, ",") + ")"
	attributes := o.parseResult(rest)
	for _, a := range strings.Fields(attributes) {
		o.parseAttribute(a)
	}
	return o
}

func parseParams(text string) (list []param, variadic bool) {
	for _, p := range strings.Split(text, ",") {
		p = strings.TrimSpace(p)
		if p == "" {
			continue
		}
		if v, ok := strings.CutPrefix(p, "variadic "); ok {
			p, variadic = v, true
		}
		list = append(list, parseParam(p))
	}
	return list, variadic
}

func parseParam(s string) param {
	elem, isArray := strings.CutSuffix(s, "[]")
	p, ok := spellings[elem]
	if !ok {
		panic("function: unknown type in a spec: " + s)
	}
	if isArray {
		p.t = types.ArrayOf(p.t)
	}
	return p
}

// parseResult reads the result type and returns what stands after it.
func (o *overload) parseResult(s string) string {
	if fields, ok := strings.CutPrefix(s, "{"); ok {
		fields, rest, _ := strings.Cut(fields, "}")
		o.result.t = types.Of(types.Struct)
		for _, f := range strings.Split(fields, ",") {
			name, kind, _ := strings.Cut(strings.TrimSpace(f), " ")
			o.result.t.Fields = append(o.result.t.Fields, types.Field{Name: name, Type: parseParam(kind).t})
		}
		return rest
	}
	result, rest, _ := strings.Cut(s, " ")
	result, o.rule, _ = strings.Cut(result, ":")
	o.result = parseParam(result)
	return rest
}

func (o *overload) parseAttribute(a string) {
	name, value, _ := strings.Cut(strings.TrimSuffix(a, ")"), "(")
	switch name {
	case "stable":
		o.vol = Stable
	case "volatile":
		o.vol = Volatile
	case "called":
		o.called = true
	case "common":
		o.common = true
	case "as":
		o.as, _ = parseParams(value)
		o.id = o.name + "(" + value + ")"
	case "direct":
		n, err := strconv.Atoi(value)
		if err != nil {
			panic("function: malformed spec attribute: " + a)
		}
		o.direct = n
	default:
		panic(fmt.Sprintf("function: unknown spec attribute %q of %s", a, o.name))
	}
}

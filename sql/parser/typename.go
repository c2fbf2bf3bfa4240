package parser

import (
	"strconv"
	"strings"

	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// typeName reads a type: name [(parameters)] with any number of [] after it,
// struct(name type, ..), map(key, value).
func (p *parser) typeName() (ast.TypeName, error) {
	out := ast.TypeName{Pos: p.here()}
	t, name, err := p.scalarType()
	if err != nil {
		return out, err
	}
	for {
		switch {
		case p.accept("array"):
			t = types.ArrayOf(t)
			if p.peek(0).IsOp("[") {
				if err := p.bounds(); err != nil {
					return out, err
				}
			}
			continue
		case p.peek(0).IsOp("["):
			if err := p.bounds(); err != nil {
				return out, err
			}
			if t.Kind != types.Array { // a[][] is the type a[]: dimensions are not part of a type
				t = types.ArrayOf(t)
			}
			continue
		}
		out.Type, out.Name = t, name
		return out, nil
	}
}

// bounds reads [] or [n]; as in PostgreSQL, the size is not enforced.
func (p *parser) bounds() error {
	p.pos++
	if p.peek(0).Kind == lexer.Int {
		p.pos++
	}
	return p.expectOp("]")
}

func (p *parser) scalarType() (types.Type, string, error) {
	start := p.here()
	t := p.peek(0)
	if t.Kind != lexer.Word && t.Kind != lexer.Quoted {
		return types.Type{}, "", p.syntaxError()
	}
	p.pos++
	name := t.Text
	if p.peek(0).IsOp(".") {
		schema := name
		p.pos++
		next, err := p.label()
		if err != nil {
			return types.Type{}, "", err
		}
		name = next
		if schema != "pg_catalog" {
			return types.Type{}, "", noType(start, schema+"."+name)
		}
	} else if t.Kind == lexer.Word {
		if nested, ok, err := p.nestedType(name); ok {
			return nested, name, err
		}
		name = p.typeWords(name)
	}
	typ, ok := types.Lookup(name)
	if !ok {
		return typ, name, noType(start, name)
	}
	return p.typeParameters(start, typ, name)
}

func noType(pos ast.Pos, name string) error {
	return pgerr.At(int(pos), pgerr.UndefinedObject, `type "%s" does not exist`, name)
}

// typeWords reads the rest of a type name of several words.
func (p *parser) typeWords(name string) string {
	switch name {
	case "double":
		if p.accept("precision") {
			return "double precision"
		}
	case "character", "char", "nchar":
		if p.accept("varying") {
			return "character varying"
		}
	case "national":
		if p.accept("character") || p.accept("char") {
			return p.typeWords("character")
		}
	}
	return name
}

// zone reads WITH TIME ZONE and WITHOUT TIME ZONE.
func (p *parser) zone(name string) string {
	if name == "timestamp" || name == "time" {
		if p.accept("with", "time", "zone") {
			return name + " with time zone"
		}
		p.accept("without", "time", "zone")
	}
	return name
}

func (p *parser) nestedType(name string) (t types.Type, ok bool, err error) {
	if !p.peek(0).IsOp("(") {
		return t, false, nil
	}
	switch name {
	case "struct", "row", "record":
		t, err = p.structType()
	case "map":
		t, err = p.mapType()
	default:
		return t, false, nil
	}
	return t, true, err
}

func (p *parser) structType() (types.Type, error) {
	t := types.Of(types.Struct)
	p.pos++
	for {
		name, err := p.label()
		if err != nil {
			return t, err
		}
		p.acceptOp(":")
		field, err := p.typeName()
		if err != nil {
			return t, err
		}
		t.Fields = append(t.Fields, types.Field{Name: name, Type: field.Type})
		if p.acceptOp(")") {
			return t, nil
		}
		if err := p.expectOp(","); err != nil {
			return t, err
		}
	}
}

func (p *parser) mapType() (types.Type, error) {
	t := types.Of(types.Map)
	p.pos++
	key, err := p.typeName()
	if err != nil {
		return t, err
	}
	if err := p.expectOp(","); err != nil {
		return t, err
	}
	value, err := p.typeName()
	if err != nil {
		return t, err
	}
	t.Key, t.Elem = &key.Type, &value.Type
	return t, p.expectOp(")")
}

// typeParameters reads (n) and (n, m) and checks them against the type.
func (p *parser) typeParameters(start ast.Pos, t types.Type, name string) (types.Type, string, error) {
	if t.Kind == types.Interval {
		p.intervalUnit() // interval day to second: a restriction on input only
	}
	args, err := p.typeArguments()
	if err != nil {
		return t, name, err
	}
	zoned := p.zone(name)
	if zoned != name {
		var ok bool
		if t, ok = types.Lookup(zoned); !ok {
			return t, zoned, noType(start, zoned)
		}
		name = zoned
	}
	if len(args) == 0 {
		return t, name, nil
	}
	t, err = withParameters(start, t, name, args)
	return t, name, err
}

func (p *parser) typeArguments() ([]int32, error) {
	var args []int32
	if !p.acceptOp("(") {
		return nil, nil
	}
	for {
		tok := p.peek(0)
		if tok.Kind != lexer.Int {
			return nil, p.syntaxError()
		}
		n, err := strconv.ParseInt(tok.Text, 10, 32)
		if err != nil {
			return nil, pgerr.At(tok.Pos, pgerr.InvalidParameterValue, "type modifier %s is out of range", tok.Text)
		}
		args = append(args, int32(n))
		p.pos++
		if p.acceptOp(")") {
			return args, nil
		}
		if err := p.expectOp(","); err != nil {
			return nil, err
		}
	}
}

func withParameters(start ast.Pos, t types.Type, name string, args []int32) (types.Type, error) {
	bad := func(code pgerr.Code, format string, a ...any) (types.Type, error) {
		return t, pgerr.At(int(start), code, format, a...)
	}
	n := args[0]
	switch t.Kind {
	case types.Numeric:
		if n < 1 || n > types.NumericPrecision {
			return bad(pgerr.InvalidParameterValue, "NUMERIC precision %d must be between 1 and %d", n, types.NumericPrecision)
		}
		scale := int32(0)
		if len(args) == 2 {
			scale = args[1]
		}
		if len(args) > 2 || scale > n {
			return bad(pgerr.InvalidParameterValue, "NUMERIC scale %d must be between 0 and precision %d", scale, n)
		}
		return types.DecimalOf(n, scale), nil
	case types.Text:
		if name == "text" || name == "string" || name == "name" || len(args) > 1 {
			break
		}
		if n < 1 {
			return bad(pgerr.InvalidParameterValue, "length for type %s must be at least 1", name)
		}
		t.Precision = n
		return t, nil
	case types.Float64:
		if name != "float" || len(args) > 1 {
			break
		}
		if n < 1 || n > 53 {
			return bad(pgerr.InvalidParameterValue, "precision for type float must be between 1 and 53 bits")
		}
		if n <= 24 {
			return types.Of(types.Float32), nil
		}
		return t, nil
	case types.Timestamp, types.TimestampTZ, types.Time, types.Interval:
		if n != 6 || len(args) > 1 {
			return bad(pgerr.FeatureNotSupported, "%s precision %d is not supported, times have microseconds", strings.ToUpper(name), n)
		}
		return t, nil
	}
	return bad(pgerr.SyntaxError, `type modifier is not allowed for type "%s"`, name)
}

// intervalUnit reads SECOND, DAY TO SECOND(3) and such, "" for none.
func (p *parser) intervalUnit() string {
	unit := p.timeField()
	if unit != "" && p.peek(0).Is("to") {
		p.pos++
		to := p.timeField()
		if to == "" {
			p.pos--
			return unit
		}
		unit += " to " + to
	}
	return unit
}

func (p *parser) timeField() string {
	t := p.peek(0)
	if t.Kind != lexer.Word {
		return ""
	}
	switch field := strings.TrimSuffix(t.Text, "s"); field {
	case "year", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond":
		p.pos++
		if p.peek(0).IsOp("(") && p.peek(1).Kind == lexer.Int && p.peek(2).IsOp(")") && field == "second" {
			p.pos += 3 // second(p): a restriction on input only
		}
		return field
	}
	return ""
}

// interval reads INTERVAL '5' SECOND; the word INTERVAL is next.
func (p *parser) interval() (*ast.IntervalLiteral, error) {
	out := &ast.IntervalLiteral{At: ast.At{Pos: p.here()}}
	if err := p.expect("interval"); err != nil {
		return nil, err
	}
	t := p.peek(0)
	sign := ""
	if t.IsOp("-") && p.peek(1).Kind == lexer.Int {
		sign = "-"
		p.pos++
		t = p.peek(0)
	}
	if t.Kind != lexer.String && t.Kind != lexer.Int && t.Kind != lexer.Float {
		return nil, p.syntaxError().WithHint("An interval is written INTERVAL '5' SECOND or INTERVAL '5 seconds'.")
	}
	p.pos++
	out.Text = sign + t.Text
	out.Unit = p.intervalUnit()
	if t.Kind != lexer.String && out.Unit == "" {
		return nil, p.syntaxError().WithHint("An interval is written INTERVAL '5' SECOND or INTERVAL '5 seconds'.")
	}
	return out, nil
}

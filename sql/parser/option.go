package parser

import (
	"strings"

	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
)

func upper(s string) string { return strings.ToUpper(s) }

// options reads (name [= value], ..). A name may have dots, a value is a string,
// a number, a word or an interval; a name alone means true. The same name twice
// is an error.
func (p *parser) options() ([]ast.Option, error) {
	if err := p.expectOp("("); err != nil {
		return nil, err
	}
	out := []ast.Option{}
	if p.acceptOp(")") {
		return out, nil
	}
	for {
		o, err := p.option()
		if err != nil {
			return nil, err
		}
		for _, before := range out {
			if before.Name == o.Name {
				return nil, pgerr.At(int(o.Pos), pgerr.SyntaxError, `option "%s" given more than once`, o.Name)
			}
		}
		out = append(out, o)
		if p.acceptOp(")") {
			return out, nil
		}
		if err := p.expectOp(","); err != nil {
			return nil, err
		}
	}
}

func (p *parser) option() (ast.Option, error) {
	o := ast.Option{Pos: p.here()}
	var err error
	if o.Name, err = p.optionName(); err != nil {
		return o, err
	}
	o.Value, o.ValuePos = "true", o.Pos
	bare := p.peek(0)
	if !p.acceptOp("=") && !p.acceptOp("=>") && (bare.IsOp(",") || bare.IsOp(")")) {
		return o, nil
	}
	o.ValuePos = p.here()
	o.Value, err = p.optionValue()
	return o, err
}

// optionName reads a.b.c in lower case; a string or a quoted name may hold what
// an identifier cannot: 'kafka.linger.ms'.
func (p *parser) optionName() (string, error) {
	var parts []string
	for {
		t := p.peek(0)
		switch t.Kind {
		case lexer.Word, lexer.Quoted, lexer.String:
			parts = append(parts, strings.ToLower(t.Text))
		default:
			return "", p.syntaxError()
		}
		p.pos++
		if !p.acceptOp(".") {
			return strings.Join(parts, "."), nil
		}
	}
}

func (p *parser) optionNames() ([]string, error) {
	if err := p.expectOp("("); err != nil {
		return nil, err
	}
	var out []string
	for {
		n, err := p.optionName()
		if err != nil {
			return nil, err
		}
		out = append(out, n)
		if p.acceptOp(")") {
			return out, nil
		}
		if err := p.expectOp(","); err != nil {
			return nil, err
		}
	}
}

func (p *parser) optionValue() (string, error) {
	t := p.peek(0)
	switch t.Kind {
	case lexer.String, lexer.Int, lexer.Float, lexer.Quoted:
		p.pos++
		return t.Text, nil
	case lexer.Word:
		if t.Is("interval") && p.peek(1).Kind != lexer.EOF {
			i, err := p.interval()
			if err != nil {
				return "", err
			}
			return strings.TrimSpace(i.Text + " " + i.Unit), nil
		}
		p.pos++
		return t.Text, nil
	case lexer.Op:
		if n := p.peek(1); (t.Text == "-" || t.Text == "+") && (n.Kind == lexer.Int || n.Kind == lexer.Float) {
			p.pos += 2
			return strings.TrimPrefix(t.Text, "+") + n.Text, nil
		}
	}
	return "", p.syntaxError()
}

// connector takes the option of that name out of a WITH list.
func connector(options []ast.Option) (string, []ast.Option) {
	for i, o := range options {
		if o.Name == "connector" {
			return o.Value, append(append([]ast.Option{}, options[:i]...), options[i+1:]...)
		}
	}
	return "", options
}

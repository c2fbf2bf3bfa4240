package parser

import (
	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
)

func (p *parser) subscribe() (ast.Statement, error) {
	return p.subscription()
}

// subscription reads SUBSCRIBE .. up to the statement's end.
func (p *parser) subscription() (*ast.Subscribe, error) {
	out := &ast.Subscribe{Pos: p.here()}
	if err := p.expect("subscribe"); err != nil {
		return nil, err
	}
	p.accept("to")
	var err error
	if out.From, out.Query, err = p.object(); err != nil {
		return nil, err
	}
	if p.accept("where") {
		if out.Where, err = p.exprUntil(p.until(p.pos, p.subscribeClause)); err != nil {
			return nil, err
		}
	}
	for !p.atEnd() {
		if err := p.subscribeOption(out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p *parser) subscribeClause(i int) bool {
	return p.wordsAt(i, "envelope") || p.wordsAt(i, "with") || p.wordsAt(i, "as", "of") || p.wordsAt(i, "up", "to")
}

func (p *parser) subscribeOption(out *ast.Subscribe) error {
	at := p.here()
	var err error
	switch {
	case p.accept("envelope"):
		if out.Envelope != "" {
			return twice(at, "ENVELOPE")
		}
		return p.envelope(out)
	case p.accept("with"):
		if out.Options != nil {
			return twice(at, "WITH")
		}
		out.Options, err = p.options()
	case p.accept("as", "of"):
		if out.AsOf != nil {
			return twice(at, "AS OF")
		}
		out.AsEpoch = p.accept("epoch")
		out.AsOf, err = p.exprUntil(p.until(p.pos, p.subscribeClause))
	case p.accept("up", "to"):
		if out.UpTo != nil {
			return twice(at, "UP TO")
		}
		out.UpTo, err = p.exprUntil(p.until(p.pos, p.subscribeClause))
	default:
		err = p.syntaxError().WithHint("SUBSCRIBE takes WHERE, ENVELOPE UPSERT (KEY (..)), ENVELOPE DEBEZIUM (KEY (..)), WITH (..), AS OF and UP TO.")
	}
	return err
}

// envelope reads UPSERT|DEBEZIUM (KEY (a, b)).
func (p *parser) envelope(out *ast.Subscribe) error {
	switch {
	case p.accept("upsert"):
		out.Envelope = "upsert"
	case p.accept("debezium"):
		out.Envelope = "debezium"
	default:
		return p.syntaxError().WithHint("Envelopes: UPSERT (KEY (..)) and DEBEZIUM (KEY (..)).")
	}
	if !p.acceptOp("(") {
		return nil // the key of the object is used
	}
	if err := p.expect("key"); err != nil {
		return err
	}
	var err error
	if out.Key, err = p.nameList(); err != nil {
		return err
	}
	return p.expectOp(")")
}

// declare reads DECLARE c [options] CURSOR [WITH HOLD] FOR SUBSCRIBE .. | query.
func (p *parser) declare() (ast.Statement, error) {
	out := &ast.Declare{Pos: p.here()}
	p.pos++
	var err error
	if out.Name, err = p.identifier(); err != nil {
		return nil, err
	}
	for !p.words("cursor") {
		at := p.here()
		switch {
		case p.accept("no", "scroll"), p.accept("insensitive"), p.accept("asensitive"):
		case p.words("binary"), p.words("scroll"):
			return nil, pgerr.At(int(at), pgerr.FeatureNotSupported, "%s cursors are not supported", upper(p.peek(0).Text))
		default:
			return nil, p.syntaxError()
		}
	}
	p.pos++
	if out.Hold = p.accept("with", "hold"); !out.Hold {
		p.accept("without", "hold")
	}
	if err := p.expect("for"); err != nil {
		return nil, err
	}
	if p.words("subscribe") {
		out.Subscribe, err = p.subscription()
	} else {
		out.Query, err = p.query()
	}
	return out, err
}

// fetch reads FETCH [NEXT | [FORWARD] n | ALL] [FROM|IN] c [WITH (..)].
func (p *parser) fetch() (ast.Statement, error) {
	out := &ast.Fetch{Pos: p.here(), Count: 1}
	p.pos++
	for _, w := range []string{"prior", "first", "last", "absolute", "relative", "backward"} {
		if p.words(w) && !p.peek(1).IsOp(";") && p.peek(1).Kind != lexer.EOF {
			return nil, pgerr.At(int(p.here()), pgerr.FeatureNotSupported, "FETCH %s is not supported, cursors only move forward", upper(w))
		}
	}
	if !p.accept("next") {
		p.accept("forward")
	}
	var err error
	switch {
	case p.accept("all"):
		out.Count = -1
	case p.peek(0).Kind == lexer.Int:
		if out.Count, err = p.integer(); err != nil {
			return nil, err
		}
	case p.peek(0).IsOp("-"):
		return nil, pgerr.At(int(p.here()), pgerr.FeatureNotSupported, "FETCH backward is not supported, cursors only move forward")
	}
	if !p.accept("from") {
		p.accept("in")
	}
	if out.Name, err = p.identifier(); err != nil {
		return nil, err
	}
	if p.accept("with") {
		out.Options, err = p.options()
	}
	return out, err
}

func (p *parser) closeCursor() (ast.Statement, error) {
	out := &ast.Close{Pos: p.here()}
	p.pos++
	if p.accept("all") {
		return out, nil
	}
	var err error
	out.Name, err = p.identifier()
	return out, err
}

// copy reads COPY t [(..)] FROM STDIN, and COPY t | (query) | (SUBSCRIBE ..) TO
// STDOUT, with options in brackets or as words.
func (p *parser) copy() (ast.Statement, error) {
	out := &ast.Copy{Pos: p.here()}
	p.pos++
	if err := p.copyObject(out); err != nil {
		return nil, err
	}
	at := p.here()
	switch {
	case p.accept("from"):
		out.From = true
		if out.Table == nil {
			return nil, pgerr.At(int(at), pgerr.SyntaxError, "COPY FROM needs a table")
		}
		if !p.accept("stdin") {
			return nil, p.copyFile("FROM STDIN")
		}
	case p.accept("to"):
		if !p.accept("stdout") {
			return nil, p.copyFile("TO STDOUT")
		}
	default:
		return nil, p.syntaxError()
	}
	p.accept("with")
	var err error
	if p.peek(0).IsOp("(") {
		out.Options, err = p.options()
		return out, err
	}
	return out, p.copyWords(out)
}

func (p *parser) copyFile(what string) error {
	if p.peek(0).Kind == lexer.String || p.words("program") {
		return pgerr.At(int(p.here()), pgerr.FeatureNotSupported, "COPY of a file of the server is not supported").
			WithHint("Use COPY .. %s, or psql's \\copy.", what)
	}
	return p.syntaxError()
}

func (p *parser) copyObject(out *ast.Copy) error {
	if p.peek(0).IsOp("(") && p.peek(1).Is("subscribe") {
		end := int(p.match[p.pos])
		if end < 0 {
			return p.syntaxErrorAt(p.end)
		}
		sub := p.sub(p.pos+1, end)
		var err error
		out.Subscribe, err = sub.subscription()
		p.pos = end + 1
		return err
	}
	var err error
	if out.Table, out.Query, err = p.object(); err != nil {
		return err
	}
	if out.Table != nil && p.peek(0).IsOp("(") {
		out.Columns, err = p.nameList()
	}
	return err
}

// copyWords reads the old spelling: CSV HEADER DELIMITER ',' NULL 'n'.
func (p *parser) copyWords(out *ast.Copy) error {
	for !p.atEnd() {
		o := ast.Option{Pos: p.here(), ValuePos: p.here(), Value: "true"}
		switch {
		case p.accept("csv"), p.accept("binary"):
			o.Name, o.Value = "format", p.tokens[p.pos-1].Text
		case p.accept("header"):
			o.Name = "header"
		case p.words("delimiter"), p.words("null"), p.words("quote"), p.words("escape"):
			o.Name = p.peek(0).Text
			p.pos++
			p.accept("as")
			t := p.peek(0)
			if t.Kind != lexer.String {
				return p.syntaxError()
			}
			o.Value, o.ValuePos = t.Text, p.here()
			p.pos++
		default:
			return p.syntaxError()
		}
		out.Options = append(out.Options, o)
	}
	return nil
}

package parser

import (
	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
)

// emitForms is the hint for an EMIT that cannot be read.
const emitForms = "EMIT has the forms AFTER WATERMARK, ON WINDOW CLOSE, FINAL, ON UPDATE, CHANGES, " +
	"EVERY INTERVAL '..' and PERIODICALLY INTERVAL '..'."

// afterQuery is the hint for a clause that cannot be read at all.
const afterQuery = "After the query may come ALLOW LATENESS INTERVAL '..', LATE DATA TO sink and EMIT ..; " + emitForms

// createQuery reads CREATE STREAM, MATERIALIZED VIEW and VIEW after the name.
func (p *parser) createQuery(out *ast.CreateQuery) (ast.Statement, error) {
	var err error
	if p.peek(0).IsOp("(") {
		if out.Columns, err = p.nameList(); err != nil {
			return nil, err
		}
	}
	if p.accept("with") {
		if out.Options, err = p.options(); err != nil {
			return nil, err
		}
	}
	if err := p.expect("as"); err != nil {
		return nil, err
	}
	start := p.pos
	end := p.until(p.pos, p.clauseBegins)
	if out.Query, err = p.queryUntil(end); err != nil {
		return nil, p.hintClause(err, start, end)
	}
	out.QueryText = p.text[p.tokens[start].Pos:p.tokens[end-1].End]
	for !p.atEnd() {
		if err := p.queryClause(out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// clauseBegins reports whether token i begins a clause after the query. A column
// or an alias named emit is followed by a comma, an operator or a reserved word.
func (p *parser) clauseBegins(i int) bool {
	switch before := p.tokens[i-1]; {
	case before.Kind == lexer.Word && takesOperand(before.Text),
		before.Kind == lexer.Op && !before.IsOp(")") && !before.IsOp("]") && !before.IsOp("*"):
		return false
	}
	if p.wordsAt(i, "allow", "lateness") || p.wordsAt(i, "late", "data", "to") {
		return true
	}
	if !p.wordsAt(i, "emit") {
		return false
	}
	next := p.sub(i+1, p.end).peek(0)
	return next.Kind == lexer.EOF || next.Kind == lexer.Word && (!reserved(next.Text) || next.Text == "on")
}

// sub returns a parser of the tokens [lo, hi).
func (p *parser) sub(lo, hi int) *parser {
	return &parser{text: p.text, tokens: p.tokens, match: p.match, pos: min(lo, hi), end: hi}
}

// hintClause adds a hint to a syntax error of the query [start, end) that stands
// at or just after a word that begins a clause of ours.
func (p *parser) hintClause(err error, start, end int) error {
	e := pgerr.From(err)
	if e.Hint != "" || e.Code != pgerr.SyntaxError {
		return err
	}
	for i := start; i <= end; i++ {
		if p.tokens[i].Pos+1 != e.Position {
			continue
		}
		for _, t := range p.tokens[i-1 : i+1] {
			if t.Is("allow") || t.Is("late") || t.Is("lateness") || t.Is("emit") || t.Is("watermark") {
				return e.WithHint(afterQuery)
			}
		}
	}
	return err
}

func (p *parser) queryClause(out *ast.CreateQuery) error {
	var err error
	switch at := p.here(); {
	case p.accept("allow"):
		if out.Lateness != nil {
			return twice(at, "ALLOW LATENESS")
		}
		if err := p.expect("lateness"); err != nil {
			return err
		}
		out.Lateness, err = p.interval()
	case p.accept("late"):
		if out.LateTo != nil {
			return twice(at, "LATE DATA TO")
		}
		if err := p.expect("data", "to"); err != nil {
			return err
		}
		var n ast.Name
		n, err = p.name()
		out.LateTo = &n
	case p.accept("emit"):
		if out.Emit != nil {
			return twice(at, "EMIT")
		}
		out.Emit, err = p.emitClause(at)
	default:
		return p.syntaxError().WithHint(afterQuery)
	}
	return err
}

func twice(at ast.Pos, clause string) error {
	return pgerr.At(int(at), pgerr.SyntaxError, "%s given more than once", clause)
}

func (p *parser) emitClause(at ast.Pos) (*ast.Emit, error) {
	out := &ast.Emit{Pos: at}
	switch {
	case p.accept("after", "watermark"), p.accept("on", "window", "close"), p.accept("final"), p.accept("on", "watermark"):
		out.Mode = "final"
	case p.accept("on", "update"):
		out.Mode = "update"
	case p.accept("changes"):
		out.Mode = "changes"
	case p.accept("every"), p.accept("periodically"):
		out.Mode = "every"
		var err error
		out.Every, err = p.interval()
		return out, err
	default:
		if !p.accept("after") && !p.accept("on", "window") {
			p.accept("on")
		}
		return nil, p.syntaxError().WithHint(emitForms)
	}
	return out, nil
}

// sink reads CREATE SINK after the name: FROM obj | (query) [WHERE ..] and where
// it goes.
func (p *parser) sink(out *ast.CreateSink) (ast.Statement, error) {
	if !p.accept("from") && !p.accept("as") {
		return nil, p.syntaxError()
	}
	var err error
	out.From, out.Query, err = p.object()
	if err != nil {
		return nil, err
	}
	if p.accept("where") {
		end := p.until(p.pos, func(i int) bool { return p.wordsAt(i, "into") || p.wordsAt(i, "with") })
		if out.Where, err = p.exprUntil(end); err != nil {
			return nil, err
		}
	}
	at := p.here()
	out.Connector, out.Options, err = p.connection("into")
	if err == nil && out.Connector == "" {
		err = pgerr.At(int(at), pgerr.SyntaxError, "a sink needs a connector").
			WithHint("Write INTO KAFKA (..) or WITH (connector = 'kafka', ..).")
	}
	return out, err
}

// object reads a name or a query in brackets.
func (p *parser) object() (*ast.Name, *ast.Query, error) {
	if !p.peek(0).IsOp("(") {
		n, err := p.name()
		return &n, nil, err
	}
	end := int(p.match[p.pos])
	if end < 0 {
		return nil, nil, p.syntaxErrorAt(p.end)
	}
	p.pos++
	q, err := p.queryUntil(end)
	p.pos = end + 1
	return nil, q, err
}

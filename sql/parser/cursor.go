package parser

import (
	"strconv"
	"strings"

	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
)

// parser walks the tokens [pos, end) of one statement.
type parser struct {
	text   string
	tokens []lexer.Token // of the whole text
	match  []int32       // see matchBrackets
	pos    int
	end    int
}

// peek returns the token n after the current one; beyond the statement's end it
// is an EOF placed there.
func (p *parser) peek(n int) lexer.Token {
	if p.pos+n < p.end {
		return p.tokens[p.pos+n]
	}
	return lexer.Token{Kind: lexer.EOF, Pos: p.tokens[p.end].Pos, End: p.tokens[p.end].Pos}
}

func (p *parser) here() ast.Pos { return ast.Pos(p.peek(0).Pos) }

// words reports whether the next tokens are these words.
func (p *parser) words(ws ...string) bool {
	for i, w := range ws {
		if !p.peek(i).Is(w) {
			return false
		}
	}
	return true
}

// accept passes the words if they are next.
func (p *parser) accept(ws ...string) bool {
	if !p.words(ws...) {
		return false
	}
	p.pos += len(ws)
	return true
}

func (p *parser) acceptOp(op string) bool {
	if !p.peek(0).IsOp(op) {
		return false
	}
	p.pos++
	return true
}

func (p *parser) expect(ws ...string) error {
	for _, w := range ws {
		if !p.accept(w) {
			return p.syntaxError()
		}
	}
	return nil
}

func (p *parser) expectOp(op string) error {
	if !p.acceptOp(op) {
		return p.syntaxError()
	}
	return nil
}

// atEnd reports whether the statement has been read whole.
func (p *parser) atEnd() bool { return p.pos >= p.end }

func (p *parser) syntaxError() *pgerr.Error { return p.syntaxErrorAt(p.pos) }

// syntaxErrorAt words the error as PostgreSQL does.
func (p *parser) syntaxErrorAt(i int) *pgerr.Error {
	t := p.tokens[min(i, p.end)]
	if t.Kind == lexer.EOF {
		return pgerr.At(t.Pos, pgerr.SyntaxError, "syntax error at end of input")
	}
	return pgerr.At(t.Pos, pgerr.SyntaxError, `syntax error at or near "%s"`, p.text[t.Pos:t.End])
}

// identifier reads one name part. Words that PostgreSQL reserves are refused.
func (p *parser) identifier() (string, error) {
	t := p.peek(0)
	if t.Kind == lexer.Quoted || t.Kind == lexer.Word && !reserved(t.Text) {
		p.pos++
		return t.Text, nil
	}
	return "", p.syntaxError()
}

// label reads a name where any word is allowed: after a dot, after AS.
func (p *parser) label() (string, error) {
	if t := p.peek(0); t.Kind == lexer.Quoted || t.Kind == lexer.Word {
		p.pos++
		return t.Text, nil
	}
	return "", p.syntaxError()
}

// name reads a possibly qualified name.
func (p *parser) name() (ast.Name, error) {
	n := ast.Name{Pos: p.here()}
	part, err := p.identifier()
	for err == nil {
		n.Parts = append(n.Parts, part)
		if !p.acceptOp(".") {
			if len(n.Parts) > 3 {
				return n, pgerr.At(int(n.Pos), pgerr.SyntaxError, "improper qualified name (too many dotted names): %s", strings.Join(n.Parts, "."))
			}
			return n, nil
		}
		part, err = p.label()
	}
	return n, err
}

// nameList reads (a, b, c).
func (p *parser) nameList() ([]string, error) {
	if err := p.expectOp("("); err != nil {
		return nil, err
	}
	var out []string
	for {
		s, err := p.identifier()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
		if p.acceptOp(")") {
			return out, nil
		}
		if err := p.expectOp(","); err != nil {
			return nil, err
		}
	}
}

// integer reads an unsigned integer.
func (p *parser) integer() (int64, error) {
	t := p.peek(0)
	if t.Kind != lexer.Int {
		return 0, p.syntaxError()
	}
	n, err := strconv.ParseInt(t.Text, 10, 64)
	if err != nil {
		return 0, pgerr.At(t.Pos, pgerr.NumericOutOfRange, `value "%s" is out of range for type bigint`, t.Text)
	}
	p.pos++
	return n, nil
}

// until returns the index of the first token at the current bracket depth for
// which stop holds, or the statement's end. It never looks inside brackets, and
// it ends at a closing bracket.
func (p *parser) until(from int, stop func(i int) bool) int {
	for i := from; i < p.end; i++ {
		t := p.tokens[i]
		if t.IsOp(")") || t.IsOp("]") || stop(i) {
			return i
		}
		if m := int(p.match[i]); m > i {
			i = m
		}
	}
	return p.end
}

// wordsAt is words at token i.
func (p *parser) wordsAt(i int, ws ...string) bool {
	for k, w := range ws {
		if i+k >= p.end || !p.tokens[i+k].Is(w) {
			return false
		}
	}
	return true
}

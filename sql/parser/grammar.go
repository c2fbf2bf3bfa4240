package parser

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	grammar "github.com/auxten/postgresql-parser/pkg/sql/parser"
	"github.com/auxten/postgresql-parser/pkg/sql/sem/tree"

	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// body gives the tokens [p.pos, p.end) to the grammar, between before and after,
// and returns its tree with what is needed to convert it.
func (p *parser) body(before, after string) (tree.Statement, *converter, error) {
	if p.atEnd() {
		return nil, nil, p.syntaxError()
	}
	d := newDesugarer(p)
	d.out = append(d.out, before...)
	lo := p.pos
	d.emit(lo, p.end)
	p.pos = p.end
	if d.err == nil && after != "" {
		d.put(p.end, after)
	}
	if d.err != nil {
		return nil, nil, d.err
	}
	s, err := d.parse()
	if err != nil {
		return nil, nil, err
	}
	return s, &converter{desugarer: d}, nil
}

// parse runs the grammar. A panic in it is its bug, not the client's: it becomes
// an error with the text that caused it.
func (d *desugarer) parse() (s tree.Statement, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = pgerr.At(d.tokens[d.first].Pos, pgerr.Internal, "the SQL grammar failed: %v", r).
				WithDetail("Statement: %s", d.text[d.tokens[d.first].Pos:d.tokens[d.end].Pos])
		}
	}()
	one, err := grammar.ParseOne(string(d.out))
	if err != nil {
		return nil, d.translate(err)
	}
	if one.AST == nil {
		return nil, fmt.Errorf("reading %q: the grammar gave no tree", d.out)
	}
	return one.AST, nil
}

// translate makes a client's error of the grammar's. Its detail ends in a line
// with a caret below the token; the text has no newline of its own, so the
// caret's column is an offset.
func (d *desugarer) translate(err error) error {
	token := d.end
	var detailed interface{ ErrorDetail() string }
	if errors.As(err, &detailed) {
		lines := strings.Split(detailed.ErrorDetail(), "\n")
		token = d.tokenAt(len(lines[len(lines)-1]) - 1)
	}
	message := err.Error()
	if k := strings.Index(message, "frame "); k >= 0 {
		return pgerr.At(d.tokens[token].Pos, pgerr.WindowingError, "%s", message[k:])
	}
	if strings.Contains(message, "unimplemented") {
		return pgerr.At(d.tokens[token].Pos, pgerr.FeatureNotSupported, "this syntax is not supported")
	}
	out := d.syntaxErrorAt(token)
	if d.is(token, "emit") || d.is(token-1, "emit") {
		out.WithHint("EMIT ends a query of CREATE STREAM or CREATE MATERIALIZED VIEW.")
	}
	return out
}

// tokenAt returns the token that the text at offset was written for.
func (d *desugarer) tokenAt(offset int) int {
	if offset >= len(strings.TrimRight(string(d.out), " ")) {
		return d.end
	}
	k := sort.Search(len(d.marks), func(k int) bool { return d.marks[k].at > offset })
	if k == 0 {
		return d.first
	}
	return d.marks[k-1].token
}

// query reads the rest of the statement as a query.
func (p *parser) query() (*ast.Query, error) {
	lo := p.pos
	s, c, err := p.body("", "")
	if err != nil {
		return nil, err
	}
	sel, ok := s.(*tree.Select)
	if !ok {
		return nil, p.syntaxErrorAt(lo)
	}
	q, _ := c.query(sel)
	return q, c.err
}

// exprList reads the rest of the statement as expressions with commas between.
func (p *parser) exprList() ([]ast.Expr, error) {
	s, c, err := p.body("values (", ")")
	if err != nil {
		return nil, err
	}
	sel, _ := s.(*tree.Select)
	if sel == nil {
		return nil, p.syntaxErrorAt(p.end)
	}
	values, ok := sel.Select.(*tree.ValuesClause)
	if !ok || len(values.Rows) != 1 {
		return nil, p.syntaxErrorAt(p.end)
	}
	list, _ := c.exprs(values.Rows[0])
	return list, c.err
}

// expr reads the rest of the statement as one expression.
func (p *parser) expr() (ast.Expr, error) {
	lo := p.pos
	list, err := p.exprList()
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, p.syntaxErrorAt(p.until(lo, func(i int) bool { return p.tokens[i].IsOp(",") }))
	}
	return list[0], nil
}

// exprUntil reads an expression that ends at token end.
func (p *parser) exprUntil(end int) (ast.Expr, error) {
	sub := &parser{text: p.text, tokens: p.tokens, match: p.match, pos: p.pos, end: end}
	e, err := sub.expr()
	p.pos = end
	return e, err
}

// queryUntil reads a query that ends at token end.
func (p *parser) queryUntil(end int) (*ast.Query, error) {
	sub := &parser{text: p.text, tokens: p.tokens, match: p.match, pos: p.pos, end: end}
	q, err := sub.query()
	p.pos = end
	return q, err
}

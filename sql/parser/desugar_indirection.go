package parser

import (
	"github.com/auxten/postgresql-parser/pkg/sql/sem/tree"

	"laminardb/sql/ast"
	"laminardb/sql/lexer"
)

// indirection writes .field after a bracket, and what else hangs on it, as casts:
// (x).a.b[1] becomes (x)::varchar(i)::varchar(j)::varchar(k). The grammar knows one
// field only, and a cast binds as strongly. It returns 0 where . and [ are what the
// grammar knows: a dotted name, a subscript of a column.
func (d *desugarer) indirection(i int) int {
	inChain := d.chain == i && i > d.first
	if d.isOp(i, "[") {
		if !inChain || d.close(i) >= d.end {
			return 0
		}
		return d.putIndirection(i, i, d.close(i)+1)
	}
	k := d.kind(i + 1)
	if !inChain && !d.isOp(i-1, ")") && !d.isOp(i-1, "]") || k != lexer.Word && k != lexer.Quoted {
		return 0
	}
	if d.isOp(i-1, ")") && d.is(int(d.match[i-1])-1, "in") {
		return 0 // a list is no operand
	}
	return d.putIndirection(i, i+1, i+2)
}

func (d *desugarer) putIndirection(at, token, next int) int {
	d.put(at, "::")
	d.putType(token, next, ast.TypeName{}, false)
	t := d.types[token]
	t.at = at
	d.types[token] = t
	d.chain = next
	return next
}

// indirectionExpr converts the cast that stands for .field or [index].
func (c *converter) indirectionExpr(e *tree.CastExpr, t castType) (ast.Expr, span) {
	x, s := c.expr(e.Expr)
	s = s.join(span{t.at, t.last})
	at := ast.At{Pos: c.posOf(s)}
	if c.isOp(t.at, ".") {
		return &ast.FieldAccess{At: at, Operand: x, Field: c.tokens[t.last].Text}, s
	}
	out := &ast.Subscript{At: at, Operand: x}
	lo, hi := t.at+1, c.close(t.at)
	part := func(lo, hi int) ast.Expr {
		if lo == hi {
			return nil
		}
		p, err := c.sub(lo, hi).expr()
		if err != nil {
			c.fail(err)
		}
		return p
	}
	colon := c.until(lo, func(k int) bool { return c.tokens[k].IsOp(":") })
	if colon >= hi {
		if lo == hi {
			c.fail(c.syntaxErrorAt(hi))
		}
		out.Index = part(lo, hi)
		return out, s
	}
	out.Slice, out.From, out.To = true, part(lo, colon), part(colon+1, hi)
	return out, s
}

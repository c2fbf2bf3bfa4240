package parser

import (
	"github.com/auxten/postgresql-parser/pkg/sql/sem/tree"

	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

func (c *converter) comparison(e *tree.ComparisonExpr) (ast.Expr, span) {
	switch e.Operator {
	case tree.EQ:
		return c.symbol(e.Left, "=", e.Right)
	case tree.LT:
		return c.symbol(e.Left, "<", e.Right)
	case tree.GT:
		return c.symbol(e.Left, ">", e.Right)
	case tree.LE:
		return c.symbol(e.Left, "<=", e.Right)
	case tree.GE:
		return c.symbol(e.Left, ">=", e.Right)
	case tree.NE:
		return c.symbol(e.Left, "<>", e.Right)
	case tree.Like:
		return c.keyword(e.Left, "like", e.Right)
	case tree.NotLike:
		return c.keyword(e.Left, "not like", e.Right)
	case tree.ILike:
		return c.keyword(e.Left, "ilike", e.Right)
	case tree.NotILike:
		return c.keyword(e.Left, "not ilike", e.Right)
	case tree.SimilarTo:
		return c.keyword(e.Left, "similar to", e.Right)
	case tree.NotSimilarTo:
		return c.keyword(e.Left, "not similar to", e.Right)
	case tree.In, tree.NotIn:
		return c.in(e)
	case tree.IsDistinctFrom, tree.IsNotDistinctFrom:
		return c.isExpr(e)
	case tree.Any, tree.Some, tree.All: // with brackets it was written as a call
		_, s := c.expr(e.Left)
		c.fail(c.syntaxErrorAt(c.findWord(s.last+1, "any", "some", "all") + 1))
		return nil, empty()
	}
	c.fail(pgerr.At(int(c.tokenPos(c.first)), pgerr.Internal, "the SQL grammar made an unexpected operator %s", e.Operator))
	return nil, empty()
}

func (c *converter) in(e *tree.ComparisonExpr) (ast.Expr, span) {
	x, s := c.expr(e.Left)
	out := &ast.In{At: ast.At{Pos: c.posOf(s)}, Operand: x, Not: e.Operator == tree.NotIn}
	word := c.findWord(s.last+1, "in")
	switch r := e.Right.(type) {
	case *tree.Tuple:
		list, ls := c.exprs(r.Exprs)
		out.List, s = list, s.join(ls)
		if len(list) == 0 && word >= 0 {
			c.fail(c.syntaxErrorAt(word + 2))
		}
	case *tree.Subquery:
		q, qs := c.queryOf(r.Select)
		out.Query, s = q, s.join(qs)
	}
	if word >= 0 {
		s = s.join(span{word, c.close(word + 1)})
	}
	return out, s
}

// isExpr converts IS [NOT] NULL|TRUE|FALSE|UNKNOWN and IS [NOT] DISTINCT FROM. A
// constant of the user is never a datum here, so a datum means a key word.
func (c *converter) isExpr(e *tree.ComparisonExpr) (ast.Expr, span) {
	not := e.Operator == tree.IsDistinctFrom
	d, ok := e.Right.(tree.Datum)
	if !ok {
		op := "is not distinct from"
		if not {
			op = "is distinct from"
		}
		return c.keyword(e.Left, op, e.Right)
	}
	x, s := c.expr(e.Left)
	out := &ast.IsTest{At: ast.At{Pos: c.posOf(s)}, Operand: x, What: "null", Not: not}
	word := c.findWord(s.last+1, "is", "isnull", "notnull")
	if b, ok := d.(*tree.DBool); ok {
		out.What = "false"
		if bool(*b) {
			out.What = "true"
		}
	} else if c.is(word+1, "unknown") || c.is(word+1, "not", "unknown") {
		out.What = "unknown"
	}
	if word >= 0 {
		last := word
		if c.is(word, "is") {
			last++
			if not {
				last++
			}
		}
		s = s.join(span{word, last})
	}
	return out, s
}

func (c *converter) between(e *tree.RangeCond) (ast.Expr, span) {
	x, s := c.expr(e.Left)
	lo, ls := c.expr(e.From)
	hi, hs := c.expr(e.To)
	s = s.join(ls).join(hs)
	return &ast.Between{At: ast.At{Pos: c.posOf(s)}, Operand: x, Low: lo, High: hi, Not: e.Not, Symmetric: e.Symmetric}, s
}

func (c *converter) castExpr(e *tree.CastExpr) (ast.Expr, span) {
	i := int(e.Type.Width())
	t, ok := c.types[i]
	if t.at > 0 {
		return c.indirectionExpr(e, t)
	}
	x, s := c.expr(e.Expr)
	if !ok {
		c.fail(pgerr.Newf(pgerr.Internal, "the SQL grammar made up a cast"))
		return nil, s
	}
	s = s.join(span{i, t.last})
	if e.SyntaxMode == tree.CastExplicit && c.is(i-1, "as") { // not a type before its constant
		word := "cast"
		if t.try {
			word = "try_cast"
		}
		s = c.extend(s, word)
		s.last = max(s.last, c.close(s.first+1))
	}
	return &ast.Cast{At: ast.At{Pos: c.posOf(s)}, Operand: x, Type: t.name, Try: t.try}, s
}

func (c *converter) caseExpr(e *tree.CaseExpr) (ast.Expr, span) {
	x, s := c.optional(e.Expr)
	out := &ast.Case{Operand: x}
	for _, w := range e.Whens {
		cond, cs := c.expr(w.Cond)
		val, vs := c.expr(w.Val)
		out.Whens = append(out.Whens, ast.When{Cond: cond, Result: val})
		s = s.join(cs).join(vs)
	}
	y, ys := c.optional(e.Else)
	s = c.extend(s.join(ys), "case")
	s.last = max(s.last, c.findWord(s.last+1, "end"))
	out.At, out.Else = ast.At{Pos: c.posOf(s)}, y
	return out, s
}

func (c *converter) subscripts(e *tree.IndirectionExpr) (ast.Expr, span) {
	x, s := c.expr(e.Expr)
	for _, sub := range e.Indirection {
		open := c.findOp(s.last+1, "[")
		from, fs := c.optional(sub.Begin)
		to, ts := c.optional(sub.End)
		s = s.join(fs).join(ts)
		out := &ast.Subscript{At: ast.At{Pos: c.posOf(s)}, Operand: x, Slice: sub.Slice}
		if sub.Slice {
			out.From, out.To = from, to
		} else {
			out.Index = from
		}
		x = out
		if open >= 0 {
			s.last = c.close(open)
		}
	}
	return x, s
}

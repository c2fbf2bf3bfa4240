package parser

import (
	"github.com/auxten/postgresql-parser/pkg/sql/sem/tree"

	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
)

func (c *converter) exprs(list tree.Exprs) ([]ast.Expr, span) {
	s := empty()
	var out []ast.Expr
	for _, e := range list {
		x, xs := c.expr(e)
		out = append(out, x)
		s = s.join(xs)
	}
	return out, s
}

// optional is expr for an expression that may be left out.
func (c *converter) optional(e tree.Expr) (ast.Expr, span) {
	if e == nil {
		return nil, empty()
	}
	return c.expr(e)
}

func (c *converter) expr(e tree.Expr) (ast.Expr, span) {
	if c.err != nil || !c.enter() {
		return nil, empty()
	}
	defer c.leave()
	switch e := e.(type) {
	case *tree.StrVal:
		return c.constantExpr(constantIndex(e))
	case *tree.UnresolvedName:
		return c.column(e)
	case *tree.ParenExpr:
		return c.expr(e.Expr)
	case *tree.FuncExpr:
		return c.call(e)
	case *tree.BinaryExpr:
		if e.Operator == tree.Concat {
			return c.otherOperators(e)
		}
		return c.symbol(e.Left, binaryText(e.Operator), e.Right)
	case *tree.ComparisonExpr:
		return c.comparison(e)
	case *tree.AndExpr:
		return c.keyword(e.Left, "and", e.Right)
	case *tree.OrExpr:
		return c.keyword(e.Left, "or", e.Right)
	case *tree.NotExpr:
		x, s := c.expr(e.Expr)
		return c.unary("not", x, c.extend(s, "not"))
	case *tree.UnaryExpr:
		x, s := c.expr(e.Expr)
		return c.unary("-", x, c.extend(s, "-"))
	case *tree.RangeCond:
		return c.between(e)
	case *tree.CastExpr:
		return c.castExpr(e)
	case *tree.CaseExpr:
		return c.caseExpr(e)
	default:
		return c.composite(e)
	}
}

// composite converts the expressions that hold queries or lists.
func (c *converter) composite(e tree.Expr) (ast.Expr, span) {
	switch e := e.(type) {
	case *tree.Subquery:
		q, s := c.queryOf(e.Select)
		if e.Exists {
			s = c.extend(s, "exists")
			return &ast.Exists{At: ast.At{Pos: c.posOf(s)}, Query: q}, s
		}
		s = c.extend(s, "(")
		return &ast.ScalarSubquery{At: ast.At{Pos: c.posOf(s)}, Query: q}, s
	case *tree.ArrayFlatten:
		if sub, ok := e.Subquery.(*tree.Subquery); ok {
			q, s := c.queryOf(sub.Select)
			s = c.extend(s, "array")
			return &ast.ArraySubquery{At: ast.At{Pos: c.posOf(s)}, Query: q}, s
		}
	case *tree.Array:
		list, s := c.exprs(e.Exprs)
		if len(list) > 0 {
			s = c.extend(s, "[")
			if c.is(s.first-1, "array") {
				s.first--
			}
			s.last = max(s.last, c.close(s.first))
		}
		return &ast.ArrayExpr{At: ast.At{Pos: c.posOf(s)}, Elems: list}, s
	case *tree.Tuple:
		list, s := c.exprs(e.Exprs)
		if len(e.Labels) > 0 {
			c.fail(pgerr.At(int(c.posOf(s)), pgerr.SyntaxError, "a row cannot have labels"))
		}
		if e.Row {
			s = c.extend(s, "row")
		} else {
			s = c.extend(s, "(")
		}
		return &ast.RowExpr{At: ast.At{Pos: c.posOf(s)}, Elems: list}, s
	case *tree.IndirectionExpr:
		return c.subscripts(e)
	case *tree.CollateExpr:
		x, s := c.expr(e.Expr)
		name, i := c.identName(e.Locale)
		at := ast.At{Pos: c.tokenPos(i)}
		right := &ast.Column{At: at, Name: ast.Name{Pos: at.Pos, Parts: []string{name}}}
		op := c.findWord(s.last+1, "collate")
		return &ast.Binary{At: ast.At{Pos: c.posOf(s)}, Op: "collate", OpPos: c.tokenPos(op), Left: x, Right: right}, s.join(span{i, i})
	case *tree.TupleStar:
		_, s := c.expr(e.Expr)
		c.fail(pgerr.At(int(c.posOf(s)), pgerr.FeatureNotSupported, "(expression).* is not supported"))
		return nil, empty()
	}
	c.fail(pgerr.At(int(c.tokenPos(c.first)), pgerr.FeatureNotSupported, "an expression of this kind (%T) is not supported", e))
	return nil, empty()
}

func (c *converter) column(e *tree.UnresolvedName) (ast.Expr, span) {
	n, s := c.nameOf(e)
	if e.Star {
		c.fail(pgerr.At(int(n.Pos), pgerr.FeatureNotSupported, "%s.* is not supported in this place", n.Last()))
	}
	return &ast.Column{At: ast.At{Pos: n.Pos}, Name: n}, s
}

// nameOf converts a dotted name without its star.
func (c *converter) nameOf(e *tree.UnresolvedName) (ast.Name, span) {
	s := empty()
	var n ast.Name
	for k := e.NumParts - 1; k >= 0; k-- {
		if e.Star && k == 0 {
			s.last += 2 // the point and the star
			break
		}
		text, i := c.identName(e.Parts[k])
		n.Parts = append(n.Parts, text)
		s = s.join(span{i, i})
	}
	n.Pos = c.posOf(s)
	if len(n.Parts) > 3 && !e.Star {
		c.fail(pgerr.At(int(n.Pos), pgerr.FeatureNotSupported, "a column name of more than three parts is not supported"))
	}
	return n, s
}

func (c *converter) unary(op string, x ast.Expr, s span) (ast.Expr, span) {
	return &ast.Unary{At: ast.At{Pos: c.posOf(s)}, Op: op, Operand: x}, s
}

// symbol converts a binary operator that stands in the text as op.
func (c *converter) symbol(left tree.Expr, op string, right tree.Expr) (ast.Expr, span) {
	l, ls := c.expr(left)
	r, rs := c.expr(right)
	return c.binary(l, ls, op, c.findOp(ls.last+1, op), r, rs)
}

// keyword converts a binary operator whose text begins with a word; NOT may come
// before it.
func (c *converter) keyword(left tree.Expr, op string, right tree.Expr) (ast.Expr, span) {
	l, ls := c.expr(left)
	r, rs := c.expr(right)
	return c.binary(l, ls, op, c.findWord(ls.last+1, firstWord(op)), r, rs)
}

func firstWord(op string) string {
	for i := range op {
		if op[i] == ' ' {
			return op[:i]
		}
	}
	return op
}

func (c *converter) binary(l ast.Expr, ls span, op string, at int, r ast.Expr, rs span) (ast.Expr, span) {
	s := ls.join(rs)
	if at >= 0 {
		s = s.join(span{at, at})
	}
	return &ast.Binary{At: ast.At{Pos: c.posOf(s)}, Op: op, OpPos: c.tokenPos(at), Left: l, Right: r}, s
}

func binaryText(op tree.BinaryOperator) string {
	switch op {
	case tree.Plus:
		return "+"
	case tree.Minus:
		return "-"
	case tree.Mult:
		return "*"
	case tree.Div:
		return "/"
	case tree.Mod:
		return "%"
	}
	return "^" // the desugarer writes no other
}

// otherOperators converts a || '17' || b || '19' || c: the marks are the
// operators, which group from the left.
func (c *converter) otherOperators(e *tree.BinaryExpr) (ast.Expr, span) {
	var items []tree.Expr
	var left tree.Expr = e
	for {
		b, ok := left.(*tree.BinaryExpr)
		if !ok || b.Operator != tree.Concat {
			break
		}
		items = append(items, b.Right)
		left = b.Left
	}
	items = append(items, left)
	last := len(items) - 1
	if i := constantIndex(items[last]); c.isOperatorMark(i) {
		x, s := c.expr(items[last-1])
		return c.unary(c.tokens[i].Text, x, s.join(span{i, i}))
	}
	x, s := c.expr(items[last])
	for k := last - 1; k > 0 && c.err == nil; k -= 2 {
		i := constantIndex(items[k])
		if i < 0 {
			c.fail(pgerr.Newf(pgerr.Internal, "the SQL grammar lost an operator"))
			break
		}
		if c.depth += (last - k) / 2; c.depth > maxDepth {
			c.enter()
		}
		c.depth -= (last - k) / 2
		x, s = c.otherOperator(x, s, i, items[k-1])
	}
	return x, s
}

// isOperatorMark reports whether token i is an operator: then '17' is its mark.
func (c *converter) isOperatorMark(i int) bool {
	return i >= 0 && i < len(c.tokens) && c.kind(i) == lexer.Op && c.atoms[i].expr == nil
}

func (c *converter) otherOperator(l ast.Expr, ls span, i int, right tree.Expr) (ast.Expr, span) {
	op := c.tokens[i].Text
	if op == "not" {
		op = "not " + c.tokens[i+1].Text
	}
	f, ok := right.(*tree.FuncExpr)
	if !ok {
		r, rs := c.expr(right)
		return c.binary(l, ls, op, i, r, rs)
	}
	if n, isName := f.Func.FunctionReference.(*tree.UnresolvedName); isName && n.NumParts == 1 {
		if _, k := identIndex(n.Parts[0]); k >= 0 && c.quantified(k) && !c.afterDot(k) {
			return c.quantifiedExpr(l, ls, op, k, f)
		}
	}
	r, rs := c.expr(right)
	return c.binary(l, ls, op, i, r, rs)
}

// quantifiedExpr converts the call that stands for ANY (..) at token k.
func (c *converter) quantifiedExpr(l ast.Expr, ls span, op string, k int, f *tree.FuncExpr) (ast.Expr, span) {
	s := ls.join(span{k, c.close(k + 1)})
	out := &ast.Quantified{At: ast.At{Pos: c.posOf(s)}, Op: op, All: c.tokens[k].Text == "all", Left: l}
	if len(f.Exprs) != 1 {
		c.fail(c.syntaxErrorAt(c.close(k + 1)))
		return nil, s
	}
	if sub, ok := f.Exprs[0].(*tree.Subquery); ok && !sub.Exists && c.queryAt(k+2) {
		out.Query, _ = c.queryOf(sub.Select)
		return out, s
	}
	out.Right, _ = c.expr(f.Exprs[0])
	return out, s
}

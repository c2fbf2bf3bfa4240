package parser

import (
	"strings"

	"github.com/auxten/postgresql-parser/pkg/sql/sem/tree"

	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

func (c *converter) call(e *tree.FuncExpr) (ast.Expr, span) {
	ref, ok := e.Func.FunctionReference.(*tree.UnresolvedName)
	if !ok {
		return c.operatorCallExpr(e)
	}
	if letter, i := identIndex(ref.Parts[0]); letter == 'n' && len(e.Exprs) == 1 {
		x, s := c.expr(e.Exprs[0])
		return &ast.NamedArg{At: ast.At{Pos: c.tokenPos(i)}, Name: c.tokens[i].Text, Value: x}, s.join(span{i, i})
	}
	name, s := c.nameOf(ref)
	out := &ast.FuncCall{At: ast.At{Pos: name.Pos}, Name: name}
	if c.is(s.last, "grouping", "sets") {
		c.fail(c.syntaxErrorAt(s.last + 1))
	}
	out.OrderBy, _ = c.orderBy(e.OrderBy)
	c.arguments(out, e.Exprs)
	s = s.join(span{s.first, c.callEnd(s.last)})
	out.Filter, _ = c.optional(e.Filter)
	if e.WindowDef != nil {
		out.Over = c.window(e.WindowDef, c.back(span{c.overToken(s), 0}, "over"))
	}
	return out, s
}

// arguments sets the arguments; marks among them set flags instead.
func (c *converter) arguments(out *ast.FuncCall, args tree.Exprs) {
	for _, a := range args {
		if _, ok := a.(tree.UnqualifiedStar); ok {
			out.Star = true
			continue
		}
		switch {
		case c.isMark(a, "distinct"):
			out.Distinct = true
		case c.isMark(a, "within"):
			out.WithinGroup, out.OrderBy = out.OrderBy, nil
		case c.isMark(a, "ignore"):
			out.IgnoreNulls = true
		default:
			x, _ := c.expr(a)
			out.Args = append(out.Args, x)
		}
	}
}

// callEnd returns the last token of the call whose name ends at token i, with
// WITHIN GROUP, FILTER and OVER.
func (c *converter) callEnd(i int) int {
	if !c.isOp(i+1, "(") {
		return i // current_date
	}
	i = c.close(i + 1)
	if c.is(i+1, "within", "group") && c.isOp(i+3, "(") {
		i = c.close(i + 3)
	}
	if c.is(i+1, "filter") && c.isOp(i+2, "(") {
		i = c.close(i + 2)
	}
	if c.is(i+1, "ignore", "nulls") || c.is(i+1, "respect", "nulls") {
		i += 2
	}
	if c.is(i+1, "over") {
		if c.isOp(i+2, "(") {
			return c.close(i + 2)
		}
		return i + 2
	}
	return i
}

// overToken returns the last token of a call that has OVER.
func (c *converter) overToken(s span) int {
	if c.isOp(s.last, ")") {
		return int(c.match[s.last])
	}
	return s.last
}

// operatorCallExpr converts what the grammar writes as calls: AT TIME ZONE and
// LIKE .. ESCAPE.
func (c *converter) operatorCallExpr(e *tree.FuncExpr) (ast.Expr, span) {
	name := e.Func.String()
	if name == "timezone" && len(e.Exprs) == 2 {
		l, ls := c.expr(e.Exprs[0])
		r, rs := c.expr(e.Exprs[1])
		return c.binary(l, ls, "at time zone", c.findWord(ls.last+1, "at"), r, rs)
	}
	op, ok := strings.CutSuffix(name, "_escape")
	if !ok || len(e.Exprs) != 3 {
		c.fail(pgerr.Newf(pgerr.Internal, "the SQL grammar made up a function %s", name))
		return nil, empty()
	}
	x, s := c.keyword(e.Exprs[0], strings.ReplaceAll(op, "_", " "), e.Exprs[1])
	escape, es := c.expr(e.Exprs[2])
	if b, ok := x.(*ast.Binary); ok {
		b.Escape = escape
	}
	return x, s.join(es)
}

// orderBy converts a list; a NULLS FIRST or LAST mark belongs to the item before.
func (c *converter) orderBy(list tree.OrderBy) ([]ast.OrderItem, span) {
	var out []ast.OrderItem
	s := empty()
	marked := true // an item before a mark is needed, and one mark is enough
	for _, o := range list {
		if i := constantIndex(o.Expr); c.isMark(o.Expr, "nulls") && !marked {
			marked = true
			out[len(out)-1].NullsFirst = c.is(i+1, "first")
			s = s.join(span{i, i + 1})
			continue
		}
		if o.OrderType != tree.OrderByColumn {
			c.fail(c.syntaxErrorAt(c.first))
			return out, s
		}
		marked = false
		x, xs := c.expr(o.Expr)
		desc := o.Direction == tree.Descending
		out = append(out, ast.OrderItem{Pos: c.posOf(xs), Expr: x, Desc: desc, NullsFirst: desc})
		s = s.join(xs)
	}
	return out, s
}

// window converts OVER name, OVER (..) and a named window's specification; i is
// the token before it.
func (c *converter) window(w *tree.WindowDef, i int) *ast.WindowSpec {
	out := &ast.WindowSpec{Pos: c.tokenPos(i + 1)}
	ref := w.RefName
	if ref == "" && !c.isOp(i+1, "(") {
		ref = w.Name
	}
	if ref != "" {
		out.Ref, _ = c.identName(string(ref))
	}
	out.PartitionBy, _ = c.exprs(w.Partitions)
	out.OrderBy, _ = c.orderBy(w.OrderBy)
	if w.Frame != nil {
		out.Frame = c.frame(w.Frame, i+1)
	}
	return out
}

func (c *converter) frame(f *tree.WindowFrame, open int) *ast.Frame {
	at := c.until(open+1, c.frameBegins)
	out := &ast.Frame{Pos: c.tokenPos(at), Mode: c.tokens[at].Text}
	out.Start = c.bound(f.Bounds.StartBound, at+1)
	if f.Bounds.EndBound != nil {
		and := c.findWord(at+1, "and")
		out.End = c.bound(f.Bounds.EndBound, and+1)
	} else {
		out.End = ast.FrameBound{Pos: -1, Kind: "current row"}
	}
	switch f.Exclusion {
	case tree.ExcludeCurrentRow:
		out.Exclude = "current row"
	case tree.ExcludeGroup:
		out.Exclude = "group"
	case tree.ExcludeTies:
		out.Exclude = "ties"
	}
	return out
}

func (c *converter) bound(b *tree.WindowFrameBound, i int) ast.FrameBound {
	if c.is(i, "between") {
		i++
	}
	out := ast.FrameBound{Pos: c.tokenPos(i)}
	switch b.BoundType {
	case tree.UnboundedPreceding:
		out.Kind = "unbounded preceding"
	case tree.OffsetPreceding:
		out.Kind = "preceding"
	case tree.CurrentRow:
		out.Kind = "current row"
	case tree.OffsetFollowing:
		out.Kind = "following"
	case tree.UnboundedFollowing:
		out.Kind = "unbounded following"
	}
	if b.OffsetExpr != nil {
		out.Offset, _ = c.expr(b.OffsetExpr)
	}
	return out
}

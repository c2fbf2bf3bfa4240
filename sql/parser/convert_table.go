package parser

import (
	"github.com/auxten/postgresql-parser/pkg/sql/sem/tree"

	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

func (c *converter) table(e tree.TableExpr) (ast.TableExpr, span) {
	if c.err != nil || !c.enter() {
		return nil, empty()
	}
	defer c.leave()
	switch e := e.(type) {
	case *tree.AliasedTableExpr:
		return c.aliased(e)
	case *tree.ParenTableExpr:
		return c.table(e.Expr)
	case *tree.JoinTableExpr:
		return c.join(e)
	case *tree.TableName:
		n, s := c.tableName(e)
		return &ast.TableName{Pos: n.Pos, Name: n}, s
	}
	c.fail(pgerr.Newf(pgerr.FeatureNotSupported, "a FROM item of this kind (%T) is not supported", e))
	return nil, empty()
}

func (c *converter) tableName(t *tree.TableName) (ast.Name, span) {
	var n ast.Name
	s := empty()
	for _, part := range []tree.Name{t.CatalogName, t.SchemaName, t.TableName} {
		if part == "" {
			continue
		}
		text, i := c.identName(string(part))
		n.Parts = append(n.Parts, text)
		s = s.join(span{i, i})
	}
	n.Pos = c.posOf(s)
	return n, s
}

func (c *converter) aliased(e *tree.AliasedTableExpr) (ast.TableExpr, span) {
	alias, at := "", -1
	if e.As.Alias != "" {
		alias, at = c.identName(string(e.As.Alias))
	}
	columns, cs := c.names(e.As.Cols)
	tail := cs
	if at >= 0 {
		tail = tail.join(span{at, at})
	}
	switch x := e.Expr.(type) {
	case *tree.TableName:
		n, s := c.tableName(x)
		out := &ast.TableName{Pos: n.Pos, Name: n, Alias: alias, Columns: columns}
		if e.Ordinality {
			c.fail(c.syntaxErrorAt(s.last + 1))
		}
		for _, i := range []int{s.last + 1, max(tail.last, s.last) + 1} {
			if v, ok := c.version[i]; ok {
				out.AsOf = v.expr
				s = s.join(span{i, v.last})
			}
		}
		return out, s.join(tail)
	case *tree.Subquery:
		q, s := c.queryOf(x.Select)
		return &ast.Subquery{Pos: c.posOf(s), Query: q, Alias: alias, Columns: columns, Lateral: e.Lateral}, s.join(tail)
	case *tree.RowsFromExpr:
		if len(x.Items) != 1 {
			c.fail(pgerr.At(int(c.posOf(tail)), pgerr.FeatureNotSupported, "ROWS FROM is not supported"))
			return nil, tail
		}
		call, s := c.expr(x.Items[0])
		f, ok := call.(*ast.FuncCall)
		if !ok && c.err == nil {
			c.fail(c.syntaxErrorAt(s.first))
		}
		return &ast.TableFunc{
			Pos: c.posOf(s), Call: f, Alias: alias, Columns: columns, Lateral: e.Lateral, WithOrdinality: e.Ordinality,
		}, s.join(tail)
	}
	c.fail(pgerr.At(int(c.posOf(tail)), pgerr.FeatureNotSupported, "an alias of a join in brackets is not supported"))
	return nil, tail
}

func (c *converter) join(e *tree.JoinTableExpr) (ast.TableExpr, span) {
	left, ls := c.table(e.Left)
	right, rs := c.table(e.Right)
	s := ls.join(rs)
	out := &ast.Join{Left: left, Right: right}
	switch e.JoinType {
	case tree.AstLeft:
		out.Kind = ast.LeftJoin
	case tree.AstRight:
		out.Kind = ast.RightJoin
	case tree.AstFull:
		out.Kind = ast.FullJoin
	case tree.AstCross:
		out.Kind = ast.CrossJoin
	}
	at := c.back(rs, "join")
	out.Pos = c.tokenPos(at)
	a := c.asof[at]
	if a != nil {
		out.Asof, out.Match, out.Nearest = true, a.match, a.nearest
	}
	switch cond := e.Cond.(type) {
	case tree.NaturalJoinCond:
		out.Natural = true
	case *tree.UsingJoinCond:
		names, ns := c.names(cond.Cols)
		out.Using, s = names, s.join(ns)
	case *tree.OnJoinCond:
		if a != nil && a.noOn {
			break
		}
		on, os := c.expr(cond.Expr)
		out.On, s = on, s.join(os)
	}
	return out, s
}

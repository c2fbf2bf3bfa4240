package parser

import (
	"github.com/auxten/postgresql-parser/pkg/sql/sem/tree"

	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// dml reads INSERT, UPDATE and DELETE, with a WITH list before them, and queries.
func (p *parser) dml() (ast.Statement, error) {
	s, c, err := p.body("", "")
	if err != nil {
		return nil, err
	}
	var out ast.Statement
	switch s := s.(type) {
	case *tree.Select:
		q, _ := c.query(s)
		out = &ast.SelectStatement{Query: q}
	case *tree.Insert:
		out = c.insert(s)
	case *tree.Update:
		out = c.update(s)
	case *tree.Delete:
		out = c.delete(s)
	default:
		return nil, p.syntaxErrorAt(c.first)
	}
	return out, c.err
}

func (c *converter) insert(e *tree.Insert) ast.Statement {
	out := &ast.Insert{Pos: c.tokenPos(c.first)}
	t, _ := c.table(e.Table)
	if n, ok := t.(*ast.TableName); ok {
		out.Table = n.Name
		if n.Alias != "" {
			c.fail(pgerr.At(int(n.Pos), pgerr.FeatureNotSupported, "an alias of the table of INSERT is not supported"))
		}
	}
	for _, col := range e.Columns {
		text, i := c.identName(string(col))
		out.Columns = append(out.Columns, ast.Name{Pos: c.tokenPos(i), Parts: []string{text}})
	}
	if e.Rows != nil && e.Rows.Select != nil {
		out.Query, _ = c.query(e.Rows)
		if e.With != nil && out.Query != nil {
			list, _ := c.withList(e.With)
			out.Query.With = append(list, out.Query.With...)
		}
	}
	if oc := e.OnConflict; oc != nil {
		columns, s := c.names(oc.Columns)
		out.OnConflict = &ast.OnConflict{Pos: c.posOf(c.extend(s, "on")), Columns: columns}
		out.OnConflict.Update = c.assignments(oc.Exprs)
		out.OnConflict.Where, _ = c.where(oc.Where)
	}
	out.Returning = c.returning(e.Returning)
	return out
}

func (c *converter) assignments(list tree.UpdateExprs) []ast.Assignment {
	var out []ast.Assignment
	for _, e := range list {
		columns, _ := c.names(e.Names)
		values := tree.Exprs{e.Expr}
		if e.Tuple {
			values = nil
			if t, ok := e.Expr.(*tree.Tuple); ok {
				values = t.Exprs
			}
			if len(values) != len(columns) {
				_, i := c.identName(string(e.Names[0]))
				c.fail(pgerr.At(int(c.tokenPos(i)), pgerr.FeatureNotSupported, "SET (columns) takes a list of as many values, a query is not supported"))
				return nil
			}
		}
		for k, column := range columns {
			_, i := c.identName(string(e.Names[k]))
			v, _ := c.expr(values[k])
			out = append(out, ast.Assignment{Pos: c.tokenPos(i), Column: column, Value: v})
		}
	}
	return out
}

func (c *converter) returning(r tree.ReturningClause) []ast.SelectItem {
	list, ok := r.(*tree.ReturningExprs)
	if !ok {
		return nil
	}
	items, spans := c.items(tree.SelectExprs(*list))
	for i := c.end - 1; i > c.first; i-- {
		if c.is(i, "returning") && !c.afterDot(i) {
			return c.placeStars(items, spans, i)
		}
	}
	return items
}

// target converts the table of UPDATE and DELETE.
func (c *converter) target(e tree.TableExpr) (ast.Name, string) {
	t, _ := c.table(e)
	n, ok := t.(*ast.TableName)
	if !ok {
		c.fail(c.syntaxErrorAt(c.first + 1))
		return ast.Name{}, ""
	}
	return n.Name, n.Alias
}

func (c *converter) onlyPlain(with *tree.With, order tree.OrderBy, limit *tree.Limit) {
	if with != nil || order != nil || limit != nil {
		c.fail(pgerr.At(int(c.tokenPos(c.first)), pgerr.FeatureNotSupported, "WITH, ORDER BY and LIMIT are not supported in UPDATE and DELETE"))
	}
}

// update converts UPDATE, and the DELETE .. USING that was written as one.
func (c *converter) update(e *tree.Update) ast.Statement {
	c.onlyPlain(e.With, e.OrderBy, e.Limit)
	name, alias := c.target(e.Table)
	var from []ast.TableExpr
	for _, t := range e.From {
		te, _ := c.table(t)
		from = append(from, te)
	}
	where, _ := c.where(e.Where)
	returning := c.returning(e.Returning)
	pos := c.tokenPos(c.first)
	if _, i := identIndex(string(e.Exprs[0].Names[0])); c.is(i, "using") {
		return &ast.Delete{Pos: pos, Table: name, Alias: alias, Using: from, Where: where, Returning: returning}
	}
	return &ast.Update{
		Pos: pos, Table: name, Alias: alias, Set: c.assignments(e.Exprs), From: from, Where: where, Returning: returning,
	}
}

func (c *converter) delete(e *tree.Delete) ast.Statement {
	c.onlyPlain(e.With, e.OrderBy, e.Limit)
	name, alias := c.target(e.Table)
	where, _ := c.where(e.Where)
	return &ast.Delete{Pos: c.tokenPos(c.first), Table: name, Alias: alias, Where: where, Returning: c.returning(e.Returning)}
}

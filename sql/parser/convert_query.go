package parser

import (
	"github.com/auxten/postgresql-parser/pkg/sql/sem/tree"

	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// query converts a SELECT with its WITH, ORDER BY and LIMIT.
func (c *converter) query(e *tree.Select) (*ast.Query, span) {
	if c.err != nil || e == nil || !c.enter() {
		return nil, empty()
	}
	defer c.leave()
	if inner, ok := e.Select.(*tree.ParenSelect); ok && e.With == nil && e.OrderBy == nil && e.Limit == nil {
		return c.query(inner.Select)
	}
	body, s := c.queryBody(e.Select)
	out := &ast.Query{Body: body}
	if e.With != nil {
		list, ws := c.withList(e.With)
		out.With = list
		s = c.extend(s.join(ws), "with")
	}
	orderBy, os := c.orderBy(e.OrderBy)
	out.OrderBy = orderBy
	s.last = max(s.last, os.last)
	if e.Limit != nil {
		var ls, fs span
		out.Limit, ls = c.optional(e.Limit.Count)
		out.Offset, fs = c.optional(e.Limit.Offset)
		s.last = max(s.last, ls.last, fs.last)
	}
	out.Pos = c.posOf(s)
	return out, s
}

// queryOf converts a query in brackets.
func (c *converter) queryOf(e tree.SelectStatement) (*ast.Query, span) {
	if p, ok := e.(*tree.ParenSelect); ok {
		return c.query(p.Select)
	}
	return c.query(&tree.Select{Select: e})
}

func (c *converter) queryBody(e tree.SelectStatement) (ast.QueryBody, span) {
	if c.err != nil || !c.enter() {
		return nil, empty()
	}
	defer c.leave()
	switch e := e.(type) {
	case *tree.SelectClause:
		return c.selectClause(e)
	case *tree.ValuesClause:
		out := &ast.Values{}
		s := empty()
		for _, row := range e.Rows {
			list, rs := c.exprs(row)
			out.Rows = append(out.Rows, list)
			s = s.join(rs)
		}
		s = c.extend(s, "values")
		out.Pos = c.posOf(s)
		return out, s
	case *tree.UnionClause:
		left, ls := c.setOperand(e.Left)
		right, rs := c.setOperand(e.Right)
		out := &ast.SetOp{All: e.All, Left: left, Right: right}
		switch e.Type {
		case tree.UnionOp:
			out.Op = "union"
		case tree.IntersectOp:
			out.Op = "intersect"
		default:
			out.Op = "except"
		}
		out.Pos = c.tokenPos(c.back(rs, out.Op))
		return out, ls.join(rs)
	case *tree.ParenSelect:
		return c.query(e.Select)
	}
	c.fail(pgerr.Newf(pgerr.FeatureNotSupported, "a query of this kind (%T) is not supported", e))
	return nil, empty()
}

func (c *converter) setOperand(e *tree.Select) (ast.QueryBody, span) {
	if e.With == nil && e.OrderBy == nil && e.Limit == nil {
		return c.queryBody(e.Select)
	}
	return c.query(e)
}

func (c *converter) withList(w *tree.With) ([]ast.CTE, span) {
	var out []ast.CTE
	s := empty()
	for _, cte := range w.CTEList {
		name, i := c.identName(string(cte.Name.Alias))
		columns, _ := c.names(cte.Name.Cols)
		sel, ok := cte.Stmt.(*tree.Select)
		if !ok {
			c.fail(pgerr.At(int(c.tokenPos(i)), pgerr.FeatureNotSupported, "INSERT, UPDATE and DELETE in WITH are not supported"))
			return nil, s
		}
		q, qs := c.query(sel)
		s = s.join(span{i, qs.last})
		out = append(out, ast.CTE{Pos: c.tokenPos(i), Name: name, Columns: columns, Query: q, Recursive: w.Recursive})
	}
	return out, s
}

func (c *converter) selectClause(e *tree.SelectClause) (ast.QueryBody, span) {
	out := &ast.Select{Distinct: e.Distinct && len(e.DistinctOn) == 0}
	on, s := c.exprs(tree.Exprs(e.DistinctOn))
	out.DistinctOn = on
	items, spans := c.items(tree.SelectExprs(e.Exprs))
	for _, is := range spans {
		s = s.join(is)
	}
	for _, t := range e.From.Tables {
		te, ts := c.table(t)
		out.From = append(out.From, te)
		s = s.join(ts)
	}
	var ws, hs span
	out.Where, ws = c.where(e.Where)
	out.GroupBy = c.groupBy(e.GroupBy, &ws)
	out.Having, hs = c.where(e.Having)
	s = s.join(ws).join(hs)
	for _, w := range e.Window {
		name, i := c.identName(string(w.Name))
		out.Windows = append(out.Windows, ast.NamedWindow{Pos: c.tokenPos(i), Name: name, Spec: c.window(w, i+1)})
		s = s.join(span{i, c.close(i + 2)})
	}
	if e.TableSelect {
		s = c.extend(s, "table")
	} else {
		s = c.extend(s, "select")
	}
	if s.first == nowhere {
		s.first = c.first // a lone *
	}
	out.Pos = c.posOf(s)
	out.Items = c.placeStars(items, spans, s.first)
	return out, s
}

// items converts a select list; the spans of stars are empty but for t.*.
func (c *converter) items(list tree.SelectExprs) ([]ast.SelectItem, []span) {
	var out []ast.SelectItem
	var spans []span
	for _, e := range list {
		if c.isMark(e.Expr, "select") {
			continue // the empty list
		}
		item, s := c.item(e)
		out = append(out, item)
		spans = append(spans, s)
	}
	return out, spans
}

func (c *converter) item(e tree.SelectExpr) (ast.SelectItem, span) {
	switch x := e.Expr.(type) {
	case tree.UnqualifiedStar:
		return ast.SelectItem{Pos: -1, Star: true}, empty()
	case *tree.UnresolvedName:
		if x.Star && x.NumParts == 1 {
			return ast.SelectItem{Pos: -1, Star: true}, empty()
		}
		if x.Star {
			n, s := c.nameOf(x)
			if e.As != "" {
				c.fail(c.syntaxErrorAt(s.last + 1))
			}
			return ast.SelectItem{Pos: n.Pos, Star: true, Qualifier: n.Parts}, s
		}
	}
	x, s := c.expr(e.Expr)
	item := ast.SelectItem{Pos: c.posOf(s), Expr: x}
	if e.As != "" {
		name, i := c.identName(string(e.As))
		item.Alias, s = name, s.join(span{i, i})
	}
	return item, s
}

// placeStars gives each * of the list its position: it is the next star after
// the item before it.
func (c *converter) placeStars(items []ast.SelectItem, spans []span, first int) []ast.SelectItem {
	at := first
	for k := range items {
		if items[k].Pos < 0 && items[k].Star {
			star := c.findOp(at+1, "*")
			if star < 0 || c.is(first, "table") {
				star = first // TABLE t
			}
			at, items[k].Pos = star, c.tokenPos(star)
			continue
		}
		at = max(at, spans[k].last)
	}
	return items
}

func (c *converter) where(w *tree.Where) (ast.Expr, span) {
	if w == nil {
		return nil, empty()
	}
	return c.expr(w.Expr)
}

// groupBy converts the list and widens s by it.
func (c *converter) groupBy(list tree.GroupBy, s *span) []ast.GroupItem {
	var out []ast.GroupItem
	for _, e := range list {
		item, is := c.groupItem(e)
		out = append(out, item)
		*s = s.join(is)
	}
	return out
}

func (c *converter) groupItem(e tree.Expr) (ast.GroupItem, span) {
	if f, ok := e.(*tree.FuncExpr); ok {
		if kind, i := c.groupKind(f); kind != ast.GroupExpr {
			sets := c.groupSets(kind, f.Exprs)
			end := i + 1
			if kind == ast.GroupSets {
				end++
			}
			return ast.GroupItem{Pos: c.tokenPos(i), Kind: kind, Sets: sets}, span{i, c.close(end)}
		}
	}
	if t, ok := e.(*tree.Tuple); ok && len(t.Exprs) == 0 {
		return ast.GroupItem{Pos: -1, Kind: ast.GroupSets, Sets: [][]ast.Expr{nil}}, empty()
	}
	x, s := c.expr(e)
	return ast.GroupItem{Pos: c.posOf(s), Expr: x}, s
}

func (c *converter) groupKind(f *tree.FuncExpr) (ast.GroupKind, int) {
	n, ok := f.Func.FunctionReference.(*tree.UnresolvedName)
	if !ok || n.NumParts != 1 {
		return ast.GroupExpr, -1
	}
	_, i := identIndex(n.Parts[0])
	switch {
	case c.is(i, "rollup"):
		return ast.GroupRollup, i
	case c.is(i, "cube"):
		return ast.GroupCube, i
	case c.is(i, "grouping", "sets"):
		return ast.GroupSets, i
	}
	return ast.GroupExpr, -1
}

// maxCube bounds the columns of a CUBE inside GROUPING SETS, which is written
// out: PostgreSQL's own limit is 12.
const maxCube = 12

// groupSets converts the elements. ROLLUP and CUBE inside GROUPING SETS are
// written out as the sets that they stand for.
func (c *converter) groupSets(kind ast.GroupKind, list tree.Exprs) [][]ast.Expr {
	out := [][]ast.Expr{}
	for _, e := range list {
		if f, ok := e.(*tree.FuncExpr); ok && kind == ast.GroupSets {
			if inner, i := c.groupKind(f); inner != ast.GroupExpr {
				out = append(out, c.writeOut(inner, i, c.groupSets(inner, f.Exprs))...)
				continue
			}
		}
		if p, ok := e.(*tree.ParenExpr); ok {
			e = p.Expr
		}
		if t, ok := e.(*tree.Tuple); ok && !t.Row {
			set, _ := c.exprs(t.Exprs)
			out = append(out, set)
			continue
		}
		x, _ := c.expr(e)
		out = append(out, []ast.Expr{x})
	}
	return out
}

func (c *converter) writeOut(kind ast.GroupKind, i int, sets [][]ast.Expr) [][]ast.Expr {
	var out [][]ast.Expr
	switch kind {
	case ast.GroupRollup:
		for n := len(sets); n >= 0; n-- {
			out = append(out, flatten(sets[:n]))
		}
	case ast.GroupCube:
		if len(sets) > maxCube {
			c.fail(pgerr.At(int(c.tokenPos(i)), pgerr.TooManyColumns, "CUBE is limited to %d elements", maxCube))
			return nil
		}
		for bits := 1<<len(sets) - 1; bits >= 0; bits-- {
			var set []ast.Expr
			for k := range sets {
				if bits>>(len(sets)-1-k)&1 != 0 {
					set = append(set, sets[k]...)
				}
			}
			out = append(out, set)
		}
	default:
		out = sets
	}
	return out
}

func flatten(sets [][]ast.Expr) []ast.Expr {
	var out []ast.Expr
	for _, s := range sets {
		out = append(out, s...)
	}
	return out
}

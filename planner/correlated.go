package planner

import (
	"strings"

	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// enclosing is the query around a subquery that is used as a value.
type enclosing struct {
	scope *scope
	// outer is what is around that query, nil for nothing.
	outer *enclosing
	// args are the columns that the subquery names, over scope or as outer's.
	args []plan.Expr
}

// find returns the column of a query around that the name means, nil for none.
func (e *enclosing) find(name ast.Name) (plan.Expr, error) {
	if e == nil {
		return nil, nil
	}
	var arg plan.Expr
	i, missing, err := e.scope.find(name)
	switch {
	case err != nil:
		return nil, err
	case !missing:
		arg = e.scope.column(i, name.Pos)
	default:
		if arg, err = e.outer.find(name); arg == nil || err != nil {
			return nil, err
		}
	}
	out := &plan.Outer{Index: len(e.args), Name: name.Last(), T: arg.Type()}
	for k, a := range e.args {
		if fingerprint(a) == fingerprint(arg) {
			out.Index = k
			return out, nil
		}
	}
	e.args = append(e.args, arg)
	return out, nil
}

// apart plans something that sees nothing of the queries around it.
func (q *Query) apart(f func() error) error {
	saved := q.around
	q.around = nil
	defer func() { q.around = saved }()
	return f()
}

// scalar is a planned subquery that stands as a value.
type scalar struct {
	node plan.Node
	args []plan.Expr // of a correlated one
	pos  ast.Pos
}

// scalarSubquery plans (query) as a value and returns a reference that attach
// gives its column.
func (r *resolver) scalarSubquery(e *ast.ScalarSubquery) (plan.Expr, error) {
	if r.scalars == nil || r.inAggregate {
		return nil, unsupported(e.Pos, "a subquery is not supported here")
	}
	node, args, err := r.q.queryAround(e.Query, r.scope)
	if err != nil {
		return nil, err
	}
	column, err := onlyColumn(scopeOf("", node.Schema()), e.Pos, "subquery must return only one column")
	if err != nil {
		return nil, err
	}
	if len(args) > 0 {
		node = newProject(node, []plan.Expr{column}, []string{column.Name}, false)
	} else if node, err = r.q.single(node, column, e.Pos); err != nil {
		return nil, err
	}
	r.scalars.subs = append(r.scalars.subs, scalar{node, args, e.Pos})
	return &groupRef{what: "scalar", index: len(r.scalars.subs) - 1, t: column.T, name: "(subquery)"}, nil
}

// arraySubquery is ARRAY(query): array_agg over it, and no rows give an empty
// array.
func (r *resolver) arraySubquery(e *ast.ArraySubquery) (plan.Expr, error) {
	const column = "element"
	elem := &ast.Column{At: e.At, Name: ast.Name{Pos: e.Pos, Parts: []string{column}}}
	call := &ast.FuncCall{At: e.At, Name: ast.Name{Pos: e.Pos, Parts: []string{"array_agg"}}, Args: []ast.Expr{elem}}
	collected, err := r.scalarSubquery(&ast.ScalarSubquery{At: e.At, Query: &ast.Query{Pos: e.Pos, Body: &ast.Select{
		Pos: e.Pos, Items: []ast.SelectItem{{Pos: e.Pos, Expr: call}},
		From: []ast.TableExpr{&ast.Subquery{Pos: e.Pos, Query: e.Query, Alias: "elements", Columns: []string{column}}},
	}}})
	if err != nil {
		return nil, err
	}
	t := collected.Type()
	if t.Kind != types.Array {
		return nil, unsupported(e.Pos, "ARRAY(SELECT ..) of %s is not supported", t)
	}
	return &plan.Coalesce{Args: []plan.Expr{collected, &plan.Const{Value: []any{}, T: t}}, T: t}, nil
}

// existsValue is EXISTS (query) as a value.
func (r *resolver) existsValue(e *ast.Exists) (plan.Expr, error) {
	count := &ast.FuncCall{At: e.At, Name: ast.Name{Pos: e.Pos, Parts: []string{"count"}}, Star: true}
	any := &ast.Binary{
		At: e.At, Op: ">", OpPos: e.Pos, Left: count,
		Right: &ast.Literal{At: e.At, Kind: ast.IntLiteral, Text: "0"},
	}
	return r.scalarSubquery(&ast.ScalarSubquery{At: e.At, Query: &ast.Query{Pos: e.Pos, Body: &ast.Select{
		Pos: e.Pos, Items: []ast.SelectItem{{Pos: e.Pos, Expr: any}},
		From: []ast.TableExpr{&ast.Subquery{Pos: e.Pos, Query: e.Query, Alias: "rows"}},
	}}})
}

// apply evaluates a correlated subquery for each row of a node.
func apply(node plan.Node, s scalar) plan.Node {
	out := *node.Schema()
	out.EventTime = applyTime(node, s.node)
	field := s.node.Schema().Fields[0]
	out.Fields = append(out.Fields[:len(out.Fields):len(out.Fields)], batch.Field{Name: field.Name, Type: field.Type})
	p := node.Props()
	p.StateNote, p.Unbounded = "", false
	return &plan.Apply{Base: plan.Base{Out: &out, Properties: p}, Input: node, Sub: s.node, Args: s.args}
}

// applyTime is the event time of a node joined with a subquery: as where the query runs
// continuously, there is none unless the other rows are a table's or made of the row.
func applyTime(node, sub plan.Node) int {
	if scans(sub) && (!isTable(sub) || isTable(node)) {
		return -1
	}
	return node.Schema().EventTime
}

// rewriteScalars moves the columns that subqueries name to a grouped input.
func (c *core) rewriteScalars() error {
	for _, s := range c.scalars.subs {
		for i, a := range s.args {
			var err error
			if s.args[i], err = c.group.rewrite(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookups are functions that look something up by an oid or a name, NULL where
// there is none, and where in pg_catalog.
var lookups = map[string]lookup{
	"pg_get_viewdef":       {"laminar_view_text", "oid", "value"},
	"pg_get_indexdef":      {indexText, "oid", "value"},
	"pg_get_constraintdef": {"laminar_constraint_text", "oid", "value"},
	"current_setting":      {"pg_settings", "name", "setting"},
	"to_regclass":          {"laminar_class_oid", "name", "value"},
	"to_regtype":           {"laminar_type_oid", "name", "value"},
	"laminar_class_text":   {"laminar_class_text", "oid", "value"},
}

// lookup is a relation with the column that is compared and that of the answer.
type lookup struct{ relation, key, value string }

// indexText also has the texts of an index's columns, by place.
const indexText = "laminar_index_text"

// lookup is a call of one of them. Arguments after the first ask for layout only,
// but for the place in an index.
func (r *resolver) lookup(e *ast.FuncCall, l lookup) (plan.Expr, error) {
	if len(e.Args) == 0 {
		return nil, pgerr.At(int(e.Pos), pgerr.UndefinedFunction, "function %s() does not exist", e.Name.Last())
	}
	name := func(parts ...string) ast.Name { return ast.Name{Pos: e.Pos, Parts: parts} }
	column := func(n string) ast.Expr { return &ast.Column{At: e.At, Name: name(l.relation, n)} }
	same := &ast.Binary{At: e.At, Op: "=", OpPos: e.Pos, Left: column(l.key), Right: e.Args[0]}
	if l.relation == indexText {
		var place ast.Expr = &ast.Literal{At: e.At, Kind: ast.IntLiteral, Text: "0"}
		if len(e.Args) > 1 {
			place = e.Args[1]
		}
		at := &ast.Binary{At: e.At, Op: "=", OpPos: e.Pos, Left: column("place"), Right: place}
		same = &ast.Binary{At: e.At, Op: "and", OpPos: e.Pos, Left: same, Right: at}
	}
	return r.scalarSubquery(&ast.ScalarSubquery{At: e.At, Query: &ast.Query{Pos: e.Pos, Body: &ast.Select{
		Pos: e.Pos, Items: []ast.SelectItem{{Pos: e.Pos, Expr: column(l.value)}}, Where: same,
		From: []ast.TableExpr{&ast.TableName{Pos: e.Pos, Name: name("pg_catalog", l.relation)}},
	}}})
}

// nameOf is oid::regclass::text and its kin, the name of what has the oid; nil for
// another cast.
func (r *resolver) nameOf(e *ast.Cast) (plan.Expr, error) {
	inner, ok := e.Operand.(*ast.Cast)
	if !ok || e.Type.Type.Kind != types.Text || inner.Type.Type.Kind != types.OID {
		return nil, nil
	}
	call := func(name string, args ...ast.Expr) ast.Expr {
		return &ast.FuncCall{At: e.At, Name: ast.Name{Pos: e.Pos, Parts: []string{name}}, Args: args}
	}
	var name ast.Expr
	switch inner.Type.Name {
	case "regclass":
		plain := ast.TypeName{Pos: e.Pos, Type: types.Of(types.OID), Name: "oid"}
		number := &ast.Cast{At: e.At, Operand: &ast.Cast{At: inner.At, Operand: inner, Type: plain}, Type: e.Type}
		name = call("coalesce", call("laminar_class_text", inner), number)
	case "regtype":
		name = call("format_type", inner, &ast.Literal{At: e.At, Kind: ast.NullLiteral})
	default:
		return nil, nil
	}
	return r.expr(name)
}

// namedOID is 'name'::regclass or ::regtype, nil for another cast. A name that is
// no constant may be of nothing: then it is NULL.
func (r *resolver) namedOID(arg plan.Expr, e *ast.Cast) (plan.Expr, error) {
	c, ok := arg.(*plan.Const)
	isName := e.Type.Name == "regclass" || e.Type.Name == "regtype"
	if _, isParam := arg.(*plan.Param); isParam && isName && arg.Type().Kind == types.Unknown {
		if _, err := r.q.coerce(arg, types.Of(types.Text), function.Explicit, e.Operand.Position()); err != nil {
			return nil, err
		}
		return &plan.Const{T: e.Type.Type}, nil // with its value it is a constant
	}
	if !ok && isName && arg.Type().Kind == types.Text {
		name := ast.Name{Pos: e.Pos, Parts: []string{"to_" + e.Type.Name}}
		return r.expr(&ast.FuncCall{At: e.At, Name: name, Args: []ast.Expr{e.Operand}})
	}
	if !ok {
		return nil, nil
	}
	text, ok := c.Value.(string)
	if !ok || text == "" || text == "-" || text[0] >= '0' && text[0] <= '9' {
		return nil, nil
	}
	switch e.Type.Name {
	case "regclass":
		name := ast.Name{Pos: e.Operand.Position(), Parts: strings.Split(strings.ReplaceAll(text, `"`, ""), ".")}
		rel, err := r.q.Relations.Relation(name)
		if err != nil {
			return nil, placed(err, name.Pos)
		}
		return &plan.Const{Value: int64(rel.OID), T: e.Type.Type}, nil
	case "regproc": // pg_catalog keeps functions by name
		return textConst(text[strings.LastIndexByte(text, '.')+1:]), nil
	case "regtype":
		t, ok := types.Lookup(text)
		if !ok {
			return nil, pgerr.At(int(e.Operand.Position()), pgerr.UndefinedObject, "type %q does not exist", text)
		}
		return &plan.Const{Value: int64(t.OID()), T: e.Type.Type}, nil
	}
	return nil, nil
}

package planner

import (
	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// cte is a WITH query; it is planned anew wherever it is named.
type cte struct {
	def *ast.CTE
	// visible are the CTEs that its own text can name.
	visible []map[string]*cte
}

// with brings a WITH list into view until pop is called.
func (q *Query) with(list []ast.CTE) (pop func(), err error) {
	before := q.ctes
	for i := range list {
		c := &list[i]
		if c.Recursive {
			return nil, unsupported(c.Pos, "WITH RECURSIVE is not supported")
		}
		frame := map[string]*cte{c.Name: {def: c, visible: q.ctes}}
		q.ctes = append(q.ctes[:len(q.ctes):len(q.ctes)], frame)
	}
	return func() { q.ctes = before }, nil
}

// from plans the FROM list; without one there is a single row of no columns. rest
// is the part of WHERE that is still to be done.
func (q *Query) from(list []ast.TableExpr, where ast.Expr) (node plan.Node, sc *scope, rest ast.Expr, err error) {
	switch len(list) {
	case 0:
		one := &plan.Values{Rows: [][]plan.Expr{{}}}
		one.Out = batch.NewSchema()
		one.Properties = plan.Properties{HasKey: true}
		return one, &scope{}, where, nil
	case 1:
		node, sc, err = q.tableExpr(list[0])
		return node, sc, where, err
	}
	return q.commaJoin(list, where)
}

func distinctAliases(left, right *scope, pos ast.Pos) error {
	names := map[string]bool{}
	for _, c := range left.columns {
		names[c.table] = true
	}
	for _, c := range right.columns {
		if c.table != "" && names[c.table] {
			return pgerr.At(int(pos), pgerr.DuplicateAlias, "table name %q specified more than once", c.table)
		}
	}
	return nil
}

func (q *Query) tableExpr(t ast.TableExpr) (plan.Node, *scope, error) {
	switch t := t.(type) {
	case *ast.TableName:
		return q.tableName(t)
	case *ast.Subquery:
		node, _, err := q.query(t.Query)
		if err != nil {
			return nil, nil, err
		}
		sc, err := aliased(node.Schema(), t.Alias, t.Columns, t.Pos)
		return node, sc, err
	case *ast.TableFunc:
		if schema, want, ok := q.systemFunction(t); ok {
			return q.systemFunc(t, schema, want)
		}
		return q.tableFunc(t, nil, &scope{})
	case *ast.Join:
		return q.join(t)
	}
	return nil, nil, pgerr.Newf(pgerr.Internal, "unknown FROM item %T", t)
}

// aliased is the scope of a relation under an alias, with its visible columns
// renamed in order.
func aliased(schema *batch.Schema, alias string, columns []string, pos ast.Pos) (*scope, error) {
	sc := scopeOf(alias, schema)
	visible := schema.Visible()
	if len(columns) > len(visible) {
		return nil, pgerr.At(int(pos), pgerr.InvalidColumnReference, "table %q has %d columns available but %d columns specified", alias, len(visible), len(columns))
	}
	for i, name := range columns {
		sc.columns[visible[i]].field.Name = name
	}
	return sc, nil
}

func (q *Query) tableName(t *ast.TableName) (plan.Node, *scope, error) {
	alias := t.Alias
	if alias == "" {
		alias = t.Name.Last()
	}
	if t.AsOf != nil {
		return nil, nil, unsupported(t.AsOf.Position(), "FOR SYSTEM_TIME AS OF is supported on the right of [LEFT] JOIN .. ON").
			WithHint("For example: FROM orders o LEFT JOIN rates FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency.")
	}
	if len(t.Name.Parts) == 1 {
		for i := len(q.ctes) - 1; i >= 0; i-- {
			if c, ok := q.ctes[i][t.Name.Last()]; ok {
				return q.cteScan(c, alias, t)
			}
		}
	}
	rel, err := q.Relations.Relation(t.Name)
	if err != nil {
		return nil, nil, placed(err, t.Name.Pos)
	}
	if rel.View != nil {
		var node plan.Node
		err := q.apart(func() (err error) {
			node, _, err = q.query(rel.View)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		sc, err := aliased(node.Schema(), alias, t.Columns, t.Pos)
		return node, sc, err
	}
	q.read(rel.ID)
	scan := &plan.Scan{Object: rel.ID, Name: rel.Name, Table: rel.Kind == "table"}
	scan.Out, scan.Properties = rel.Schema, rel.Props
	if q.Mode == Once {
		scan.Properties.Changelog = false // a snapshot only holds current rows
	}
	for i := range rel.Schema.Fields {
		scan.Columns = append(scan.Columns, i)
	}
	sc, err := aliased(rel.Schema, alias, t.Columns, t.Pos)
	return scan, sc, err
}

func (q *Query) cteScan(c *cte, alias string, t *ast.TableName) (plan.Node, *scope, error) {
	saved := q.ctes
	q.ctes = c.visible
	defer func() { q.ctes = saved }()
	node, _, err := q.query(c.def.Query)
	if err != nil {
		return nil, nil, err
	}
	columns := t.Columns
	if len(columns) == 0 {
		columns = c.def.Columns
	}
	sc, err := aliased(node.Schema(), alias, columns, t.Pos)
	return node, sc, err
}

// systemFunction looks a virtual relation with arguments up.
func (q *Query) systemFunction(t *ast.TableFunc) (schema *batch.Schema, args []types.Type, ok bool) {
	f, ok := q.Relations.(SystemFunctions)
	if !ok || len(t.Call.Name.Parts) < 2 {
		return nil, nil, false
	}
	return f.SystemFunction(t.Call.Name)
}

// systemFunc scans a virtual relation with arguments.
func (q *Query) systemFunc(t *ast.TableFunc, schema *batch.Schema, want []types.Type) (plan.Node, *scope, error) {
	name := t.Call.Name
	if t.WithOrdinality {
		return nil, nil, unsupported(t.Pos, "WITH ORDINALITY is not supported for %s", name.Last())
	}
	args, err := (&resolver{q: q, scope: &scope{}, clause: "functions in FROM"}).exprs(t.Call.Args)
	if err != nil {
		return nil, nil, err
	}
	if len(args) != len(want) {
		return nil, nil, pgerr.At(int(t.Call.Pos), pgerr.UndefinedFunction, "%s takes %d arguments", name.Last(), len(want))
	}
	scan := &plan.Scan{Name: name.Parts[len(name.Parts)-2] + "." + name.Last()}
	for i, a := range args {
		e, err := q.coerce(a, want[i], function.Implicit, t.Call.Args[i].Position())
		if err != nil {
			return nil, nil, err
		}
		c, ok := e.(*plan.Const)
		if !ok {
			return nil, nil, unsupported(t.Call.Args[i].Position(), "the arguments of %s must be constants", name.Last())
		}
		scan.Args = append(scan.Args, c.Value)
	}
	scan.Out = schema
	for i := range schema.Fields {
		scan.Columns = append(scan.Columns, i)
	}
	alias := t.Alias
	if alias == "" {
		alias = name.Last()
	}
	sc, err := aliased(schema, alias, t.Columns, t.Pos)
	return scan, sc, err
}

// values plans VALUES (..), (..).
func (q *Query) values(v *ast.Values) (plan.Node, error) {
	r := &resolver{q: q, scope: &scope{}, clause: "VALUES"}
	rows := make([][]plan.Expr, len(v.Rows))
	for i, row := range v.Rows {
		if len(row) != len(v.Rows[0]) {
			return nil, pgerr.At(int(v.Pos), pgerr.SyntaxError, "VALUES lists must all be the same length")
		}
		var err error
		if rows[i], err = r.exprs(row); err != nil {
			return nil, err
		}
	}
	node := &plan.Values{Rows: rows}
	node.Out = batch.NewSchema()
	for c := range v.Rows[0] {
		column, pos := make([]plan.Expr, len(rows)), make([]ast.Pos, len(rows))
		for i := range rows {
			column[i], pos[i] = rows[i][c], v.Rows[i][c].Position()
		}
		column, t, err := q.unify(column, pos, "VALUES")
		if err != nil {
			return nil, err
		}
		for i := range rows {
			rows[i][c] = column[i]
		}
		node.Out.Fields = append(node.Out.Fields, batch.Field{Name: columnN(c), Type: t})
	}
	return node, nil
}

func columnN(i int) string {
	return "column" + (&plan.Const{Value: int64(i + 1), T: types.Of(types.Int32)}).String()
}

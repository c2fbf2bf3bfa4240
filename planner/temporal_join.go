package planner

import (
	"slices"

	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
)

// temporalHint is the declaration that FOR SYSTEM_TIME AS OF needs.
const temporalHint = "Declare it by CREATE TABLE .. (.. PRIMARY KEY, ts .., WATERMARK FOR ts AS ts - INTERVAL ..)."

// joinAsOf plans JOIN t FOR SYSTEM_TIME AS OF e: each left row meets the row that
// the table had at the time e. PROCTIME() means the time when the left row arrives,
// which is a lookup.
func (q *Query) joinAsOf(j *ast.Join, t *ast.TableName) (plan.Node, *scope, error) {
	pos := t.AsOf.Position()
	switch {
	case j.Asof:
		return nil, nil, unsupported(pos, "ASOF JOIN cannot have FOR SYSTEM_TIME AS OF").WithHint("Write JOIN, or leave FOR SYSTEM_TIME out.")
	case j.Kind != ast.InnerJoin && j.Kind != ast.LeftJoin || j.On == nil && len(j.Using) == 0 && !j.Natural:
		return nil, nil, unsupported(pos, "FOR SYSTEM_TIME AS OF is supported in [INNER] JOIN and LEFT JOIN with a condition")
	}
	if call, ok := t.AsOf.(*ast.FuncCall); ok && call.Name.Last() == "proctime" && len(call.Args) == 0 {
		return q.proctimeJoin(j, t)
	}
	left, leftScope, err := q.tableExpr(j.Left)
	if err != nil {
		return nil, nil, err
	}
	right, rightScope, key, err := q.versions(t)
	if err != nil {
		return nil, nil, err
	}
	if err := distinctAliases(leftScope, rightScope, j.Pos); err != nil {
		return nil, nil, err
	}
	if q.Mode != Once && left.Props().Changelog {
		return nil, nil, unsupported(pos, "FOR SYSTEM_TIME AS OF needs left rows that do not change").
			WithHint("Join a stream whose rows only come.")
	}
	in := &joinInputs{left, right, leftScope, rightScope, leftScope.join(rightScope)}
	on, err := q.joinCondition(j, leftScope, rightScope, in.both)
	if err != nil {
		return nil, nil, err
	}
	node := &plan.AsofJoin{Left: left, Right: right, Inner: j.Kind == ast.InnerJoin, Temporal: true}
	rest, err := temporalKeys(node, on, key, t)
	if err != nil {
		return nil, nil, err
	}
	if err := q.temporalTime(node, in, t.AsOf); err != nil {
		return nil, nil, err
	}
	q.asofProps(node)
	if q.Mode != Once {
		node.Properties.StateNote = "left rows until the watermark of the versions has passed them; of the versions those that a left row can still meet"
	}
	return validVersions(node, rest), in.both, nil
}

// proctimeJoin is the join with the table as it is when the left row arrives.
func (q *Query) proctimeJoin(j *ast.Join, t *ast.TableName) (plan.Node, *scope, error) {
	plain, now := *j, *t
	now.AsOf = nil
	plain.Right = &now
	node, sc, err := q.join(&plain)
	if err != nil {
		return nil, nil, err
	}
	if rel, err := q.Relations.Relation(t.Name); err != nil || rel.Kind != "table" {
		return nil, nil, unsupported(t.AsOf.Position(), "FOR SYSTEM_TIME AS OF PROCTIME() needs a table")
	}
	if _, ok := node.(*plan.LookupJoin); !ok && q.Mode != Once {
		return nil, nil, unsupported(t.AsOf.Position(), "FOR SYSTEM_TIME AS OF PROCTIME() needs left rows that do not change").
			WithHint("Leave FOR SYSTEM_TIME AS OF out, and the result is kept current with both inputs.")
	}
	return node, sc, nil
}

// versions scans the versions of a table's rows; key holds its primary key. The
// scope lacks the scan's last column.
func (q *Query) versions(t *ast.TableName) (node plan.Node, sc *scope, key []int, err error) {
	rel, err := q.Relations.Relation(t.Name)
	if err != nil {
		return nil, nil, nil, placed(err, t.Name.Pos)
	}
	if rel.Versions == nil {
		return nil, nil, nil, unsupported(t.Name.Pos, "FOR SYSTEM_TIME AS OF needs a table with a primary key and event time, and %q is not one", rel.Name).
			WithHint(temporalHint)
	}
	q.read(rel.ID)
	alias := t.Alias
	if alias == "" {
		alias = t.Name.Last()
	}
	scan := &plan.Scan{Object: rel.Versions.ID, Name: rel.Name, Versions: true}
	scan.Out = rel.Versions.Schema
	for i := range scan.Out.Fields {
		scan.Columns = append(scan.Columns, i)
	}
	sc, err = aliased(rel.Schema, alias, t.Columns, t.Pos)
	return scan, sc, rel.Props.Key, err
}

// temporalKeys makes the equalities with the table's primary key the keys of the
// join and returns the other conditions, which a version must fulfil as well.
func temporalKeys(node *plan.AsofJoin, on plan.Expr, key []int, t *ast.TableName) (rest []plan.Expr, err error) {
	n := len(node.Left.Schema().Fields)
	var have []int
	for _, e := range conjuncts(on) {
		left, right, _ := splitEqui(e, n)
		if len(left) == 1 {
			c, ok := right[0].(*plan.Column)
			if ok && slices.Contains(key, c.Index) && !slices.Contains(have, c.Index) {
				node.LeftKeys, node.RightKeys = append(node.LeftKeys, left[0]), append(node.RightKeys, right[0])
				have = append(have, c.Index)
				continue
			}
		}
		rest = append(rest, e)
	}
	if len(have) < len(key) {
		names := ""
		for i, k := range key {
			if i > 0 {
				names += ", "
			}
			names += node.Right.Schema().Fields[k].Name
		}
		return nil, unsupported(t.AsOf.Position(), "FOR SYSTEM_TIME AS OF needs an equality for each column of the table's primary key").
			WithHint("The primary key of %q is (%s).", t.Name.Last(), names)
	}
	return rest, nil
}

// temporalTime reads the time at which the table is looked at.
func (q *Query) temporalTime(node *plan.AsofJoin, in *joinInputs, asOf ast.Expr) error {
	pos := asOf.Position()
	at, err := (&resolver{q: q, scope: in.leftScope, clause: "FOR SYSTEM_TIME AS OF"}).expr(asOf)
	if err != nil {
		return err
	}
	n := len(in.leftScope.columns)
	schema := node.Right.Schema()
	from := schema.Fields[schema.EventTime]
	valid := &plan.Column{Index: n + schema.EventTime, Name: from.Name, T: from.Type, Pos: -1}
	e, err := (&resolver{q: q, scope: in.both, clause: "FOR SYSTEM_TIME AS OF"}).
		operator(">=", pos, []plan.Expr{at, valid}, []ast.Pos{pos, -1})
	if err != nil {
		return err
	}
	test := timeTestOf(e, n)
	if test == nil || !test.plain {
		return unsupported(pos, "FOR SYSTEM_TIME AS OF must be a time of the left input, or PROCTIME()").
			WithHint("Times are bigint (epoch milliseconds), timestamp or timestamptz columns, plus or minus a constant.")
	}
	if err := q.matchTimes(pos, "FOR SYSTEM_TIME AS OF", node.Left, node.Right, test.left.Index, test.right.Index-n); err != nil {
		return err
	}
	node.Reach = test.reach
	node.LeftTime, node.RightTime = commonTime(test.left, shift(test.right, -n))
	return nil
}

// validVersions turns the version that was valid into what the join gives: nothing
// where the row was deleted or fails the other conditions.
func validVersions(node *plan.AsofJoin, rest []plan.Expr) plan.Node {
	fields := node.Out.Fields
	last := len(fields) - 1
	deleted := &plan.Column{Index: last, Name: fields[last].Name, T: fields[last].Type, Pos: -1}
	var valid plan.Expr = &plan.Not{Arg: deleted}
	if len(rest) > 0 {
		valid = logic(false, append([]plan.Expr{valid}, rest...)...)
	}
	exprs, _ := outputColumns(node.Out, last)
	var input plan.Node = node
	if node.Inner {
		input = newFilter(node, valid)
	} else {
		for i := len(node.Left.Schema().Fields); i < last; i++ {
			t := fields[i].Type
			exprs[i] = &plan.Case{Whens: []plan.When{{Cond: valid, Result: exprs[i]}}, Else: &plan.Const{T: t}, T: t}
		}
	}
	p := node.Properties
	p.StateNote = ""
	return &plan.Project{
		Base:  plan.Base{Out: &batch.Schema{Fields: fields[:last], EventTime: node.Out.EventTime}, Properties: p},
		Input: input, Exprs: exprs,
	}
}

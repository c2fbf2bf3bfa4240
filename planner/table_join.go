package planner

import (
	"slices"

	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
)

// changelogJoin plans a join that keeps both inputs.
func (q *Query) changelogJoin(_ *ast.Join, in *joinInputs, c *equiJoin) (plan.Node, error) {
	return q.newJoin(c.kind, in.left, in.right, c.leftKeys, c.rightKeys, c.residual), nil
}

// newJoin makes a join by equality. Continuously it keeps the current rows of both
// inputs; the user is told.
func (q *Query) newJoin(kind plan.JoinKind, left, right plan.Node, leftKeys, rightKeys []plan.Expr, residual plan.Expr) plan.Node {
	exists := kind == plan.JoinSemi || kind == plan.JoinAnti
	if exists && q.Mode != Once && isTable(right) && !isTable(left) && !left.Props().Changelog {
		return newLookup(left, right, kind, leftKeys, rightKeys, residual)
	}
	n := newJoin(kind, left, right, leftKeys, rightKeys, residual)
	j, ok := n.(*plan.Join)
	if !ok {
		return n
	}
	if exists {
		// Later rows of the right input change what earlier ones gave, so there is no
		// event time in the output.
		j.Out = &batch.Schema{Fields: left.Schema().Fields, EventTime: -1}
	}
	p := &j.Properties
	p.Key, p.HasKey = joinKey(j)
	if q.Mode == Once {
		lookupTime(j)
		return j
	}
	p.Changelog = left.Props().Changelog || right.Props().Changelog || kind != plan.JoinInner && kind != plan.JoinSemi
	p.StateNote = "all rows of both inputs by " + joinKeyNote(j)
	if isTable(left) && isTable(right) {
		return j // no more than the tables themselves
	}
	p.Unbounded = true
	q.notice("the join keeps all rows of both its inputs, so its state grows with them; a condition that bounds the time between them (r.ts BETWEEN l.ts - INTERVAL .. AND l.ts) or a table on the right would not")
	return j
}

func joinKeyNote(j *plan.Join) string {
	if len(j.LeftKeys) == 0 {
		return "no key: each row meets all rows of the other input"
	}
	return plan.ExprList(j.LeftKeys)
}

// joinKey finds the columns that identify a row of a join's output.
func joinKey(j *plan.Join) (key []int, ok bool) {
	l, r := j.Left.Props(), j.Right.Props()
	if j.Kind == plan.JoinSemi || j.Kind == plan.JoinAnti {
		return l.Key, l.HasKey
	}
	width := len(j.Left.Schema().Fields)
	rightKey := make([]int, len(r.Key))
	for i, k := range r.Key {
		rightKey[i] = width + k
	}
	switch {
	case !l.HasKey || !r.HasKey || j.Kind == plan.JoinFull:
		return nil, false // a full join's rows of NULLs could agree with rows that hold NULL
	case j.Kind != plan.JoinRight && within(r.Key, j.RightKeys):
		return l.Key, true // a left row has one match at most
	case j.Kind != plan.JoinLeft && within(l.Key, j.LeftKeys):
		return rightKey, true
	}
	return append(slices.Clone(l.Key), rightKey...), true
}

// within reports whether the columns are all among the expressions.
func within(columns []int, exprs []plan.Expr) bool {
	for _, c := range columns {
		has := slices.ContainsFunc(exprs, func(e plan.Expr) bool {
			col, ok := e.(*plan.Column)
			return ok && col.Index == c
		})
		if !has {
			return false
		}
	}
	return true
}

// lookupJoin plans the join of an append-only input with a table: each row is
// joined with the table as it is when the row arrives, and what happens to the
// table later does not change the result. It returns nil for any other join.
func (q *Query) lookupJoin(_ *ast.Join, in *joinInputs, c *equiJoin) (plan.Node, error) {
	leftTable, rightTable := isTable(in.left), isTable(in.right)
	switch {
	case rightTable && !leftTable && !in.left.Props().Changelog && (c.kind == plan.JoinInner || c.kind == plan.JoinLeft):
		return newLookup(in.left, in.right, c.kind, c.leftKeys, c.rightKeys, c.residual), nil
	case leftTable && !rightTable && !in.right.Props().Changelog && (c.kind == plan.JoinInner || c.kind == plan.JoinRight):
		return swappedLookup(in, c), nil
	}
	return nil, nil
}

// lookupTime gives a SELECT's join of a stream with a table the event time that
// the lookup join has, so that both carry the same columns on.
func lookupTime(j *plan.Join) {
	leftTable, rightTable := isTable(j.Left), isTable(j.Right)
	stream, start := j.Left.Schema(), 0
	switch {
	case rightTable && !leftTable && j.Kind != plan.JoinRight && j.Kind != plan.JoinFull:
	case leftTable && !rightTable && (j.Kind == plan.JoinInner || j.Kind == plan.JoinRight):
		stream, start = j.Right.Schema(), len(j.Left.Schema().Fields)
	default:
		return
	}
	if stream.EventTime >= 0 {
		j.Out.EventTime = start + stream.EventTime
	}
}

// isTable reports whether a node gives rows of one table, with nothing but
// conditions and computed columns on top.
func isTable(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Scan:
		return n.Table
	case *plan.Filter:
		return isTable(n.Input)
	case *plan.Project:
		return isTable(n.Input)
	}
	return false
}

func newLookup(stream, table plan.Node, kind plan.JoinKind, streamKeys, tableKeys []plan.Expr, residual plan.Expr) plan.Node {
	n := &plan.LookupJoin{Stream: stream, Table: table, Kind: kind, StreamKeys: streamKeys, TableKeys: tableKeys, Residual: residual}
	n.Out = &batch.Schema{EventTime: stream.Schema().EventTime}
	n.Out.Fields = append(n.Out.Fields, stream.Schema().Fields...)
	exists := kind == plan.JoinSemi || kind == plan.JoinAnti
	if !exists {
		for _, f := range table.Schema().Fields {
			f.NotNull = f.NotNull && kind == plan.JoinInner
			n.Out.Fields = append(n.Out.Fields, f)
		}
	}
	if p := stream.Props(); p.HasKey && (exists || table.Props().HasKey && within(table.Props().Key, tableKeys)) {
		n.Properties.Key, n.Properties.HasKey = p.Key, true
	}
	n.Properties.StateNote = "the table's rows by " + lookupKeyNote(tableKeys)
	return n
}

func lookupKeyNote(keys []plan.Expr) string {
	if len(keys) == 0 {
		return "no key: each row meets the whole table"
	}
	return plan.ExprList(keys)
}

// swappedLookup is table JOIN stream: the same lookup, with the columns in the
// order of the statement.
func swappedLookup(in *joinInputs, c *equiJoin) plan.Node {
	tableWidth, streamWidth := len(in.left.Schema().Fields), len(in.right.Schema().Fields)
	residual := c.residual
	if residual != nil {
		residual = plan.Rewrite(residual, func(e plan.Expr) plan.Expr {
			col, ok := e.(*plan.Column)
			if !ok {
				return e
			}
			moved := *col
			if moved.Index < tableWidth {
				moved.Index += streamWidth
			} else {
				moved.Index -= tableWidth
			}
			return &moved
		})
	}
	kind := plan.JoinInner
	if c.kind == plan.JoinRight {
		kind = plan.JoinLeft
	}
	n := newLookup(in.right, in.left, kind, c.rightKeys, c.leftKeys, residual)
	fields := n.Schema().Fields
	order := make([]plan.Expr, 0, len(fields))
	out := &batch.Schema{EventTime: -1}
	for i := range fields {
		from := i + streamWidth
		if i >= tableWidth {
			from = i - tableWidth
		}
		f := fields[from]
		order = append(order, &plan.Column{Index: from, Name: f.Name, T: f.Type, Pos: -1})
		out.Fields = append(out.Fields, f)
	}
	if at := n.Schema().EventTime; at >= 0 {
		out.EventTime = at + tableWidth
	}
	p := n.Props()
	p.StateNote = ""
	p.Key, p.HasKey = mapKey(p, order)
	return &plan.Project{Base: plan.Base{Out: out, Properties: p}, Input: n, Exprs: order}
}

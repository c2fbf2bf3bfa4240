package planner

import (
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// Watermark reads WATERMARK FOR column AS column [- interval]: the event-time
// column's index and how far the watermark stays behind, in milliseconds.
func Watermark(w *ast.Watermark, schema *batch.Schema) (column int, delayMillis int64, err error) {
	if column = schema.Index(w.Column); column < 0 {
		return 0, 0, scopeOf("", schema).undefined(ast.Name{Pos: w.Pos, Parts: []string{w.Column}})
	}
	if t := schema.Fields[column].Type; !t.IsTime() {
		return 0, 0, pgerr.At(int(w.Pos), pgerr.DatatypeMismatch, "the event time %q must be bigint (epoch milliseconds), timestamp or timestamptz, not %s", w.Column, t)
	}
	isColumn := func(e ast.Expr) bool {
		c, ok := e.(*ast.Column)
		return ok && c.Name.Last() == w.Column
	}
	if isColumn(w.Expr) {
		return column, 0, nil
	}
	e, ok := w.Expr.(*ast.Binary)
	if !ok || e.Op != "-" || !isColumn(e.Left) {
		return 0, 0, unsupported(w.Expr.Position(), "a watermark must be the column, or the column minus a constant interval").
			WithHint("For example: WATERMARK FOR %s AS %s - INTERVAL '5' SECOND.", w.Column, w.Column)
	}
	r := &resolver{q: &Query{}, scope: &scope{}, clause: "WATERMARK"}
	delay, err := r.expr(e.Right)
	if err != nil {
		return 0, 0, err
	}
	if c, ok := delay.(*plan.Const); ok && c.T.Kind == types.Unknown {
		if delay, err = r.q.coerce(delay, types.Of(types.Interval), 0, e.Right.Position()); err != nil {
			return 0, 0, err
		}
	}
	delayMillis, err = durationMillis(delay, e.Right.Position())
	return column, delayMillis, err
}

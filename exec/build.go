package exec

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// builder turns a plan into operators, from the output back to the scans.
type builder struct {
	faults faults
	stats  *OperatorStats
	now    func() time.Time
	// late takes the late rows that are to be seen, nil where they are only counted.
	late *lateRows
	// continuous says that the input has no end; it is false for a SELECT.
	continuous bool
	ports      []*port
	starters   []starter
	tickers    []ticker
	// states are the operators to be saved, from the output back to the scans.
	states []operatorState
	// outer has the values of the row that a subquery is evaluated for.
	outer []arrow.Array
	// subqueries holds the rows that the scans of all correlated subqueries read.
	subqueries map[*plan.Scan][]*batch.Batch
}

func (b *builder) exprEnv() expr.Env {
	return expr.Env{Now: b.now, Random: rand.Uint64, Outer: b.outer}
}

func (b *builder) compile(list []plan.Expr) (*expr.Program, error) {
	return expr.Compile(list, b.exprEnv())
}

// build makes the operators of a plan; out takes their output.
func (b *builder) build(n plan.Node, out Receiver) error {
	if b.continuous && onlyBounded(n) {
		return pgerr.Newf(pgerr.Internal, "%s cannot run continuously", n.Label())
	}
	switch n := n.(type) {
	case *plan.Scan:
		b.ports = append(b.ports, &port{scan: n, in: scanReceiver(n, out), watermark: NoWatermark})
		return nil
	case *plan.Filter:
		p, err := expr.CompilePredicate(n.Predicate, b.exprEnv())
		if err != nil {
			return err
		}
		return b.build(n.Input, &filter{Receiver: out, predicate: p, faults: b.faults})
	case *plan.Project:
		p, err := b.compile(n.Exprs)
		if err != nil {
			return err
		}
		return b.build(n.Input, &project{Receiver: out, program: p, faults: b.faults})
	case *plan.Aggregate:
		return b.aggregate(n, out)
	case *plan.Retain:
		r := newRetain(n, b, out)
		b.keep("retain", r)
		return b.build(n.Input, r)
	case *plan.Over:
		return b.over(n, out)
	case *plan.TopN:
		return b.topN(n, out)
	case *plan.Sort:
		return b.sort(n, out)
	case *plan.Limit:
		return b.build(n.Input, &limiter{Receiver: out, skip: n.Offset, left: n.Count})
	case *plan.Join:
		if b.continuous {
			return b.changelogJoin(n, out)
		}
		return b.join(n, out)
	case *plan.AsofJoin:
		return b.asofJoin(n, out)
	case *plan.IntervalJoin:
		return b.intervalJoin(n, out)
	case *plan.LookupJoin:
		return b.lookupJoin(n, out)
	case *plan.Union:
		return b.union(n, out)
	case *plan.SingleRow:
		return b.build(n.Input, &singleRow{Receiver: out, types: schemaTypes(n.Out)})
	case *plan.Apply:
		return b.apply(n, out)
	case *plan.TableFunc:
		return b.tableFunc(n, out)
	case *plan.Values:
		rows, err := b.values(n)
		if err != nil {
			return err
		}
		b.constant(rows, out)
		return nil
	}
	return pgerr.Newf(pgerr.FeatureNotSupported, "%s is not supported yet", n.Label())
}

// onlyBounded reports whether a node needs the end of its input. Such operators
// have no saved state, and the planner makes them for a SELECT only.
func onlyBounded(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Sort, *plan.Limit, *plan.SingleRow:
		return true
	case *plan.Apply:
		return scans(n.Sub) // what is made of the row alone is kept by nobody
	case *plan.Aggregate:
		return n.Window == nil && n.Emit.Mode == plan.EmitFinal
	case *plan.Over:
		return n.Mode == plan.OverOnce
	}
	return false
}

// scans reports whether a plan reads an object.
func scans(n plan.Node) bool {
	_, ok := n.(*plan.Scan)
	return ok || slices.ContainsFunc(n.Inputs(), scans)
}

func (b *builder) aggregate(n *plan.Aggregate, out Receiver) error {
	if n.Emit.Mode == plan.EmitEvery {
		e := newEvery(n, b.now, out)
		b.tickers = append(b.tickers, e)
		b.keep("every", e)
		out = e
	}
	if n.Window == nil {
		g, err := newGroup(n, b, out)
		if err != nil {
			return err
		}
		b.starters = append(b.starters, g)
		b.keep("groups", g)
		return b.build(n.Input, g)
	}
	w, err := b.window(n, out)
	if err != nil {
		return err
	}
	return b.build(n.Input, w)
}

func (b *builder) window(n *plan.Aggregate, out Receiver) (w Receiver, err error) {
	switch {
	case n.Window.Kind == plan.Session && n.Input.Props().Changelog:
		s, err := newSessionChanges(n, b, out)
		if err == nil {
			b.keep("session changes", s)
		}
		return s, err
	case n.Window.Kind == plan.Session:
		var s *sessions
		if s, err = newSessions(n, b, out); err == nil {
			b.keep("sessions", s)
		}
		return s, err
	case n.Emit.Mode == plan.EmitFinal:
		var f *finalWindows
		if f, err = newFinalWindows(n, b, out); err == nil {
			b.keep("windows", f)
		}
		return f, err
	}
	l, err := newLiveWindows(n, b, out)
	if err == nil {
		b.keep("live windows", l)
	}
	return l, err
}

func (b *builder) sort(n *plan.Sort, out Receiver) error {
	keys := make([]plan.Expr, len(n.Keys))
	for i, k := range n.Keys {
		keys[i] = k.Expr
	}
	p, err := b.compile(keys)
	if err != nil {
		return err
	}
	return b.build(n.Input, &sorter{Receiver: out, program: p, keys: n.Keys, faults: b.faults, ties: n.Ties, schema: n.Input.Schema()})
}

func (b *builder) join(n *plan.Join, out Receiver) error {
	j := &hashJoin{out: out, kind: n.Kind, faults: b.faults}
	var err error
	if j.leftKeys, err = b.compile(n.LeftKeys); err != nil {
		return err
	}
	if j.rightKeys, err = b.compile(n.RightKeys); err != nil {
		return err
	}
	if n.Residual != nil {
		if j.residual, err = expr.CompilePredicate(n.Residual, b.exprEnv()); err != nil {
			return err
		}
	}
	for _, k := range n.LeftKeys {
		j.keyTypes = append(j.keyTypes, k.Type())
	}
	j.leftTypes, j.rightTypes = schemaTypes(n.Left.Schema()), schemaTypes(n.Right.Schema())
	// The right side first: it is indexed before the left rows come.
	if err := b.build(n.Right, joinSide{j, true}); err != nil {
		return err
	}
	return b.build(n.Left, joinSide{j, false})
}

func schemaTypes(s *batch.Schema) []types.Type {
	ts := make([]types.Type, len(s.Fields))
	for i, f := range s.Fields {
		ts[i] = f.Type
	}
	return ts
}

func (b *builder) union(n *plan.Union, out Receiver) error {
	u := &union{out: out, inputMarks: newInputMarks(len(n.All))}
	b.keep("union", u)
	for i, in := range n.All {
		if err := b.build(in, unionSide{u, i}); err != nil {
			return err
		}
	}
	return nil
}

// values evaluates constant rows.
func (b *builder) values(n *plan.Values) (*batch.Batch, error) {
	width := len(n.Out.Fields)
	if width == 0 {
		return batch.New(nil, len(n.Rows)), nil
	}
	var rows []*batch.Batch
	one := batch.New(nil, 1)
	for _, exprs := range n.Rows {
		p, err := b.compile(exprs)
		if err != nil {
			return nil, err
		}
		cols, err := p.Eval(one, nil)
		if err != nil {
			return nil, err
		}
		rows = append(rows, batch.New(cols, 1))
	}
	return expr.Concat(rows)
}

// constantRows emits rows that are known from the start.
type constantRows struct {
	rows *batch.Batch
	out  Receiver
	sent bool
}

func (b *builder) constant(rows *batch.Batch, out Receiver) {
	c := &constantRows{rows: rows, out: out}
	b.starters = append(b.starters, c)
	b.keep("rows", c)
}

// Start implements starter.
func (c *constantRows) Start(ctx context.Context) error {
	if c.sent {
		return nil
	}
	c.sent = true
	if c.rows.Rows > 0 {
		if err := c.out.Batch(ctx, c.rows); err != nil {
			return err
		}
	}
	return c.out.End(ctx)
}

// Snapshot writes whether the rows have left.
func (c *constantRows) Snapshot(w *rowcodec.StateWriter) { w.Byte(bit(c.sent)) }

// Restore reads what Snapshot wrote.
func (c *constantRows) Restore(r *rowcodec.StateReader) error {
	c.sent = r.Byte() != 0
	return r.Err()
}

// scanReceiver picks the scan's columns of the object's.
func scanReceiver(n *plan.Scan, out Receiver) Receiver {
	// n.Columns is usually all of them in order.
	for i, c := range n.Columns {
		if i != c {
			return columnPicker{out, n.Columns}
		}
	}
	return out
}

type columnPicker struct {
	Receiver
	columns []int
}

// Batch implements Receiver.
func (p columnPicker) Batch(ctx context.Context, b *batch.Batch) error {
	return p.Receiver.Batch(ctx, b.Pick(p.columns))
}

// union passes the rows of several inputs.
type union struct {
	out Receiver
	*inputMarks
}

type unionSide struct {
	u    *union
	side int
}

// Batch implements Receiver.
func (s unionSide) Batch(ctx context.Context, b *batch.Batch) error { return s.u.out.Batch(ctx, b) }

// Watermark implements Receiver.
func (s unionSide) Watermark(ctx context.Context, millis int64) error {
	if !s.u.watermark(s.side, millis) {
		return nil
	}
	return s.u.out.Watermark(ctx, s.u.current)
}

// Idle implements Receiver.
func (s unionSide) Idle(ctx context.Context, idle bool) error {
	if s.u.setIdle(s.side, idle) {
		if err := s.u.out.Watermark(ctx, s.u.current); err != nil {
			return err
		}
	}
	return s.u.passIdle(ctx, s.u.out)
}

// End implements Receiver.
func (s unionSide) End(ctx context.Context) error {
	if s.u.end(s.side) {
		return s.u.out.End(ctx)
	}
	return s.Watermark(ctx, endOfTime)
}

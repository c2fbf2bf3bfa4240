package exectest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"laminardb/exec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// Output is what a continuous query gave.
type Output struct {
	*Result
	// Late counts the late rows of all queries on the way, DeadLetters those taken
	// out because they could not be processed.
	Late, DeadLetters int64
}

// Continuous runs a query with all that it reads from the first row to the last
// of a variant. each is told of every watermark before the end, with what has left
// so far; nil for nothing.
func (w *World) Continuous(ctx context.Context, name string, v Variant, each func(so *Result, watermark int64) error) (*Output, error) {
	e := exec.NewEngine(w.env)
	defer e.Close() //nolint:errcheck // deliveries close without error
	used := w.upstream(name)
	breaks := &breaks{}
	var between func()
	if v.Between != nil {
		ids := make([]uint64, len(used))
		for i, q := range used {
			ids[i] = q.id
		}
		between = func() { breaks.note(v.Between(ctx, e, ids)) }
	}
	if err := w.start(ctx, e, name, v, between); err != nil {
		return nil, err
	}
	scan := scanOf(w.queries[name])
	sub, err := e.Subscribe(ctx, scan, true)
	if err != nil {
		return nil, err
	}
	defer sub.Close()
	if err := e.Start(ctx); err != nil {
		return nil, err
	}
	res, err := follow(ctx, sub, scan, each)
	if err := errors.Join(breaks.first(), err); err != nil {
		return nil, err
	}
	out := &Output{Result: res}
	for _, q := range w.upstream(name) {
		st, _ := e.FlowState(q.id)
		out.Late += st.Late
		out.DeadLetters += st.DeadLetters
	}
	return out, w.stored(ctx, e, scan, res)
}

// breaks holds the first error between two batches; deliveries of several sources
// note it.
type breaks struct {
	mu  sync.Mutex
	err error
}

func (b *breaks) note(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
}

func (b *breaks) first() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// start adds all that a query reads, and the query, to an engine that stands still.
func (w *World) start(ctx context.Context, e *exec.Engine, name string, v Variant, between func()) error {
	for _, s := range w.sources {
		if s.Table {
			spec := exec.TableSpec{ID: s.ID, Name: s.Name, Schema: s.Schema, Key: s.Key, Connector: newDelivery(s, v, between)}
			if s.EventTime.Column >= 0 {
				spec.Versions = &exec.Versions{EventTime: s.EventTime}
			}
			if _, err := e.AddTable(ctx, spec); err != nil {
				return err
			}
			continue
		}
		spec := exec.SourceSpec{ID: s.ID, Name: s.Name, Schema: s.Schema, EventTime: s.EventTime, Connector: newDelivery(s, v, between)}
		if err := e.AddSource(ctx, spec); err != nil {
			return err
		}
	}
	for _, q := range w.upstream(name) {
		n := q.name
		keep := q.stmt.Kind == "materialized view" || q.plan.Root.Props().Changelog
		err := e.AddFlow(ctx, exec.FlowSpec{ID: q.id, Name: n, Root: q.plan.Root, Keep: keep, HistoryRows: batch.MaxRows})
		if err != nil {
			return fmt.Errorf("starting %q: %w", n, err)
		}
	}
	return nil
}

// upstream returns a query and all queries that it reads, what is read first.
func (w *World) upstream(name string) []*query {
	var out []*query
	for _, id := range w.queries[name].plan.Reads {
		for _, n := range w.order {
			if w.queries[n].id == id {
				out = append(out, w.upstream(n)...)
			}
		}
	}
	out = append(out, w.queries[name])
	seen := map[uint64]bool{}
	return slices.DeleteFunc(out, func(q *query) bool {
		again := seen[q.id]
		seen[q.id] = true
		return again
	})
}

func scanOf(q *query) *plan.Scan {
	scan := &plan.Scan{Object: q.id, Name: q.name}
	scan.Out, scan.Properties = q.plan.Root.Schema(), q.plan.Root.Props()
	for i := range scan.Out.Fields {
		scan.Columns = append(scan.Columns, i)
	}
	return scan
}

// follow reads a subscription to its end.
func follow(ctx context.Context, sub *exec.Subscription, scan *plan.Scan, each func(*Result, int64) error) (*Result, error) {
	res := newResult(scan.Out)
	for {
		u, _, err := sub.Next(ctx, true)
		switch {
		case errors.Is(err, io.EOF):
			return res, nil
		case err != nil:
			return nil, err
		case u.Batch != nil:
			if err := res.add(u.Batch); err != nil {
				return nil, err
			}
			if err := res.check(scan.Properties); err != nil {
				return nil, err
			}
		case each != nil && u.Watermark != endOfTime:
			if err := each(res, u.Watermark); err != nil {
				return nil, err
			}
		}
	}
}

// stored compares what a SELECT from the object reads with what it gave.
func (w *World) stored(ctx context.Context, e *exec.Engine, scan *plan.Scan, want *Result) error {
	got := newResult(scan.Out)
	err := e.Query(ctx, scan, nil, got.add)
	if err != nil {
		return fmt.Errorf("reading what is stored: %w", err)
	}
	if d := difference(got, want, true); d != "" {
		return fmt.Errorf("what is stored is not what was sent: %s", d)
	}
	return nil
}

// Variants are all ways in which Check delivers the rows.
func Variants() []Variant {
	var out []Variant
	for _, size := range []int{1, 3, 0} {
		for _, splits := range []int{1, 5} {
			for _, seed := range []uint64{0, 1, 2} {
				out = append(out, Variant{BatchRows: size, Splits: splits, Seed: seed, Limit: -1})
			}
		}
	}
	for _, v := range []Variant{{BatchRows: 1, Splits: 1}, {BatchRows: 1, Splits: 5, Seed: 1}, {BatchRows: 3, Splits: 5, Seed: 2}} {
		v.Limit, v.Between = -1, Rebuild
		out = append(out, v)
	}
	return out
}

// Check runs a query once and continuously in the variants, and returns what the
// SELECT gave, with an error for the first variant that differs.
func (w *World) Check(ctx context.Context, name string, variants []Variant) (*Result, error) {
	want, err := w.Once(name, -1)
	if err != nil {
		return nil, err
	}
	root := w.Plan(name)
	if root.Props().Changelog {
		for _, limit := range []int{1, 2, 5, 7} {
			variants = append(variants, Variant{BatchRows: 2, Splits: 2, Limit: limit}, Variant{BatchRows: 1, Splits: 2, Limit: limit, Between: Rebuild})
		}
	}
	for _, v := range variants {
		if err := w.agree(ctx, name, v, want); err != nil {
			return want, fmt.Errorf("%s: %w", v, err)
		}
	}
	return want, nil
}

func (w *World) agree(ctx context.Context, name string, v Variant, want *Result) error {
	if v.Limit >= 0 {
		var err error
		if want, err = w.Once(name, v.Limit); err != nil {
			return err
		}
	}
	exact := v.inOrder() && !w.retracts(name)
	root := w.Plan(name)
	var each func(so *Result, watermark int64) error
	if root.Schema().EventTime >= 0 && !root.Props().Changelog {
		final := allFinal(root)
		each = func(so *Result, watermark int64) error {
			if d := difference(so.below(watermark), want.below(watermark), exact); d != "" {
				return fmt.Errorf("at watermark %d: %s", watermark, d)
			}
			if n := len(so.rows) - len(so.below(watermark).rows); final && n > 0 {
				return fmt.Errorf("at watermark %d: %d rows left before they were final", watermark, n)
			}
			return nil
		}
	}
	got, err := w.Continuous(ctx, name, v, each)
	if err != nil {
		return err
	}
	if got.Late > 0 {
		return fmt.Errorf("%d late rows", got.Late)
	}
	if d := difference(got.Result, want, exact); d != "" {
		return errors.New(d)
	}
	return nil
}

// retracts reports whether something in a query or what it reads takes rows back
// out of an aggregate, or keeps a partition without an order, which is another order
// of summation than that of the rows.
func (w *World) retracts(name string) bool {
	var over func(n plan.Node) bool
	over = func(n plan.Node) bool {
		if a, ok := n.(*plan.Aggregate); ok && a.Input.Props().Changelog {
			return true
		}
		if o, ok := n.(*plan.Over); ok && o.Mode == plan.OverChanges && len(o.OrderBy) == 0 {
			return true
		}
		return slices.ContainsFunc(n.Inputs(), over)
	}
	return slices.ContainsFunc(w.upstream(name), func(q *query) bool { return over(q.plan.Root) })
}

// allFinal reports whether rows leave a plan only when they are final: a window
// over a single input.
func allFinal(n plan.Node) bool {
	if a, ok := n.(*plan.Aggregate); ok {
		return a.Window != nil && a.Emit.Mode == plan.EmitFinal
	}
	in := n.Inputs()
	return len(in) == 1 && allFinal(in[0])
}

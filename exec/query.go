package exec

import (
	"context"
	"time"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// System gives the rows of a virtual relation, in the scan's columns.
type System func(ctx context.Context, scan *plan.Scan) (*batch.Batch, error)

// Query runs a plan once over what is stored now and hands its rows to out, batch
// by batch. It runs on the caller's goroutine and stops when ctx ends. The rows
// of all objects are taken before the first is processed.
func (e *Engine) Query(ctx context.Context, root plan.Node, system System, out func(*batch.Batch) error) error {
	now := e.env.Now()
	b := &builder{faults: queryFaults{}, stats: &OperatorStats{}, now: func() time.Time { return now }}
	if err := b.build(root, rowsOut(out)); err != nil {
		return err
	}
	for scan := range b.subqueries {
		var err error
		if b.subqueries[scan], err = e.snapshot(ctx, scan, system); err != nil {
			return err
		}
	}
	inputs := make([][]*batch.Batch, len(b.ports))
	for i, p := range b.ports {
		var err error
		if inputs[i], err = e.snapshot(ctx, p.scan, system); err != nil {
			return err
		}
	}
	return b.run(ctx, inputs)
}

// run feeds the rows of the scans to the operators.
func (b *builder) run(ctx context.Context, inputs [][]*batch.Batch) error {
	for _, s := range b.starters {
		if err := s.Start(ctx); err != nil {
			return err
		}
	}
	for i, p := range b.ports {
		for _, in := range inputs[i] {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := p.in.Batch(ctx, in); err != nil {
				return err
			}
		}
		if err := p.in.End(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) snapshot(ctx context.Context, scan *plan.Scan, system System) ([]*batch.Batch, error) {
	if scan.Object == 0 {
		b, err := system(ctx, scan)
		if err != nil {
			return nil, err
		}
		return []*batch.Batch{b}, nil
	}
	if s := e.source(scan.Object); s != nil {
		if err := s.awaitPushed(ctx); err != nil {
			return nil, err
		}
		return s.Snapshot(), nil
	}
	if t := e.table(scan.Object); t != nil {
		if err := t.await(ctx); err != nil {
			return nil, err
		}
	}
	hub := e.hub(scan.Object)
	if hub == nil {
		return nil, pgerr.Newf(pgerr.ObjectNotInPrerequisite, "%q is not running", scan.Name)
	}
	rows, stored := hub.Snapshot()
	if !stored {
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, "%q keeps no rows to select from", scan.Name).
			WithHint("Use SUBSCRIBE %s.", scan.Name)
	}
	return rows, nil
}

// rowsOut hands a query's rows on.
type rowsOut func(*batch.Batch) error

// Batch implements Receiver.
func (f rowsOut) Batch(ctx context.Context, b *batch.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return f(b)
}

// Watermark implements Receiver.
func (rowsOut) Watermark(context.Context, int64) error { return nil }

// Idle implements Receiver.
func (rowsOut) Idle(context.Context, bool) error { return nil }

// End implements Receiver.
func (rowsOut) End(context.Context) error { return nil }

package exec

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// Dataflow is the operators of one object at work on a goroutine of their own.
type Dataflow struct {
	name  string
	root  plan.Node
	out   Receiver
	env   *Env
	wake  chan struct{}
	ports []*port
	stats *OperatorStats
	// starters emit before the first row.
	starters []starter

	cancel context.CancelFunc
	done   chan struct{}
	// failure is why the dataflow stopped by itself, nil while it runs.
	failure atomic.Pointer[error]
	once    sync.Once
}

// port is one input: a queue behind an upstream hub and the operator it feeds.
type port struct {
	scan      *plan.Scan
	in        Receiver
	consumer  *consumer
	watermark int64
	idle      bool
	ended     bool
}

// OperatorStats counts what a dataflow has seen.
type OperatorStats struct {
	RowsIn, RowsOut, Late, DeadLetters atomic.Int64
}

// newDataflow builds the operators of a plan; out takes their output.
func newDataflow(name string, root plan.Node, out Receiver, env *Env, policy OnError) (*Dataflow, error) {
	d := &Dataflow{
		name: name, root: root, out: out, env: env,
		wake: make(chan struct{}, 1), done: make(chan struct{}), stats: &OperatorStats{},
	}
	b := &builder{faults: &streamFaults{name: name, policy: policy, env: env, stats: d.stats}, stats: d.stats, now: env.Now}
	if err := b.build(root, countOut{out, d.stats}); err != nil {
		return nil, err
	}
	for _, p := range b.ports {
		p.consumer = &consumer{q: newQueue(queueBytes, d.wake)}
	}
	d.ports, d.starters = b.ports, b.starters
	return d, nil
}

// start runs the dataflow until stop is called or it fails.
func (d *Dataflow) start(ctx context.Context) {
	ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(d.done)
		defer d.cancel()
		if err := d.run(ctx); err != nil && ctx.Err() == nil {
			d.fail(err)
		}
	}()
}

// fail records why the dataflow stopped and tells those who read it.
func (d *Dataflow) fail(err error) {
	if !d.failure.CompareAndSwap(nil, &err) {
		return
	}
	d.cancel()
	d.env.Logger.Error("dataflow stopped", slog.String("object", d.name), slog.Any("error", err))
	if h, ok := d.out.(hubReceiver); ok {
		h.hub.fail(err)
	}
}

// stop ends the dataflow and waits for it. The caller has detached the ports.
func (d *Dataflow) stop() {
	d.once.Do(func() {
		if d.cancel == nil {
			close(d.done)
			return
		}
		d.cancel()
	})
	<-d.done
}

// Failure returns why the dataflow stopped by itself, nil while it runs.
func (d *Dataflow) Failure() error {
	if e := d.failure.Load(); e != nil {
		return *e
	}
	return nil
}

func (d *Dataflow) run(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			d.env.Logger.Error("panic in a dataflow", slog.String("object", d.name), slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
			err = pgerr.Newf(pgerr.Internal, "internal error in %q: %v", d.name, r)
		}
	}()
	for _, s := range d.starters {
		if err := s.Start(ctx); err != nil {
			return fmt.Errorf("starting %q: %w", d.name, err)
		}
	}
	var taken []message
	for {
		idle := true
		for _, p := range d.ports {
			if p.ended {
				continue
			}
			taken = p.consumer.q.take(taken[:0])
			for _, m := range taken {
				idle = false
				if err := p.deliver(ctx, m, d.stats); err != nil {
					return err
				}
			}
			clear(taken)
		}
		if d.allEnded() {
			return nil
		}
		if !idle {
			continue
		}
		select {
		case <-d.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *Dataflow) allEnded() bool {
	for _, p := range d.ports {
		if !p.ended {
			return false
		}
	}
	return true
}

func (p *port) deliver(ctx context.Context, m message, stats *OperatorStats) error {
	switch m.kind {
	case messageBatch:
		stats.RowsIn.Add(int64(m.batch.Rows))
		return p.in.Batch(ctx, m.batch)
	case messageWatermark:
		if m.watermark <= p.watermark {
			return nil // a consumer that changed passes may be told an older one
		}
		p.watermark = m.watermark
		return p.in.Watermark(ctx, m.watermark)
	case messageIdle:
		if m.idle == p.idle {
			return nil
		}
		p.idle = m.idle
		return p.in.Idle(ctx, m.idle)
	}
	p.ended = true
	return p.in.End(ctx)
}

// countOut counts what leaves a dataflow.
type countOut struct {
	Receiver
	stats *OperatorStats
}

// Batch implements Receiver.
func (c countOut) Batch(ctx context.Context, b *batch.Batch) error {
	c.stats.RowsOut.Add(int64(b.Rows))
	return c.Receiver.Batch(ctx, b)
}

// ErrStopped is what a reader of a dropped or stopped object gets.
var ErrStopped = errors.New("the object was dropped or the server is stopping")

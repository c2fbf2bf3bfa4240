package exec

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// Dataflow is the operators of one object at work on a goroutine of their own.
type Dataflow struct {
	name string
	// failpoint is what the environment is asked at each message.
	failpoint string
	// version is that of the object's definition.
	version uint64
	root    plan.Node
	out     Receiver
	env     *Env
	wake    chan struct{}
	ports   []*port
	stats   *OperatorStats
	// times is how long its rows took, size what its state holds.
	times latencies
	size  measure
	// starters emit before the first row.
	starters []starter
	// tickers have work at times of the wall clock.
	tickers []ticker
	// states are the operators to be saved, each with its place in the plan.
	states []operatorState
	// policy is for rows that fail.
	policy OnError
	// visits run between two messages.
	visits chan func()

	// aligner saves the state at barriers; nil for a dataflow that is not saved,
	// which ignores them.
	aligner *aligner
	// restored says that the state is that of a checkpoint: the starters have run.
	restored bool

	cancel context.CancelFunc
	done   chan struct{}
	// failure is why the dataflow stopped by itself, nil while it runs.
	failure atomic.Pointer[failure]
	// again decides whether it is to be started again after a failure, nil for never;
	// onStop is called when that is noted.
	again  func(error) bool
	onStop func()
	once   sync.Once
}

// failure is why a dataflow has stopped.
type failure struct {
	err error
	// again says that it will be started again from the last checkpoint.
	again bool
}

// port is one input: a queue behind an upstream hub and the operator it feeds.
type port struct {
	scan      *plan.Scan
	in        Receiver
	consumer  *consumer
	watermark int64
	idle      bool
	ended     bool
	rows      atomic.Int64 // delivered so far
	// after are the ports of tables that this input is joined with: it is not read
	// before they are complete, and whatever waits there is delivered first, so that
	// a row meets every change of a table that was made before the row.
	after []*port
	// taken[next:] is still to be delivered.
	taken []message
	next  int
	// barrier is the last one that was met, and place where its sender stood then,
	// nil if that is no source. While held, nothing behind the barrier is delivered.
	barrier uint64
	place   *placement
	held    bool
}

// OperatorStats counts what a dataflow has seen.
type OperatorStats struct {
	RowsIn, RowsOut, Late, DeadLetters atomic.Int64
	// Hold is the row that keeps the output from going on, nil for none.
	Hold atomic.Pointer[Hold]
}

// saved are the counters that go on after a restart.
func (s *OperatorStats) saved() []*atomic.Int64 {
	return []*atomic.Int64{&s.RowsIn, &s.RowsOut, &s.Late, &s.DeadLetters}
}

// goOn makes the counters no smaller than those of another: while a server runs they
// do not fall.
func (s *OperatorStats) goOn(from *OperatorStats) {
	old := from.saved()
	for i, n := range s.saved() {
		n.Store(max(n.Load(), old[i].Load()))
	}
}

// newDataflow builds the operators of a plan; out takes their output.
func newDataflow(name string, root plan.Node, out Receiver, env *Env, policy OnError) (*Dataflow, error) {
	d := &Dataflow{
		name: name, failpoint: "dataflow." + name, root: root, out: out, env: env, policy: policy, visits: make(chan func()),
		wake: make(chan struct{}, 1), done: make(chan struct{}), stats: &OperatorStats{}, times: newLatencies(),
	}
	b, err := d.operators()
	if err != nil {
		return nil, err
	}
	for _, p := range b.ports {
		p.consumer = &consumer{q: newQueue(queueBytes, d.wake), late: p.scan.Late}
	}
	d.ports, d.starters, d.tickers, d.states = b.ports, b.starters, b.tickers, b.states
	d.size.sizers = sizersOf(b.states)
	return d, nil
}

// operators makes the operators of the plan.
func (d *Dataflow) operators() (*builder, error) {
	late := newLateRows(d.out)
	f := &streamFaults{name: d.name, policy: d.policy, env: d.env, stats: d.stats, lateRows: late}
	b := &builder{faults: f, stats: d.stats, now: d.env.Now, continuous: true, late: late}
	if err := b.build(d.root, countOut{d.out, d}); err != nil {
		return nil, err
	}
	if late != nil {
		for _, p := range b.ports {
			p.in = lateSender{p.in, late}
		}
	}
	return b, nil
}

// start runs the dataflow until stop is called or it fails; over is called when it
// runs no more.
func (d *Dataflow) start(ctx context.Context, over func()) {
	ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer over()
		defer close(d.done)
		defer d.cancel()
		defer func() { // what is read must not wait for one that reads no more
			for _, p := range d.ports {
				p.consumer.q.close()
			}
		}()
		if err := d.run(ctx); err != nil && ctx.Err() == nil {
			d.fail(err)
		}
	}()
}

// fail records why the dataflow stopped and tells those who read it.
func (d *Dataflow) fail(err error) {
	if d.failure.Load() != nil {
		return
	}
	if !errors.Is(err, ErrStopped) { // who reads what is dropped ends with it
		d.env.Report(slog.LevelError, EventDataflowFailed, d.name, err.Error())
	}
	again := d.again != nil && d.again(err)
	if !d.failure.CompareAndSwap(nil, &failure{err, again}) {
		return
	}
	d.cancel()
	if again {
		d.onStop()
	}
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
	if f := d.failure.Load(); f != nil {
		return f.err
	}
	return nil
}

// startsAgain reports whether the dataflow has failed and will be started again.
func (d *Dataflow) startsAgain() bool {
	f := d.failure.Load()
	return f != nil && f.again
}

// upstreamError is the failure of what a dataflow reads.
type upstreamError struct {
	object uint64
	name   string
	err    error
}

// Error implements error.
func (u *upstreamError) Error() string { return fmt.Sprintf("reading %q: %v", u.name, u.err) }

// Unwrap returns the failure itself.
func (u *upstreamError) Unwrap() error { return u.err }

func (d *Dataflow) run(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			d.env.Logger.Error("panic in a dataflow", slog.String("object", d.name), slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
			err = pgerr.Newf(pgerr.Internal, "internal error in %q: %v", d.name, r)
		}
	}()
	if err := d.begin(ctx); err != nil {
		return err
	}
	for {
		idle, err := d.serveAll(ctx)
		if err != nil {
			return err
		}
		if d.allEnded() {
			return nil
		}
		if d.aligner != nil {
			released, err := d.aligner.check(ctx, d)
			if err != nil {
				return err
			}
			idle = idle && !released
		}
		due, err := d.tick(ctx)
		if err != nil {
			return err
		}
		due = d.size.take(!idle, d.env.Now, due)
		if !idle {
			continue
		}
		if err := d.wait(ctx, due); err != nil {
			return err
		}
	}
}

// begin lets the operators emit what they have before the first row.
func (d *Dataflow) begin(ctx context.Context) error {
	if d.restored {
		return nil
	}
	for _, s := range d.starters {
		if err := s.Start(ctx); err != nil {
			return fmt.Errorf("starting %q: %w", d.name, err)
		}
	}
	return nil
}

// serveAll serves each port once and reports whether nothing was there.
func (d *Dataflow) serveAll(ctx context.Context) (idle bool, err error) {
	idle = true
	for _, p := range d.ports {
		worked, err := d.serve(ctx, p)
		if err != nil {
			return false, err
		}
		idle = idle && !worked
	}
	return idle, nil
}

// serve delivers what waits at a port and reports whether there was anything.
func (d *Dataflow) serve(ctx context.Context, p *port) (worked bool, err error) {
	if p.ended || p.held {
		return false, nil
	}
	for _, table := range p.after {
		if !table.complete() {
			return false, nil
		}
	}
	if p.next == len(p.taken) {
		clear(p.taken)
		p.taken, p.next = p.consumer.q.take(p.taken[:0]), 0
	}
	if p.next == len(p.taken) {
		return false, nil
	}
	for _, table := range p.after {
		if _, err := d.serve(ctx, table); err != nil {
			return false, err
		}
	}
	for p.next < len(p.taken) && !p.held {
		d.receive()
		m := p.taken[p.next]
		p.taken[p.next] = message{}
		p.next++
		if m.kind == messageBarrier {
			if d.aligner != nil {
				d.aligner.meet(p, m)
			}
			continue
		}
		if err := d.env.fail(d.failpoint); err != nil {
			return false, err
		}
		if err := p.deliver(ctx, m, d.stats); err != nil {
			return false, err
		}
	}
	return true, nil
}

// complete reports whether a table's port holds all its rows: tables say so by a
// watermark at the end of time.
func (p *port) complete() bool { return p.ended || p.watermark == endOfTime }

// tick runs the tickers whose time has come and returns the next time, the zero
// time for none.
func (d *Dataflow) tick(ctx context.Context) (next time.Time, err error) {
	for _, t := range d.tickers {
		due := t.Due()
		if due.IsZero() {
			continue
		}
		if now := d.env.Now(); !due.After(now) {
			if err := t.Tick(ctx, now); err != nil {
				return next, err
			}
			if due = t.Due(); due.IsZero() {
				continue
			}
		}
		if next.IsZero() || due.Before(next) {
			next = due
		}
	}
	return next, nil
}

// wait blocks until there are messages or the time has come, the zero time for
// never.
func (d *Dataflow) wait(ctx context.Context, due time.Time) error {
	var alarm <-chan time.Time
	if !due.IsZero() {
		timer := time.NewTimer(due.Sub(d.env.Now()))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-d.wake:
	case visit := <-d.visits:
		visit()
	case <-alarm:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
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
		p.rows.Add(int64(m.batch.Rows))
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

// countOut counts what leaves a dataflow, and how long it took.
type countOut struct {
	Receiver
	d *Dataflow
}

// Batch implements Receiver.
func (c countOut) Batch(ctx context.Context, b *batch.Batch) error {
	c.count(b)
	return c.Receiver.Batch(ctx, b)
}

func (c countOut) count(b *batch.Batch) {
	c.d.stats.RowsOut.Add(int64(b.Rows))
	c.d.times.emitted(c.d.env.Now(), b)
}

// ErrStopped is what a reader of a dropped or stopped object gets.
var ErrStopped = errors.New("the object was dropped or the server is stopping")

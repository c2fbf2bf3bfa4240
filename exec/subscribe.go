package exec

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// subscriptionBytes bounds what waits for one subscriber; beyond it the
// subscriber is cut off rather than the dataflow held up.
const subscriptionBytes = 64 << 20

// Subscription is a client's tail of an object or of a query. One goroutine uses
// it; Close must be called.
type Subscription struct {
	engine *Engine
	flow   *Dataflow // nil for a plain object
	source *Source
	hub    *Hub
	c      *consumer
	wake   chan struct{}
	taken  []message
	next   int
	rows   atomic.Int64 // taken so far

	mu  sync.Mutex
	err error
}

// Update is one step of a subscription: rows, or with a nil Batch the watermark.
type Update struct {
	Batch     *batch.Batch
	Watermark int64 // milliseconds, for a nil Batch
	// AtMillis is the logical time of the step: Unix milliseconds at which it was
	// published, never falling.
	AtMillis int64
}

// Subscribe tails a plan. A plan that is a plain scan reads the object's output
// itself; any other runs as a dataflow of its own until Close. snapshot sends the
// stored rows first.
func (e *Engine) Subscribe(ctx context.Context, root plan.Node, snapshot bool) (*Subscription, error) {
	s := &Subscription{engine: e, wake: make(chan struct{}, 1)}
	s.c = &consumer{q: newQueue(subscriptionBytes, s.wake), onFail: s.fail}
	object := "a query"
	if scan, ok := root.(*plan.Scan); ok {
		object = scan.Name
	}
	s.c.onLag = func() {
		tooSlow := fmt.Sprintf("the subscriber is too slow: more than %d MiB wait for it", subscriptionBytes>>20)
		e.env.Report(slog.LevelWarn, EventSubscriptionEnded, object, tooSlow)
		s.fail(pgerr.Newf(pgerr.ProgramLimitExceeded, "%s", tooSlow).
			WithHint("Read faster, or subscribe to fewer rows with WHERE."))
	}
	if scan, ok := root.(*plan.Scan); ok {
		if s.source = e.source(scan.Object); s.source != nil {
			return s, s.source.tail(ctx, s.c, snapshot)
		}
		if s.hub = e.hub(scan.Object); s.hub == nil {
			return nil, pgerr.Newf(pgerr.ObjectNotInPrerequisite, "%q is not running", scan.Name)
		}
		s.hub.attach(s.c, snapshot)
		return s, nil
	}
	s.hub = newHub(root.Schema(), nil, e.env.Now)
	d, err := newDataflow("subscription", root, hubReceiver{s.hub}, e.env, OnErrorDeadLetter)
	if err != nil {
		return nil, err
	}
	s.flow = d
	s.hub.attach(s.c, false)
	d.start(ctx, func() {})
	if err := e.connect(ctx, d, snapshot); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Subscription) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	token(s.wake)
}

func (s *Subscription) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Next returns the next update, waiting until ctx ends. ok is false if nothing
// waits and block is false. io.EOF says that a bounded input has ended.
func (s *Subscription) Next(ctx context.Context, block bool) (u Update, ok bool, err error) {
	for {
		if s.next < len(s.taken) {
			m := s.taken[s.next]
			s.taken[s.next] = message{}
			s.next++
			switch m.kind {
			case messageEnd:
				return Update{}, false, io.EOF
			case messageIdle, messageBarrier:
				continue
			}
			if m.batch != nil {
				s.rows.Add(int64(m.batch.Rows))
			}
			return Update{Batch: m.batch, Watermark: m.watermark, AtMillis: m.atMillis}, true, nil
		}
		s.taken, s.next = s.c.q.take(s.taken[:0]), 0
		if len(s.taken) > 0 {
			continue
		}
		if err := s.failure(); err != nil {
			return Update{}, false, err
		}
		if !block {
			return Update{}, false, nil
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return Update{}, false, ctx.Err()
		}
	}
}

// Progress is how many rows were taken, and how many bytes wait. It may be called
// from any goroutine.
func (s *Subscription) Progress() (rows, queuedBytes int64) {
	_, queuedBytes = s.c.q.depth()
	return s.rows.Load(), queuedBytes
}

// Close ends the subscription.
func (s *Subscription) Close() {
	switch {
	case s.flow != nil:
		s.engine.disconnect(s.flow)
		s.hub.detach(s.c)
		s.flow.stop()
	case s.source != nil:
		s.source.detach(s.c)
	default:
		s.hub.detach(s.c)
	}
}

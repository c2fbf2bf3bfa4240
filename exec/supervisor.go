package exec

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"laminardb/connectors"
)

// RestartPolicy says how often and how soon a dataflow that fails is started again.
type RestartPolicy struct {
	// Tries in a row, after which it stays stopped. The row ends with a checkpoint of
	// its state.
	Tries int
	// First is the time until the first try; each further one waits twice as long, at
	// most Most.
	First, Most time.Duration
}

// DefaultRestarts goes on for half a minute.
var DefaultRestarts = RestartPolicy{Tries: 5, First: time.Second, Most: time.Minute}

// supervisor decides which failed dataflows are started again, and when.
type supervisor struct {
	policy RestartPolicy
	wake   chan struct{}

	mu sync.Mutex
	// rows are the tries in a row, restarts all since the server started.
	rows     map[uint64]*tries
	restarts map[uint64]int64
}

// tries are the attempts to keep a dataflow running.
type tries struct {
	made int
	// next is when the next one is due, the zero time while the dataflow runs.
	next time.Time
}

// Restart is how a dataflow that has failed will be started again.
type Restart struct {
	// Try is 0 for one that is stopped because of what it reads.
	Try, Of int
	At      time.Time
}

// UseRestarts makes the engine start failed dataflows again, while Supervise runs.
func (e *Engine) UseRestarts(policy RestartPolicy) {
	e.supervisor = &supervisor{
		policy: policy, wake: make(chan struct{}, 1), rows: map[uint64]*tries{}, restarts: map[uint64]int64{},
	}
}

// Supervise starts again what fails until ctx ends. exclusive runs a function while
// nothing is added to the engine or removed from it.
func (e *Engine) Supervise(ctx context.Context, exclusive func(ctx context.Context, fn func()) error) {
	s := e.supervisor
	for ctx.Err() == nil {
		f, at := e.nextFailed()
		if f != nil && !at.After(time.Now()) {
			if err := exclusive(ctx, func() { e.restart(ctx, f) }); err != nil {
				_ = sleep(ctx, s.policy.First) // the loop looks at ctx
			}
			continue
		}
		var alarm <-chan time.Time
		if f != nil {
			alarm = time.After(time.Until(at))
		}
		select {
		case <-s.wake:
		case <-alarm:
		case <-ctx.Done():
		}
	}
}

// nextFailed returns the failed dataflow that is to be started again first, and when;
// nil for none.
func (e *Engine) nextFailed() (next *flow, at time.Time) {
	for _, f := range e.allFlows() {
		due := e.supervisor.due(f)
		if !due.IsZero() && (next == nil || due.Before(at)) {
			next, at = f, due
		}
	}
	return next, at
}

// due returns when a dataflow is to be started again for its own sake, the zero time
// for never.
func (s *supervisor) due(f *flow) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.rows[f.id]; r != nil && f.startsAgain() {
		return r.next
	}
	return time.Time{}
}

// failed decides what becomes of a dataflow that fails: whether it will be started
// again. One that fails because of what it reads shares its fate.
func (e *Engine) failed(f *flow, err error) (again bool) {
	var up *upstreamError
	if errors.As(err, &up) {
		f := e.flow(up.object)
		return f != nil && f.startsAgain()
	}
	var bad poison
	if e.supervisor == nil || errors.Is(err, ErrStopped) || errors.Is(err, connectors.ErrFenced) || errors.As(err, &bad) {
		return false
	}
	made, wait, ok := e.supervisor.plan(f.id)
	if !ok {
		e.env.Report(slog.LevelError, EventGivenUp, f.name, fmt.Sprintf("it has failed %d times in a row and stays stopped", made+1))
		return false
	}
	e.env.Report(slog.LevelWarn, EventRestarts, f.name, fmt.Sprintf("try %d of %d begins in %v", made, e.supervisor.policy.Tries, wait))
	return true
}

// plan sets the time of the next try and returns its number and how long that takes;
// ok is false if there is none.
func (s *supervisor) plan(id uint64) (made int, wait time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rows[id]
	if r == nil {
		r = &tries{}
		s.rows[id] = r
	}
	if r.made >= s.policy.Tries {
		delete(s.rows, id)
		return r.made, 0, false
	}
	wait = s.policy.First
	for range r.made {
		wait = min(2*wait, s.policy.Most)
	}
	r.made++
	r.next = time.Now().Add(wait)
	return r.made, wait, true
}

// begun notes that a dataflow runs again.
func (s *supervisor) begun(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restarts[id]++
	if r := s.rows[id]; r != nil {
		r.next = time.Time{}
	}
}

// proven notes that a checkpoint holds the state of an object: if it was started
// again, it has got further.
func (s *supervisor) proven(id uint64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.rows[id]; r != nil && r.next.IsZero() {
		delete(s.rows, id)
	}
}

// forget drops what is known of an object that was removed.
func (s *supervisor) forget(id uint64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rows, id)
	delete(s.restarts, id)
}

// state returns how often a dataflow was started again, and how it will be, nil if
// it will not.
func (s *supervisor) state(f *flow) (restarts int64, next *Restart) {
	if s == nil {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.startsAgain() {
		next = &Restart{Of: s.policy.Tries}
		if r := s.rows[f.id]; r != nil {
			next.Try, next.At = r.made, r.next
		}
	}
	return s.restarts[f.id], next
}

package exec

import (
	"context"
	"sync"
	"time"
)

// pressure is how long a hub's publisher has waited for consumers that are
// behind. It costs nothing while nobody is.
type pressure struct {
	mu    sync.Mutex
	spent time.Duration
	since time.Time // of the wait that goes on, else zero
}

// await waits until a consumer's queue has room.
func (p *pressure) await(ctx context.Context, q *queue, now func() time.Time) error {
	if q.open() {
		return nil
	}
	p.mu.Lock()
	p.since = now()
	p.mu.Unlock()
	err := q.await(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spent += max(0, now().Sub(p.since))
	p.since = time.Time{}
	return err
}

// total is the time waited until now, a wait that goes on included.
func (p *pressure) total(at time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() {
		return p.spent
	}
	return p.spent + max(0, at.Sub(p.since))
}

// open reports whether await would return at once.
func (q *queue) open() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed || q.bytes < q.limit
}

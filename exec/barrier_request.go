package exec

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"laminardb/connectors"
)

// barrierRequest is what a checkpoint asks of one that reads.
type barrierRequest struct {
	// asked is the last epoch for which a barrier is to be sent, sent the last for
	// which one was.
	asked, sent atomic.Uint64
	// toCommit are the positions that a checkpoint has made durable.
	toCommit atomic.Pointer[connectors.Positions]

	mu  sync.Mutex
	cut context.CancelFunc // ends the wait for rows, nil while nobody waits
}

// ask asks for the barrier of an epoch. Who waits for rows is told at once: what
// meets other barriers first stands still until this one comes.
func (q *barrierRequest) ask(epoch uint64) {
	q.asked.Store(epoch)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.cut != nil {
		q.cut()
	}
}

// isAsked reports whether a barrier is to be sent.
func (q *barrierRequest) isAsked() bool { return q.asked.Load() > q.sent.Load() }

// commit tells the outside how far a durable checkpoint has got.
func (q *barrierRequest) commit(r connectors.Reader, logger *slog.Logger, name string) {
	at := q.toCommit.Swap(nil)
	if at == nil {
		return
	}
	if c, ok := r.(connectors.Committer); ok {
		if err := c.Commit(*at); err != nil {
			logger.Warn("committing positions", slog.String("object", name), slog.Any("error", err))
		}
	}
}

func (q *barrierRequest) setCut(cut context.CancelFunc) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cut = cut
}

// poll asks the reader once. It waits for rows until a barrier is asked for.
func (q *barrierRequest) poll(ctx context.Context, r connectors.Reader) (*connectors.Chunk, error) {
	waiting, cut := context.WithCancel(ctx)
	defer cut()
	q.setCut(cut)
	defer q.setCut(nil)
	if q.isAsked() { // it may have been before there was anything to cut
		return r.Poll(ctx, 0)
	}
	c, err := r.Poll(waiting, pollWait)
	if errors.Is(err, context.Canceled) && ctx.Err() == nil {
		return nil, nil
	}
	return c, err
}

package exec

import (
	"context"
	"sync"

	"laminardb/sql/batch"
)

// queueBytes bounds what may wait for one consumer: enough for some hundred
// batches of narrow rows, little enough that a stalled pipeline of a dozen
// objects stays far below 1 GiB.
const queueBytes = 16 << 20

type messageKind uint8

const (
	messageBatch messageKind = iota
	messageWatermark
	messageIdle
	messageEnd
	messageBarrier
)

// message is what goes from one dataflow to another.
type message struct {
	kind      messageKind
	batch     *batch.Batch
	watermark int64
	idle      bool
	atMillis  int64      // when it was published, never falling within a hub
	epoch     uint64     // of a barrier
	place     *placement // of a barrier that a source's pass sent, else nil
}

func (m message) sizeBytes() int64 {
	const fixed = 64 // so that watermarks count too
	if m.batch == nil {
		return fixed
	}
	return fixed + m.batch.SizeBytes()
}

// queue is a FIFO of messages, bounded in bytes. One goroutine puts, one takes.
type queue struct {
	limit int64
	// wake gets a token (capacity 1) whenever something was put or the queue was
	// closed; several queues of one consumer share it.
	wake chan struct{}
	// space gets a token when something was taken or the queue was closed.
	space chan struct{}

	mu     sync.Mutex
	items  []message
	bytes  int64
	closed bool
}

func newQueue(limit int64, wake chan struct{}) *queue {
	return &queue{limit: limit, wake: wake, space: make(chan struct{}, 1)}
}

// await blocks until the queue is below its bound, closed, or ctx is done.
func (q *queue) await(ctx context.Context) error {
	for {
		q.mu.Lock()
		ok := q.closed || q.bytes < q.limit
		q.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-q.space:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// full reports whether the bound is reached.
func (q *queue) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes >= q.limit
}

// put appends without blocking; a closed queue drops the message. Watermarks
// that follow each other collapse into the last.
func (q *queue) put(m message) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return
	}
	if n := len(q.items); m.kind == messageWatermark && n > 0 && q.items[n-1].kind == messageWatermark {
		q.items[n-1] = m
	} else {
		q.items = append(q.items, m)
		q.bytes += m.sizeBytes()
	}
	q.mu.Unlock()
	token(q.wake)
}

// take moves everything that waits to the end of dst.
func (q *queue) take(dst []message) []message {
	q.mu.Lock()
	dst = append(dst, q.items...)
	clear(q.items)
	q.items = q.items[:0]
	q.bytes = 0
	q.mu.Unlock()
	token(q.space)
	return dst
}

// close drops what waits and makes put and await return at once.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.items, q.bytes = nil, 0
	q.mu.Unlock()
	token(q.space)
	token(q.wake)
}

func (q *queue) depth() (messages int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items), q.bytes
}

func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

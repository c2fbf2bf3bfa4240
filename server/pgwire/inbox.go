package pgwire

import (
	"context"
	"sync"

	"github.com/jackc/pgproto3/v2"
)

// maxInboxBytes is how far the reader may run ahead of the session: enough for a
// pipeline of small messages. One message of any size always fits.
const maxInboxBytes = 256 << 10

// message is one message of the client, or why there is none.
type message struct {
	body pgproto3.FrontendMessage
	// malformed is the error in a message whose frame was good.
	malformed error
	bytes     int
}

// inbox hands messages from the reading goroutine to the session's.
type inbox struct {
	mu    sync.Mutex
	queue []message
	head  int
	bytes int
	err   error // why no more will come

	ready chan struct{} // holds one token when there may be something to take
	space chan struct{} // holds one token when there may be room
}

func newInbox() *inbox {
	return &inbox{ready: make(chan struct{}, 1), space: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put adds a message, waiting for room until ctx ends.
func (b *inbox) put(ctx context.Context, m message) bool {
	for {
		b.mu.Lock()
		if b.bytes == 0 || b.bytes+m.bytes <= maxInboxBytes {
			b.queue = append(b.queue, m)
			b.bytes += m.bytes
			b.mu.Unlock()
			signal(b.ready)
			return true
		}
		b.mu.Unlock()
		select {
		case <-b.space:
		case <-ctx.Done():
			return false
		}
	}
}

// close says that nothing comes after what is in the queue.
func (b *inbox) close(err error) {
	b.mu.Lock()
	b.err = err
	b.mu.Unlock()
	signal(b.ready)
}

// get takes the next message. It returns early when ctx ends or stop closes, with
// the zero message and ok false.
func (b *inbox) get(ctx context.Context, stop <-chan struct{}) (m message, ok bool, err error) {
	for {
		m, ok, err = b.take()
		if ok || err != nil {
			return m, ok, err
		}
		select {
		case <-b.ready:
		case <-ctx.Done():
			return message{}, false, nil
		case <-stop:
			return message{}, false, nil
		}
	}
}

func (b *inbox) take() (m message, ok bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.head == len(b.queue) {
		return m, false, b.err
	}
	m = b.queue[b.head]
	b.queue[b.head] = message{}
	if b.head++; b.head == len(b.queue) {
		b.queue, b.head = b.queue[:0], 0
	}
	b.bytes -= m.bytes
	signal(b.space)
	return m, true, nil
}

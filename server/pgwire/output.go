package pgwire

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgproto3/v2"
)

// flushBytes is how much output gathers before it is written unasked.
const flushBytes = 64 << 10

// output gathers whole messages for one client. Any goroutine may add some; the
// session's writes block while the client does not read, which is the
// back-pressure.
type output struct {
	raw     net.Conn  // for deadlines
	w       io.Writer // raw, or TLS over it
	timeout time.Duration
	lost    func()       // called when a write fails: nobody is there any more
	hurried atomic.Int64 // a shorter timeout in nanoseconds, 0 for none

	mu  sync.Mutex
	buf []byte
	err error // the first failure; nothing is written after it
}

// send adds a message.
func (o *output) send(m pgproto3.BackendMessage) error {
	return o.append(func(dst []byte) ([]byte, error) { return m.Encode(dst) })
}

// append adds what f appends, which is whole messages. If f fails or panics
// nothing is added.
func (o *output) append(f func(dst []byte) ([]byte, error)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	buf, err := f(o.buf)
	if err != nil {
		return err
	}
	if o.buf = buf; len(o.buf) >= flushBytes {
		return o.flushLocked()
	}
	return nil
}

// share adds messages that other clients get too: large ones are written from
// where they are.
func (o *output) share(messages []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	if len(messages) < flushBytes/4 {
		if o.buf = append(o.buf, messages...); len(o.buf) >= flushBytes {
			return o.flushLocked()
		}
		return nil
	}
	if err := o.flushLocked(); err != nil {
		return err
	}
	return o.write(messages)
}

func (o *output) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	return o.flushLocked()
}

func (o *output) flushLocked() error {
	if len(o.buf) == 0 {
		return nil
	}
	err := o.write(o.buf)
	if o.buf = o.buf[:0]; cap(o.buf) > 4*flushBytes {
		o.buf = nil
	}
	return err
}

// write writes in pieces, each with its own deadline, so that the timeout is
// about a client that takes nothing and not about a slow one.
func (o *output) write(b []byte) error {
	for len(b) > 0 && o.err == nil {
		piece := b[:min(len(b), flushBytes)]
		b = b[len(piece):]
		o.err = o.raw.SetWriteDeadline(time.Now().Add(o.patience()))
		if o.hurried.Load() != 0 { // hurry may have come before our deadline
			o.err = o.raw.SetWriteDeadline(time.Now().Add(o.patience()))
		}
		if o.err == nil {
			_, o.err = o.w.Write(piece)
		}
		if o.err != nil {
			o.lost()
		}
	}
	return o.err
}

func (o *output) patience() time.Duration {
	if d := o.hurried.Load(); d != 0 {
		return time.Duration(d)
	}
	return o.timeout
}

// hurry bounds what is still written to a connection that is being ended, a
// write that is already waiting included.
func (o *output) hurry(d time.Duration) {
	o.hurried.Store(int64(d))
	_ = o.raw.SetWriteDeadline(time.Now().Add(d))
}

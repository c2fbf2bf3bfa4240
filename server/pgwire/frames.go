package pgwire

import (
	"errors"
	"fmt"
	"io"
)

// frameChunk is how much is read at once, and the step in which memory for a
// long message is made: what a length field claims is not believed before the
// bytes have come.
const frameChunk = 16 << 10

// errMessageTooLong ends a connection: what follows cannot be found.
var errMessageTooLong = errors.New("message is too long")

// frames is the pgproto3.ChunkReader of a connection: it bounds messages. What
// Next returns is never written again, so messages may refer to it.
type frames struct {
	r     io.Reader
	buf   []byte // read but not yet taken
	limit int
	// ioErr is the first error of the connection itself, which tells it from an
	// error in a message.
	ioErr error
	// taken counts bytes handed out, for the queue's bound.
	taken int
}

func newFrames(r io.Reader, limit int) *frames { return &frames{r: r, limit: limit} }

// Next implements pgproto3.ChunkReader.
func (f *frames) Next(n int) ([]byte, error) {
	if n > f.limit {
		f.ioErr = fmt.Errorf("%w: %d bytes, the limit is %d", errMessageTooLong, n, f.limit)
		return nil, f.ioErr
	}
	for len(f.buf) < n {
		if err := f.fill(n); err != nil {
			f.ioErr = err
			return nil, err
		}
	}
	out := f.buf[:n:n]
	f.buf = f.buf[n:]
	f.taken += n
	return out, nil
}

// fill reads once, into the room behind buf or into a new block.
func (f *frames) fill(n int) error {
	if cap(f.buf) == len(f.buf) || cap(f.buf) < n && len(f.buf) == 0 {
		size := max(frameChunk, min(n, 2*len(f.buf)))
		block := make([]byte, len(f.buf), size)
		copy(block, f.buf)
		f.buf = block
	}
	got, err := f.r.Read(f.buf[len(f.buf):cap(f.buf)])
	f.buf = f.buf[:len(f.buf)+got]
	if got > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	if err == io.EOF && len(f.buf) > 0 {
		err = io.ErrUnexpectedEOF
	}
	return err
}

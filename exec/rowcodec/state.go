package rowcodec

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// stateBuffer is how much a StateWriter gathers before it writes it.
const stateBuffer = 64 << 10

// StateWriter writes an operator's state: several tables and accumulators one
// after the other. The first error sticks and Flush returns it.
type StateWriter struct {
	w   io.Writer
	buf []byte // not written yet
	err error
}

// NewStateWriter returns a StateWriter that buffers what it writes to w.
func NewStateWriter(w io.Writer) *StateWriter { return &StateWriter{w: w} }

// Flush writes what is buffered and returns the first error.
func (s *StateWriter) Flush() error {
	if s.err == nil && len(s.buf) > 0 {
		_, s.err = s.w.Write(s.buf)
	}
	s.buf = s.buf[:0]
	if s.err != nil {
		return fmt.Errorf("writing state: %w", s.err)
	}
	return nil
}

// full writes what is buffered if it is much.
func (s *StateWriter) full() {
	if len(s.buf) >= stateBuffer {
		_ = s.Flush() // the error sticks
	}
}

// Uvarint writes an unsigned number in 1 to 10 bytes.
func (s *StateWriter) Uvarint(v uint64) {
	s.buf = binary.AppendUvarint(s.buf, v)
	s.full()
}

// Varint writes a signed number in 1 to 10 bytes.
func (s *StateWriter) Varint(v int64) {
	s.buf = binary.AppendVarint(s.buf, v)
	s.full()
}

// Uint64 writes 8 bytes.
func (s *StateWriter) Uint64(v uint64) {
	s.buf = binary.LittleEndian.AppendUint64(s.buf, v)
	s.full()
}

// Int64 writes 8 bytes: for numbers that change in place, so that what follows
// them does not move.
func (s *StateWriter) Int64(v int64) { s.Uint64(uint64(v)) }

// Float64 writes 8 bytes.
func (s *StateWriter) Float64(v float64) { s.Uint64(math.Float64bits(v)) }

// Byte writes one byte.
func (s *StateWriter) Byte(v byte) {
	s.buf = append(s.buf, v)
	s.full()
}

// Bytes writes a length and the bytes.
func (s *StateWriter) Bytes(b []byte) {
	s.buf = append(binary.AppendUvarint(s.buf, uint64(len(b))), b...)
	s.full()
}

// StateReader reads what a StateWriter wrote. The first error sticks: every read
// after it gives zero, so a loop must be bounded by what was read, and Err be
// asked before anything large is built. It never allocates more than a small
// multiple of the bytes that are really there.
type StateReader struct {
	r   *bufio.Reader
	tmp [8]byte
	err error
}

// NewStateReader returns a StateReader that may read ahead of what is asked for.
func NewStateReader(r io.Reader) *StateReader { return &StateReader{r: bufio.NewReader(r)} }

// Err returns the first error. It wraps ErrCorrupt where the bytes are wrong or
// end too early.
func (s *StateReader) Err() error { return s.err }

// End returns the first error, or one if not everything was read.
func (s *StateReader) End() error {
	if s.err != nil {
		return s.err
	}
	if _, err := s.r.ReadByte(); err != io.EOF {
		if err != nil {
			s.fail(err)
			return s.err
		}
		return s.Corrupt("there is more than a state")
	}
	return nil
}

// Corrupt makes an error wrapping ErrCorrupt the reader's error, unless it has
// one, and returns the reader's error.
func (s *StateReader) Corrupt(format string, args ...any) error {
	if s.err == nil {
		s.err = fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
	}
	return s.err
}

func (s *StateReader) fail(err error) {
	if s.err != nil {
		return
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = fmt.Errorf("%w: state ends early", ErrCorrupt)
	}
	s.err = fmt.Errorf("reading state: %w", err)
}

// Uvarint reads what StateWriter.Uvarint wrote.
func (s *StateReader) Uvarint() (v uint64) {
	for shift := 0; ; shift += 7 {
		b := s.Byte()
		if shift == 63 && b > 1 {
			s.Corrupt("a number of more than 64 bits")
		}
		if s.err != nil {
			return 0
		}
		if v |= uint64(b&0x7f) << shift; b < 0x80 {
			return v
		}
	}
}

// Varint reads what StateWriter.Varint wrote.
func (s *StateReader) Varint() int64 {
	u := s.Uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// Count reads a number of things that must not exceed limit.
func (s *StateReader) Count(limit int) int {
	v := s.Uvarint()
	if v > uint64(limit) {
		s.fail(fmt.Errorf("%w: count %d exceeds %d", ErrCorrupt, v, limit))
		return 0
	}
	return int(v)
}

// Uint64 reads what StateWriter.Uint64 wrote.
func (s *StateReader) Uint64() uint64 {
	if s.err != nil {
		return 0
	}
	if _, err := io.ReadFull(s.r, s.tmp[:]); err != nil {
		s.fail(err)
		return 0
	}
	return binary.LittleEndian.Uint64(s.tmp[:])
}

// Int64 reads what StateWriter.Int64 wrote.
func (s *StateReader) Int64() int64 { return int64(s.Uint64()) }

// Float64 reads what StateWriter.Float64 wrote.
func (s *StateReader) Float64() float64 { return math.Float64frombits(s.Uint64()) }

// Byte reads one byte.
func (s *StateReader) Byte() byte {
	if s.err != nil {
		return 0
	}
	b, err := s.r.ReadByte()
	if err != nil {
		s.fail(err)
	}
	return b
}

// Bytes appends what StateWriter.Bytes wrote to dst.
func (s *StateReader) Bytes(dst []byte) []byte {
	const step = 1 << 16 // so that a wrong length costs no more than this
	for left := s.Uvarint(); left > 0 && s.err == nil; {
		n := min(left, step)
		at := len(dst)
		dst = extend(dst, int(n))
		if _, err := io.ReadFull(s.r, dst[at:]); err != nil {
			s.fail(err)
			return dst[:at]
		}
		left -= n
	}
	return dst
}

// Doubled makes room for one more, for slices that Restore lets grow with what is
// really there: append alone copies long ones more often.
func Doubled[T any](s []T) []T {
	if len(s) == cap(s) {
		return slices.Grow(s, max(len(s), 64))
	}
	return s
}

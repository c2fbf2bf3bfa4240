package appendlog

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// readBytes is how much a Reader asks the file for at a time.
const readBytes = 256 << 10

// ErrTrimmed says that a Reader's next record was deleted by TrimBefore.
var ErrTrimmed = errors.New("the record was deleted from the append log")

// Reader reads the durable records in order. One goroutine uses it; any number of
// Readers may be open while others append.
type Reader struct {
	log     *Log
	seq     uint64 // the next record's number
	segment *segment
	file    *os.File // segment's, nil before the first read
	at      int64    // where buf ends in file
	buf     []byte   // what was read and not parsed yet
	space   []byte   // buf's array
}

// Read returns a reader whose first record has the sequence number, which may be
// the one that comes next. Errors: ErrTrimmed; XX001 if the log ends before it,
// because then acknowledged records are lost.
func (l *Log) Read(from uint64) (*Reader, error) {
	first, next := l.Bounds()
	if from < first {
		return nil, fmt.Errorf("reading append log %q from record %d of %d: %w", l.dir, from, first, ErrTrimmed)
	}
	if from > next {
		return nil, corrupted(l.dir, "it ends before record %d, record %d was expected", next, from)
	}
	return &Reader{log: l, seq: from}, nil
}

// Next returns the next record; payload is valid until the following call. At the
// end of what is durable it returns io.EOF, and later calls return what was
// appended meanwhile (see Log.Changed). XX001 ends the reading for good.
func (r *Reader) Next() (seq uint64, payload []byte, err error) {
	for {
		stop, err := r.locate()
		if err != nil {
			return 0, nil, err
		}
		found, err := r.parse(stop)
		if err != nil {
			return 0, nil, err
		}
		if found.seq < r.seq {
			continue // from is in the middle of a segment
		}
		r.seq++
		return found.seq, found.payload, nil
	}
}

// locate makes r.segment the one of r.seq, and returns the offset where its
// readable bytes end.
func (r *Reader) locate() (stop int64, err error) {
	l := r.log
	l.mu.Lock()
	next := l.next
	i := segmentOf(l.segments, r.seq)
	holder := r.segment // which may be deleted: the open file is still whole
	if i >= 0 {
		holder = l.segments[i]
	}
	gone := holder == nil || i < 0 && r.seq >= holder.until
	if !gone {
		stop = holder.end
	}
	l.mu.Unlock()
	switch {
	case r.seq >= next:
		return 0, io.EOF
	case gone:
		return 0, fmt.Errorf("reading record %d of append log %q: %w", r.seq, l.dir, ErrTrimmed)
	case holder == r.segment:
		return stop, nil
	}
	return stop, r.enter(holder)
}

// enter opens the segment and reads its header.
func (r *Reader) enter(s *segment) error {
	file, err := os.Open(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading record %d of append log %q: %w", r.seq, r.log.dir, ErrTrimmed)
	}
	if err != nil {
		return systemError(s.path, err)
	}
	if err := r.Close(); err != nil {
		_ = file.Close() // the first error is the one to tell
		return err
	}
	r.segment, r.file, r.at, r.buf = s, file, segmentHeaderBytes, nil
	header := make([]byte, segmentHeaderBytes)
	if n, err := file.ReadAt(header, 0); err != nil && !errors.Is(err, io.EOF) {
		return systemError(s.path, err)
	} else if err := checkHeader(s.path, header[:n], s.first); err != nil {
		return err
	}
	return nil
}

// parse returns the next record of the segment, whichever number it has.
func (r *Reader) parse(stop int64) (record, error) {
	for {
		found, need, ok := parseRecord(r.buf)
		if ok {
			if found.seq > r.seq || found.seq < r.segment.first {
				return record{}, corrupted(r.segment.path, "record %d is where record %d should be", found.seq, r.seq)
			}
			r.buf = r.buf[found.size:]
			return found, nil
		}
		offset := r.at - int64(len(r.buf))
		if need == 0 {
			return record{}, corrupted(r.segment.path, "record %d or one before it is unreadable at byte %d", r.seq, offset)
		}
		if offset+int64(need) > stop {
			return record{}, corrupted(r.segment.path, "it ends at byte %d, inside or before record %d", stop, r.seq)
		}
		if err := r.fill(need, stop); err != nil {
			return record{}, err
		}
	}
}

// fill reads on so that buf has at least need bytes; stop allows that many.
func (r *Reader) fill(need int, stop int64) error {
	if cap(r.space) < need {
		r.space = make([]byte, max(need, readBytes))
	}
	kept := copy(r.space[:cap(r.space)], r.buf)
	want := min(int64(cap(r.space)-kept), stop-r.at)
	n, err := r.file.ReadAt(r.space[kept:kept+int(want)], r.at)
	if err != nil && !errors.Is(err, io.EOF) {
		return systemError(r.segment.path, err)
	}
	r.buf = r.space[:kept+n]
	r.at += int64(n)
	if len(r.buf) < need {
		return corrupted(r.segment.path, "the file ends at byte %d of %d", r.at, stop)
	}
	return nil
}

// Close closes the reader's file. The log stays open.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	file := r.file
	r.file = nil
	if err := file.Close(); err != nil {
		return systemError(file.Name(), err)
	}
	return nil
}

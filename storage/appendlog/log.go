// Package appendlog keeps rows that clients push until a checkpoint covers them:
// numbered records in segment files (docs/format/appendlog.md).
//
// Nouns: Log, record (a payload with its sequence number, from 1, without gaps),
// segment (one file), group (the records that share one write and one fsync),
// Reader.
//
// Any number of goroutines append; whoever comes first writes the group of all
// who came meanwhile. There is no goroutine inside.
//
// Rule: a record that was acknowledged is read back or the reader gets XX001; one
// that was refused is not read, unless a crash follows while the disk refuses
// everything else too.
package appendlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"laminardb/sql/pgerr"
	"laminardb/storage/kv"
)

const (
	// MaxPayloadBytes is the largest record: what one INSERT may carry at most.
	MaxPayloadBytes = 16 << 20
	// maxGroupBytes bounds the memory of waiting records; appends beyond it wait.
	maxGroupBytes = 32 << 20
	// keepBufferBytes is the largest group buffer that is used again.
	keepBufferBytes = 4 << 20
	// defaultSegmentBytes makes deleting by whole segments fine-grained enough
	// and new files rare.
	defaultSegmentBytes = 64 << 20
)

// Options adjust a Log; the zero Options are right for use.
type Options struct {
	// SegmentBytes is the size at which a new segment is begun, 0 for 64 MiB.
	SegmentBytes int64
	// Fault, if not nil, is asked before each change of the disk; for tests.
	Fault Fault
}

// Recovery is what Open had to repair after a crash.
type Recovery struct {
	// Segment is the file that ended in a half-written group, "" if none did.
	Segment string
	// DroppedBytes were cut off its end. They were never acknowledged.
	DroppedBytes int64
}

// Log is an open log. Its methods may be called from any goroutine.
type Log struct {
	dir      string
	lockFile *os.File
	limit    int64
	disk     disk
	recovery Recovery

	// flushing holds one token: its owner writes, and owns active and untrusted.
	flushing  chan struct{}
	active    *os.File // the last segment's file
	untrusted bool     // active's content beyond its end is unknown: rotate first
	trimming  sync.Mutex

	mu       sync.Mutex
	segments []*segment // never empty; the last one is written to
	next     uint64     // the sequence number after the last durable record
	pending  *group     // nil or what the next flush takes
	spare    []byte     // a buffer for the next group
	changed  chan struct{}
	closed   bool
}

// group is filled under Log.mu and read by its waiters after done is closed.
type group struct {
	buf   []byte // records whose sequence numbers are not filled in yet
	count uint64
	first uint64
	err   error
	done  chan struct{}
}

// Open opens the log in the directory, which it makes if need be. It cuts off a
// group that a crash left half written; damage anywhere else is XX001, here or
// from a Reader. Errors: 55006 if another process has the log, 58030, 53100.
func Open(dir string, options Options) (*Log, error) {
	l := &Log{
		dir: dir, limit: options.SegmentBytes, disk: disk{options.Fault},
		flushing: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	if l.limit <= 0 {
		l.limit = defaultSegmentBytes
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, systemError(dir, err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	l.lockFile = lock
	if err := l.recover(); err != nil {
		_ = lock.Close() // the first error is the one to tell
		return nil, err
	}
	return l, nil
}

func lockDir(dir string) (*os.File, error) {
	handle, err := os.Open(dir)
	if err != nil {
		return nil, systemError(dir, err)
	}
	if err := syscall.Flock(int(handle.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = handle.Close()
		return nil, pgerr.Newf(pgerr.ObjectInUse, "append log %q is in use by another process", dir).
			WithHint("Stop the other server, or start this one with another data directory.")
	}
	return handle, nil
}

// Recovery returns what Open repaired, for the caller to log.
func (l *Log) Recovery() Recovery { return l.recovery }

// Close refuses further appends, waits for the group that is being written and
// closes the files. Readers are closed by their owners.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	l.flushing <- struct{}{}
	l.flush()
	err := l.active.Close()
	<-l.flushing
	if lockErr := l.lockFile.Close(); err == nil {
		err = lockErr
	}
	if err != nil {
		return systemError(l.dir, err)
	}
	return nil
}

// Append makes the payload durable and returns its sequence number. It blocks
// for one or two fsyncs. The payload is copied before Append waits. Errors: 53100
// and 58030, after which the log is as before and may be used again; 54000 for a
// payload that is too large; 57014 if ctx ends first, and then the record may or
// may not become part of the log.
func (l *Log) Append(ctx context.Context, payload []byte) (uint64, error) {
	if len(payload) > MaxPayloadBytes {
		return 0, pgerr.Newf(pgerr.ProgramLimitExceeded, "a record of %d bytes is larger than the limit of %d", len(payload), MaxPayloadBytes)
	}
	for {
		if ctx.Err() != nil {
			return 0, canceled(ctx)
		}
		g, index, err := l.enqueue(payload)
		if err != nil {
			return 0, err
		}
		if err := l.wait(ctx, g); err != nil {
			return 0, err
		}
		if index >= 0 {
			return g.first + uint64(index), g.err
		}
	}
}

// enqueue adds the payload to the pending group, and returns its place in it. The
// place is -1 if the group is full: try again once it is written.
func (l *Log) enqueue(payload []byte) (*group, int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, 0, pgerr.Newf(pgerr.AdminShutdown, "append log %q is closed", l.dir)
	}
	g := l.pending
	if g == nil {
		g = &group{buf: l.spare, done: make(chan struct{})}
		l.pending, l.spare = g, nil
	}
	if len(g.buf) > 0 && len(g.buf)+recordHeaderBytes+len(payload) > maxGroupBytes {
		return g, -1, nil
	}
	g.buf = appendRecord(g.buf, payload)
	g.count++
	return g, int(g.count) - 1, nil
}

// wait returns when the group is written or refused, by this goroutine if nobody
// else is writing.
func (l *Log) wait(ctx context.Context, g *group) error {
	select {
	case <-g.done:
		return nil
	case l.flushing <- struct{}{}:
		select {
		case <-g.done: // its writer let go of the token just now
		default:
			l.flush()
		}
		<-l.flushing
		return nil
	case <-ctx.Done():
		return canceled(ctx)
	}
}

func canceled(ctx context.Context) error {
	return pgerr.Newf(pgerr.QueryCanceled, "canceled while rows were being written; they may or may not be stored: %w", context.Cause(ctx))
}

// flush writes the pending group, if there is one. The caller has the token.
func (l *Log) flush() {
	l.mu.Lock()
	g := l.pending
	l.pending = nil
	first := l.next
	l.mu.Unlock()
	if g == nil {
		return
	}
	numberRecords(g.buf, first)
	err := l.write(g.buf, first)
	l.mu.Lock()
	defer l.mu.Unlock()
	g.first, g.err = first, err
	if err == nil {
		l.next = first + g.count
		l.segments[len(l.segments)-1].end += int64(len(g.buf))
		close(l.changed)
		l.changed = make(chan struct{})
	}
	if cap(g.buf) <= keepBufferBytes {
		l.spare = g.buf[:0]
	}
	g.buf = nil
	close(g.done)
}

// write makes the records durable behind the last segment's end, or leaves that
// end as it is. The caller has the token, therefore end does not move.
func (l *Log) write(records []byte, first uint64) error {
	last := l.last()
	full := last.end > segmentHeaderBytes && last.end+int64(len(records)) > l.limit
	if l.untrusted || full {
		if err := l.rotate(first); err != nil {
			return err
		}
		last = l.last()
	}
	if err := l.disk.write(l.active, records, last.end); err != nil {
		cut := l.disk.truncate(l.active, last.end)
		if cut == nil {
			cut = l.disk.sync(l.active)
		}
		if cut != nil {
			l.distrust(first)
		}
		return systemError(last.path, fmt.Errorf("appending: %w", err))
	}
	if err := l.disk.sync(l.active); err != nil {
		// The kernel may have dropped the pages and will not say so again.
		_ = l.disk.truncate(l.active, last.end) // helps; rotating is what counts
		l.distrust(first)
		return systemError(last.path, fmt.Errorf("making rows durable: %w", err))
	}
	return nil
}

// distrust gives up the last segment: the next group goes to a new one, whose
// first number also ends the old one (docs/format/appendlog.md). If that cannot be
// made now, the next append tries again.
func (l *Log) distrust(first uint64) {
	l.untrusted = true
	_ = l.rotate(first) // untrusted stays set
}

func (l *Log) last() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.segments[len(l.segments)-1]
}

// rotate begins a segment at the sequence number. It takes the place of a last
// segment that is still empty.
func (l *Log) rotate(first uint64) error {
	created, file, err := l.disk.createSegment(l.dir, first)
	if err != nil {
		return systemError(l.dir, fmt.Errorf("beginning a segment: %w", err))
	}
	old := l.active
	l.active, l.untrusted = file, false
	l.mu.Lock()
	if last := len(l.segments) - 1; last >= 0 {
		l.segments[last].until = first
		if l.segments[last].first == first {
			l.segments = l.segments[:last]
		}
	}
	l.segments = append(l.segments, created)
	l.mu.Unlock()
	if old != nil {
		_ = old.Close() // everything that counts in it was synced
	}
	return nil
}

// Bounds returns the sequence numbers of the oldest record that is kept and of
// the record that comes next; they are equal for an empty log.
func (l *Log) Bounds() (first, next uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.segments[0].first, l.next
}

// Changed returns a channel that is closed when a record is appended after the
// call. To wait without missing one, call it before reading to io.EOF.
func (l *Log) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// TrimBefore deletes the segments that hold only records before the sequence
// number. The last segment always stays. Readers inside a deleted segment may
// finish it.
func (l *Log) TrimBefore(seq uint64) error {
	l.trimming.Lock()
	defer l.trimming.Unlock()
	for {
		l.mu.Lock()
		if l.closed || len(l.segments) < 2 || l.segments[1].first > seq {
			l.mu.Unlock()
			return nil
		}
		oldest := l.segments[0]
		l.segments = append([]*segment(nil), l.segments[1:]...)
		l.mu.Unlock()
		// One at a time, durably: a crash must not leave a gap between segments.
		if err := l.disk.remove(oldest.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			l.mu.Lock()
			l.segments = append([]*segment{oldest}, l.segments...)
			l.mu.Unlock()
			return systemError(oldest.path, fmt.Errorf("deleting a segment: %w", err))
		}
		if err := kv.SyncDir(filepath.Dir(oldest.path)); err != nil {
			return err
		}
	}
}

// systemError gives an operating system's error its SQLSTATE.
func systemError(path string, err error) error {
	if kv.IsDiskFull(err) {
		return pgerr.Newf(pgerr.DiskFull, "no space left for append log %q: %w", path, err).
			WithHint("Free some space and try again.")
	}
	return pgerr.Newf(pgerr.IOError, "append log %q: %w", path, err)
}

func corrupted(path string, format string, args ...any) error {
	return pgerr.Newf(pgerr.DataCorrupted, "append log segment %q is damaged: %w", path, fmt.Errorf(format, args...)).
		WithHint("Put back a copy of the file, or move the log's directory away to start without the rows in it.")
}

package appendlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"laminardb/sql/pgerr"
)

func mustOpen(t testing.TB, dir string, options Options) *Log {
	t.Helper()
	l, err := Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustClose(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustAppend(t testing.TB, l *Log, payload string, want uint64) {
	t.Helper()
	seq, err := l.Append(context.Background(), []byte(payload))
	if err != nil || seq != want {
		t.Fatalf("append %q gave %d, %v; want %d", payload, seq, err, want)
	}
}

// readAll returns the payloads from the number on.
func readAll(t testing.TB, l *Log, from uint64) ([]string, error) {
	t.Helper()
	r, err := l.Read(from)
	if err != nil {
		return nil, err
	}
	defer mustClose(t, r)
	var all []string
	for {
		seq, payload, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if want := from + uint64(len(all)); seq != want {
			t.Fatalf("record %d, want %d", seq, want)
		}
		all = append(all, string(payload))
	}
}

func wantRecords(t testing.TB, l *Log, from uint64, want ...string) {
	t.Helper()
	got, err := readAll(t, l, from)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

func TestAppendReadReopen(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{})
	wantRecords(t, l, 1)
	big := strings.Repeat("b", 3*readBytes)
	for i, payload := range []string{"one", "", big, "four"} {
		mustAppend(t, l, payload, uint64(i)+1)
	}
	wantRecords(t, l, 1, "one", "", big, "four")
	wantRecords(t, l, 4, "four")
	wantRecords(t, l, 5)
	if _, err := l.Read(6); !pgerr.Is(err, pgerr.DataCorrupted) {
		t.Fatalf("reading beyond the end gave %v", err)
	}
	if _, err := Open(dir, Options{}); !pgerr.Is(err, pgerr.ObjectInUse) {
		t.Fatalf("a second open gave %v", err)
	}
	mustClose(t, l)
	if _, err := l.Append(context.Background(), nil); !pgerr.Is(err, pgerr.AdminShutdown) {
		t.Fatalf("append after close gave %v", err)
	}
	l = mustOpen(t, dir, Options{})
	if l.Recovery() != (Recovery{}) {
		t.Fatalf("recovery %+v after a clean close", l.Recovery())
	}
	mustAppend(t, l, "five", 5)
	wantRecords(t, l, 1, "one", "", big, "four", "five")
	if _, err := l.Append(context.Background(), make([]byte, MaxPayloadBytes+1)); !pgerr.Is(err, pgerr.ProgramLimitExceeded) {
		t.Fatalf("too large a record gave %v", err)
	}
	mustClose(t, l)
}

func TestGroupsShareFsync(t *testing.T) {
	var syncs atomic.Int64
	entered, release := make(chan struct{}), make(chan struct{})
	block := atomic.Bool{}
	l := mustOpen(t, t.TempDir(), Options{Fault: func(op Op, _ string, size int) (int, error) {
		if op == OpSync {
			syncs.Add(1)
			if block.CompareAndSwap(true, false) {
				close(entered)
				<-release
			}
		}
		return size, nil
	}})
	syncs.Store(0)
	block.Store(true)
	const others = 50
	var all sync.WaitGroup
	seqs := make([]uint64, others+1)
	run := func(i int) {
		seq, err := l.Append(context.Background(), fmt.Append(nil, i))
		if err != nil {
			t.Error(err)
		}
		seqs[i] = seq
	}
	all.Go(func() { run(0) })
	<-entered
	for i := range others {
		all.Go(func() { run(i + 1) })
	}
	for { // all of them wait behind the first one's fsync
		l.mu.Lock()
		waiting := l.pending != nil && l.pending.count == others
		l.mu.Unlock()
		if waiting {
			break
		}
	}
	close(release)
	all.Wait()
	if syncs.Load() != 2 {
		t.Errorf("%d fsyncs for two groups", syncs.Load())
	}
	got, err := readAll(t, l, 1)
	if err != nil || len(got) != others+1 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	for i, seq := range seqs {
		if got[seq-1] != fmt.Sprint(i) {
			t.Errorf("append %d was told number %d, which is %q", i, seq, got[seq-1])
		}
	}
	mustClose(t, l)
}

func TestCanceledAppend(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.Append(ctx, []byte("x")); !pgerr.Is(err, pgerr.QueryCanceled) {
		t.Fatalf("gave %v", err)
	}
	l.flushing <- struct{}{} // someone writes for long
	ctx, cancel = context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := l.Append(ctx, []byte("in doubt"))
		done <- err
	}()
	cancel()
	if err := <-done; !pgerr.Is(err, pgerr.QueryCanceled) {
		t.Fatalf("gave %v", err)
	}
	<-l.flushing
	mustClose(t, l) // writes what is pending
}

func TestRotateAndTrim(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{SegmentBytes: 100})
	for i := range 10 {
		mustAppend(t, l, fmt.Sprintf("record %023d", i), uint64(i)+1) // one fits beside the header
	}
	files := func() int {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(dir, "*.log"))
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	if files() != 10 {
		t.Fatalf("%d segments", files())
	}
	inside, err := l.Read(2)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := inside.Next(); err != nil {
		t.Fatal(err)
	}
	late, err := l.Read(2)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.TrimBefore(5); err != nil {
		t.Fatal(err)
	}
	if first, next := l.Bounds(); first != 5 || next != 11 || files() != 6 {
		t.Fatalf("bounds %d, %d with %d files", first, next, files())
	}
	for _, r := range []*Reader{inside, late} {
		if _, _, err := r.Next(); !errors.Is(err, ErrTrimmed) {
			t.Fatalf("a reader of trimmed records got %v", err)
		}
		mustClose(t, r)
	}
	if _, err := l.Read(4); !errors.Is(err, ErrTrimmed) {
		t.Fatalf("reading trimmed records gave %v", err)
	}
	if err := l.TrimBefore(1000); err != nil {
		t.Fatal(err)
	}
	if first, _ := l.Bounds(); first != 10 || files() != 1 {
		t.Fatalf("first %d with %d files", first, files())
	}
	mustClose(t, l)
	l = mustOpen(t, dir, Options{SegmentBytes: 100})
	mustAppend(t, l, "next", 11)
	wantRecords(t, l, 11, "next")
	mustClose(t, l)
}

func TestReaderFinishesTrimmedSegment(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Options{SegmentBytes: 120})
	for i := range 9 {
		mustAppend(t, l, "12345678", uint64(i)+1) // three to a segment
	}
	r, err := l.Read(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if err := l.TrimBefore(4); err != nil {
		t.Fatal(err)
	}
	for want := uint64(2); want <= 9; want++ {
		if seq, _, err := r.Next(); err != nil || seq != want {
			t.Fatalf("record %d, %v; want %d", seq, err, want)
		}
	}
	if _, _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Fatalf("the end gave %v", err)
	}
	mustClose(t, r)
	mustClose(t, l)
}

func TestReaderWaits(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Options{SegmentBytes: 200})
	const records = 200
	result := make(chan error)
	go func() {
		r, err := l.Read(1)
		if err != nil {
			result <- err
			return
		}
		for want := uint64(1); want <= records; {
			changed := l.Changed()
			seq, payload, err := r.Next()
			if errors.Is(err, io.EOF) {
				<-changed
				continue
			}
			if err != nil || seq != want || string(payload) != fmt.Sprint(seq) {
				result <- fmt.Errorf("record %d %q, %w", seq, payload, err)
				return
			}
			want++
		}
		result <- r.Close()
	}()
	for i := range records {
		mustAppend(t, l, fmt.Sprint(i+1), uint64(i)+1)
	}
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
}

// spoil fails the nth use of an operation, letting half of a write through.
type spoil struct {
	op   Op
	in   int
	err  error
	more int // how many uses fail after it
}

func (s *spoil) fault(op Op, _ string, size int) (int, error) {
	if op != s.op || s.err == nil {
		return size, nil
	}
	if s.in--; s.in >= 0 {
		return size, nil
	}
	if s.more--; s.more < -1 {
		return size, nil
	}
	return size / 2, s.err
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name string
		spoil
		second *spoil
		want   pgerr.Code
	}{
		{"disk full", spoil{op: OpWrite, err: syscall.ENOSPC}, nil, pgerr.DiskFull},
		{"disk full for long", spoil{op: OpWrite, err: syscall.ENOSPC, more: 3}, nil, pgerr.DiskFull},
		{"write error", spoil{op: OpWrite, err: syscall.EIO}, nil, pgerr.IOError},
		{"fsync error", spoil{op: OpSync, err: syscall.EIO}, nil, pgerr.IOError},
		{"fsync errors", spoil{op: OpSync, err: syscall.EIO, more: 2}, nil, pgerr.IOError},
		{"fsync says full", spoil{op: OpSync, err: syscall.ENOSPC}, nil, pgerr.DiskFull},
		{"fsync and truncate", spoil{op: OpSync, err: syscall.EIO}, &spoil{op: OpTruncate, err: syscall.EIO}, pgerr.IOError},
		{"write and truncate", spoil{op: OpWrite, err: syscall.EIO}, &spoil{op: OpTruncate, err: syscall.EIO}, pgerr.IOError},
		{"fsync and create", spoil{op: OpSync, err: syscall.EIO}, &spoil{op: OpCreate, err: syscall.ENOSPC}, pgerr.IOError},
		{"fsync and rename", spoil{op: OpSync, err: syscall.EIO}, &spoil{op: OpRename, err: syscall.EIO}, pgerr.IOError},
	} {
		for _, before := range []int{0, 2} { // an empty segment is replaced, another one ended
			t.Run(fmt.Sprintf("%s after %d", c.name, before), func(t *testing.T) {
				first, second := c.spoil, spoil{}
				if c.second != nil {
					second = *c.second
				}
				testFault(t, &first, &second, before, c.want)
			})
		}
	}
}

func testFault(t *testing.T, first, second *spoil, before int, code pgerr.Code) {
	dir := t.TempDir()
	on := false
	l := mustOpen(t, dir, Options{Fault: func(op Op, path string, size int) (int, error) {
		if !on {
			return size, nil
		}
		if n, err := first.fault(op, path, size); err != nil {
			return n, err
		}
		return second.fault(op, path, size)
	}})
	var want []string
	add := func(payload string) {
		t.Helper()
		want = append(want, payload)
		mustAppend(t, l, payload, uint64(len(want)))
	}
	for i := range before {
		add(fmt.Sprint("before ", i))
	}
	trusted := lastFile(t, l)
	on = true
	if _, err := l.Append(context.Background(), []byte("refused")); !pgerr.Is(err, code) {
		t.Fatalf("append gave %v", err)
	}
	afterCrash(t, dir, want)
	for tries := 0; ; tries++ {
		_, err := l.Append(context.Background(), []byte("again"))
		if err == nil {
			want = append(want, "again")
			break
		}
		if tries > 10 {
			t.Fatalf("the log never recovers: %v", err)
		}
	}
	// What a failed fsync left unknown, or a failed cut, is not written to again.
	if same := os.SameFile(trusted, lastFile(t, l)); same == (first.op == OpSync || second.op == OpTruncate) {
		t.Errorf("the same file is in use: %v", same)
	}
	add("after")
	wantRecords(t, l, 1, want...)
	mustClose(t, l)
	l = mustOpen(t, dir, Options{SegmentBytes: 1000})
	wantRecords(t, l, 1, want...)
	add("after restart")
	wantRecords(t, l, 1, want...)
	mustClose(t, l)
}

func lastFile(t *testing.T, l *Log) os.FileInfo {
	t.Helper()
	info, err := os.Stat(l.last().path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// afterCrash opens a copy of the directory as it is now: the refused record is
// not there, and was not left for the recovery to cut off.
func afterCrash(t *testing.T, dir string, want []string) {
	t.Helper()
	crashed := filepath.Join(t.TempDir(), "crashed")
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, crashed, Options{})
	if l.Recovery() != (Recovery{}) {
		t.Errorf("recovery %+v", l.Recovery())
	}
	wantRecords(t, l, 1, want...)
	mustClose(t, l)
}

func TestTrimFault(t *testing.T) {
	s := &spoil{op: OpRemove, err: syscall.EIO}
	l := mustOpen(t, t.TempDir(), Options{SegmentBytes: 1, Fault: s.fault})
	for i := range 4 {
		mustAppend(t, l, "x", uint64(i)+1)
	}
	if err := l.TrimBefore(4); !pgerr.Is(err, pgerr.IOError) {
		t.Fatalf("gave %v", err)
	}
	wantRecords(t, l, 1, "x", "x", "x", "x")
	if err := l.TrimBefore(4); err != nil {
		t.Fatal(err)
	}
	wantRecords(t, l, 4, "x")
	mustClose(t, l)
}

func TestLeftoverSegment(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{})
	mustAppend(t, l, "one", 1)
	mustClose(t, l)
	fresh := segmentPath(dir, 2) + freshSuffix
	if err := os.WriteFile(fresh, bytes.Repeat([]byte{0}, 10), 0o600); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir, Options{})
	wantRecords(t, l, 1, "one")
	mustClose(t, l)
	if _, err := os.Stat(fresh); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the leftover: %v", err)
	}
}

package appendlog

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"laminardb/sql/pgerr"
)

// segmentBytes returns a segment with one group for each list of payloads.
func segmentBytes(first uint64, groups ...[]string) []byte {
	content := segmentHeader(first)
	for _, payloads := range groups {
		var group []byte
		for _, p := range payloads {
			group = appendRecord(group, []byte(p))
		}
		numberRecords(group, first)
		first += uint64(len(payloads))
		content = append(content, group...)
	}
	return content
}

// openWith opens a log whose only segment has the content.
func openWith(t testing.TB, content []byte) (*Log, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(segmentPath(dir, 1), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return Open(dir, Options{})
}

// TestTornTail cuts the file everywhere: the whole records before the cut are
// there, and the log goes on behind them.
func TestTornTail(t *testing.T) {
	whole := segmentBytes(1, []string{"a"}, []string{"bb", "ccc"})
	sizes := []int{segmentHeaderBytes, 49, 75, 102}
	if sizes[3] != len(whole) {
		t.Fatalf("%d bytes", len(whole))
	}
	for size := segmentHeaderBytes; size <= len(whole); size++ {
		for _, tail := range [][]byte{nil, make([]byte, 100), bytes.Repeat([]byte{0xff}, 100)} {
			l, err := openWith(t, append(bytes.Clone(whole[:size]), tail...))
			if err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			kept, _ := slices.BinarySearch(sizes, size+1)
			kept--
			if dropped := int64(size + len(tail) - sizes[kept]); l.Recovery().DroppedBytes != dropped {
				t.Errorf("%d bytes: recovery %+v, want %d", size, l.Recovery(), dropped)
			}
			mustAppend(t, l, "next", uint64(kept)+1)
			wantRecords(t, l, 1, append([]string{"a", "bb", "ccc"}[:kept:kept], "next")...)
			mustClose(t, l)
		}
	}
}

// TestDamage changes every byte of a segment. In a group that another follows it
// is an error; in the last group, what is before the damage stays.
func TestDamage(t *testing.T) {
	whole := segmentBytes(1, []string{"a", "bb"}, []string{"ccc", "dddd"})
	records := []string{"a", "bb", "ccc", "dddd"}
	lastGroup := segmentHeaderBytes + 4 + 2*recordHeaderBytes - 1
	for at := range whole {
		content := bytes.Clone(whole)
		content[at] ^= 0x10
		l, err := openWith(t, content)
		if at < lastGroup {
			if !pgerr.Is(err, pgerr.DataCorrupted) && !pgerr.Is(err, pgerr.FeatureNotSupported) {
				t.Errorf("byte %d: %v", at, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("byte %d: %v", at, err)
			continue
		}
		_, next := l.Bounds()
		wantRecords(t, l, 1, records[:next-1]...)
		if next < 3 || next > 4 || l.Recovery().Segment == "" {
			t.Errorf("byte %d: next %d, recovery %+v", at, next, l.Recovery())
		}
		mustClose(t, l)
	}
}

// TestOldSegmentDamage does the same to a segment that is not the last: a reader
// gets to the damage and no further.
func TestOldSegmentDamage(t *testing.T) {
	whole := segmentBytes(1, []string{"a", "bb"}, []string{"ccc"})
	for at := 0; at <= len(whole); at++ {
		dir := t.TempDir()
		content := bytes.Clone(whole)
		if at < len(whole) {
			content[at] ^= 0x10
		} else {
			content = content[:len(content)-1]
		}
		for name, data := range map[uint64][]byte{1: content, 4: segmentBytes(4, []string{"e"})} {
			if err := os.WriteFile(segmentPath(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l := mustOpen(t, dir, Options{})
		got, err := readAll(t, l, 1)
		if !pgerr.Is(err, pgerr.DataCorrupted) && !pgerr.Is(err, pgerr.FeatureNotSupported) {
			t.Errorf("byte %d: %v", at, err)
		}
		if want := []string{"a", "bb", "ccc"}; !slices.Equal(got, want[:len(got)]) {
			t.Errorf("byte %d: read %q", at, got)
		}
		mustClose(t, l)
	}
}

// TestRefusedTail is what a failed fsync leaves behind: the following segment's
// first number ends the old one, whatever is there.
func TestRefusedTail(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[uint64][]byte{
		1: append(segmentBytes(1, []string{"a"}, []string{"refused", "refused"}), "garbage"...),
		2: segmentBytes(2, []string{"b"}),
	} {
		if err := os.WriteFile(segmentPath(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := mustOpen(t, dir, Options{})
	wantRecords(t, l, 1, "a", "b")
	mustClose(t, l)
}

func TestMissingSegment(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{SegmentBytes: 1})
	for i := range 3 {
		mustAppend(t, l, "x", uint64(i)+1)
	}
	mustClose(t, l)
	if err := os.Remove(segmentPath(dir, 2)); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir, Options{})
	if _, err := readAll(t, l, 1); !pgerr.Is(err, pgerr.DataCorrupted) {
		t.Fatalf("reading over the gap gave %v", err)
	}
	mustClose(t, l)
}

func FuzzOpenSegment(f *testing.F) {
	whole := segmentBytes(1, []string{"a", "bb"}, []string{"ccc"})
	f.Add(whole, uint16(0))
	f.Add(whole[:len(whole)-2], uint16(0))
	f.Add(append(bytes.Clone(whole), 0, 0, 0), uint16(30))
	f.Add([]byte{}, uint16(0))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte, damage uint16) {
		if damage > 0 { // reach beyond the header's checksum
			content = append(segmentHeader(1), content...)
		}
		path := segmentPath(dir, 1)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(dir, Options{})
		if err != nil {
			if !pgerr.Is(err, pgerr.DataCorrupted) && !pgerr.Is(err, pgerr.FeatureNotSupported) {
				t.Fatal(err)
			}
			return
		}
		_, next := l.Bounds()
		if got, err := readAll(t, l, 1); err != nil || uint64(len(got)) != next-1 {
			t.Fatalf("%d records of %d, %v", len(got), next-1, err)
		}
		mustAppend(t, l, "next", next)
		wantRecords(t, l, next, "next")
		mustClose(t, l)
	})
}

// TestKill kills a child in the middle of many appends; every number that it
// reported is there, with its payload.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	for round := range 4 {
		child := exec.Command(os.Args[0], "-test.run=TestChild$")
		child.Env = append(os.Environ(), "APPENDLOG_CHILD="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged := map[uint64]string{}
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var seq uint64
			var payload string
			if n, _ := fmt.Sscanf(lines.Text(), "ack %d %s end", &seq, &payload); n == 2 && strings.HasSuffix(lines.Text(), " end") {
				acknowledged[seq] = payload
			}
			if len(acknowledged) == 40+60*round {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		var exit *exec.ExitError
		if err := child.Wait(); !errors.As(err, &exit) {
			t.Fatalf("child ended with %v", err)
		}
		l := mustOpen(t, dir, Options{SegmentBytes: 4096})
		got, err := readAll(t, l, 1)
		if err != nil {
			t.Fatal(err)
		}
		for seq, payload := range acknowledged {
			if seq > uint64(len(got)) || got[seq-1] != payload {
				t.Fatalf("round %d: record %d %q is lost; %d records", round, seq, payload, len(got))
			}
		}
		mustClose(t, l)
	}
}

// TestChild is the other process of TestKill.
func TestChild(t *testing.T) {
	dir := os.Getenv("APPENDLOG_CHILD")
	if dir == "" {
		return
	}
	l := mustOpen(t, dir, Options{SegmentBytes: 4096})
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := 0; ; i++ {
				payload := fmt.Sprintf("%d/%d/%s", w, i, strings.Repeat("x", i%300))
				seq, err := l.Append(context.Background(), []byte(payload))
				if err != nil {
					t.Error(err)
					return
				}
				fmt.Printf("ack %d %s end\n", seq, payload)
			}
		})
	}
	writers.Wait()
}

func BenchmarkAppend(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 130)
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) {
			dir := b.TempDir()
			l := mustOpen(b, filepath.Join(dir, "log"), Options{})
			b.ReportAllocs()
			b.SetBytes(int64(len(payload)))
			work := make(chan struct{}, writers)
			var all sync.WaitGroup
			for range writers {
				all.Go(func() {
					for range work {
						if _, err := l.Append(context.Background(), payload); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for b.Loop() {
				work <- struct{}{}
			}
			close(work)
			all.Wait()
			mustClose(b, l)
		})
	}
}

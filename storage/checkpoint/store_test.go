package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"go.etcd.io/bbolt"

	"laminardb/sql/pgerr"
)

// testClock always says the same.
func testClock() time.Time { return time.Date(2026, 2, 6, 12, 0, 0, 0, time.UTC) }

func mustOpen(t testing.TB, path string, options Options) *Store {
	t.Helper()
	options.Now = testClock
	s, err := Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// script runs testdata/store with chunks of four bytes: "put 3/agg/rows abcdefgh"
// makes the chunks "abcd" and "efgh".
type script struct {
	t      *testing.T
	path   string
	store  *Store
	writer *Writer
	fail   map[string]bool
}

func TestStore(t *testing.T) {
	s := &script{t: t, path: filepath.Join(t.TempDir(), "checkpoints.db"), fail: map[string]bool{}}
	s.open()
	datadriven.RunTest(t, "testdata/store", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		for line := range strings.Lines(d.Input) {
			text, err := s.run(strings.Fields(line))
			out.WriteString(text)
			if err != nil {
				fmt.Fprintf(&out, "error: %s\n", strings.ReplaceAll(err.Error(), s.path, "PATH"))
			}
		}
		return out.String()
	})
	mustClose(t, s.store)
}

func (s *script) open() {
	s.store = mustOpen(s.t, s.path, Options{ChunkBytes: 4, Failpoint: func(name string) error {
		if s.fail[name] {
			delete(s.fail, name)
			return errors.New("failpoint " + name)
		}
		return nil
	}})
}

func parseKey(text string) Key {
	parts := strings.Split(text, "/")
	object, _ := strconv.ParseUint(parts[0], 10, 64)
	return Key{object, parts[1], parts[2]}
}

func (s *script) run(args []string) (string, error) {
	var number uint64
	if len(args) > 1 {
		number, _ = strconv.ParseUint(args[1], 10, 64)
	}
	switch args[0] {
	case "begin":
		w, err := s.store.Begin(number)
		if err != nil {
			return "", err
		}
		s.writer = w
		return fmt.Sprintf("parent %d\n", w.Parent()), nil
	case "put":
		return "", s.writer.Put(context.Background(), parseKey(args[1]), strings.NewReader(strings.Join(args[2:], " ")))
	case "reuse":
		ok, err := s.writer.Reuse(parseKey(args[1]))
		return fmt.Sprintln(ok), err
	case "commit":
		progress := Progress{Sources: []SourcePosition{{Object: 1, Split: "0", Position: []byte(strconv.FormatUint(s.writer.epoch*10, 10))}}}
		m, err := s.writer.CommitManifest(progress)
		if err != nil {
			s.writer.Abort()
			return "", err
		}
		return fmt.Sprintf("%d bytes, %d new\n", m.Bytes(), m.NewBytes), nil
	case "abort":
		s.writer.Abort()
		return "", nil
	case "mark":
		return "", s.store.MarkCommitted(number)
	case "discard":
		return "", s.store.Discard(number)
	case "fail":
		s.fail[args[1]] = true
		return "", nil
	case "reopen":
		mustClose(s.t, s.store)
		s.open()
		return "", nil
	case "spoil":
		return "", s.spoil(args[1], number, args[2])
	}
	return s.look(args, number)
}

func (s *script) look(args []string, number uint64) (string, error) {
	switch args[0] {
	case "latest":
		m, skipped, err := s.store.Latest()
		var out strings.Builder
		for _, skip := range skipped {
			fmt.Fprintf(&out, "skipped %d: %s\n", skip.Epoch, strings.ReplaceAll(skip.Reason.Error(), s.path, "PATH"))
		}
		if m == nil {
			return out.String() + "none\n", err
		}
		return out.String() + s.content(m), err
	case "at":
		m, err := s.store.At(number)
		if err != nil {
			return "", err
		}
		return s.content(m), nil
	case "list":
		var out strings.Builder
		for _, info := range s.store.List() {
			fmt.Fprintf(&out, "%d parent=%d committed=%v bytes=%d new=%d objects=%v damaged=%v\n", info.Epoch, info.Parent,
				!info.CommittedAt.IsZero(), info.Bytes, info.NewBytes, info.Objects, info.Damage != nil)
		}
		return out.String(), nil
	case "chunks":
		return s.chunks(), nil
	}
	return "unknown command " + args[0] + "\n", nil
}

func (s *script) content(m *Manifest) string {
	var out strings.Builder
	fmt.Fprintf(&out, "epoch %d at %s\n", m.Epoch, m.Sources[0].Position)
	for _, state := range m.States {
		content, err := io.ReadAll(s.store.Read(m, state.Key))
		if err != nil {
			s.t.Fatal(err)
		}
		fmt.Fprintf(&out, "  %s %q\n", state.Key, content)
	}
	return out.String()
}

func (s *script) chunks() string {
	var out strings.Builder
	err := s.store.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(chunksBucket).ForEach(func(_, sealed []byte) error {
			_, err := fmt.Fprintf(&out, "%q ", sealed[4:])
			return err
		})
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(out.String()) + "\n"
}

// spoil changes a chunk ("chunk abcd"), or the manifest or mark of an epoch.
func (s *script) spoil(_ string, epoch uint64, what string) error {
	return s.store.update(func(tx *buckets) error {
		switch what {
		case "manifest":
			return tx.manifests.Put(epochKey(epoch), []byte("nonsense"))
		case "mark":
			return tx.committed.Put(epochKey(epoch), []byte("nonsense"))
		}
		cursor := tx.chunks.Cursor()
		for key, sealed := cursor.First(); key != nil; key, sealed = cursor.Next() {
			if string(sealed[4:]) == what {
				changed := bytes.Clone(sealed)
				changed[5]++
				return tx.chunks.Put(bytes.Clone(key), changed)
			}
		}
		return errors.New("no such chunk")
	})
}

func TestParallelPutsInSmallTransactions(t *testing.T) {
	var flushes int
	s := mustOpen(t, filepath.Join(t.TempDir(), "checkpoints.db"), Options{Failpoint: func(name string) error {
		if name == "chunks.before" {
			flushes++ // under the writer's lock
		}
		return nil
	}})
	w, err := s.Begin(1)
	if err != nil {
		t.Fatal(err)
	}
	const states, size = 4, 12 << 20
	var all sync.WaitGroup
	for i := range states {
		all.Go(func() {
			content := bytes.Repeat([]byte{byte(i), 1, 2, 3, 5, 7, 11}, size/7+1)[:size-i]
			if err := w.Put(context.Background(), Key{Object: uint64(i), Name: "s"}, bytes.NewReader(content)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	m, err := w.CommitManifest(Progress{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.MarkCommitted(1); err != nil {
		t.Fatal(err)
	}
	if flushes < 3 || flushes > 4 {
		t.Errorf("%d transactions for %d MB", flushes, m.Bytes()>>20)
	}
	if _, skipped, err := s.Latest(); err != nil || len(skipped) > 0 {
		t.Fatalf("%v, %v", skipped, err)
	}
	for i := range states {
		content, err := io.ReadAll(s.Read(m, Key{Object: uint64(i), Name: "s"}))
		if err != nil || len(content) != size-i || content[0] != byte(i) || !slices.Equal(content[size-21:size-14], []byte{content[size-21], content[size-20], content[size-19], content[size-18], content[size-17], content[size-16], content[size-15]}) {
			t.Errorf("state %d: %d bytes, %v", i, len(content), err)
		}
	}
	mustClose(t, s)
}

func TestReaderError(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "checkpoints.db"), Options{})
	w, err := s.Begin(1)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("operator says no")
	if err := w.Put(context.Background(), Key{}, io.MultiReader(strings.NewReader("abc"), failingReader{broken})); !errors.Is(err, broken) {
		t.Fatalf("put gave %v", err)
	}
	if _, err := w.CommitManifest(Progress{}); !errors.Is(err, broken) {
		t.Fatalf("commit gave %v", err)
	}
	if _, err := s.Begin(2); !pgerr.Is(err, pgerr.ObjectInUse) {
		t.Fatalf("a second writer gave %v", err)
	}
	w.Abort()
	w, err = s.Begin(1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.Put(ctx, Key{}, strings.NewReader("abc")); !errors.Is(err, context.Canceled) {
		t.Fatalf("put gave %v", err)
	}
	w.Abort()
	mustClose(t, s)
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

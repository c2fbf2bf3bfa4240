package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"laminardb/sql/pgerr"
	"laminardb/storage/kv"
)

// stateOf is what the tests save in an epoch: a part that changes, one that does
// not, one that moves, and one of which little changes, so that patches are written.
func stateOf(epoch uint64) map[Key][]byte {
	little := bytes.Repeat([]byte("0123456789abcdef"), 150)
	for i := range epoch {
		little[i*511%uint64(len(little))] = byte(epoch - i)
	}
	return map[Key][]byte{
		{1, "agg", "little"}: little[:uint64(len(little))-epoch%3],
		{1, "agg", "groups"}: bytes.Repeat(fmt.Appendf(nil, "epoch %d ", epoch), 400),
		{1, "agg", "same"}:   bytes.Repeat([]byte("unchanged "), 700),
		{2, "join", "left"}:  append(bytes.Repeat([]byte{byte(epoch)}, 1024*int(epoch%5)), bytes.Repeat([]byte("tail"), 1000)...),
	}
}

func writeEpoch(s *Store, epoch uint64) error {
	w, err := s.Begin(epoch)
	if err != nil {
		return err
	}
	defer w.Abort()
	for key, content := range stateOf(epoch) {
		if err := w.Put(context.Background(), key, bytes.NewReader(content)); err != nil {
			return err
		}
	}
	if _, err := w.CommitManifest(Progress{Sinks: []SinkEpoch{{Object: 5, Epoch: epoch}}}); err != nil {
		return err
	}
	return s.MarkCommitted(epoch)
}

// checkContent checks every state of the epoch.
func checkContent(t *testing.T, s *Store, m *Manifest) {
	t.Helper()
	want := stateOf(m.Epoch)
	if len(m.States) != len(want) || m.Sinks[0].Epoch != m.Epoch {
		t.Fatalf("epoch %d has %d states, sinks %v", m.Epoch, len(m.States), m.Sinks)
	}
	for key, content := range want {
		got, err := io.ReadAll(s.Read(m, key))
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("epoch %d, state %s: %d bytes of %d, %v", m.Epoch, key, len(got), len(content), err)
		}
	}
}

// TestKillAtEveryStep kills a child at the nth failpoint, for all n of three
// epochs. The newest epoch that was marked is whole afterwards, and the store
// goes on, without garbage.
func TestKillAtEveryStep(t *testing.T) {
	dir := t.TempDir()
	for step := 1; ; step++ {
		path := filepath.Join(dir, fmt.Sprint(step, ".db"))
		child := exec.Command(os.Args[0], "-test.run=TestChild$")
		child.Env = append(os.Environ(), "CHECKPOINT_CHILD="+path, fmt.Sprint("CHECKPOINT_STEP=", step))
		out, err := child.Output()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if err == nil {
			if step < 20 || lines[0] != "marked 1" {
				t.Fatalf("the child ended by itself at step %d: %s", step, out)
			}
			return
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("step %d: %v: %s", step, err, out)
		}
		afterKill(t, path, fmt.Sprint("step ", step), lines)
	}
}

func afterKill(t *testing.T, path, what string, lines []string) {
	t.Helper()
	var marked uint64
	for _, line := range lines {
		if _, err := fmt.Sscanf(line, "marked %d", &marked); err != nil && line != "" {
			t.Fatalf("%s: %q", what, line)
		}
	}
	s := mustOpen(t, path, Options{ChunkBytes: 512})
	defer mustClose(t, s)
	m, skipped, err := s.Latest()
	if err != nil || len(skipped) > 0 {
		t.Fatalf("%s: skipped %v, error %v", what, skipped, err)
	}
	next := uint64(1)
	if m == nil {
		if marked > 0 {
			t.Fatalf("%s: epoch %d is lost", what, marked)
		}
	} else {
		if m.Epoch < marked || m.Epoch > marked+1 {
			t.Fatalf("%s: epoch %d after %d was marked", what, m.Epoch, marked)
		}
		checkContent(t, s, m)
	}
	for _, info := range s.List() { // a pending one is whole, too
		m, err := s.At(info.Epoch)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		checkContent(t, s, m)
		next = max(next, info.Epoch+1)
	}
	for epoch := next; epoch < next+2; epoch++ {
		if err := writeEpoch(s, epoch); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	w, err := s.Begin(next + 2)
	if err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if stored, used := s.storedChunks(t), len(s.used()); stored != used {
		t.Errorf("%s: %d chunks are stored, %d are named", what, stored, used)
	}
}

func (s *Store) storedChunks(t *testing.T) int {
	t.Helper()
	count := 0
	err := s.update(func(tx *buckets) error {
		count = tx.chunks.Stats().KeyN
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// TestChild is the process that TestKillAtEveryStep kills.
func TestChild(t *testing.T) {
	path := os.Getenv("CHECKPOINT_CHILD")
	if path == "" {
		return
	}
	var steps int
	if _, err := fmt.Sscan(os.Getenv("CHECKPOINT_STEP"), &steps); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, path, Options{ChunkBytes: 512, Failpoint: func(string) error {
		if steps--; steps == 0 {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				return err
			}
			select {} // the signal is on its way
		}
		return nil
	}})
	for epoch := uint64(1); epoch <= 4; epoch++ {
		if err := writeEpoch(s, epoch); err != nil {
			t.Fatal(err)
		}
		fmt.Println("marked", epoch)
	}
	os.Exit(0) // without the test binary's own output
}

// TestDiskFull runs TestFullChild under a limit on the size of files.
func TestDiskFull(t *testing.T) {
	child := exec.Command(os.Args[0], "-test.run=TestFullChild$")
	child.Env = append(os.Environ(), "CHECKPOINT_FULL="+filepath.Join(t.TempDir(), "checkpoints.db"))
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestFullChild(t *testing.T) {
	path := os.Getenv("CHECKPOINT_FULL")
	if path == "" {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	s := mustOpen(t, path, Options{})
	if err := writeEpoch(s, 1); err != nil {
		t.Fatal(err)
	}
	var free syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &free); err != nil {
		t.Fatal(err)
	}
	full := free
	full.Cur = 1 << 20
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	w, err := s.Begin(2)
	if err != nil {
		t.Fatal(err)
	}
	err = w.Put(context.Background(), Key{}, bytes.NewReader(make([]byte, 2*batchBytes)))
	if !pgerr.Is(err, pgerr.DiskFull) {
		t.Fatalf("put gave %v", err)
	}
	w.Abort()
	m, skipped, err := s.Latest()
	if err != nil || len(skipped) > 0 || m.Epoch != 1 {
		t.Fatalf("latest %v, %v, %v", m, skipped, err)
	}
	checkContent(t, s, m)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &free); err != nil {
		t.Fatal(err)
	}
	if err := writeEpoch(s, 2); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	s = mustOpen(t, path, Options{})
	if m, err = s.At(2); err != nil {
		t.Fatal(err)
	}
	checkContent(t, s, m)
	mustClose(t, s)
}

// TestDamagedFile changes bytes all over the file: what Latest returns is whole,
// and what it passes over it says.
func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoints.db")
	s := mustOpen(t, path, Options{ChunkBytes: 512})
	for epoch := uint64(1); epoch <= 3; epoch++ {
		if err := writeEpoch(s, epoch); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, s)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "b.db")
	refused, fellBack := 0, 0
	for at := 0; at < len(whole); at++ {
		if at%4096 >= 20 && at%1999 != 0 {
			continue
		}
		content := bytes.Clone(whole)
		content[at] ^= 0x03 << (at % 7)
		if err := os.WriteFile(damaged, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(damaged, Options{ChunkBytes: 512, Now: testClock})
		if err != nil {
			refused++
			if !pgerr.Is(err, pgerr.DataCorrupted) && !pgerr.Is(err, pgerr.FeatureNotSupported) {
				t.Errorf("byte %d: %v", at, err)
			}
			continue
		}
		m, skipped, err := s.Latest()
		if err != nil {
			t.Errorf("byte %d: %v", at, err)
		}
		if len(skipped) > 0 {
			fellBack++
		}
		if m != nil {
			checkContent(t, s, m)
		}
		mustClose(t, s)
	}
	if refused == 0 || fellBack == 0 {
		t.Errorf("%d refused, %d fell back", refused, fellBack)
	}
}

func FuzzDecodeManifest(f *testing.F) {
	sealed, err := encodeManifest(&Manifest{
		Epoch: 3, Parent: 2, CreatedAt: testClock(), NewBytes: 7, States: []State{{Key{1, "a", "b"}, 7, []chunk{{id: 1, bytes: 7, sum: 9}, {id: 2, bytes: 3, sum: 8, patches: []uint64{4, 5}}}}},
		Progress: Progress{[]SourcePosition{{1, "0", []byte{1}}}, []Watermark{{1, "a", "0", -5}}, []SinkEpoch{{2, 3, nil}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed[4:])
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := decodeManifest(kv.Seal(text))
		if err != nil {
			return
		}
		again, err := encodeManifest(m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeManifest(again)
		if err != nil || back.Bytes() != m.Bytes() || len(back.States) != len(m.States) || !reflect.DeepEqual(back.Watermarks, m.Watermarks) {
			t.Fatalf("%s became %s: %v", text, again, err)
		}
	})
}

func BenchmarkCheckpoint(b *testing.B) {
	content := make([]byte, 64<<20)
	for i := range content {
		content[i] = byte(i * i >> 7)
	}
	for _, mode := range []string{"new", "same", "reuse"} {
		b.Run(mode, func(b *testing.B) {
			s := mustOpen(b, filepath.Join(b.TempDir(), "checkpoints.db"), Options{})
			b.SetBytes(int64(len(content)))
			for epoch := uint64(1); b.Loop(); epoch++ {
				benchEpoch(b, s, epoch, content, mode)
			}
			mustClose(b, s)
		})
	}
}

func benchEpoch(b *testing.B, s *Store, epoch uint64, content []byte, mode string) {
	w, err := s.Begin(epoch)
	if err != nil {
		b.Fatal(err)
	}
	key := Key{Object: 1}
	ok := false
	if mode == "reuse" {
		if ok, err = w.Reuse(key); err != nil {
			b.Fatal(err)
		}
	}
	if mode == "new" {
		for at := 0; at < len(content); at += chunkBytes {
			content[at] = byte(epoch)
		}
	}
	if !ok {
		if err := w.Put(context.Background(), key, bytes.NewReader(content)); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := w.CommitManifest(Progress{}); err != nil {
		b.Fatal(err)
	}
	if err := s.MarkCommitted(epoch); err != nil {
		b.Fatal(err)
	}
}

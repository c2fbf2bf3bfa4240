package outbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"laminardb/sql/pgerr"
	"laminardb/storage/kv"
)

func mustOpen(t testing.TB, dir string) *Box {
	t.Helper()
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func mustAppend(t testing.TB, b *Box, payload string, rows int) {
	t.Helper()
	if err := b.Append([]byte(payload), rows); err != nil {
		t.Fatal(err)
	}
}

func mustSync(t testing.TB, b *Box, epoch uint64) {
	t.Helper()
	b.Seal(epoch)
	if err := b.Sync(); err != nil {
		t.Fatal(err)
	}
}

// records reads a file from a byte on to its present end.
func records(t testing.TB, b *Box, seq uint64, from int64) (out []string, end int64, err error) {
	t.Helper()
	r, err := b.Read(seq, from)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	for {
		payload, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, r.Position(), nil
		}
		if err != nil {
			return out, r.Position(), err
		}
		out = append(out, string(payload))
	}
}

func wantRecords(t testing.TB, b *Box, seq uint64, from int64, want ...string) (end int64) {
	t.Helper()
	got, end, err := records(t, b, seq, from)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("file %d from %d has %q, %v; want %q", seq, from, got, err, want)
	}
	return end
}

func wantFiles(t testing.TB, b *Box, next uint64, want ...File) {
	t.Helper()
	if got, n := b.State(); !slices.Equal(got, want) || n != next {
		t.Errorf("files %+v, next %d; want %+v, %d", got, n, want, next)
	}
}

func wantCode(t testing.TB, err error, code pgerr.Code) {
	t.Helper()
	if !pgerr.Is(err, code) {
		t.Errorf("error %v, want %s", err, code)
	}
}

func TestAppendSealRead(t *testing.T) {
	b := mustOpen(t, t.TempDir())
	b.Seal(1) // there is nothing
	wantFiles(t, b, 1)
	changed := b.Changed()
	mustAppend(t, b, "one", 3)
	<-changed
	end := wantRecords(t, b, 1, 0, "one")
	wantCode(t, b.Append(nil, 1), pgerr.Internal)
	mustAppend(t, b, "more", 1)
	wantRecords(t, b, 1, end, "more") // it grows
	end = 8 + 3 + 8 + 4
	wantFiles(t, b, 2, File{1, 0, end, 4})
	changed = b.Changed()
	b.Seal(7)
	<-changed
	mustAppend(t, b, "two", 1)
	wantFiles(t, b, 3, File{1, 7, end, 4}, File{2, 0, 11, 1})
	mustSync(t, b, 8)
	if err := b.Remove(1); err != nil {
		t.Fatal(err)
	}
	if err := b.Remove(1); err != nil { // again, after a crash
		t.Fatal(err)
	}
	wantFiles(t, b, 3, File{2, 8, 11, 1})
	if _, err := b.Read(1, 0); err == nil {
		t.Error("a file that was removed is read")
	}
}

// TestUnfinished: what a crash has left of a file that was being rewritten goes.
func TestUnfinished(t *testing.T) {
	b := mustOpen(t, t.TempDir())
	mustAppend(t, b, "one", 1)
	mustSync(t, b, 1)
	files, next := b.State()
	if err := os.WriteFile(b.path(1)+rewritten, []byte("on"), 0o600); err != nil {
		t.Fatal(err)
	}
	if missing, err := b.Keep(files, next); err != nil || missing != nil {
		t.Fatalf("%v, %v", missing, err)
	}
	if _, err := os.Stat(b.path(1) + rewritten); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	wantRecords(t, b, 1, 0, "one")
}

func TestKeep(t *testing.T) {
	dir := t.TempDir()
	b := mustOpen(t, dir)
	for i, text := range []string{"one", "two", "three", "four"} {
		mustAppend(t, b, text, 1)
		if i < 3 {
			mustSync(t, b, uint64(i+1))
		}
	}
	all, _ := b.State()
	if err := b.Remove(1); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/notes", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	after := mustOpen(t, dir)
	missing, err := after.Keep(all[:2], 3) // of epoch 2; epoch 3 was not to be
	if err != nil || !slices.Equal(missing, all[:1]) {
		t.Fatalf("missing %+v, %v", missing, err)
	}
	wantFiles(t, after, 3, all[1])
	wantRecords(t, after, 2, 0, "two")
	mustAppend(t, after, "anew", 1)
	wantRecords(t, after, 3, 0, "anew")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 { // with what is not ours
		t.Errorf("%v, %v", entries, err)
	}
}

// TestLeftovers finds that what a failed write left behind a file's end does no harm.
func TestLeftovers(t *testing.T) {
	b := mustOpen(t, t.TempDir())
	mustAppend(t, b, "one", 1)
	path := b.path(1)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, bytes.Repeat([]byte{0xff}, 100)...), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRecords(t, b, 1, 0, "one")
	mustAppend(t, b, "two", 1)
	wantRecords(t, b, 1, 0, "one", "two")
	mustSync(t, b, 1)
	if info, err := os.Stat(path); err != nil || info.Size() != 22 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestDamage(t *testing.T) {
	dir := t.TempDir()
	b := mustOpen(t, dir)
	mustAppend(t, b, "one", 1)
	mustAppend(t, b, "two", 1)
	mustSync(t, b, 1)
	files, next := b.State()
	whole, err := os.ReadFile(b.path(1))
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		flipped := slices.Clone(whole)
		flipped[at] ^= 0x10
		if err := os.WriteFile(b.path(1), flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		got, _, err := records(t, b, 1, 0)
		wantCode(t, err, pgerr.DataCorrupted)
		if len(got) != at/11 {
			t.Errorf("with byte %d changed, %q is read", at, got)
		}
	}
	for size := range whole {
		if err := os.WriteFile(b.path(1), whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := mustOpen(t, dir).Keep(files, next)
		wantCode(t, err, pgerr.DataCorrupted)
	}
	if err := os.WriteFile(b.path(1), make([]byte, len(whole)), 0o600); err != nil { // what a crash of the machine may leave
		t.Fatal(err)
	}
	_, _, err = records(t, b, 1, 0)
	wantCode(t, err, pgerr.DataCorrupted)
}

func TestDiskFull(t *testing.T) {
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("there is no " + full)
	}
	b := mustOpen(t, t.TempDir())
	if err := os.Symlink(full, b.path(1)); err != nil {
		t.Fatal(err)
	}
	wantCode(t, b.Append([]byte("one"), 1), pgerr.DiskFull)
	wantFiles(t, b, 2, File{Seq: 1})
	wantRecords(t, b, 1, 0)
}

// FuzzReader reads any bytes as a file: each record that is given out is what its
// bytes say, and all else is XX001.
func FuzzReader(f *testing.F) {
	record := func(payload string) []byte {
		out := binary.LittleEndian.AppendUint32(nil, uint32(len(payload)))
		out = binary.LittleEndian.AppendUint32(out, kv.Checksum([]byte(payload)))
		return append(out, payload...)
	}
	f.Add([]byte{})
	f.Add(slices.Concat(record("one"), record("two")))
	f.Add(slices.Concat(record("one"), record("two")[:9]))
	f.Add(bytes.Repeat([]byte{0xff}, 20))
	f.Add(make([]byte, 20))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := mustOpen(t, t.TempDir())
		if err := os.WriteFile(b.path(1), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Keep([]File{{Seq: 1, Epoch: 1, Bytes: int64(len(data)), Rows: 1}}, 2); err != nil {
			t.Fatal(err)
		}
		got, end, err := records(t, b, 1, 0)
		if err != nil {
			wantCode(t, err, pgerr.DataCorrupted)
		}
		var again []byte
		for _, payload := range got {
			again = append(again, record(payload)...)
		}
		if !bytes.Equal(again, data[:end]) || err == nil && end != int64(len(data)) {
			t.Fatalf("%q up to %d, %v", got, end, err)
		}
	})
}

// TestFailedSync: a file whose fsync has failed is written anew, and not with what
// cannot be read back.
func TestFailedSync(t *testing.T) {
	b := mustOpen(t, t.TempDir())
	fails := true
	var durable []string
	b.fsync = func(f *os.File) error {
		if fails {
			return errors.New("input/output error")
		}
		durable = append(durable, f.Name())
		return f.Sync()
	}
	mustAppend(t, b, "one", 1)
	mustAppend(t, b, "two", 1)
	b.Seal(1)
	if err := b.Sync(); !pgerr.Is(err, pgerr.IOError) {
		t.Fatalf("%v", err)
	}
	before, err := os.Stat(b.path(1))
	if err != nil {
		t.Fatal(err)
	}
	fails = false
	if err := b.Sync(); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(b.path(1))
	if err != nil {
		t.Fatal(err)
	}
	if os.SameFile(before, after) || len(durable) != 1 || after.Size() != before.Size() {
		t.Errorf("%d bytes of the old file are taken for durable, after %v", after.Size(), durable)
	}
	wantRecords(t, b, 1, 0, "one", "two")

	mustAppend(t, b, "three", 1)
	fails = true
	b.Seal(2)
	if err := b.Sync(); err == nil {
		t.Fatal("no error")
	}
	fails = false
	file, err := os.OpenFile(b.path(2), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte{0}, headerBytes); err != nil { // the page was given up
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Sync(); !pgerr.Is(err, pgerr.DataCorrupted) {
		t.Errorf("rows that are gone: %v", err)
	}
	if err := b.Remove(2); err != nil { // they were sent before
		t.Fatal(err)
	}
	if err := b.Sync(); err != nil {
		t.Error(err)
	}
}

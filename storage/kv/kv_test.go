package kv

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"laminardb/sql/pgerr"
)

// testFormat is what the files of these tests say they hold.
var testFormat = Format{Name: "test", Version: 2}

func fill(t *testing.T, path string, keys int) {
	t.Helper()
	db, err := Open(path, testFormat)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists([]byte("data"))
		if err != nil {
			return err
		}
		for i := range keys {
			if err := bucket.Put(fmt.Appendf(nil, "key %04d", i), Seal(bytes.Repeat([]byte{byte(i)}, 300))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// readAll reads every value; maxKeys ends a walk over a damaged tree.
func readAll(path string, maxKeys int) (count int, err error) {
	db, err := Open(path, testFormat)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte("data"))
		if bucket == nil {
			return db.Corrupted(errors.New("no data"))
		}
		cursor := bucket.Cursor()
		for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
			if _, err := Unseal(value); err != nil {
				return db.Corrupted(err)
			}
			if count++; count > maxKeys {
				return db.Corrupted(errors.New("too many keys"))
			}
		}
		return nil
	})
	return count, err
}

func wantCode(t *testing.T, err error, code pgerr.Code) {
	t.Helper()
	if !pgerr.Is(err, code) {
		t.Fatalf("error %v, want SQLSTATE %s", err, code.SQLSTATE())
	}
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	fill(t, path, 100)
	if count, err := readAll(path, 100); err != nil || count != 100 {
		t.Fatalf("%d keys, error %v", count, err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	first, err := Open(path, testFormat)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, testFormat)
	wantCode(t, err, pgerr.ObjectInUse)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, Format{Name: "test", Version: 1})
	wantCode(t, err, pgerr.FeatureNotSupported)
	_, err = Open(path, Format{Name: "other", Version: 9})
	wantCode(t, err, pgerr.DataCorrupted)
	_, err = Open(filepath.Join(dir, "missing", "a.db"), testFormat)
	wantCode(t, err, pgerr.IOError)
	_, err = Open(dir, testFormat)
	wantCode(t, err, pgerr.IOError)

	for name, content := range map[string][]byte{"empty": nil, "text": []byte("hello"), "zeros": make([]byte, 64<<10)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = Open(path, testFormat)
		wantCode(t, err, pgerr.DataCorrupted)
	}
}

func TestLeftoverOfCrashedCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db, err := open(path + ".new")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	fill(t, path, 1)
	if count, err := readAll(path, 1); err != nil || count != 1 {
		t.Fatalf("%d keys, error %v", count, err)
	}
}

// TestDamage changes and cuts a file everywhere: each result is either the
// whole content or an error, never a panic, a fault or an endless walk.
func TestDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	fill(t, path, 60)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "b.db")
	try := func(what string, content []byte) {
		t.Helper()
		if err := os.WriteFile(damaged, content, 0o600); err != nil {
			t.Fatal(err)
		}
		count, err := readAll(damaged, 60)
		var known *pgerr.Error
		if err != nil && !errors.As(err, &known) {
			t.Errorf("%s: error without SQLSTATE: %v", what, err)
		}
		if err == nil && count > 60 {
			t.Errorf("%s: %d keys", what, count)
		}
	}
	const page, headers = 4096, 24 // page header and first elements: all of them
	for at := 0; at < len(whole); at++ {
		if at%page >= headers && at%509 != 0 {
			continue
		}
		mask := byte(0x03) << (at % 7)
		content := bytes.Clone(whole)
		content[at] ^= mask
		try(fmt.Sprintf("byte %d ^ %#x", at, mask), content)
	}
	for size := 1; size < len(whole); size += 2048 {
		try(fmt.Sprintf("first %d bytes", size), whole[:size])
	}
}

func TestBrokenStaysBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db, err := Open(path, testFormat)
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, db.Update(func(*bbolt.Tx) error { panic("page 7 already freed") }), pgerr.DataCorrupted)
	wantCode(t, db.View(func(*bbolt.Tx) error { return nil }), pgerr.DataCorrupted)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = Open(path, testFormat); err != nil {
		t.Fatalf("the lock was kept: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFailedCommit: what a failed commit has left is made durable before the next
// one builds on it.
func TestFailedCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	fill(t, path, 10)
	db, err := Open(path, testFormat)
	if err != nil {
		t.Fatal(err)
	}
	synced, updates, fails := 0, 0, true
	bolt := db.commit
	db.commit = func(fn func(*bbolt.Tx) error) error {
		updates++
		return errors.Join(bolt(fn), syscall.EIO) // of the last fsync
	}
	db.fsync = func(f *os.File) error {
		if fails {
			return syscall.EIO
		}
		synced++
		return f.Sync()
	}
	add := func(key string) error {
		return db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("data")).Put([]byte(key), Seal([]byte("x")))
		})
	}
	wantCode(t, add("a"), pgerr.IOError)
	db.commit = func(fn func(*bbolt.Tx) error) error {
		updates++
		return bolt(fn)
	}
	wantCode(t, add("b"), pgerr.IOError)
	if updates != 1 {
		t.Errorf("%d updates: one builds on what is not durable", updates)
	}
	fails = false
	for _, key := range []string{"c", "d"} {
		if err := add(key); err != nil {
			t.Fatal(err)
		}
	}
	if synced != 1 || updates != 3 {
		t.Errorf("%d times made durable in %d updates", synced, updates)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := readAll(path, 100); n != 13 || err != nil {
		t.Errorf("%d keys, %v", n, err)
	}
}

// Package kv is one bbolt file that fails with a clear error.
//
// Nouns: DB (the open file), Format (what the file must hold), a sealed value
// (bytes with their CRC32C).
//
// bbolt maps its file and trusts it: a damaged page makes it panic or fault.
// This package turns those, lock time-outs, full disks and foreign files into
// errors with a SQLSTATE.
//
// Rule: nothing that is read from the file can end the process; a DB that
// panicked outside a read refuses all further use.
package kv

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"laminardb/sql/pgerr"
)

// LockTimeout is how long Open waits for another process to let go of the file:
// long enough for a server that is shutting down, short enough for a person.
const LockTimeout = time.Second

// formatBucket and formatKey are where a file says what it is.
var (
	formatBucket = []byte("format")
	formatKey    = []byte("format")
)

// Format names what a file holds. A file with a newer version is refused.
type Format struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
}

// DB is an open file. Its methods may be called from any goroutine.
type DB struct {
	bolt   *bbolt.DB
	file   *os.File // bolt's own, closed here only when bolt cannot be
	path   string
	broken atomic.Pointer[pgerr.Error]

	writing sync.Mutex // held by the Update that runs
	// doubtful says that the last commit failed: it may be what readers see, and not
	// be on disk.
	doubtful bool
	// commit is bolt's Update, fsync makes the file durable; tests let them fail.
	commit func(fn func(*bbolt.Tx) error) error
	fsync  func(*os.File) error
}

// Open opens the file, or makes it with the format; its directory must exist.
// Errors: 55006 if another process has the file open, XX001 if it is damaged or
// holds something else, 0A000 if a newer version wrote it, 58030 and 53100 for
// the operating system's.
func Open(path string, format Format) (*DB, error) {
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = create(path, format)
	case err == nil:
		err = refuseEmpty(path)
	default:
		err = systemError(path, err)
	}
	if err != nil {
		return nil, err
	}
	db, err := open(path)
	if err != nil {
		return nil, err
	}
	if err := db.checkFormat(format); err != nil {
		_ = db.Close() // the first error is the one to tell
		return nil, err
	}
	return db, nil
}

// refuseEmpty guards against bbolt taking an emptied file for a new one.
func refuseEmpty(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return systemError(path, err)
	}
	if info.IsDir() {
		return pgerr.Newf(pgerr.IOError, "%q is a directory, not a data file", path)
	}
	if info.Size() == 0 {
		return corrupted(path, errors.New("the file is empty"))
	}
	return nil
}

// create writes the file under another name first, so that a crash never leaves
// half a file behind at path.
func create(path string, format Format) error {
	fresh := path + ".new"
	db, err := open(fresh)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists(formatBucket)
		if err != nil {
			return err
		}
		text, err := json.Marshal(format)
		if err != nil {
			return err
		}
		return bucket.Put(formatKey, Seal(text))
	})
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		if _, statErr := os.Stat(path); statErr == nil {
			return nil // another process was faster; its file is as good
		}
		return systemError(path, err)
	}
	return SyncDir(filepath.Dir(path))
}

func open(path string) (*DB, error) {
	db := &DB{path: path, fsync: (*os.File).Sync}
	options := &bbolt.Options{
		Timeout:      LockTimeout,
		FreelistType: bbolt.FreelistMapType,
		NoStatistics: true,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			file, err := os.OpenFile(name, flag, mode)
			db.file = file
			return file, err
		},
	}
	err := db.guard(func() error {
		bolt, err := bbolt.Open(path, 0o600, options)
		db.bolt = bolt
		return err
	})
	if err != nil {
		if db.broken.Load() != nil && db.file != nil {
			_ = db.abandon() // the damage is the error to tell
		}
		err = translate(path, err)
		if !isKnown(err) {
			err = corrupted(path, err) // bolt's remaining complaints are about the content
		}
		return nil, err
	}
	db.commit = db.bolt.Update
	return db, nil
}

func (db *DB) checkFormat(want Format) error {
	return db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(formatBucket)
		if bucket == nil {
			return corrupted(db.path, errors.New("it does not say what it holds"))
		}
		text, err := Unseal(bucket.Get(formatKey))
		if err != nil {
			return corrupted(db.path, err)
		}
		var have Format
		if err := json.Unmarshal(text, &have); err != nil {
			return corrupted(db.path, fmt.Errorf("reading the format: %w", err))
		}
		if have.Name != want.Name {
			return corrupted(db.path, fmt.Errorf("it is a %q file, not a %q file", have.Name, want.Name))
		}
		if have.Version > want.Version {
			return pgerr.Newf(pgerr.FeatureNotSupported, "data file %q has format version %d, this server knows versions up to %d",
				db.path, have.Version, want.Version).WithHint("Start the version of the server that wrote the file, or a newer one.")
		}
		return nil
	})
}

// View runs fn in a read transaction. Slices from the transaction must not
// outlive fn. An error of fn is returned as it is. A damaged page that fn meets is
// XX001, and the rest of the file can still be read.
func (db *DB) View(fn func(*bbolt.Tx) error) error {
	var damage error
	err := db.guard(func() error {
		return db.bolt.View(func(tx *bbolt.Tx) (err error) {
			defer func() { // bolt ends the transaction, its locks are in order
				if cause := recover(); cause != nil {
					damage = corrupted(db.path, fmt.Errorf("%v", cause))
					err = damage
				}
			}()
			return fn(tx)
		})
	})
	if damage != nil {
		return damage
	}
	return translate(db.path, err)
}

// Update runs fn in the write transaction and commits it if fn returns nil. It
// waits for the previous Update. When it fails after fn, the outcome on disk may
// be either (the last fsync failed), though readers of this DB see one of them.
func (db *DB) Update(fn func(*bbolt.Tx) error) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	var refused error
	err := db.guard(func() error {
		if err := db.settle(); err != nil {
			return err
		}
		return db.commit(func(tx *bbolt.Tx) error {
			refused = fn(tx)
			return refused
		})
	})
	if err != nil && refused == nil && !isKnown(err) {
		db.doubtful = true
		return systemError(db.path, err) // the commit failed
	}
	return translate(db.path, err)
}

// settle writes both meta pages once more after a commit that failed. If it was the
// fsync behind its own that did, the system takes that page for written: bolt goes on
// from it and would overwrite pages that the one on disk still needs.
func (db *DB) settle() error {
	if !db.doubtful {
		return nil
	}
	pages := make([]byte, 2*db.bolt.Info().PageSize)
	if _, err := db.file.ReadAt(pages, 0); err != nil {
		return err
	}
	if _, err := db.file.WriteAt(pages, 0); err != nil {
		return err
	}
	if err := db.fsync(db.file); err != nil {
		return err
	}
	db.doubtful = false
	return nil
}

// Path returns the path that the file was opened with.
func (db *DB) Path() string { return db.path }

// Close waits for running transactions, closes the file and releases its lock.
func (db *DB) Close() error {
	if db.broken.Load() != nil {
		return db.abandon()
	}
	if err := db.bolt.Close(); err != nil {
		return systemError(db.path, err)
	}
	return nil
}

// abandon lets go of a file whose bolt panicked: its own mutexes may never be
// released. The mapping stays and would keep the file lock, so that is undone by
// hand.
func (db *DB) abandon() error {
	err := syscall.Flock(int(db.file.Fd()), syscall.LOCK_UN)
	if closeErr := db.file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return systemError(db.path, err)
	}
	return nil
}

// guard runs one bbolt call with faults on mapped pages and panics as errors.
func (db *DB) guard(call func() error) (err error) {
	if broken := db.broken.Load(); broken != nil {
		return broken
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			broken := corrupted(db.path, fmt.Errorf("%v", cause))
			db.broken.Store(broken)
			err = broken
		}
	}()
	return call()
}

// SyncDir makes a created, renamed or removed name in the directory durable.
func SyncDir(dir string) error {
	handle, err := os.Open(dir)
	if err != nil {
		return systemError(dir, err)
	}
	err = handle.Sync()
	if closeErr := handle.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return systemError(dir, err)
	}
	return nil
}

// IsDiskFull reports whether err says that a file could not grow.
func IsDiskFull(err error) bool {
	for _, full := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		// bbolt puts the text of some errors into its own and drops the error.
		if errors.Is(err, full) || strings.HasSuffix(err.Error(), ": "+full.Error()) {
			return true
		}
	}
	return false
}

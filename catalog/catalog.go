// Package catalog is what exists: sources, tables, streams, views and sinks, what
// each depends on, durably in one bbolt file (docs/format/catalog.md).
//
// Nouns: Catalog (the file), Snapshot (its immutable content at a moment, read
// without locks), Object, Edit (the one change in progress).
//
// A statement begins an Edit, which checks the change at once and shows the
// content as it would be; the caller then starts or stops dataflows; then it
// commits, or discards and undoes what it started. Edits run one at a time.
//
// Rule: readers see a change only after it is on disk, whole.
package catalog

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"laminardb/sql/pgerr"
	"laminardb/storage/kv"
)

// formatVersion is the version of the records that this code writes.
const formatVersion = 1

// reservedIDs is how many IDs one durable write sets aside, so that a CREATE
// costs one transaction and a restart skips few.
const reservedIDs = 64

// The buckets and the one key of the catalog bucket.
var (
	objectsBucket = []byte("objects")
	catalogBucket = []byte("catalog")
	stateKey      = []byte("state")
)

// state is the record under stateKey.
type state struct {
	Generation uint64 `json:"generation"`  // counts commits
	Objects    int    `json:"objects"`     // how many there must be
	ReservedID uint64 `json:"reserved_id"` // smaller IDs may have been given out
}

// Catalog is an open catalog file. Its methods may be called from any goroutine.
type Catalog struct {
	db      *kv.DB
	now     func() time.Time
	current atomic.Pointer[Snapshot]
	// editing holds one token while an Edit is open; who holds it owns the
	// fields below.
	editing   chan struct{}
	state     state
	nextID    uint64
	uncertain error // not nil: a commit's outcome is unknown, edits are refused
}

// Open opens the catalog file or makes an empty one; now is the clock that
// stamps CreatedAt. Errors: 55006 if another process has the file, XX001 if it is
// damaged, 0A000 if a newer server wrote it.
func Open(path string, now func() time.Time) (*Catalog, error) {
	db, err := kv.Open(path, kv.Format{Name: "laminardb catalog", Version: formatVersion})
	if err != nil {
		return nil, err
	}
	c := &Catalog{db: db, now: now, editing: make(chan struct{}, 1)}
	objects, err := c.load()
	if err != nil {
		_ = db.Close() // the first error is the one to tell
		return nil, err
	}
	c.nextID = max(c.state.ReservedID, 1)
	c.current.Store(newSnapshot(c.state.Generation, objects))
	return c, nil
}

// Close waits for an open Edit and closes the file. Snapshots stay usable.
func (c *Catalog) Close() error {
	c.editing <- struct{}{}
	c.uncertain = pgerr.Newf(pgerr.AdminShutdown, "the catalog is closed")
	<-c.editing
	return c.db.Close()
}

// Snapshot returns the committed content. It does not block.
func (c *Catalog) Snapshot() *Snapshot { return c.current.Load() }

func (c *Catalog) load() (map[uint64]*Object, error) {
	objects := make(map[uint64]*Object)
	err := c.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(catalogBucket)
		if bucket == nil { // a new file: nothing was ever committed
			return nil
		}
		var err error
		if c.state, err = readState(bucket); err != nil {
			return c.db.Corrupted(err)
		}
		entries := tx.Bucket(objectsBucket)
		if entries == nil {
			return nil // checkContent counts
		}
		cursor := entries.Cursor()
		for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
			o, err := readObject(key, value)
			if err != nil {
				return c.db.Corrupted(fmt.Errorf("object %x: %w", key, err))
			}
			if objects[o.ID] != nil {
				return c.db.Corrupted(fmt.Errorf("object %d is there twice", o.ID))
			}
			objects[o.ID] = o
		}
		return nil
	})
	if err == nil {
		err = c.checkContent(objects)
	}
	return objects, err
}

func readState(bucket *bbolt.Bucket) (state, error) {
	var s state
	text, err := kv.Unseal(bucket.Get(stateKey))
	if err == nil {
		err = kv.DecodeJSON(text, &s)
	}
	if err != nil {
		return state{}, fmt.Errorf("catalog state: %w", err)
	}
	return s, nil
}

func readObject(key, value []byte) (*Object, error) {
	text, err := kv.Unseal(value)
	if err != nil {
		return nil, err
	}
	o, err := decodeObject(text)
	if err != nil {
		return nil, err
	}
	if len(key) != 8 || binary.BigEndian.Uint64(key) != o.ID {
		return nil, fmt.Errorf("it holds object %d", o.ID)
	}
	return o, nil
}

// checkContent checks what newSnapshot and the edits rely on.
func (c *Catalog) checkContent(objects map[uint64]*Object) error {
	if len(objects) != c.state.Objects {
		return c.db.Corrupted(fmt.Errorf("it has %d objects of %d", len(objects), c.state.Objects))
	}
	names := make(map[Name]uint64)
	for id, o := range objects {
		if other, taken := names[o.Name]; taken {
			return c.db.Corrupted(fmt.Errorf("objects %d and %d are both named %q", id, other, o.Name))
		}
		names[o.Name] = id
		if id >= c.state.ReservedID {
			return c.db.Corrupted(fmt.Errorf("object %d was never given out", id))
		}
		for _, dependency := range o.DependsOn {
			if objects[dependency] == nil {
				return c.db.Corrupted(fmt.Errorf("object %d depends on %d, which is not there", id, dependency))
			}
		}
	}
	for id := range objects {
		if reaches(objects, id, id) {
			return c.db.Corrupted(fmt.Errorf("object %d depends on itself", id))
		}
	}
	return nil
}

// reaches reports whether target is among what the object depends on, directly
// or not. Objects that are not there are skipped.
func reaches(objects map[uint64]*Object, from, target uint64) bool {
	seen := map[uint64]bool{}
	open := []uint64{from}
	for len(open) > 0 {
		o := objects[open[len(open)-1]]
		open = open[:len(open)-1]
		if o == nil {
			continue
		}
		for _, id := range o.DependsOn {
			if id == target {
				return true
			}
			if !seen[id] {
				seen[id] = true
				open = append(open, id)
			}
		}
	}
	return false
}

// takeID returns an ID that was never returned before. Only the owner of the
// editing token may call it.
func (c *Catalog) takeID() (uint64, error) {
	if c.nextID >= c.state.ReservedID {
		next := c.state
		next.ReservedID = c.nextID + reservedIDs
		if err := c.write(next, nil); err != nil {
			return 0, err
		}
	}
	id := c.nextID
	c.nextID++
	return id, nil
}

// write makes the state and what else fn writes durable, and only then takes the
// state over. If the outcome is unknown, later edits are refused.
func (c *Catalog) write(next state, fn func(objects *bbolt.Bucket) error) error {
	err := c.db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists(catalogBucket)
		if err != nil {
			return err
		}
		objects, err := tx.CreateBucketIfNotExists(objectsBucket)
		if err != nil {
			return err
		}
		if fn != nil {
			if err := fn(objects); err != nil {
				return err
			}
		}
		text, err := json.Marshal(next)
		if err != nil {
			return err
		}
		return bucket.Put(stateKey, kv.Seal(text))
	})
	if err == nil {
		c.state = next
		return nil
	}
	if !c.unchanged() {
		c.uncertain = pgerr.Newf(pgerr.IOError, "the catalog is read-only because the outcome of a write is unknown: %w", err).
			WithHint("Restart the server once the disk is well again.")
	}
	return err
}

// unchanged reports whether the file provably holds the state in memory.
func (c *Catalog) unchanged() bool {
	var stored state
	err := c.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(catalogBucket)
		if bucket == nil {
			return nil
		}
		var err error
		stored, err = readState(bucket)
		return err
	})
	return err == nil && stored == c.state
}

// lock waits for the editing token.
func (c *Catalog) lock(ctx context.Context) error {
	select {
	case c.editing <- struct{}{}:
	case <-ctx.Done():
		return pgerr.Newf(pgerr.QueryCanceled, "canceled while another statement changes the catalog: %w", context.Cause(ctx))
	}
	if c.uncertain != nil {
		<-c.editing
		return c.uncertain
	}
	return nil
}

// errEditDone is what a finished Edit's methods return: a bug of the caller.
var errEditDone = errors.New("catalog: the edit was committed or discarded")

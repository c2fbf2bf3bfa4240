// Package checkpoint keeps the engine's state of the last epochs in one bbolt file
// (docs/format/checkpoints.md).
//
// Nouns: Store, epoch (one checkpoint's number), state (what an operator saved
// under a Key), piece (so many bytes of it), chunk (a checksummed piece, or a patch
// to one, shared by the epochs in which it is the same), Manifest (an epoch's states, positions, watermarks and
// sink epochs, written last), Writer (the epoch in progress).
//
// An epoch is pending once its manifest is durable, and committed once
// MarkCommitted says that its output is out.
//
// Rule: a chunk is never changed, and is deleted only when no manifest names it.
package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"laminardb/sql/pgerr"
	"laminardb/storage/kv"
)

const (
	// formatVersion is the version of what this code writes.
	formatVersion = 2
	// Retained is how many committed epochs are kept to fall back to.
	Retained = 3
	// chunkBytes balances what one change costs against the length of manifests.
	chunkBytes = 128 << 10
	// batchBytes bounds the memory and the length of one bbolt transaction.
	batchBytes = 16 << 20
	// deleteBatch is how many chunks one transaction deletes: as much as it writes.
	deleteBatch = batchBytes / chunkBytes
)

// The buckets.
var (
	chunksBucket    = []byte("chunks")
	manifestsBucket = []byte("manifests")
	committedBucket = []byte("committed")
)

// Options are what a Store needs from outside.
type Options struct {
	// Now is the clock that stamps manifests.
	Now func() time.Time
	// Failpoint, if not nil, is called with the name of each step before and after
	// it; an error fails the step. For tests.
	Failpoint func(name string) error
	// ChunkBytes is the size of chunks, 0 for 128 KiB.
	ChunkBytes int
}

// Store is an open checkpoint file. Its methods may be called from any goroutine.
type Store struct {
	db      *kv.DB
	options Options

	mu        sync.Mutex
	manifests map[uint64]*Manifest
	committed map[uint64]time.Time
	damaged   map[uint64]error // epochs that cannot be restored, with the reason
	garbage   []uint64         // chunks that no manifest names; deleted by Begin
	nextChunk uint64
	writer    *Writer // the one in progress, nil for none
}

// Open opens the file or makes an empty one. A damaged manifest is not an error
// here: Latest passes over its epoch. Errors: 55006 if another process has the
// file, XX001 if nothing in it can be read, 0A000 if a newer server wrote it.
func Open(path string, options Options) (*Store, error) {
	if options.ChunkBytes <= 0 {
		options.ChunkBytes = chunkBytes
	}
	db, err := kv.Open(path, kv.Format{Name: "laminardb checkpoints", Version: formatVersion})
	if err != nil {
		return nil, err
	}
	s := &Store{
		db: db, options: options, nextChunk: 1,
		manifests: map[uint64]*Manifest{}, committed: map[uint64]time.Time{}, damaged: map[uint64]error{},
	}
	if err := s.load(); err != nil {
		_ = db.Close() // the first error is the one to tell
		return nil, err
	}
	return s, nil
}

// Close closes the file. A Writer in progress is lost.
func (s *Store) Close() error { return s.db.Close() }

func (s *Store) load() error {
	return s.db.View(func(tx *bbolt.Tx) error {
		if err := s.loadManifests(tx.Bucket(manifestsBucket)); err != nil {
			return err
		}
		if err := s.loadCommitted(tx.Bucket(committedBucket)); err != nil {
			return err
		}
		s.findGarbage(tx.Bucket(chunksBucket))
		return nil
	})
}

func (s *Store) loadManifests(bucket *bbolt.Bucket) error {
	return eachEpoch(bucket, func(epoch uint64, sealed []byte) {
		m, err := decodeManifest(sealed)
		if err == nil && m.Epoch != epoch {
			err = fmt.Errorf("it says that it is epoch %d", m.Epoch)
		}
		if err != nil {
			s.damaged[epoch] = s.db.Corrupted(fmt.Errorf("manifest of epoch %d: %w", epoch, err))
			return
		}
		s.manifests[epoch] = m
	})
}

func (s *Store) loadCommitted(bucket *bbolt.Bucket) error {
	return eachEpoch(bucket, func(epoch uint64, sealed []byte) {
		at, err := decodeCommitted(sealed)
		if err != nil {
			s.damaged[epoch] = s.db.Corrupted(fmt.Errorf("commit mark of epoch %d: %w", epoch, err))
		}
		s.committed[epoch] = at
	})
}

// eachEpoch calls fn for the values of a bucket, which may be missing.
func eachEpoch(bucket *bbolt.Bucket, fn func(epoch uint64, value []byte)) error {
	if bucket == nil {
		return nil
	}
	return bucket.ForEach(func(key, value []byte) error {
		if len(key) == 8 {
			fn(binary.BigEndian.Uint64(key), value)
		}
		return nil
	})
}

// findGarbage notes the chunks that a crash left behind. While a manifest cannot
// be read, nobody knows which chunks it names, so all stay.
func (s *Store) findGarbage(bucket *bbolt.Bucket) {
	if bucket == nil {
		return
	}
	used := s.used()
	cursor := bucket.Cursor()
	for key, _ := cursor.First(); key != nil; key, _ = cursor.Next() {
		if len(key) != 8 {
			continue
		}
		id := binary.BigEndian.Uint64(key)
		s.nextChunk = max(s.nextChunk, id+1)
		if !used[id] && len(s.damaged) == 0 {
			s.garbage = append(s.garbage, id)
		}
	}
}

// used returns the chunks that manifests name.
func (s *Store) used() map[uint64]bool {
	used := map[uint64]bool{}
	for _, m := range s.manifests {
		for _, st := range m.States {
			for _, c := range st.chunks {
				for _, id := range c.ids() {
					used[id] = true
				}
			}
		}
	}
	return used
}

// MarkCommitted records that the epoch's output is out, durably. The epoch may
// have been marked already.
func (s *Store) MarkCommitted(epoch uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.manifests[epoch] == nil {
		return fmt.Errorf("marking epoch %d committed: there is no such checkpoint", epoch)
	}
	if _, done := s.committed[epoch]; done {
		return nil
	}
	if err := s.fail("mark.before"); err != nil {
		return err
	}
	at := s.options.Now().UTC().Round(0)
	err := s.update(func(tx *buckets) error { return tx.committed.Put(epochKey(epoch), encodeCommitted(at)) })
	if err != nil {
		return fmt.Errorf("marking epoch %d committed: %w", epoch, err)
	}
	s.committed[epoch] = at
	return s.fail("mark.after")
}

// Discard forgets a pending epoch whose output did not get out.
func (s *Store) Discard(epoch uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, done := s.committed[epoch]; done {
		return fmt.Errorf("discarding epoch %d: it is committed", epoch)
	}
	return s.remove([]uint64{epoch})
}

// prune removes the epochs that nobody will fall back to, then the chunks that
// nobody names. The caller has the lock.
func (s *Store) prune() error {
	var kept []uint64
	for _, epoch := range slices.Backward(slices.Sorted(maps.Keys(s.committed))) {
		if s.damaged[epoch] == nil && len(kept) < Retained {
			kept = append(kept, epoch)
		}
	}
	if len(kept) > 0 {
		newest, oldest := kept[0], kept[len(kept)-1]
		old := map[uint64]bool{}
		for _, epochs := range [][]uint64{slices.Collect(maps.Keys(s.manifests)), slices.Collect(maps.Keys(s.damaged))} {
			for _, epoch := range epochs {
				_, done := s.committed[epoch]
				old[epoch] = epoch < oldest && len(kept) == Retained || !done && epoch < newest
			}
		}
		maps.DeleteFunc(old, func(_ uint64, is bool) bool { return !is })
		if err := s.remove(slices.Sorted(maps.Keys(old))); err != nil {
			return err
		}
	}
	return s.deleteGarbage()
}

// remove deletes the epochs' manifests and notes what chunks become garbage.
func (s *Store) remove(epochs []uint64) error {
	if len(epochs) == 0 {
		return nil
	}
	if err := s.fail("prune.before"); err != nil {
		return err
	}
	err := s.update(func(tx *buckets) error {
		for _, epoch := range epochs {
			if err := errors.Join(tx.manifests.Delete(epochKey(epoch)), tx.committed.Delete(epochKey(epoch))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("removing old checkpoints: %w", err)
	}
	before := s.used()
	for _, epoch := range epochs {
		delete(s.manifests, epoch)
		delete(s.committed, epoch)
		delete(s.damaged, epoch)
	}
	after := s.used()
	for id := range before {
		if !after[id] && (s.writer == nil || !s.writer.names(id)) {
			s.garbage = append(s.garbage, id)
		}
	}
	return s.fail("prune.after")
}

func (s *Store) deleteGarbage() error {
	slices.Sort(s.garbage)
	for len(s.garbage) > 0 {
		batch := s.garbage[:min(deleteBatch, len(s.garbage))]
		err := s.update(func(tx *buckets) error {
			for _, id := range batch {
				if err := tx.chunks.Delete(epochKey(id)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("deleting unused chunks: %w", err)
		}
		s.garbage = s.garbage[len(batch):]
	}
	return nil
}

// buckets are the three of a write transaction.
type buckets struct{ chunks, manifests, committed *bbolt.Bucket }

func (s *Store) update(fn func(*buckets) error) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		var b buckets
		for _, make := range []struct {
			name []byte
			to   **bbolt.Bucket
		}{{chunksBucket, &b.chunks}, {manifestsBucket, &b.manifests}, {committedBucket, &b.committed}} {
			bucket, err := tx.CreateBucketIfNotExists(make.name)
			if err != nil {
				return err
			}
			*make.to = bucket
		}
		return fn(&b)
	})
}

func (s *Store) fail(name string) error {
	if s.options.Failpoint == nil {
		return nil
	}
	return s.options.Failpoint(name)
}

// epochKey is the key of an epoch or a chunk: sorted by number.
func epochKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// errWriterDone is what a finished Writer's methods return: a bug of the caller.
var errWriterDone = pgerr.Newf(pgerr.Internal, "the checkpoint was committed or aborted")

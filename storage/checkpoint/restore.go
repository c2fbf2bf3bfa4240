package checkpoint

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"laminardb/sql/pgerr"
	"laminardb/storage/kv"
)

// Skipped is an epoch that Latest passed over.
type Skipped struct {
	Epoch  uint64
	Reason error
}

// Latest returns the newest committed epoch whose every chunk is sound, and the
// newer ones that are not: the caller must tell the user about those. The
// manifest is nil if there is none. It reads all of the epoch's state.
func (s *Store) Latest() (*Manifest, []Skipped, error) {
	s.mu.Lock()
	epochs := slices.Sorted(maps.Keys(s.committed))
	s.mu.Unlock()
	var skipped []Skipped
	for _, epoch := range slices.Backward(epochs) {
		m, err := s.At(epoch)
		if err == nil {
			return m, skipped, nil
		}
		if !pgerr.Is(err, pgerr.DataCorrupted) {
			return nil, skipped, err
		}
		skipped = append(skipped, Skipped{epoch, err})
	}
	return nil, skipped, nil
}

// At returns the epoch, committed or pending, after checking all of its chunks.
// An epoch that fails the check (XX001) is no longer a parent of new ones.
func (s *Store) At(epoch uint64) (*Manifest, error) {
	s.mu.Lock()
	m, damage := s.manifests[epoch], s.damaged[epoch]
	_, committed := s.committed[epoch]
	s.mu.Unlock()
	switch {
	case damage != nil:
		return nil, damage
	case m == nil && committed:
		damage = s.db.Corrupted(fmt.Errorf("epoch %d is marked committed and has no manifest", epoch))
	case m == nil:
		return nil, fmt.Errorf("there is no checkpoint %d", epoch)
	default:
		damage = s.verify(m)
	}
	if damage == nil {
		return m, nil
	}
	if pgerr.Is(damage, pgerr.DataCorrupted) {
		s.mu.Lock()
		s.damaged[epoch] = damage
		s.mu.Unlock()
	}
	return nil, damage
}

// Damage notes that an epoch cannot be restored although its chunks are sound, so
// that Latest passes over it from now on.
func (s *Store) Damage(epoch uint64, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damaged[epoch] = s.db.Corrupted(fmt.Errorf("epoch %d: %w", epoch, reason))
}

func (s *Store) verify(m *Manifest) error {
	var piece []byte
	for _, state := range m.States {
		for _, c := range state.chunks {
			var err error
			if piece, _, err = s.readPiece(c, piece); err != nil {
				return fmt.Errorf("checkpoint %d, state %s: %w", m.Epoch, state.Key, err)
			}
		}
	}
	return nil
}

// readPiece returns a piece, checked, in the array of into if that is long enough,
// and the size of all patches to it.
func (s *Store) readPiece(c chunk, into []byte) (piece []byte, patched int, err error) {
	piece = into[:0]
	err = s.db.View(func(tx *bbolt.Tx) error {
		for i, id := range c.ids() {
			content, err := s.stored(tx, id)
			if err != nil {
				return err
			}
			if i == 0 {
				piece = append(piece, content...)
				continue
			}
			patched += len(content)
			if piece, err = apply(content, c.id, piece); err != nil {
				return s.db.Corrupted(fmt.Errorf("chunk %d: %w", id, err))
			}
		}
		if len(piece) != int(c.bytes) || kv.Checksum(piece) != c.sum {
			return s.db.Corrupted(fmt.Errorf("chunk %d: the manifest says otherwise about its content", c.id))
		}
		return nil
	})
	return piece, patched, err
}

// stored returns the content of a chunk, which is valid in the transaction.
func (s *Store) stored(tx *bbolt.Tx, id uint64) ([]byte, error) {
	var sealed []byte
	if bucket := tx.Bucket(chunksBucket); bucket != nil {
		sealed = bucket.Get(epochKey(id))
	}
	if sealed == nil {
		return nil, s.db.Corrupted(fmt.Errorf("chunk %d is missing", id))
	}
	content, err := kv.Unseal(sealed)
	if err != nil {
		return nil, s.db.Corrupted(fmt.Errorf("chunk %d: %w", id, err))
	}
	return content, nil
}

// Read returns a reader of the state's content, nil if the epoch has none under
// the key. It holds one piece at a time and checks it again (XX001). The epoch
// must stay retained while it is read.
func (s *Store) Read(m *Manifest, key Key) io.Reader {
	state := m.State(key)
	if state == nil {
		return nil
	}
	return &stateReader{store: s, chunks: state.chunks}
}

type stateReader struct {
	store   *Store
	chunks  []chunk // still to be read
	content []byte  // the array of rest
	rest    []byte  // of the chunk that was read last
}

// Read implements io.Reader.
func (r *stateReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if len(r.chunks) == 0 {
			return 0, io.EOF
		}
		content, _, err := r.store.readPiece(r.chunks[0], r.content)
		if err != nil {
			return 0, err
		}
		r.content = content
		r.rest, r.chunks = r.content, r.chunks[1:]
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// ObjectSize is how much state an object has in an epoch.
type ObjectSize struct {
	Object uint64
	States int
	Bytes  int64
}

// Info describes an epoch for SHOW CHECKPOINT STATUS.
type Info struct {
	Epoch, Parent uint64
	CreatedAt     time.Time
	CommittedAt   time.Time // zero while the epoch is pending
	Bytes         int64     // of all states
	NewBytes      int64     // of the chunks that the epoch added
	Objects       []ObjectSize
	// Damage says why the epoch cannot be restored, nil if nothing is known
	// against it; then only the fields before Bytes that could be read are set.
	Damage error
}

// List returns the retained epochs, the newest first. It does not read state.
func (s *Store) List() []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := map[uint64]bool{}
	for _, epochs := range [][]uint64{slices.Collect(maps.Keys(s.manifests)), slices.Collect(maps.Keys(s.damaged))} {
		for _, epoch := range epochs {
			known[epoch] = true
		}
	}
	var list []Info
	for _, epoch := range slices.Backward(slices.Sorted(maps.Keys(known))) {
		info := Info{Epoch: epoch, CommittedAt: s.committed[epoch], Damage: s.damaged[epoch]}
		if m := s.manifests[epoch]; m != nil {
			info.Parent, info.CreatedAt, info.Bytes, info.NewBytes, info.Objects = m.Parent, m.CreatedAt, m.Bytes(), m.NewBytes, m.sizes()
		}
		list = append(list, info)
	}
	return list
}

// sizes relies on the order of States.
func (m *Manifest) sizes() []ObjectSize {
	var sizes []ObjectSize
	for _, s := range m.States {
		if last := len(sizes) - 1; last < 0 || sizes[last].Object != s.Key.Object {
			sizes = append(sizes, ObjectSize{Object: s.Key.Object})
		}
		size := &sizes[len(sizes)-1]
		size.States++
		size.Bytes += s.Bytes
	}
	return sizes
}

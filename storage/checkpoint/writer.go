package checkpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"laminardb/sql/pgerr"
	"laminardb/storage/kv"
)

// Writer is an epoch in progress. Put and Reuse may be called from any goroutine,
// one Key by one of them; then one goroutine calls CommitManifest or Abort.
type Writer struct {
	store  *Store
	epoch  uint64
	parent *Manifest // nil for none

	mu       sync.Mutex
	states   map[Key]State
	written  []uint64 // chunks that this epoch alone names
	batch    []entry
	batched  int
	newBytes int64
	err      error // the first failure; the epoch cannot be committed any more
	done     bool
}

// entry is a chunk that waits for the next transaction.
type entry struct {
	id     uint64
	sealed []byte
}

// Begin starts the epoch, which must be newer than any that the store knows. It
// first deletes what is no longer retained. One Writer is open at a time.
func (s *Store) Begin(epoch uint64) (*Writer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writer != nil {
		return nil, pgerr.Newf(pgerr.ObjectInUse, "checkpoint %d is still being written", s.writer.epoch)
	}
	if newest := s.newest(); epoch <= newest {
		return nil, fmt.Errorf("beginning checkpoint %d: checkpoint %d exists", epoch, newest)
	}
	if err := s.prune(); err != nil {
		return nil, err
	}
	w := &Writer{store: s, epoch: epoch, states: map[Key]State{}}
	for e, m := range s.manifests {
		if s.damaged[e] == nil && (w.parent == nil || e > w.parent.Epoch) {
			w.parent = m
		}
	}
	s.writer = w
	return w, nil
}

// Newest returns the newest epoch that the store knows, sound or not, 0 for none.
func (s *Store) Newest() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest()
}

func (s *Store) newest() uint64 {
	var newest uint64
	for epoch := range s.manifests {
		newest = max(newest, epoch)
	}
	for epoch := range s.damaged {
		newest = max(newest, epoch)
	}
	return newest
}

// Parent returns the epoch that Reuse takes states from, 0 for none. An operator
// that tells what changed must have counted since that epoch.
func (w *Writer) Parent() uint64 {
	if w.parent == nil {
		return 0
	}
	return w.parent.Epoch
}

// Put saves what the reader gives as the state. Pieces that the parent's state of
// the key holds too are shared instead of written; of one that differs a little
// from the parent's in its place a patch is written. It blocks on the reader and
// on the disk, and holds about 16 MiB at most. Errors: the reader's, 53100, 58030;
// the epoch must be aborted then.
func (w *Writer) Put(ctx context.Context, key Key, content io.Reader) error {
	p := &pieces{w: w, parent: w.parentState(key)}
	state := State{Key: key}
	piece := make([]byte, w.store.options.ChunkBytes)
	for {
		if ctx.Err() != nil {
			return w.fail(fmt.Errorf("saving state %s: %w", key, context.Cause(ctx)))
		}
		n, err := io.ReadFull(content, piece)
		if n > 0 {
			c, putErr := p.save(piece[:n])
			if putErr != nil {
				return w.fail(fmt.Errorf("saving state %s: %w", key, putErr))
			}
			state.chunks = append(state.chunks, c)
			state.Bytes += int64(n)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return w.add(state)
		}
		if err != nil {
			return w.fail(fmt.Errorf("saving state %s: %w", key, err))
		}
	}
}

// Reuse saves the parent's state of the key unchanged, without reading it. ok is
// false if the parent has none: then Put it.
func (w *Writer) Reuse(key Key) (ok bool, err error) {
	state := w.parentState(key)
	if state == nil {
		return false, nil
	}
	return true, w.add(*state)
}

// ReuseObject saves all states that the parent has of an object unchanged, which may
// be none.
func (w *Writer) ReuseObject(object uint64) error {
	if w.parent == nil {
		return nil
	}
	for _, state := range w.parent.States {
		if state.Key.Object != object {
			continue
		}
		if err := w.add(state); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) add(state State) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return errWriterDone
	}
	if _, twice := w.states[state.Key]; twice {
		return pgerr.Newf(pgerr.Internal, "state %s was saved twice in checkpoint %d", state.Key, w.epoch)
	}
	w.states[state.Key] = state
	return nil
}

func (w *Writer) fail(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	return err
}

func (w *Writer) parentState(key Key) *State {
	if w.parent == nil {
		return nil
	}
	return w.parent.State(key)
}

// put stores a chunk with the next transaction.
func (w *Writer) put(content []byte) (id uint64, err error) {
	id = w.store.takeChunk() // before w.mu: the store locks itself first, too
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.done:
		return 0, errWriterDone
	case w.err != nil:
		return 0, w.err
	}
	w.batch = append(w.batch, entry{id, kv.Seal(content)})
	w.batched += len(content)
	w.newBytes += int64(len(content))
	w.written = append(w.written, id)
	if w.batched < batchBytes {
		return id, nil
	}
	return id, w.flush()
}

func (s *Store) takeChunk() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextChunk++
	return s.nextChunk - 1
}

// flush writes the waiting chunks in one transaction. The caller has the lock.
func (w *Writer) flush() error {
	if len(w.batch) == 0 {
		return nil
	}
	if err := w.store.fail("chunks.before"); err != nil {
		return err
	}
	err := w.store.update(func(tx *buckets) error {
		for _, e := range w.batch {
			if err := tx.chunks.Put(epochKey(e.id), e.sealed); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.batch, w.batched = nil, 0
	return w.store.fail("chunks.after")
}

// names reports whether the chunk belongs to the epoch in progress.
func (w *Writer) names(id uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(w.written, id) {
		return true
	}
	if w.parent == nil {
		return false
	}
	// Reuse and sharing may still take any chunk of the parent.
	return slices.ContainsFunc(w.parent.States, func(s State) bool {
		return slices.ContainsFunc(s.chunks, func(c chunk) bool { return c.id == id || slices.Contains(c.patches, id) })
	})
}

// CommitManifest makes the epoch durable as pending and ends the Writer. After an
// error the epoch does not count; call Abort.
func (w *Writer) CommitManifest(progress Progress) (*Manifest, error) {
	m, err := w.finish(progress)
	if err != nil {
		return nil, fmt.Errorf("writing checkpoint %d: %w", w.epoch, err)
	}
	s := w.store
	s.mu.Lock()
	s.manifests[w.epoch] = m
	s.writer = nil
	s.mu.Unlock()
	return m, s.fail("manifest.after")
}

func (w *Writer) finish(progress Progress) (*Manifest, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return nil, errWriterDone
	}
	if w.err != nil {
		return nil, w.err
	}
	if err := w.flush(); err != nil {
		return nil, err
	}
	m := &Manifest{Epoch: w.epoch, Parent: w.Parent(), CreatedAt: w.store.options.Now().UTC().Round(0), NewBytes: w.newBytes, Progress: progress}
	for _, state := range w.states {
		m.States = append(m.States, state)
	}
	slices.SortFunc(m.States, func(a, b State) int {
		return cmp.Or(cmp.Compare(a.Key.Object, b.Key.Object), cmp.Compare(a.Key.Operator, b.Key.Operator), cmp.Compare(a.Key.Name, b.Key.Name))
	})
	sealed, err := encodeManifest(m)
	if err != nil {
		return nil, err
	}
	if err := w.store.fail("manifest.before"); err != nil {
		return nil, err
	}
	if err := w.store.update(func(tx *buckets) error { return tx.manifests.Put(epochKey(w.epoch), sealed) }); err != nil {
		return nil, err
	}
	w.done = true
	return m, nil
}

// Abort gives the epoch up; its chunks are deleted by the next Begin. It does
// nothing after a successful CommitManifest.
func (w *Writer) Abort() {
	w.mu.Lock()
	done, written := w.done, w.written
	w.done, w.batch = true, nil
	w.mu.Unlock()
	if done {
		return
	}
	s := w.store
	s.mu.Lock()
	defer s.mu.Unlock()
	s.garbage = append(s.garbage, written...)
	s.writer = nil
}

package exec

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"laminardb/connectors"
	"laminardb/storage/checkpoint"
)

// recovery is the checkpoint that objects are restored from.
type recovery struct {
	store    *checkpoint.Store
	manifest *checkpoint.Manifest
	objects  map[uint64]bool // of which it holds state
	// restored holds the epoch of the state that each table and dataflow has got.
	restored map[uint64]uint64
	// running are objects that go on, while what reads them goes back; restored has
	// the epoch of their state in the checkpoint.
	running map[uint64]bool
}

func newRecovery(store *checkpoint.Store, m *checkpoint.Manifest) *recovery {
	r := &recovery{store: store, manifest: m, objects: map[uint64]bool{}, restored: map[uint64]uint64{}, running: map[uint64]bool{}}
	if m != nil {
		for _, s := range m.States {
			r.objects[s.Key.Object] = true
		}
	}
	return r
}

// goesOn reports whether an object has not gone back with what reads it.
func (r *recovery) goesOn(id uint64) bool { return r != nil && r.running[id] }

// Recovered says from what an engine was restored.
type Recovered struct {
	// Epoch is 0 if there was no checkpoint.
	Epoch uint64
	// TakenAt is when the checkpoint was.
	TakenAt time.Time
	// Skipped are newer epochs that are damaged.
	Skipped []checkpoint.Skipped
}

// UseCheckpoints makes the engine take checkpoints into the store, and restore what
// is added before Start from the newest sound one. Sinks keep their outboxes in the
// directory.
func (e *Engine) UseCheckpoints(store *checkpoint.Store, outboxes string) (Recovered, error) {
	m, skipped, err := store.Latest()
	if err != nil {
		return Recovered{}, fmt.Errorf("reading the last checkpoint: %w", err)
	}
	e.checkpoints = &checkpointer{
		store: store, outboxes: outboxes, one: make(chan struct{}, 1), epoch: store.Newest(),
		placed: map[uint64]map[uint64]*placement{}, preserved: map[uint64]bool{},
	}
	e.epoch = e.checkpoints.epoch
	for _, s := range skipped {
		e.env.Report(slog.LevelError, EventCheckpointDamaged, "",
			fmt.Sprintf("checkpoint %d was passed over, so rows since the one before it are read again and sinks may get them twice: %v", s.Epoch, s.Reason))
	}
	rec := Recovered{Skipped: skipped}
	if err := discardPending(store, m); err != nil {
		return rec, err
	}
	if m == nil {
		return rec, nil
	}
	rec.Epoch, rec.TakenAt = m.Epoch, m.CreatedAt
	e.recovery = newRecovery(store, m)
	return rec, nil
}

// discardPending removes what was written of epochs behind the one that comes back:
// nothing of it may be taken over by a new one.
func discardPending(store *checkpoint.Store, m *checkpoint.Manifest) error {
	for _, info := range store.List() {
		if info.CommittedAt.IsZero() && info.Damage == nil && (m == nil || info.Epoch > m.Epoch) {
			if err := store.Discard(info.Epoch); err != nil {
				return fmt.Errorf("removing the unfinished checkpoint %d: %w", info.Epoch, err)
			}
		}
	}
	return nil
}

// saved returns what the checkpoint holds of an object, nil for nothing. The
// engine's lock is held, or nothing is being added.
func (e *Engine) saved(id uint64) *saved { return e.recovery.saved(id) }

func (r *recovery) saved(id uint64) *saved {
	if r == nil || !r.objects[id] {
		return nil
	}
	return &saved{object: id, epoch: r.manifest.Epoch, open: func(operator, name string) io.Reader {
		return r.store.Read(r.manifest, checkpoint.Key{Object: id, Operator: operator, Name: name})
	}}
}

// sameEpoch reports whether an epoch is that of all tables and dataflows that a
// dataflow reads.
func (e *Engine) sameEpoch(d *Dataflow) func(epoch uint64) bool {
	return func(epoch uint64) bool {
		for _, p := range d.ports {
			if e.source(p.scan.Object) == nil && e.recovery.restored[p.scan.Object] != epoch {
				return false
			}
		}
		return true
	}
}

// Preserve keeps what the checkpoint holds of an object that could not be started,
// so that it can be when the server starts again.
func (e *Engine) Preserve(id uint64) {
	if e.checkpoints == nil {
		return
	}
	e.checkpoints.preserve(id)
	if e.recovery != nil && e.recovery.objects[id] {
		e.checkpoints.remember(id, e.recovery.floor())
		return
	}
	places := map[uint64]*placement{} // no checkpoint holds it: it may need all rows
	for source := range e.pushedLogs() {
		places[source] = &placement{positions: connectors.Positions{0: 0}}
	}
	e.checkpoints.remember(id, places)
}

// floor is where the checkpoint says that the sources are needed from.
func (r *recovery) floor() map[uint64]*placement {
	places := map[uint64]*placement{}
	for _, s := range r.manifest.Sources {
		split, err := strconv.ParseInt(s.Split, 10, 32)
		if err != nil || len(s.Position) != 8 {
			continue // not written by an engine
		}
		if places[s.Object] == nil {
			places[s.Object] = &placement{positions: connectors.Positions{}}
		}
		places[s.Object].positions[int32(split)] = int64(binary.BigEndian.Uint64(s.Position))
	}
	return places
}

// CatchUp returns when the rows that were pushed before the engine started have gone
// through everything that reads them, or when the time is over: so that after a
// restart a client finds what it found before.
func (e *Engine) CatchUp(ctx context.Context, wait time.Duration) error {
	if e.checkpoints == nil || len(e.pushedLogs()) == 0 {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for id := range e.pushedLogs() {
		if s := e.source(id); s != nil {
			if err := s.awaitPushed(limited); err != nil {
				return ctx.Err()
			}
		}
	}
	e.collect(limited, e.beginRound(e.checkpoints.nextEpoch()))
	return ctx.Err()
}

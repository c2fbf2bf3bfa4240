package exec

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"laminardb/connectors"
	"laminardb/sql/pgerr"
	"laminardb/storage/checkpoint"
)

// captureTimeout bounds how long a checkpoint waits for the states. Then it goes on
// without the regions that are not complete: they keep their state of before.
const captureTimeout = 60 * time.Second

// fenceWait bounds how long a sink's first checkpoint waits until it has told which
// epoch it is at, so that new epochs are behind it and go out at once.
const fenceWait = 5 * time.Second

// checkpointer takes checkpoints of an engine, one at a time.
type checkpointer struct {
	store *checkpoint.Store
	// outboxes is the directory of the sinks' outboxes.
	outboxes string
	// one holds a token: its owner takes a checkpoint.
	one chan struct{}

	mu sync.Mutex
	// epoch is the last one that was begun; a mark found outside may raise it.
	epoch   uint64
	reports []CheckpointReport
	totals  CheckpointTotals
	// trims holds for the last epochs where each source was still needed from.
	trims []map[uint64]connectors.Positions
	// placed is where the sources stood that each object reads, in its saved state.
	placed map[uint64]map[uint64]*placement
	// preserved are objects that do not run, whose state stays as it is.
	preserved map[uint64]bool
}

// keptReports bounds how many checkpoints are remembered for those who ask.
const keptReports = 100

// CheckpointReport says how a checkpoint went.
type CheckpointReport struct {
	Epoch  uint64
	Reason string // what it was taken for: "periodic", "statement", "shutdown"
	// Started and Finished are the wall-clock times; Pause is the longest time that
	// one object stood still.
	Started, Finished time.Time
	Pause             time.Duration
	Bytes, NewBytes   int64
	// Behind are the objects whose state is older, since they did not give one.
	Behind []string
	// Err is why there is no such checkpoint, nil if there is.
	Err error
}

// Checkpoint saves everything that the engine holds as a new epoch, and returns
// when that is durable. One that is being taken is waited for.
func (e *Engine) Checkpoint(ctx context.Context, reason string) (CheckpointReport, error) {
	c := e.checkpoints
	if c == nil {
		return CheckpointReport{}, pgerr.Newf(pgerr.ObjectNotInPrerequisite, "this server takes no checkpoints")
	}
	release, err := c.exclude(ctx)
	if err != nil {
		return CheckpointReport{}, err
	}
	defer release()
	c.awaitFences(ctx, e)
	rep := CheckpointReport{Reason: reason, Started: e.env.Now()}
	err = e.takeCheckpoint(ctx, &rep)
	rep.Finished, rep.Err = e.env.Now(), err
	c.mu.Lock()
	c.reports = append(c.reports, rep)
	c.reports = c.reports[max(0, len(c.reports)-keptReports):]
	c.totals.count(&rep)
	c.mu.Unlock()
	if err != nil {
		e.env.Report(slog.LevelError, EventCheckpointFailed, "", fmt.Sprintf("checkpoint %d: %v", rep.Epoch, err))
		return rep, fmt.Errorf("checkpoint %d: %w", rep.Epoch, err)
	}
	e.env.Report(slog.LevelDebug, EventCheckpointTaken, "", fmt.Sprintf("checkpoint %d (%s): %d bytes, %d of them new, in %v, objects stood still for at most %v",
		rep.Epoch, reason, rep.Bytes, rep.NewBytes, rep.Finished.Sub(rep.Started).Round(time.Microsecond), rep.Pause.Round(time.Microsecond)))
	for _, name := range rep.Behind {
		e.env.Report(slog.LevelWarn, EventCheckpointFailed, name, fmt.Sprintf("checkpoint %d holds its older state", rep.Epoch))
	}
	return rep, nil
}

// exclude waits for the checkpoint that is being taken and keeps others from being
// begun until release is called.
func (c *checkpointer) exclude(ctx context.Context) (release func(), err error) {
	select {
	case c.one <- struct{}{}:
		return func() { <-c.one }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// LastCheckpoint stops the sources where they are and takes a checkpoint, so that
// nothing is read, or written outside, twice after a restart.
func (e *Engine) LastCheckpoint(ctx context.Context) (CheckpointReport, error) {
	e.env.halted.Store(true)
	return e.Checkpoint(ctx, "shutdown")
}

func (e *Engine) takeCheckpoint(ctx context.Context, rep *CheckpointReport) error {
	c := e.checkpoints
	rep.Epoch = c.nextEpoch()
	w, err := c.store.Begin(rep.Epoch)
	if err != nil {
		return err
	}
	defer w.Abort() // does nothing after the manifest
	r := e.beginRound(rep.Epoch)
	captures := e.collect(ctx, r)
	if err := ctx.Err(); err != nil {
		return err
	}
	whole, err := e.write(ctx, w, r, captures, rep)
	if err != nil {
		return err
	}
	progress, keep := c.progress(whole, e.runs)
	m, err := w.CommitManifest(progress)
	if err != nil {
		return err
	}
	if err := c.store.MarkCommitted(rep.Epoch); err != nil {
		return err
	}
	keep()
	rep.Bytes, rep.NewBytes = m.Bytes(), m.NewBytes
	e.tellDurable(rep.Epoch, whole)
	return nil
}

func (c *checkpointer) nextEpoch() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	return c.epoch
}

// passMark makes new epochs greater than a mark that was found outside.
func (c *checkpointer) passMark(mark uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch = max(c.epoch, mark)
}

// awaitFences waits, before their first checkpoint, for the transactional sinks.
func (c *checkpointer) awaitFences(ctx context.Context, e *Engine) {
	deadline := time.Now().Add(fenceWait)
	for _, f := range e.allFlows() {
		if f.sender == nil || f.sender.awaited.Swap(true) {
			continue
		}
		for !f.sender.asked.Load() && f.Failure() == nil && time.Now().Before(deadline) {
			if sleep(ctx, time.Millisecond) != nil {
				return
			}
		}
	}
}

// remember notes where the sources stood that a restored object reads.
func (c *checkpointer) remember(id uint64, places map[uint64]*placement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.placed[id] = places
}

// rememberSource notes where a restored source stood.
func (c *checkpointer) rememberSource(s *Source) {
	if s.restored != nil {
		c.remember(s.spec.ID, map[uint64]*placement{s.spec.ID: s.restored})
	}
}

// forget drops what is known of an object that was removed.
func (c *checkpointer) forget(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.placed, id)
	delete(c.preserved, id)
}

func (c *checkpointer) preserve(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.preserved[id] = true
}

func (c *checkpointer) allPreserved() []uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.preserved))
}

// beginRound says who takes part. What is added later does not.
func (e *Engine) beginRound(epoch uint64) *round {
	r := &round{epoch: epoch, wake: make(chan struct{}, 1), captures: map[uint64]*capture{}}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.epoch = epoch
	e.env.round.Store(r)
	for _, id := range slices.Sorted(maps.Keys(e.flows)) {
		r.flows = append(r.flows, e.flows[id])
	}
	for _, id := range slices.Sorted(maps.Keys(e.tables)) {
		r.tables = append(r.tables, e.tables[id])
	}
	for _, id := range slices.Sorted(maps.Keys(e.sources)) {
		s := e.sources[id]
		s.mu.Lock()
		r.sources = append(r.sources, &sourceMember{s, slices.Clone(s.passes)})
		s.mu.Unlock()
	}
	return r
}

// collect sends barriers through everything and returns the states that come.
//
// C4: tables get their barrier when all sources have sent theirs. So a change of a
// table that was made before a row is before the barrier if the row is.
func (e *Engine) collect(ctx context.Context, r *round) map[uint64]*capture {
	deadline := time.Now().Add(captureTimeout)
	if end, ok := ctx.Deadline(); ok { // leave time to write what came
		if half := time.Now().Add(time.Until(end) / 2); half.Before(deadline) {
			deadline = half
		}
	}
	r.askSources()
	if r.await(ctx, deadline, r.sourcesSent) {
		r.askTables()
		r.await(ctx, deadline, func() bool { return r.settled(e) })
	}
	captures := r.seal()
	e.env.round.Store(nil)
	e.givenUp.Store(r.epoch)
	for _, f := range e.allFlows() { // some may be held for it
		token(f.wake)
	}
	return captures
}

// write saves the states of the regions that are complete, and keeps those of
// before for the others. It returns what was saved.
func (e *Engine) write(ctx context.Context, w *checkpoint.Writer, r *round, captures map[uint64]*capture, rep *CheckpointReport) (whole []*capture, err error) {
	for _, s := range r.sources {
		if c := captures[s.spec.ID]; c != nil {
			whole = append(whole, c)
		} else if err := w.ReuseObject(s.spec.ID); err != nil {
			return nil, err
		}
	}
	for _, id := range e.checkpoints.allPreserved() {
		if err := w.ReuseObject(id); err != nil {
			return nil, err
		}
	}
	gone := r.gone(e)
	for _, region := range r.regions() {
		complete := true
		for _, id := range region {
			complete = complete && (captures[id] != nil || gone[id])
		}
		for _, id := range region {
			switch {
			case gone[id]:
			case complete:
				whole = append(whole, captures[id])
			default:
				rep.Behind = append(rep.Behind, e.nameOf(id))
				if err := w.ReuseObject(id); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, c := range whole {
		rep.Pause = max(rep.Pause, c.pause)
		if c.sync != nil {
			if err := c.sync(); err != nil {
				e.lost(c.object, err)
				return nil, err
			}
		}
		if err := c.write(ctx, w); err != nil {
			return nil, err
		}
	}
	return whole, nil
}

// lost lets a sink go back to the last checkpoint whose rows since then are gone.
func (e *Engine) lost(id uint64, err error) {
	if f := e.flow(id); f != nil && pgerr.Is(err, pgerr.DataCorrupted) {
		f.fail(err)
	}
}

// progress notes where the sources stand, for those who read a manifest, and for
// trimming. keep is to be called when the checkpoint counts: what one that fails
// would have held is still needed. What does not run any more needs nothing.
func (c *checkpointer) progress(whole []*capture, runs func(id uint64) bool) (p checkpoint.Progress, keep func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	placed := maps.Clone(c.placed)
	for _, s := range whole {
		placed[s.object] = s.places
	}
	need := map[uint64]connectors.Positions{}
	for _, places := range placed {
		for source, at := range places {
			if need[source] == nil {
				need[source] = connectors.Positions{}
			}
			for split, pos := range at.positions {
				if old, ok := need[source][split]; !ok || pos < old {
					need[source][split] = pos
				}
			}
		}
	}
	for _, source := range slices.Sorted(maps.Keys(need)) {
		for _, split := range slices.Sorted(maps.Keys(need[source])) {
			p.Sources = append(p.Sources, checkpoint.SourcePosition{
				Object: source, Split: strconv.Itoa(int(split)),
				Position: binary.BigEndian.AppendUint64(nil, uint64(need[source][split])),
			})
		}
	}
	return p, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, s := range whole {
			if runs(s.object) {
				c.placed[s.object] = s.places
			}
		}
		c.trims = append(c.trims, need)
		c.trims = c.trims[max(0, len(c.trims)-checkpoint.Retained):]
	}
}

// tellDurable lets go what waited for the epoch: sinks, group offsets, logs.
func (e *Engine) tellDurable(epoch uint64, whole []*capture) {
	for _, c := range whole {
		e.supervisor.proven(c.object)
		if f := e.flow(c.object); f != nil && f.sender != nil {
			f.sender.setDurable(epoch)
		}
		if s := e.source(c.object); s != nil {
			if main := s.mainPass(); main != nil {
				main.toCommit.Store(&c.places[c.object].positions)
			}
		}
		if t := e.table(c.object); t != nil {
			t.barrier.toCommit.Store(&c.places[c.object].positions)
		}
	}
	e.trimLogs()
}

// trimLogs deletes pushed rows that no retained checkpoint needs.
func (e *Engine) trimLogs() {
	c := e.checkpoints
	c.mu.Lock()
	trims := slices.Clone(c.trims)
	c.mu.Unlock()
	if len(trims) < checkpoint.Retained {
		return
	}
	for id, log := range e.pushedLogs() {
		low, known := int64(math.MaxInt64), true
		for _, need := range trims {
			at, ok := need[id][0]
			known = known && ok
			low = min(low, at)
			if at, ok := need[VersionsID(id)][0]; ok {
				low = min(low, at)
			}
		}
		if !known {
			continue
		}
		if err := log.log.TrimBefore(uint64(low)); err != nil {
			e.env.Logger.Error("trimming pushed rows", slog.Uint64("object", id), slog.Any("error", err))
		}
	}
}

// RunCheckpoints takes checkpoints until ctx ends, every interval; 0 takes none.
func (e *Engine) RunCheckpoints(ctx context.Context, interval time.Duration) {
	if interval <= 0 || e.checkpoints == nil {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		_, _ = e.Checkpoint(ctx, "periodic") // logged, and shown to who asks
	}
}

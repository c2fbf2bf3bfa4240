package exec

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// restart starts a failed dataflow again from the last checkpoint, with what has to go
// back with it. The others go on.
//
// C5: what goes back is closed: all that reads a member, and what a member reads
// unless that can tell what has changed since the checkpoint: sources read again, and
// tables and views whose rows may go away give the difference between then and now.
func (e *Engine) restart(ctx context.Context, f *flow) {
	if e.flow(f.id) != f || !f.startsAgain() {
		return // it was removed, or went back with another
	}
	release, err := e.checkpoints.exclude(ctx)
	if err != nil {
		return
	}
	defer release()
	cause := f.Failure()
	list := e.goBack(f)
	rec, err := e.recoveryOf(list)
	if err != nil {
		f.endure(e, err)
		return
	}
	e.setRecovery(rec)
	defer e.setRecovery(nil)
	reason := pgerr.Newf(pgerr.ObjectNotInPrerequisite, "it goes back to the last checkpoint, since %q has failed: %v", f.name, cause).
		WithHint("Subscribe again.")
	for _, m := range slices.Backward(list) {
		e.stop(m, reason)
	}
	var names []string
	var built []*flow
	for _, m := range list {
		if now := e.rebuild(ctx, m); now != nil {
			built, names = append(built, now), append(names, m.name)
		}
	}
	for _, m := range slices.Backward(built) { // whatever reads is there before the rows come
		e.startAgain(ctx, m)
	}
	if now := e.flow(f.id); now.Failure() == nil {
		e.env.Report(slog.LevelInfo, EventRestarted, f.name, fmt.Sprintf("from %s: %s", rec.describe(f.id), strings.Join(names, ", ")))
	}
}

// rebuild replaces a stopped dataflow by a new one that does not run yet, nil if that
// cannot be made.
func (e *Engine) rebuild(ctx context.Context, old *flow) *flow {
	err := e.upstreamFailure(old)
	if err == nil {
		var f *flow
		if f, err = e.build(ctx, old.id, old.remake); err == nil {
			f.stats.goOn(old.stats)
			e.mu.Lock()
			e.flows[old.id] = f
			e.mu.Unlock()
			e.supervisor.begun(old.id)
			return f
		}
	}
	old.endure(e, err)
	return nil
}

// startAgain starts a rebuilt dataflow. Those that read it wait for its rows.
func (e *Engine) startAgain(ctx context.Context, f *flow) {
	if err := e.launch(ctx, f); err != nil {
		f.endure(e, err)
		if f.hub != nil {
			f.hub.fail(err)
		}
	}
}

// endure notes that a dataflow still does not run.
func (f *flow) endure(e *Engine, err error) {
	f.failure.Store(&failure{err, e.failed(f, err)})
	e.env.Report(slog.LevelError, EventDataflowFailed, f.name, "starting again: "+err.Error())
}

// upstreamFailure returns why a dataflow that is read does not run, nil if all do.
func (e *Engine) upstreamFailure(f *flow) error {
	for _, p := range f.ports {
		if up := e.flow(p.scan.Object); up != nil && up.Failure() != nil {
			return &upstreamError{p.scan.Object, p.scan.Name, up.Failure()}
		}
	}
	return nil
}

// goBack returns what goes back to the last checkpoint with a dataflow, in the order
// of creation. What stays stopped for good is not among it.
func (e *Engine) goBack(f *flow) []*flow {
	all := e.allFlows()
	member := map[uint64]bool{f.id: true}
	for grown := true; grown; {
		grown = false
		for _, m := range all {
			for _, p := range m.ports {
				up := e.flow(p.scan.Object)
				if up == nil {
					continue
				}
				switch reads, read := member[m.id], member[up.id]; {
				case !reads && read && (m.Failure() == nil || m.startsAgain()):
					member[m.id], grown = true, true
				case reads && !read && (!up.changing || p.scan.Late || up.startsAgain()):
					member[up.id], grown = true, true
				}
			}
		}
	}
	return slices.DeleteFunc(all, func(m *flow) bool { return !member[m.id] })
}

// recoveryOf is the last checkpoint, for dataflows that go back to it while what they
// read goes on.
func (e *Engine) recoveryOf(list []*flow) (*recovery, error) {
	store := e.checkpoints.store
	m, _, err := store.Latest()
	if err != nil || m == nil {
		return newRecovery(store, m), err
	}
	rec := newRecovery(store, m)
	for _, f := range list {
		for _, p := range f.ports {
			id := p.scan.Object
			if e.source(id) != nil || slices.ContainsFunc(list, func(m *flow) bool { return m.id == id }) || rec.running[id] {
				continue
			}
			rec.running[id] = true
			if s := rec.saved(id); s != nil {
				epoch, err := s.ownEpoch()
				if err != nil {
					return rec, err
				}
				rec.restored[id] = epoch
			}
		}
	}
	return rec, nil
}

func (e *Engine) setRecovery(r *recovery) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.recovery = r
}

// ownEpoch reads the epoch of the state of a table or of a dataflow.
func (s *saved) ownEpoch() (uint64, error) {
	r := s.part("", "table")
	if r == nil {
		var err error
		if r, err = s.need("", "dataflow"); err != nil {
			return 0, err
		}
	}
	r.Byte() // the version, which those look at that restore
	epoch := r.Uint64()
	return epoch, r.Err()
}

// describe says what a dataflow has got of the checkpoint.
func (r *recovery) describe(id uint64) string {
	if epoch := r.restored[id]; epoch != 0 {
		return fmt.Sprintf("checkpoint %d", epoch)
	}
	return "the start, since no checkpoint holds its state"
}

// attachSince lets a port that is at a checkpoint go on with what has changed since.
func (e *Engine) attachSince(h *Hub, p *port) error {
	id := p.scan.Object
	old, err := e.savedRows(id, h)
	if err != nil {
		return fmt.Errorf("the rows of %q in the checkpoint: %w", p.scan.Name, err)
	}
	if err := h.attachSince(p.consumer, old); err != nil {
		return fmt.Errorf("reading %q: %w", p.scan.Name, err)
	}
	return nil
}

// savedRows returns the rows of a table or a view as the checkpoint has them.
func (e *Engine) savedRows(id uint64, h *Hub) ([]*batch.Batch, error) {
	r, err := e.recovery.saved(id).need("", "rows")
	if err != nil {
		return nil, err
	}
	var rows store = newView(h.schema)
	if t := e.table(id); t != nil && t.keyed != nil {
		rows = newKeyed(h.schema, t.spec.Key)
	}
	if err := rows.Restore(r); err != nil {
		return nil, err
	}
	return rows.batches(), r.End()
}

// attachSince adds a consumer that knows the rows of before: it gets what has changed,
// and then all that changes.
func (h *Hub) attachSince(c *consumer, before []*batch.Batch) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.store == nil {
		return pgerr.Newf(pgerr.ObjectNotInPrerequisite, "it is not ready")
	}
	for _, b := range rowsChanged(h.schema, before, h.store.batches()) {
		c.q.put(message{kind: messageBatch, batch: timeless(b), atMillis: h.atMillis})
	}
	return h.enterBehind(c)
}

// rowsChanged is what turns some rows into others: those that go, then those that
// come.
func rowsChanged(schema *batch.Schema, before, after []*batch.Batch) []*batch.Batch {
	v := newView(schema)
	for _, b := range before {
		v.apply(negated(b))
	}
	for _, b := range after {
		v.apply(b)
	}
	return v.changes()
}

// negated is a batch of inserts as deletes.
func negated(b *batch.Batch) *batch.Batch {
	out := *b
	out.Diffs = make([]int8, b.Rows)
	for i := range out.Diffs {
		out.Diffs[i] = -1
	}
	return &out
}

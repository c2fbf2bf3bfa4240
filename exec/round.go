package exec

import (
	"context"
	"slices"
	"sync"
	"time"
)

// round is one checkpoint while its states are being collected.
type round struct {
	epoch uint64
	// wake gets a token whenever a member may have got further.
	wake chan struct{}

	sources []*sourceMember
	tables  []*Table
	flows   []*flow
	// unready are tables that were not complete when barriers were sent, and
	// dataflows that read them.
	unready map[uint64]bool

	mu       sync.Mutex
	captures map[uint64]*capture
	// sealed says that the states are no longer waited for.
	sealed bool
}

// sourceMember is a source with the passes that send its barrier.
type sourceMember struct {
	*Source
	passes []*pass
}

// captured takes a state for the checkpoint that is being taken, if it is of it.
func (e *Env) captured(c *capture) {
	r := e.round.Load()
	if r == nil || r.epoch != c.epoch {
		return
	}
	r.add(c)
}

// checkpointMoved says that something a checkpoint waits for may have happened.
func (e *Env) checkpointMoved() {
	if r := e.round.Load(); r != nil {
		token(r.wake)
	}
}

func (r *round) add(c *capture) {
	r.mu.Lock()
	if !r.sealed {
		r.captures[c.object] = c
	}
	r.mu.Unlock()
	token(r.wake)
}

func (r *round) has(object uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.captures[object] != nil
}

// seal ends the collecting and returns what came.
func (r *round) seal() map[uint64]*capture {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sealed = true
	return r.captures
}

// await blocks until done reports true, the time is over or ctx ends; it reports
// whether done did.
func (r *round) await(ctx context.Context, deadline time.Time, done func() bool) bool {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for !done() {
		select {
		case <-r.wake:
		case <-timer.C:
			return done()
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// askSources asks every pass for its barrier.
func (r *round) askSources() {
	for _, s := range r.sources {
		for _, p := range s.passes {
			p.ask(r.epoch)
		}
	}
}

// sourcesSent reports whether every pass has sent its barrier or reads no more.
func (r *round) sourcesSent() bool {
	for _, s := range r.sources {
		for _, p := range s.passes {
			if p.sent.Load() < r.epoch && !isClosed(p.done) {
				return false
			}
		}
	}
	return true
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// settled reports whether every table and dataflow has given its state, or never
// will. One that has come to its end is captured here: nothing changes it any more.
func (r *round) settled(e *Engine) bool {
	all := true
	for _, t := range r.tables {
		if r.has(t.spec.ID) || r.unready[t.spec.ID] || e.table(t.spec.ID) != t {
			continue
		}
		if isClosed(t.ended) {
			if c, err := t.capture(r.epoch); err == nil {
				r.add(c)
			}
			continue
		}
		all = false
	}
	for _, f := range r.flows {
		if r.has(f.aligner.object) || r.unready[f.aligner.object] || f.Failure() != nil || e.flow(f.aligner.object) != f {
			continue
		}
		if isClosed(f.done) {
			if !f.allEnded() {
				continue // it was stopped somewhere, since it is being removed
			}
			if c, err := f.capture(r.epoch); err == nil {
				r.add(c)
			}
			continue
		}
		all = false
	}
	return all
}

// askTables asks the tables that are complete for their barrier. The others, and all
// that reads them, cannot be saved yet: their region keeps the state of before.
func (r *round) askTables() {
	r.unready = map[uint64]bool{}
	for _, t := range r.tables {
		if t.isReady() {
			t.barrier.ask(r.epoch)
		} else {
			r.unready[t.spec.ID] = true
		}
	}
	for _, f := range r.flows { // in the order of their creation: inputs come first
		for _, p := range f.ports {
			if r.unready[p.scan.Object] {
				r.unready[f.aligner.object] = true
			}
		}
	}
}

// gone are the tables and dataflows that have been removed or replaced meanwhile:
// what they gave is of nothing that runs.
func (r *round) gone(e *Engine) map[uint64]bool {
	gone := map[uint64]bool{}
	for _, t := range r.tables {
		gone[t.spec.ID] = e.table(t.spec.ID) != t
	}
	for _, f := range r.flows {
		gone[f.aligner.object] = e.flow(f.aligner.object) != f
	}
	return gone
}

// regions groups tables and dataflows that depend on one another: a region's
// states are of one epoch. What has failed for good is apart, with all that reads
// it, so that it does not keep the rest from being saved; what will be started again
// holds its region where it was.
func (r *round) regions() [][]uint64 {
	parent := map[uint64]uint64{}
	var find func(id uint64) uint64
	find = func(id uint64) uint64 {
		if parent[id] != id {
			parent[id] = find(parent[id])
		}
		return parent[id]
	}
	for _, t := range r.tables {
		parent[t.spec.ID] = t.spec.ID
	}
	failed := map[uint64]bool{}
	for _, f := range r.flows { // in the order of their creation: inputs come first
		id := f.aligner.object
		parent[id] = id
		failed[id] = f.Failure() != nil && !f.startsAgain()
		for _, p := range f.ports {
			failed[id] = failed[id] || failed[p.scan.Object]
		}
	}
	for _, f := range r.flows {
		id := f.aligner.object
		for _, p := range f.ports {
			if _, member := parent[p.scan.Object]; member && failed[id] == failed[p.scan.Object] {
				parent[find(id)] = find(p.scan.Object)
			}
		}
	}
	byRoot := map[uint64][]uint64{}
	for id := range parent {
		root := find(id)
		byRoot[root] = append(byRoot[root], id)
	}
	var out [][]uint64
	for _, ids := range byRoot {
		slices.Sort(ids)
		out = append(out, ids)
	}
	slices.SortFunc(out, slices.Compare)
	return out
}

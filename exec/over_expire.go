package exec

import (
	"laminardb/exec/hashtable"
	"laminardb/planner/plan"
)

// minSweepRows keeps small states from being swept for nothing.
const minSweepRows = 4096

// expires reports whether a partition without new rows is of no use some time after
// its last row: every function looks at a RANGE frame that begins at a bounded
// distance in event time.
func (c *overCalls) expires() bool {
	for i := range c.funcs {
		f := &c.funcs[i]
		if !f.framed() || f.Frame.Mode != plan.FrameRange || f.Frame.Start.Unbounded {
			return false
		}
	}
	return true
}

// sweep drops the partitions that no row at or behind until can reach. It looks at
// all partitions, so it waits until there are twice the rows that the last sweep
// left.
func (s *overState) sweep(table *hashtable.Table, until int64) {
	if s.rows.live < s.sweepAt || !s.calls.expires() {
		return
	}
	var gone []uint32
	for id := range s.parts {
		p := &s.parts[id]
		if len(p.slots) > 0 && p.done == p.total() && s.expired(p, until) {
			for _, slot := range p.slots {
				s.rows.drop(slot)
			}
			gone = append(gone, uint32(id))
			// Positions go on, so that a row held under this id is not taken for a new one.
			at := p.total()
			s.parts[id] = overPart{base: at, done: at}
			for i := range s.cursors {
				s.cursors[i][id] = overCursor{at, at}
			}
		}
	}
	for _, a := range s.accs {
		if a != nil {
			a.Clear(gone)
		}
	}
	table.Delete(gone)
	s.sweepAt = max(2*s.rows.live, minSweepRows)
}

// expired reports whether the frame of a row at until begins behind the last row.
func (s *overState) expired(p *overPart, until int64) bool {
	last := p.slots[len(p.slots)-1]
	for i := range s.calls.funcs {
		f := &s.calls.funcs[i]
		if f.low < 0 { // CURRENT ROW
			continue
		}
		key := s.rows.key[last]
		if before := key - s.rows.bounds[f.low][last]; key >= until-before {
			return false
		}
	}
	return true
}

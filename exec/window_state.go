package exec

import (
	"maps"
	"slices"

	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
)

// Snapshot writes the groups.
func (p *pane) Snapshot(w *rowcodec.StateWriter) {
	p.table.Snapshot(w)
	for _, a := range p.accs {
		a.Snapshot(w)
	}
	if p.calls.countRows {
		writeInts(w, p.rows[:p.table.Bound()]...)
	}
}

// Restore replaces the groups by those of a snapshot of the same aggregates. After
// an error the pane must be thrown away, as of all Restores here.
func (p *pane) Restore(r *rowcodec.StateReader) error {
	if err := p.table.Restore(r); err != nil {
		return err
	}
	for _, a := range p.accs {
		if err := a.Restore(r); err != nil {
			return err
		}
	}
	p.rows = p.rows[:0]
	if p.calls.countRows {
		for range p.table.Bound() {
			p.rows = append(p.rows, r.Int64())
		}
	}
	p.grow()
	return r.Err()
}

// Snapshot writes the groups and which of them have a row downstream.
func (g *liveGroups) Snapshot(w *rowcodec.StateWriter) {
	g.pane.Snapshot(w)
	for _, shown := range g.shown[:g.table.Bound()] {
		w.Byte(bit(shown))
	}
}

// Restore reads what Snapshot wrote.
func (g *liveGroups) Restore(r *rowcodec.StateReader) error {
	if err := g.pane.Restore(r); err != nil {
		return err
	}
	g.shown, g.seen = nil, nil
	g.grow()
	for i := range g.shown {
		g.shown[i] = r.Byte() != 0
	}
	return r.Err()
}

// Snapshot writes the groups. Without keys, that there is one says that its first
// row has left.
func (g *group) Snapshot(w *rowcodec.StateWriter) { g.live.Snapshot(w) }

// Restore reads what Snapshot wrote into a new operator.
func (g *group) Restore(r *rowcodec.StateReader) error { return g.live.Restore(r) }

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// Snapshot writes the slices, and which merges there are: they are made again, in
// the same order, so that sums of floats stay the same to the bit.
func (f *finalWindows) Snapshot(w *rowcodec.StateWriter) {
	writeInts(w, f.watermark, f.emitted, f.front, f.till)
	w.Byte(bit(f.back != nil))
	w.Uvarint(uint64(len(f.slices)))
	for _, s := range f.slices {
		writeInts(w, s.start, s.readAt, s.producedAt)
		w.Byte(bit(s.merged != nil))
		s.pane.Snapshot(w)
	}
}

// Restore reads what Snapshot wrote into a new operator.
func (f *finalWindows) Restore(r *rowcodec.StateReader) error {
	readInts(r, &f.watermark, &f.emitted, &f.front, &f.till)
	back := r.Byte() != 0
	var merged []bool
	for range r.Count(maxStates) {
		s := &slicePane{}
		readInts(r, &s.start, &s.readAt, &s.producedAt)
		merged = append(merged, r.Byte() != 0)
		if r.Err() != nil {
			break
		}
		if n := len(f.slices); n > 0 && f.slices[n-1].start >= s.start {
			return r.Corrupt("slice %d behind %d", s.start, f.slices[n-1].start)
		}
		var err error
		if s.pane, err = newPane(f.calls); err != nil {
			return err
		}
		if err := s.pane.Restore(r); err != nil {
			return err
		}
		f.slices = append(f.slices, s)
	}
	if r.Err() != nil {
		return r.Err()
	}
	return f.remerge(r, back, merged)
}

// remerge makes back and the panes merged of slices again.
func (f *finalWindows) remerge(r *rowcodec.StateReader, back bool, merged []bool) (err error) {
	front := f.index(f.front)
	if back {
		if f.back, err = newPane(f.calls); err != nil {
			return err
		}
		for _, s := range f.slices[front:max(front, f.index(f.till))] {
			f.back.merge(s.pane)
		}
	}
	for i := len(f.slices) - 1; i >= 0; i-- {
		if !merged[i] {
			continue
		}
		if i+1 >= front || i+2 < front && !merged[i+1] {
			return r.Corrupt("slice %d is merged", f.slices[i].start)
		}
		s, later := f.slices[i], f.slices[i+1].pane
		if f.slices[i+1].merged != nil {
			later = f.slices[i+1].merged
		}
		if s.merged, err = newPane(f.calls); err != nil {
			return err
		}
		s.merged.merge(s.pane)
		s.merged.merge(later)
	}
	return nil
}

// Snapshot writes the open windows.
func (l *liveWindows) Snapshot(w *rowcodec.StateWriter) {
	writeInts(w, l.watermark)
	w.Uvarint(uint64(len(l.panes)))
	for _, end := range slices.Sorted(maps.Keys(l.panes)) {
		writeInts(w, end)
		l.panes[end].Snapshot(w)
	}
}

// Restore reads what Snapshot wrote into a new operator.
func (l *liveWindows) Restore(r *rowcodec.StateReader) error {
	readInts(r, &l.watermark)
	for range r.Count(maxStates) {
		var end int64
		readInts(r, &end)
		if r.Err() != nil {
			break
		}
		if l.panes[end] != nil {
			return r.Corrupt("the window to %d twice", end)
		}
		p, err := l.pane(end)
		if err != nil {
			return err
		}
		if err := p.Restore(r); err != nil {
			return err
		}
	}
	return r.Err()
}

// Snapshot writes keys, aggregates, and the sessions of each key in their order.
// What is due when is found out again.
func (s *sessions) Snapshot(w *rowcodec.StateWriter) {
	writeInts(w, s.watermark, s.readAt, s.producedAt)
	s.groups.table.Snapshot(w)
	for _, a := range s.groups.accs {
		a.Snapshot(w)
	}
	w.Uvarint(uint64(len(s.list)))
	for i := range s.list {
		w.Byte(byte(s.list[i].status)<<1 | bit(s.list[i].shown))
	}
	for _, key := range s.groups.table.IDs(nil) {
		w.Uvarint(uint64(s.count(key)))
		for id := s.heads[key]; id != noSession; id = s.list[id].next {
			writeInts(w, int64(id), s.list[id].first, s.list[id].last)
		}
	}
}

// count is the number of a key's sessions.
func (s *sessions) count(key uint32) (n int) {
	for id := s.heads[key]; id != noSession; id = s.list[id].next {
		n++
	}
	return n
}

// Restore reads what Snapshot wrote into a new operator.
func (s *sessions) Restore(r *rowcodec.StateReader) error {
	readInts(r, &s.watermark, &s.readAt, &s.producedAt)
	if err := s.groups.table.Restore(r); err != nil {
		return err
	}
	for _, a := range s.groups.accs {
		if err := a.Restore(r); err != nil {
			return err
		}
	}
	for range r.Count(maxStates) {
		status := r.Byte()
		if r.Err() != nil || status>>1 > byte(sessionClosed) {
			return r.Corrupt("a session in state %d", status>>1)
		}
		x := session{status: sessionStatus(status >> 1), shown: status&1 != 0, key: hashtable.NoGroup, into: noSession, next: noSession}
		s.list = append(s.list, x)
	}
	if err := s.restoreChains(r); err != nil {
		return err
	}
	for id := len(s.list) - 1; id >= 0; id-- {
		switch x := &s.list[id]; {
		case x.status == sessionFree:
			s.free = append(s.free, uint32(id))
		case x.key == hashtable.NoGroup:
			return r.Corrupt("session %d has no key", id)
		}
	}
	for _, a := range s.groups.accs {
		a.Grow(len(s.list))
	}
	return nil
}

// restoreChains reads the sessions of each key.
func (s *sessions) restoreChains(r *rowcodec.StateReader) error {
	s.heads = slices.Repeat([]int32{noSession}, s.groups.table.Bound())
	for _, key := range s.groups.table.IDs(nil) {
		link := &s.heads[key]
		for range r.Count(len(s.list)) {
			var id, first, last int64
			readInts(r, &id, &first, &last)
			if r.Err() != nil {
				return r.Err()
			}
			if id < 0 || id >= int64(len(s.list)) || s.list[id].status == sessionFree || s.list[id].key != hashtable.NoGroup {
				return r.Corrupt("session %d of key %d", id, key)
			}
			x := &s.list[id]
			x.key, x.first, x.last = key, first, last
			s.schedule(int32(id))
			*link = int32(id)
			link = &x.next
		}
	}
	return r.Err()
}

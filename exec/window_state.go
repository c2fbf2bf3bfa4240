package exec

import (
	"maps"
	"slices"

	"laminardb/exec/rowcodec"
)

// maxStates is far more panes, sessions or groups than fit in memory.
const maxStates = 1<<31 - 1

// Snapshot writes the groups.
func (p *pane) Snapshot(w *rowcodec.StateWriter) {
	p.table.Snapshot(w)
	for _, a := range p.accs {
		a.Snapshot(w)
	}
	if p.calls.countRows {
		for _, n := range p.rows[:p.table.Bound()] {
			w.Varint(n)
		}
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
			p.rows = append(p.rows, r.Varint())
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

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// Snapshot writes the slices; what is merged of them is made again.
func (f *finalWindows) Snapshot(w *rowcodec.StateWriter) {
	w.Varint(f.watermark)
	w.Varint(f.emitted)
	w.Uvarint(uint64(len(f.slices)))
	for _, s := range f.slices {
		w.Varint(s.start)
		w.Varint(s.readAt)
		w.Varint(s.producedAt)
		s.pane.Snapshot(w)
	}
}

// Restore reads what Snapshot wrote into a new operator.
func (f *finalWindows) Restore(r *rowcodec.StateReader) error {
	f.watermark, f.emitted = r.Varint(), r.Varint()
	for range r.Count(maxStates) {
		s := &slicePane{start: r.Varint(), readAt: r.Varint(), producedAt: r.Varint()}
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
	return r.Err()
}

// Snapshot writes the open windows.
func (l *liveWindows) Snapshot(w *rowcodec.StateWriter) {
	w.Varint(l.watermark)
	w.Uvarint(uint64(len(l.panes)))
	for _, end := range slices.Sorted(maps.Keys(l.panes)) {
		w.Varint(end)
		l.panes[end].Snapshot(w)
	}
}

// Restore reads what Snapshot wrote into a new operator.
func (l *liveWindows) Restore(r *rowcodec.StateReader) error {
	l.watermark = r.Varint()
	for range r.Count(maxStates) {
		end := r.Varint()
		if r.Err() != nil {
			break
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

// Snapshot writes keys, aggregates and sessions. Lists and queue are made again.
func (s *sessions) Snapshot(w *rowcodec.StateWriter) {
	w.Varint(s.watermark)
	s.groups.table.Snapshot(w)
	for _, a := range s.groups.accs {
		a.Snapshot(w)
	}
	w.Uvarint(uint64(len(s.list)))
	for i := range s.list {
		x := &s.list[i]
		w.Byte(byte(x.status))
		if x.status != sessionFree {
			w.Varint(x.first)
			w.Varint(x.last)
			w.Uvarint(uint64(x.key))
			w.Byte(bit(x.shown))
		}
	}
}

// Restore reads what Snapshot wrote into a new operator.
func (s *sessions) Restore(r *rowcodec.StateReader) error {
	s.watermark = r.Varint()
	if err := s.groups.table.Restore(r); err != nil {
		return err
	}
	for _, a := range s.groups.accs {
		if err := a.Restore(r); err != nil {
			return err
		}
	}
	s.heads = slices.Repeat([]int32{noSession}, s.groups.table.Bound())
	for id := range int32(r.Count(maxStates)) {
		x := session{status: sessionStatus(r.Byte()), into: noSession, next: noSession}
		if x.status == sessionFree {
			s.free = append(s.free, uint32(id))
		} else {
			x.first, x.last = r.Varint(), r.Varint()
			key := r.Count(len(s.heads))
			x.shown = r.Byte() != 0
			if r.Err() == nil && (x.status > sessionClosed || key >= len(s.heads)) {
				return r.Corrupt("session of key %d in state %d", key, x.status)
			}
			if r.Err() == nil {
				x.key, x.next = uint32(key), s.heads[key]
				s.heads[key] = id
			}
		}
		if r.Err() != nil {
			break
		}
		s.list = append(s.list, x)
		if x.status != sessionFree {
			s.schedule(id)
		}
	}
	for _, a := range s.groups.accs {
		a.Grow(len(s.list))
	}
	return r.Err()
}

package exec

import (
	"laminardb/exec/hashtable"
)

// window returns a pane with the groups of the window that ends there. It is
// borrowed if it must not be changed nor retired.
func (f *finalWindows) window(end int64) (p *pane, borrowed bool, err error) {
	start := f.start(end)
	lo, hi := f.index(start), f.index(end)
	if hi-lo == 1 {
		return f.slices[lo].pane, true, nil
	}
	var parts []*pane
	if !f.share {
		for _, s := range f.slices[lo:hi] {
			parts = append(parts, s.pane)
		}
	} else {
		if err := f.advance(start, end, lo, hi); err != nil {
			return nil, false, err
		}
		for i := lo; i < hi && f.slices[i].start < f.front; i++ {
			if m := f.slices[i].merged; m != nil {
				parts = append(parts, m)
				break
			}
			parts = append(parts, f.slices[i].pane)
		}
		if f.back != nil {
			parts = append(parts, f.back)
		}
		if len(parts) == 1 {
			return parts[0], true, nil
		}
	}
	if p, err = f.freshPane(); err != nil {
		return nil, false, err
	}
	for _, part := range parts {
		p.merge(part)
	}
	return p, false, nil
}

// advance makes front and back those of the window [start, end), whose slices are
// lo to hi.
func (f *finalWindows) advance(start, end int64, lo, hi int) error {
	if start >= f.till { // nothing of the last window is in this one
		f.retire(f.back)
		f.back, f.front, f.till = nil, start, start
	} else if start > f.front {
		return f.flip(end, lo, hi)
	}
	for _, s := range f.slices[f.index(f.till):hi] {
		if f.back == nil {
			p, err := f.freshPane()
			if err != nil {
				return err
			}
			f.back = p
		}
		f.back.merge(s.pane)
	}
	f.till = end
	return nil
}

// flip makes the slices lo to hi the front and empties back. Merging stops where
// it no longer pays: where slices have few keys in common, a window has about as
// many groups as its slices together.
func (f *finalWindows) flip(end int64, lo, hi int) error {
	f.retire(f.back)
	f.back, f.front, f.till = nil, end, end
	f.forgetMerged(f.slices[:hi])
	groups := 0
	for _, s := range f.slices[lo:hi] {
		groups += s.pane.table.Len()
	}
	later := f.slices[hi-1].pane
	for i, spent := hi-2, 0; i >= lo && spent <= 2*groups; i-- {
		p, err := f.freshPane()
		if err != nil {
			return err
		}
		p.merge(f.slices[i].pane)
		p.merge(later)
		f.slices[i].merged, later = p, p
		spent += p.table.Len()
	}
	return nil
}

// merge adds the groups of another pane.
func (p *pane) merge(from *pane) {
	from.ids = from.table.IDs(from.ids[:0])
	if n := len(from.ids); n > 0 {
		p.mergeGroups(from, from.ids)
	}
}

// mergeSome adds the groups of another pane that have one of the keys.
func (p *pane) mergeSome(from *pane, keys *hashtable.Table) {
	found := make([]uint32, keys.Len())
	from.table.Find(keys.Keys(nil), keys.Len(), nil, found)
	ids := found[:0]
	for _, id := range found {
		if id != hashtable.NoGroup {
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		p.mergeGroups(from, ids)
	}
}

func (p *pane) mergeGroups(from *pane, ids []uint32) {
	to := p.adopt(from, ids)
	p.absorb(from, ids, to)
}

// adopt returns the groups with the keys of another pane's, making new ones.
func (p *pane) adopt(from *pane, ids []uint32) []uint32 {
	n := len(ids)
	if cap(p.ids) < n {
		p.ids = make([]uint32, n)
	}
	p.ids = p.ids[:n]
	p.table.Lookup(from.table.Keys(ids), n, nil, p.ids)
	p.grow()
	return p.ids
}

// absorb adds another pane's groups to the groups to.
func (p *pane) absorb(from *pane, ids, to []uint32) {
	for i, a := range p.accs {
		a.Merge(from.accs[i], ids, to)
	}
	if p.calls.countRows {
		for i, id := range to {
			p.rows[id] += from.rows[ids[i]]
		}
	}
}

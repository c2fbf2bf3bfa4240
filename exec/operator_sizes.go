package exec

// Every operator that keeps state says how much.
var _ = []sizer{
	(*every)(nil), (*sessions)(nil), (*finalWindows)(nil), (*liveWindows)(nil), (*group)(nil), (*changelogJoin)(nil), (*lookupJoin)(nil),
	(*asofJoin)(nil), (*intervalJoin)(nil), (*overStream)(nil), (*overChanges)(nil), (*topN)(nil),
}

func (e *every) sizeBytes() int64 {
	return e.table.SizeBytes() + e.arena.SizeBytes() + int64(8*cap(e.before)+8*cap(e.after))
}

func (e *every) entries() int { return e.table.Len() }

func (s *sessions) sizeBytes() int64 {
	const each = 48 // a session without its aggregates
	return s.groups.sizeBytes() + int64(4*cap(s.heads)+each*cap(s.list)+4*cap(s.free)+16*cap(s.ends))
}

func (s *sessions) entries() int { return len(s.list) - len(s.free) }

func (f *finalWindows) sizeBytes() int64 {
	n := idleBytes(f.idle)
	if f.back != nil {
		n += f.back.sizeBytes()
	}
	for _, s := range f.slices {
		n += s.pane.sizeBytes()
		if s.merged != nil {
			n += s.merged.sizeBytes()
		}
	}
	return n
}

func (f *finalWindows) entries() int {
	n := 0
	for _, s := range f.slices {
		n += s.pane.table.Len()
	}
	return n
}

func idleBytes(idle []*pane) (n int64) {
	for _, p := range idle {
		n += p.sizeBytes()
	}
	return n
}

func (l *liveWindows) sizeBytes() int64 {
	n := idleBytes(l.idle)
	for _, g := range l.panes {
		n += g.sizeBytes()
	}
	return n
}

func (l *liveWindows) entries() int {
	n := 0
	for _, g := range l.panes {
		n += g.table.Len()
	}
	return n
}

func (g *liveGroups) sizeBytes() int64 { return g.pane.sizeBytes() + int64(cap(g.shown)+cap(g.seen)) }

func (g *group) sizeBytes() int64 { return g.live.sizeBytes() }

func (g *group) entries() int { return g.live.table.Len() }

func (x *rowIndex) sizeBytes() int64 {
	perRow := 8*cap(x.counts) + 8*cap(x.matches) + 4*cap(x.keyOf) + 4*cap(x.next) + 4*cap(x.prev)
	return x.rows.SizeBytes() + x.keys.SizeBytes() + int64(perRow+4*cap(x.first)+4*cap(x.last))
}

func (j *changelogJoin) sizeBytes() int64 {
	return j.sides[0].index.sizeBytes() + j.sides[1].index.sizeBytes()
}

func (j *changelogJoin) entries() int {
	return j.sides[0].index.rows.Len() + j.sides[1].index.rows.Len()
}

func (j *lookupJoin) sizeBytes() int64 {
	n := j.index.sizeBytes() + int64(4*cap(j.places))
	for _, c := range j.dense {
		n += int64(c.Data().SizeInBytes())
	}
	return n
}

func (j *lookupJoin) entries() int { return j.index.rows.Len() }

func (s *rowStore) sizeBytes() (n int64) {
	for _, c := range s.chunks {
		n += c.rows.SizeBytes()
	}
	return n
}

func (c *timeChain) sizeBytes() int64 {
	const each = 48 // a link
	return c.store.sizeBytes() + int64(each*cap(c.links)+8*cap(c.heads))
}

func (q *timeQueue) sizeBytes() (n int64) {
	const each = 24 // a row's place
	for _, run := range q.runs {
		n += int64(each * cap(run))
	}
	return n
}

func (j *asofJoin) sizeBytes() int64 {
	return j.table.SizeBytes() + j.arrived.sizeBytes() + j.right.sizeBytes() + int64(8*cap(j.rows)) + j.left.sizeBytes() +
		j.queue.sizeBytes() + int64(24*cap(j.waiting))
}

func (j *asofJoin) entries() int { return j.left.live + j.right.store.live }

func (j *intervalJoin) sizeBytes() int64 {
	n := j.table.SizeBytes()
	for i := range j.kept {
		n += j.kept[i].sizeBytes() + j.alone[i].sizeBytes()
	}
	return n
}

func (j *intervalJoin) entries() int { return j.kept[0].store.live + j.kept[1].store.live }

func (r *overRows) sizeBytes() int64 {
	n := 8*(cap(r.peer)+cap(r.group)+cap(r.seq)+cap(r.key)+cap(r.ref)) + 4*(cap(r.at)+cap(r.free)) + cap(r.stored)
	for _, b := range r.bounds {
		n += 8 * cap(b)
	}
	return int64(n) + r.arena.SizeBytes()
}

func (o *overStream) sizeBytes() int64 {
	const each = 64 // a partition without its rows
	n := o.table.SizeBytes() + o.state.rows.sizeBytes() + int64(each*cap(o.state.parts))
	for _, a := range o.state.accs {
		if a != nil { // LAG and its like have none
			n += a.SizeBytes()
		}
	}
	for _, p := range o.pending {
		n += p.rows.SizeBytes() + int64(8*cap(p.times))
	}
	return n
}

func (o *overStream) entries() int {
	n := o.state.rows.live
	for _, p := range o.pending {
		n += p.rows.Rows - p.from
	}
	return n
}

func (s *sortedRows) sizeBytes() int64 {
	const each = 24 // a partition without its rows
	slots := 8*(cap(s.key)+cap(s.row)) + 4*(cap(s.prefix)+cap(s.free)) + 4*len(s.key)
	return int64(slots+each*cap(s.parts)) + s.arena.SizeBytes()
}

func (s *sortedRows) entries() int { return len(s.key) - len(s.free) }

func (o *overChanges) sizeBytes() int64 {
	return o.table.SizeBytes() + o.rows.sizeBytes() + o.arena.SizeBytes() + int64(8*cap(o.results)+cap(o.has))
}

func (o *overChanges) entries() int { return o.rows.entries() }

func (t *topN) sizeBytes() int64 {
	return t.table.SizeBytes() + t.rows.sizeBytes() + int64(8*cap(t.ranks))
}

func (t *topN) entries() int { return t.rows.entries() }

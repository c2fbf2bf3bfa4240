package exec

import (
	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// overRun is one step of an overState: the rows that it settles, and for each
// function what has to be done for them. Only places are looked at until the rows
// that are needed are known and loaded.
//
// The rows given out are in rounds: the first of each partition, the second, and so
// on, so that a round can be aggregated for all partitions at once.
type overRun struct {
	s      *overState
	in     *overInput
	parts  []uint32 // that have new rows or may be settled
	loaded []int32  // slots of stored rows that are needed
	plans  []overPlan
	// all is the input with the loaded rows after it.
	all *batch.Batch

	slots  []int32 // of the rows given out
	owner  []uint32
	pos    []int64
	rounds []int // where each ends in slots
}

// overPlan is one function's work in a run.
type overPlan struct {
	counts []int64   // results of overCount that are integers
	ratios []float64 // and of those that are not
	picks  []int32   // slots of overShift and overPick, -1 for none

	// ops are the rows that enter (+1) and leave (-1) accumulators, undo those that
	// an EXCLUDE only takes out for a result.
	ops, undo overOps
	// ids are the partitions whose result is taken, and result the number of each
	// row's result among them.
	ids    []uint32
	idsEnd []int // by round
	result []int32
}

// overOps are rows for accumulators.
type overOps struct {
	slots []int32
	ids   []uint32
	diffs []int8
	ends  []int // by round
}

func (o *overOps) add(slot int32, id uint32, diff int8) {
	o.slots, o.ids, o.diffs = append(o.slots, slot), append(o.ids, id), append(o.diffs, diff)
}

func (r *overRun) touch(id uint32) {
	if !r.s.touched[id] {
		r.s.touched[id] = true
		r.parts = append(r.parts, id)
	}
}

// settle finds the rows that can be given out.
func (r *overRun) settle() {
	s := r.s
	type progress struct {
		id       uint32
		from, to int64
	}
	active := make([]progress, 0, len(r.parts))
	for _, id := range r.parts {
		p := &s.parts[id]
		from := p.done
		for p.done < p.total() && (r.in.final || s.settled(p, p.done, r.in.until)) {
			p.done++
		}
		if p.done > from {
			active = append(active, progress{id, from, p.done})
		}
	}
	for len(active) > 0 {
		left := active[:0]
		for _, a := range active {
			r.slots = append(r.slots, r.need(s.parts[a.id].slot(a.from)))
			r.owner, r.pos = append(r.owner, a.id), append(r.pos, a.from)
			if a.from++; a.from < a.to {
				left = append(left, a)
			}
		}
		active = left
		r.rounds = append(r.rounds, len(r.slots))
	}
	r.plans = make([]overPlan, len(s.calls.funcs))
}

// settled reports whether no later row changes the row's results.
func (s *overState) settled(p *overPart, pos, until int64) bool {
	if !s.ahead {
		return true
	}
	slot := p.slot(pos)
	for i := range s.calls.funcs {
		f := &s.calls.funcs[i]
		switch {
		case f.kind == overShift:
			if pos+f.Offset >= p.total() {
				return false
			}
		case !f.framed():
		case f.high >= 0:
			if s.rows.bounds[f.high][slot] >= until {
				return false
			}
		case f.Frame.Mode == plan.FrameRows:
			if pos+f.Frame.End.Rows >= p.total() {
				return false
			}
		case f.Frame.Mode == plan.FrameGroups:
			if s.rows.group[slot]+f.Frame.End.Rows >= p.groups {
				return false
			}
		}
	}
	return true
}

// need makes sure that a row will be loaded.
func (r *overRun) need(slot int32) int32 {
	if rows := &r.s.rows; rows.at[slot] < 0 {
		rows.at[slot] = 0 // its number is set by load
		r.loaded = append(r.loaded, slot)
	}
	return slot
}

// plan finds what function i does for the rows given out.
func (r *overRun) plan(i int) {
	f := &r.s.calls.funcs[i]
	switch f.kind {
	case overCount:
		r.count(i, f)
	case overShift:
		picks := make([]int32, len(r.slots))
		for k, id := range r.owner {
			p := &r.s.parts[id]
			picks[k] = -1
			if at := r.pos[k] + f.Offset; at >= p.base && at < p.total() {
				picks[k] = r.need(p.slot(at))
			}
		}
		r.plans[i].picks = picks
	case overPick:
		r.pick(i, f)
	case overFold:
		r.fold(i, f)
	}
}

// count computes what follows from the places of rows.
func (r *overRun) count(i int, f *overFunc) {
	counts := make([]int64, len(r.slots))
	var ratios []float64
	if f.Func == "percent_rank" || f.Func == "cume_dist" {
		ratios = make([]float64, len(r.slots))
	}
	for k, slot := range r.slots {
		p := &r.s.parts[r.owner[k]]
		rank := r.s.rows.peer[slot] + 1
		switch f.Func {
		case "row_number":
			counts[k] = r.pos[k] + 1
		case "rank":
			counts[k] = rank
		case "dense_rank":
			counts[k] = r.s.rows.group[slot] + 1
		case "percent_rank":
			if p.total() > 1 {
				ratios[k] = float64(rank-1) / float64(p.total()-1)
			}
		case "cume_dist":
			ratios[k] = float64(r.s.groupEnd(p, r.pos[k])) / float64(p.total())
		case "ntile":
			counts[k] = bucket(r.pos[k], p.total(), f.Offset)
		}
	}
	r.plans[i].counts, r.plans[i].ratios = counts, ratios
}

// bucket is ntile: the first total % n buckets have a row more.
func bucket(pos, total, n int64) int64 {
	size, more := total/n, total%n
	if pos < more*(size+1) {
		return pos/(size+1) + 1
	}
	return more + (pos-more*(size+1))/size + 1
}

// groupEnd returns the position behind a row's last peer.
func (s *overState) groupEnd(p *overPart, pos int64) int64 {
	group := s.rows.group[p.slot(pos)]
	for pos < p.total() && s.rows.group[p.slot(pos)] == group {
		pos++
	}
	return pos
}

// frame moves a cursor to a row's frame, which is [start, end) with end < start for
// an empty one.
func (s *overState) frame(f *overFunc, cur *overCursor, p *overPart, pos int64) (start, end int64) {
	slot, total := p.slot(pos), p.total()
	group := s.rows.group
	switch frame := &f.Frame; {
	case frame.Start.Unbounded:
	case frame.Mode == plan.FrameRows:
		cur.start = max(min(pos+frame.Start.Rows, total), cur.start)
	case f.low >= 0:
		low := s.rows.bounds[f.low][slot]
		for cur.start = max(cur.start, p.base); cur.start < total && s.rows.key[p.slot(cur.start)] < low; {
			cur.start++
		}
	default:
		first := group[slot] + frame.Start.Rows
		for cur.start = max(cur.start, p.base); cur.start < total && group[p.slot(cur.start)] < first; {
			cur.start++
		}
	}
	switch frame := &f.Frame; {
	case frame.End.Unbounded:
		cur.end = total
	case frame.Mode == plan.FrameRows:
		cur.end = max(min(pos+frame.End.Rows+1, total), cur.end)
	case f.high >= 0:
		high := s.rows.bounds[f.high][slot]
		for cur.end = max(cur.end, p.base); cur.end < total && s.rows.key[p.slot(cur.end)] <= high; {
			cur.end++
		}
	default:
		last := group[slot] + frame.End.Rows
		for cur.end = max(cur.end, p.base); cur.end < total && group[p.slot(cur.end)] <= last; {
			cur.end++
		}
	}
	return cur.start, cur.end
}

// overSpan is positions [from, to).
type overSpan struct{ from, to int64 }

// excluded returns what EXCLUDE leaves out, in order.
func (s *overState) excluded(f *overFunc, p *overPart, pos int64) (spans [2]overSpan) {
	if f.Frame.Exclude == plan.ExcludeNothing {
		return spans
	}
	if f.Frame.Exclude == plan.ExcludeCurrent {
		spans[0] = overSpan{pos, pos + 1}
		return spans
	}
	first, end := s.rows.peer[p.slot(pos)], s.groupEnd(p, pos)
	if f.Frame.Exclude == plan.ExcludeGroup {
		spans[0] = overSpan{first, end}
		return spans
	}
	return [2]overSpan{{first, pos}, {pos + 1, end}}
}

// pick finds the row of the frame whose value is the result.
func (r *overRun) pick(i int, f *overFunc) {
	picks := make([]int32, len(r.slots))
	for k, id := range r.owner {
		p := &r.s.parts[id]
		start, end := r.s.frame(f, &r.s.cursors[i][id], p, r.pos[k])
		at := int64(-1)
		if out := r.s.excluded(f, p, r.pos[k]); f.Func == "last_value" {
			at = lastOf(start, end, out)
		} else {
			at = nthOf(start, end, out, f.Offset)
		}
		picks[k] = -1
		if at >= 0 {
			picks[k] = r.need(p.slot(at))
		}
	}
	r.plans[i].picks = picks
}

// nthOf returns the nth position, counted from 1, of [start, end) without the spans,
// -1 for none.
func nthOf(start, end int64, out [2]overSpan, n int64) int64 {
	at := start + n - 1
	for _, x := range out {
		if from, to := max(x.from, start), min(x.to, end); from < to && from <= at {
			at += to - from
		}
	}
	if at >= end {
		return -1
	}
	return at
}

func lastOf(start, end int64, out [2]overSpan) int64 {
	at := end - 1
	for k := len(out) - 1; k >= 0; k-- {
		if x := out[k]; x.from < x.to && at >= x.from && at < x.to {
			at = x.from - 1
		}
	}
	if at < start {
		return -1
	}
	return at
}

// fold finds the rows that enter and leave the frame of each row.
func (r *overRun) fold(i int, f *overFunc) {
	s, pl := r.s, &r.plans[i]
	pl.result = make([]int32, len(r.slots))
	from := 0
	for _, to := range r.rounds {
		for k := from; k < to; k++ {
			id := r.owner[k]
			if changed := r.move(pl, i, f, id, r.pos[k]); changed || s.latest[id] < 0 {
				s.latest[id] = int32(len(pl.ids))
				pl.ids = append(pl.ids, id)
			}
			pl.result[k] = s.latest[id]
		}
		from = to
		pl.ops.ends = append(pl.ops.ends, len(pl.ops.slots))
		pl.undo.ends = append(pl.undo.ends, len(pl.undo.slots))
		pl.idsEnd = append(pl.idsEnd, len(pl.ids))
	}
	for _, id := range r.parts {
		s.latest[id] = -1
	}
}

// move brings a partition's accumulator to a row's frame and reports whether its
// result may be another.
func (r *overRun) move(pl *overPlan, i int, f *overFunc, id uint32, pos int64) bool {
	s := r.s
	p, cur := &s.parts[id], &s.cursors[i][id]
	before := *cur
	start, end := s.frame(f, cur, p, pos)
	end = max(start, end)
	had := overSpan{before.start, max(before.start, before.end)}
	cur.end = max(end, cur.end)
	ops := len(pl.ops.slots)
	for at := had.from; at < min(had.to, start); at++ {
		r.op(&pl.ops, f, p, id, at, -1)
	}
	for at := max(had.to, start); at < end; at++ {
		r.op(&pl.ops, f, p, id, at, 1)
	}
	changed := len(pl.ops.slots) > ops
	for _, x := range s.excluded(f, p, pos) {
		for at := max(x.from, start); at < min(x.to, end); at++ {
			r.op(&pl.ops, f, p, id, at, -1)
			r.op(&pl.undo, f, p, id, at, 1)
		}
	}
	return changed || f.Frame.Exclude != plan.ExcludeNothing
}

func (r *overRun) op(ops *overOps, f *overFunc, p *overPart, id uint32, at int64, diff int8) {
	if f.only >= 0 && at != f.only {
		return
	}
	ops.add(r.need(p.slot(at)), id, diff)
}

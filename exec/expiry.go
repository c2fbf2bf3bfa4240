package exec

import (
	"math"

	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
)

// expiry tells which ids are due by event time.
//
// E1: an id that has a time is in the queue once under the time in queued, which is
// not above its own; entries under other times mean nothing. An id whose time has
// grown since is queued again when its entry is due, so the queue has about as many
// entries as there are ids, however often their times change.
type expiry struct {
	times  []int64 // by id, noExpiry for none
	queued []int64 // by id, noExpiry for not in the queue
	queue  timeQueue
	added  []timedRow // since the last settle
}

// noExpiry is the time of an id that does not expire.
const noExpiry = math.MinInt64

func (e *expiry) grow(bound int) {
	for len(e.times) < bound {
		e.times, e.queued = append(e.times, noExpiry), append(e.queued, noExpiry)
	}
}

// set gives an id a time. settle must follow.
func (e *expiry) set(id uint32, t int64) {
	e.times[id] = t
	if e.queued[id] == noExpiry || t < e.queued[id] {
		e.queued[id] = t
		e.added = append(e.added, timedRow{t: t, row: int64(id)})
	}
}

// settle queues what was added.
func (e *expiry) settle() {
	if len(e.added) > 0 {
		e.queue.add(append([]timedRow(nil), e.added...))
		e.added = e.added[:0]
	}
}

// take returns the ids whose time is below the bound, in the order of time, and
// takes their times away.
func (e *expiry) take(bound int64) (ids []uint32) {
	for _, d := range e.queue.take(bound, false) {
		id := uint32(d.row)
		if e.queued[id] != d.t {
			continue
		}
		e.queued[id] = noExpiry
		switch t := e.times[id]; {
		case t == noExpiry:
		case t >= bound:
			e.set(id, t)
		default:
			e.times[id] = noExpiry
			ids = append(ids, id)
		}
	}
	e.settle()
	return ids
}

func (e *expiry) sizeBytes() int64 {
	const each = 24 // of the queue
	n := 8 * (cap(e.times) + cap(e.queued))
	for _, run := range e.queue.runs {
		n += each * cap(run)
	}
	return int64(n)
}

// groupRetention drops groups by the event time of their newest row.
type groupRetention struct {
	bound  windowTime // its lateness is the retention
	column int        // the event time, in the evaluated batch
	queue  expiry
}

// note takes the times of an evaluated batch; ids are its groups.
func (r *groupRetention) note(in *batch.Batch, ids []uint32, bound int) {
	r.queue.grow(bound)
	col := in.Cols[r.column]
	times, _ := timeValues(col)
	nulls := col.NullN() > 0
	for i, id := range ids {
		if t := times[i]; t > r.queue.times[id] && !(nulls && col.IsNull(i)) {
			r.queue.set(id, t)
		}
	}
	r.queue.settle()
}

// forget takes the times of groups away whose rows have all gone.
func (r *groupRetention) forget(ids []uint32, shown []bool) {
	for _, id := range ids {
		if !shown[id] {
			r.queue.times[id] = noExpiry
		}
	}
}

// pass moves the time on and returns the groups that are due.
func (r *groupRetention) pass(millis int64) []uint32 {
	r.bound.pass(millis)
	return r.queue.take(r.bound.forgotten())
}

func (r *groupRetention) sizeBytes() int64 { return r.queue.sizeBytes() }

// entries implements sizer: the groups are counted where they are.
func (r *groupRetention) entries() int { return 0 }

// Snapshot implements stateful.
func (r *groupRetention) Snapshot(w *rowcodec.StateWriter) {
	w.Uint64(uint64(r.bound.watermark))
	w.Uvarint(uint64(len(r.queue.times)))
	for _, t := range r.queue.times {
		w.Uint64(uint64(t))
	}
}

// Restore implements stateful.
func (r *groupRetention) Restore(s *rowcodec.StateReader) error {
	r.bound.watermark = int64(s.Uint64())
	for id := range uint32(s.Count(maxStates)) {
		t := int64(s.Uint64())
		if s.Err() != nil {
			break
		}
		r.queue.grow(int(id) + 1)
		if t != noExpiry {
			r.queue.set(id, t)
		}
	}
	r.queue.settle()
	return s.Err()
}

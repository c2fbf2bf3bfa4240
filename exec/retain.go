package exec

import (
	"context"
	"slices"

	"laminardb/exec/expr"
	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// retain keeps the rows whose event time is not below the watermark less the
// retention; the others go away again. Its state is the rows that are there.
//
// R1: a row's event time is one of its columns, so all changes of it are on one
// side of the bound: what comes below it, a row or its end, is dropped alike.
type retain struct {
	Receiver
	faults faults
	column int // the event time
	// bound's lateness is the retention.
	bound  windowTime
	rows   *exactRows
	counts []int64 // by id
	queue  expiry
	ids    []uint32 // scratch
}

func newRetain(n *plan.Retain, b *builder, out Receiver) *retain {
	return &retain{
		Receiver: out, faults: b.faults, column: n.Out.EventTime, rows: newExactRows(schemaTypes(n.Out)),
		bound: newRetention(n.Out.Fields[n.Out.EventTime].Type, n.Millis),
	}
}

// newRetention is the time that has passed by a length.
func newRetention(t types.Type, millis int64) windowTime {
	w := windowTime{timeType: t, perMilli: 1, closes: true, watermark: NoWatermark}
	if t.Kind != types.Int64 {
		w.perMilli = 1000
	}
	w.lateness = millis * w.perMilli
	return w
}

// pass moves the time on. The end of the input is not a time that has come.
func (t *windowTime) pass(millis int64) {
	if millis != endOfTime {
		t.watermark = millis
	}
}

// Batch implements Receiver.
func (r *retain) Batch(ctx context.Context, b *batch.Batch) error {
	b, times := r.above(b)
	if b.Rows == 0 {
		return nil
	}
	r.ids = sized(r.ids, b.Rows)
	r.rows.lookup(b, nil, r.ids)
	r.grow()
	var empty []uint32
	for i, id := range r.ids {
		if r.counts[id] += int64(b.Diff(i)); r.counts[id] == 0 {
			empty = append(empty, id)
		}
		r.queue.set(id, times[i])
	}
	slices.Sort(empty)
	r.drop(slices.DeleteFunc(slices.Compact(empty), func(id uint32) bool { return r.counts[id] != 0 }))
	r.queue.settle()
	return r.Receiver.Batch(ctx, b)
}

func (r *retain) grow() {
	for len(r.counts) < r.rows.Bound() {
		r.counts = append(r.counts, 0)
	}
	r.queue.grow(len(r.counts))
}

// drop forgets rows.
func (r *retain) drop(ids []uint32) {
	for _, id := range ids {
		r.counts[id] = 0
		r.queue.times[id] = noExpiry
	}
	if len(ids) > 0 {
		r.rows.Delete(ids)
	}
}

// above takes out the rows below the bound and those without an event time.
func (r *retain) above(b *batch.Batch) (*batch.Batch, []int64) {
	col := b.Cols[r.column]
	times, _ := timeValues(col)
	bound := r.bound.forgotten()
	keep := make([]int32, 0, b.Rows)
	var untimed []int32
	for i, t := range times {
		switch {
		case col.IsValid(i) && t >= bound:
			keep = append(keep, int32(i))
		case col.IsNull(i) && b.Diff(i) > 0:
			untimed = append(untimed, int32(i))
		}
	}
	if len(untimed) > 0 {
		r.faults.untimed(b, untimed)
	}
	if len(keep) == b.Rows {
		return b, times
	}
	b = expr.Take(b, keep)
	times, _ = timeValues(b.Cols[r.column])
	return b, times
}

// Watermark implements Receiver: rows go away.
func (r *retain) Watermark(ctx context.Context, millis int64) error {
	r.bound.pass(millis)
	gone := r.queue.take(r.bound.forgotten())
	var ids []uint32
	for _, id := range gone {
		for range r.counts[id] {
			ids = append(ids, id)
		}
	}
	for part := range slices.Chunk(ids, batch.MaxRows) {
		out := batch.New(r.rows.columns(part), len(part))
		out.Diffs = slices.Repeat([]int8{-1}, len(part))
		if err := r.Receiver.Batch(ctx, out); err != nil {
			return err
		}
	}
	r.drop(gone)
	return r.Receiver.Watermark(ctx, millis)
}

func (r *retain) sizeBytes() int64 {
	return r.rows.SizeBytes() + int64(8*cap(r.counts)) + r.queue.sizeBytes()
}

func (r *retain) entries() int { return r.rows.Len() }

// Snapshot implements stateful.
func (r *retain) Snapshot(w *rowcodec.StateWriter) {
	w.Uint64(uint64(r.bound.watermark))
	r.rows.Snapshot(w)
	for id := range r.rows.Bound() {
		w.Uint64(uint64(r.counts[id]))
		w.Uint64(uint64(r.queue.times[id]))
	}
}

// Restore implements stateful.
func (r *retain) Restore(s *rowcodec.StateReader) error {
	r.bound.watermark = int64(s.Uint64())
	if err := r.rows.Restore(s); err != nil {
		return err
	}
	r.grow()
	for id := range r.rows.Bound() {
		r.counts[id] = int64(s.Uint64())
		if t := int64(s.Uint64()); t != noExpiry && s.Err() == nil {
			r.queue.set(uint32(id), t)
		}
	}
	r.queue.settle()
	return s.Err()
}

package exec

import (
	"context"
	"slices"

	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// asofJoin gives each left row its best right row.
//
// A1: a left row leaves when the right watermark says that no right row to come
// could be its match: at once if it arrives behind that, else when the watermark
// moves. What arrives together leaves in order of arrival, what waited in order of
// event time.
// A2: a right row is kept while a left row that waits, or is still to come by the
// left watermark, could match it.
// A3: a row behind its own input's watermark is late: it is counted and dropped.
type asofJoin struct {
	out       Receiver
	inner     bool
	holder    holder
	direction plan.AsofDirection
	low, high int64 // of right time - left time
	// deleted is the right column that says that a version deletes its row, -1
	// where the right rows are not versions.
	deleted int
	inputs  [2]timedInput
	table   *hashtable.Table
	marks   timedMarks

	// arrived are the right rows that the right watermark has not passed; the others
	// are chained, so in the order of event time (ties in the order of arrival).
	arrived timeQueue
	right   timeChain
	rows    []int64  // by link of the chain: its row in the store
	left    rowStore // rows that wait
	queue   timeQueue
	// waiting are rows whose time the right watermark has passed, but whose right
	// row is still to come (A1, looking forward), in no order.
	waiting []timedRow
	// keysAt is the number of keys at which unused ones are looked for.
	keysAt int
}

func (b *builder) asofJoin(n *plan.AsofJoin, out Receiver) error {
	j := &asofJoin{
		out: out, inner: n.Inner, holder: b.holder(), direction: n.Direction, low: n.Reach.Low, high: n.Reach.High,
		table: hashtable.New(keyTypes(n.LeftKeys)), marks: newTimedMarks(n.LeftTime.Type()), keysAt: leastChecked, deleted: -1,
	}
	if n.Temporal {
		j.deleted = len(n.Right.Schema().Fields) - 1
	}
	var err error
	if j.inputs[leftInput], err = newTimedInput(b, n.Left, n.LeftKeys, n.LeftTime); err != nil {
		return err
	}
	if j.inputs[rightInput], err = newTimedInput(b, n.Right, n.RightKeys, n.RightTime); err != nil {
		return err
	}
	if b.late != nil {
		j.inputs[leftInput].after, j.inputs[rightInput].before = j.inputs[rightInput].types, j.inputs[leftInput].types
	}
	j.left.types, j.right = j.inputs[leftInput].types, newTimeChain(j.inputs[rightInput].types)
	b.keep("asof", j)
	// The right side first: over a snapshot its rows are all there before the left
	// ones come, which then need not wait.
	if err := b.build(n.Right, asofSide{j.on(rightInput), j}); err != nil {
		return err
	}
	return b.build(n.Left, asofSide{j.on(leftInput), j})
}

// on is an input's part in the event time of the join.
func (j *asofJoin) on(side int) timedSide { return timedSide{&j.marks, side, j.out, j.advance} }

// asofSide is one input of an ASOF join.
type asofSide struct {
	timedSide
	j *asofJoin
}

// Batch implements Receiver.
func (s asofSide) Batch(ctx context.Context, b *batch.Batch) error {
	j := s.j
	in, err := j.inputs[s.side].read(b, j.table, j.marks.time(s.side))
	if err != nil {
		return err
	}
	j.right.grow(j.table.Bound())
	if s.side == leftInput {
		return j.probe(ctx, in)
	}
	if in.rows.Rows == 0 || j.marks.ended[leftInput] && j.left.live == 0 {
		return nil
	}
	first, err := j.right.store.add(in.rows)
	if err != nil {
		return err
	}
	entries := make([]timedRow, len(in.times))
	for i, t := range in.times {
		entries[i] = timedRow{t, first + int64(i), in.keys[i]}
	}
	j.arrived.add(entries)
	return j.collect()
}

// probe emits the rows of a left batch that are final and keeps the others.
func (j *asofJoin) probe(ctx context.Context, in *timedBatch) error {
	if in.never != nil && !j.inner {
		if err := j.emit(ctx, in.never, slices.Repeat([]int64{nullRow}, in.never.Rows)); err != nil {
			return err
		}
	}
	var now, later []int32
	var matches []int64
	for i, t := range in.times {
		row, final := j.match(in.keys[i], t)
		switch {
		case !final:
			later = append(later, int32(i))
		case row != nullRow || !j.inner:
			now, matches = append(now, int32(i)), append(matches, row)
		}
	}
	if err := j.keep(in, later); err != nil {
		return err
	}
	if len(now) == 0 {
		return nil
	}
	rows := in.rows
	if len(now) < rows.Rows {
		rows = expr.Take(rows, now)
	}
	return j.emit(ctx, rows, matches)
}

// keep queues the rows of a left batch that must wait.
func (j *asofJoin) keep(in *timedBatch, sel []int32) error {
	if len(sel) == 0 {
		return nil
	}
	rows := in.rows
	if len(sel) < rows.Rows {
		rows = expr.Take(rows, sel)
	}
	first, err := j.left.add(rows)
	if err != nil {
		return err
	}
	entries := make([]timedRow, len(sel))
	for i, s := range sel {
		entries[i] = timedRow{in.times[s], first + int64(i), in.keys[s]}
	}
	j.queue.add(entries)
	return nil
}

// advance emits what the right watermark has made final, drops what the left one
// has made useless, and passes the output's watermark on.
func (j *asofJoin) advance(ctx context.Context) error {
	for _, r := range j.arrived.take(j.marks.time(rightInput), j.marks.ended[rightInput]) {
		j.right.link(r.key, r.t)
		j.rows = append(j.rows, r.row)
	}
	if err := j.release(ctx); err != nil {
		return err
	}
	if err := j.collect(); err != nil {
		return err
	}
	j.tell()
	if w := j.marks.millisOf(j.oldest()); w > j.marks.sent {
		j.marks.sent = w
		return j.out.Watermark(ctx, w)
	}
	return nil
}

// tell makes it known that a left row waits for a right one beyond the watermarks.
func (j *asofJoin) tell() {
	if len(j.waiting) == 0 {
		j.holder.clear()
		return
	}
	first := slices.MinFunc(j.waiting, compareTimed)
	j.holder.set(Hold{
		Millis: j.marks.millisOf(first.t), Key: keyText(j.table.Keys([]uint32{first.key})),
		Waits: "a right row of its key that is not before it",
	})
}

// oldest is the smallest time that a left row can have which is still to leave.
func (j *asofJoin) oldest() int64 {
	t := min(j.marks.time(leftInput), j.queue.first())
	for _, w := range j.waiting {
		t = min(t, w.t)
	}
	return t
}

// release emits the rows that waited and are final now.
func (j *asofJoin) release(ctx context.Context) error {
	bound := minus(j.marks.time(rightInput), j.high)
	switch j.direction {
	case plan.AsofForward:
		bound = minus(j.marks.time(rightInput), j.low)
	case plan.AsofNearest:
		bound = j.marks.time(rightInput)
	}
	ready := j.queue.take(bound, j.marks.ended[rightInput])
	if len(j.waiting) > 0 {
		ready = append(j.waiting, ready...)
	}
	return j.leave(ctx, ready)
}

// leave emits those of the rows that are final; the others wait on.
func (j *asofJoin) leave(ctx context.Context, ready []timedRow) error {
	var matches []int64
	final, waiting := ready[:0], []timedRow(nil)
	for _, r := range ready {
		if j.direction == plan.AsofForward && j.nothingYet(r) {
			waiting = append(waiting, r)
			continue
		}
		match, isFinal := j.match(r.key, r.t)
		if !isFinal {
			waiting = append(waiting, r)
			continue
		}
		final, matches = append(final, r), append(matches, match)
	}
	j.waiting = waiting
	if len(final) == 0 {
		return nil
	}
	if j.direction != plan.AsofBackward {
		final, matches = inTimeOrder(final, matches)
	}
	rows := make([]int64, len(final))
	for i, r := range final {
		rows[i] = r.row
	}
	for from := 0; from < len(rows); from += batch.MaxRows {
		to := min(from+batch.MaxRows, len(rows))
		if err := j.emitKept(ctx, rows[from:to], matches[from:to]); err != nil {
			return err
		}
	}
	j.left.release(rows)
	return nil
}

// nothingYet reports whether a row waits on since its key has no right row behind
// it yet: a quick test, for many rows can wait long.
func (j *asofJoin) nothingYet(r timedRow) bool {
	newest, ok := j.right.newest(r.key)
	return (!ok || newest < plus(r.t, j.low)) && !j.passed(plus(r.t, j.high))
}

func inTimeOrder(rows []timedRow, matches []int64) ([]timedRow, []int64) {
	if slices.IsSortedFunc(rows, compareTimed) {
		return rows, matches
	}
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return compareTimed(rows[a], rows[b]) })
	sorted, sortedMatches := make([]timedRow, len(rows)), make([]int64, len(rows))
	for i, o := range order {
		sorted[i], sortedMatches[i] = rows[o], matches[o]
	}
	return sorted, sortedMatches
}

// emit sends left rows with their matches.
func (j *asofJoin) emit(ctx context.Context, left *batch.Batch, matches []int64) error {
	right, err := j.right.store.take(matches)
	if err != nil {
		return err
	}
	return j.out.Batch(ctx, left.With(append(left.Cols[:len(left.Cols):len(left.Cols)], right.Cols...)))
}

// emitKept sends rows that waited.
func (j *asofJoin) emitKept(ctx context.Context, rows, matches []int64) error {
	if j.inner {
		rows, matches = matched(rows, matches)
		if len(rows) == 0 {
			return nil
		}
	}
	left, err := j.left.take(rows)
	if err != nil {
		return err
	}
	return j.emit(ctx, left, matches)
}

func matched(rows, matches []int64) (r, m []int64) {
	for i, match := range matches {
		if match != nullRow {
			r, m = append(r, rows[i]), append(m, match)
		}
	}
	return r, m
}

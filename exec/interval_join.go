package exec

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// intervalJoin joins rows that are close in time.
//
// I1: a row meets, on arrival, all rows of the other input that came before it;
// so each pair leaves once, when its second row arrives.
// I2: a row is kept until the other input's watermark is above all times that it
// reaches. If it has had no partner then, and its side is an outer one, it leaves
// with NULLs, before that watermark is passed on.
// I3: a row behind its own input's watermark is late: it is counted and dropped.
// I4: where a projection follows, pairs have only the columns that it and the
// residual compute with; the others are nil. Rows that fail there are made whole.
type intervalJoin struct {
	out      Receiver
	project  *project  // out, if it is one
	used     [2][]bool // by input and column: what pairs have at first, nil for all
	inputs   [2]timedInput
	outer    [2]bool  // rows of this input are kept without a partner
	low      [2]int64 // from an input's time to the other's, at least
	high     [2]int64 // and at most
	residual *expr.Predicate
	faults   faults
	errs     expr.RowErrors
	// timed is the input whose event time the output has.
	timed int

	table  *hashtable.Table
	kept   [2]timeChain
	alone  [2]timeQueue // of outer inputs: rows that had no partner on arrival
	marks  timedMarks
	keysAt int

	own      []int32 // scratch: the rows of the pairs that are found, and the others'
	partners []int64
}

func (b *builder) intervalJoin(n *plan.IntervalJoin, out Receiver) error {
	j := &intervalJoin{
		out: out, faults: b.faults, table: hashtable.New(keyTypes(n.LeftKeys)), keysAt: leastChecked,
		outer: [2]bool{n.Kind == plan.JoinLeft || n.Kind == plan.JoinFull, n.Kind == plan.JoinRight || n.Kind == plan.JoinFull},
		low:   [2]int64{n.Reach.Low, -n.Reach.High}, high: [2]int64{n.Reach.High, -n.Reach.Low},
		marks: newTimedMarks(n.LeftTime.Type()),
	}
	if n.Kind == plan.JoinRight {
		j.timed = rightInput
	}
	var err error
	if n.Residual != nil {
		if j.residual, err = expr.CompilePredicate(n.Residual, b.exprEnv()); err != nil {
			return err
		}
	}
	if j.inputs[leftInput], err = newTimedInput(b, n.Left, n.LeftKeys, n.LeftTime); err != nil {
		return err
	}
	if j.inputs[rightInput], err = newTimedInput(b, n.Right, n.RightKeys, n.RightTime); err != nil {
		return err
	}
	if b.late != nil {
		j.inputs[leftInput].after, j.inputs[rightInput].before = j.inputs[rightInput].types, j.inputs[leftInput].types
	}
	for i := range j.kept {
		j.kept[i] = newTimeChain(j.inputs[i].types)
	}
	j.leaveOut(out)
	b.keep("interval", j)
	if err := b.build(n.Right, intervalSide{j.on(rightInput), j}); err != nil {
		return err
	}
	return b.build(n.Left, intervalSide{j.on(leftInput), j})
}

// leaveOut finds the columns that nothing behind the join computes with (I4).
func (j *intervalJoin) leaveOut(out Receiver) {
	p, ok := out.(*project)
	if !ok {
		return
	}
	ts := slices.Concat(j.inputs[leftInput].types, j.inputs[rightInput].types)
	used := make([]bool, len(ts))
	for _, c := range p.program.Reads() {
		used[c] = true
	}
	if j.residual != nil {
		for _, c := range j.residual.Reads() {
			used[c] = true
		}
	}
	for _, c := range p.program.Passes() {
		if c >= 0 && rowcodec.Width(ts[c]) < 0 {
			used[c] = true
		}
	}
	width := len(j.inputs[leftInput].types)
	j.project, j.used = p, [2][]bool{used[:width], used[width:]}
}

// on is an input's part in the event time of the join.
func (j *intervalJoin) on(side int) timedSide { return timedSide{&j.marks, side, j.out, j.advance} }

// intervalSide is one input of an interval join.
type intervalSide struct {
	timedSide
	j *intervalJoin
}

// Batch implements Receiver.
func (s intervalSide) Batch(ctx context.Context, b *batch.Batch) error {
	j := s.j
	in, err := j.inputs[s.side].read(b, j.table, j.marks.time(s.side))
	if err != nil {
		return err
	}
	for i := range j.kept {
		j.kept[i].grow(j.table.Bound())
	}
	if in.never != nil && j.outer[s.side] {
		if err := j.emitAlone(ctx, s.side, in.never); err != nil {
			return err
		}
	}
	if in.rows.Rows == 0 {
		return nil
	}
	had, err := j.probe(ctx, s.side, in)
	if err != nil {
		return err
	}
	if err := j.keep(ctx, s.side, in, had); err != nil {
		return err
	}
	return j.collect()
}

// probe emits the pairs of a batch with the kept rows of the other input (I1), and
// returns which of its rows are in one.
func (j *intervalJoin) probe(ctx context.Context, side int, in *timedBatch) (had []bool, err error) {
	other := &j.kept[1-side]
	had = make([]bool, in.rows.Rows)
	own, partners := j.own[:0], j.partners[:0]
	for i, t := range in.times {
		before := len(partners)
		partners = other.between(partners, in.keys[i], plus(t, j.low[side]), plus(t, j.high[side]))
		for range len(partners) - before {
			own = append(own, int32(i))
		}
		for len(partners) >= batch.MaxRows {
			if err := j.emitPairs(ctx, side, in.rows, own[:batch.MaxRows], partners[:batch.MaxRows], had); err != nil {
				return nil, err
			}
			own = append(own[:0], own[batch.MaxRows:]...)
			partners = append(partners[:0], partners[batch.MaxRows:]...)
		}
	}
	j.own, j.partners = own, partners
	if len(own) == 0 {
		return had, nil
	}
	return had, j.emitPairs(ctx, side, in.rows, own, partners, had)
}

// emitPairs emits the pairs that pass the residual, and marks their rows.
func (j *intervalJoin) emitPairs(ctx context.Context, side int, rows *batch.Batch, own []int32, partners []int64, had []bool) error {
	all := &joinedRows{}
	// own is used again for other pairs, all lives on.
	all[side] = rowsAt{types: j.inputs[side].types, chunks: []*batch.Batch{rows}, sel: slices.Clone(own)}
	all[1-side] = j.kept[1-side].store.locate(partners)
	pairs, err := all.batch(j.used)
	if err != nil {
		return err
	}
	if j.residual != nil {
		sel, matched, err := j.matching(pairs, all)
		if err != nil {
			return err
		}
		if !matched {
			own, partners, pairs = picked(own, sel), picked(partners, sel), takeUsed(pairs, sel)
			all.pick(sel)
		}
	}
	for _, i := range own {
		had[i] = true
	}
	if kept := &j.kept[1-side]; j.outer[1-side] {
		for _, p := range partners {
			kept.links[p-kept.base].matched = true
		}
	}
	switch {
	case pairs.Rows == 0:
		return nil
	case j.project != nil:
		return j.project.pairs(ctx, pairs, all)
	}
	return j.out.Batch(ctx, pairs)
}

// matching returns the pairs that pass the residual; all says that each one does.
func (j *intervalJoin) matching(pairs *batch.Batch, whole *joinedRows) (sel []int32, all bool, err error) {
	j.errs.Reset()
	sel, all, err = j.residual.Select(pairs, &j.errs)
	if err != nil || j.errs.Len() == 0 {
		return sel, all, err
	}
	b, err := whole.batch([2][]bool{})
	if err != nil {
		return nil, false, err
	}
	_, err = j.faults.rows(b, &j.errs)
	return sel, all, err
}

// takeUsed is expr.Take of a batch of inserts some of whose columns may be nil.
func takeUsed(b *batch.Batch, sel []int32) *batch.Batch {
	out := b.With(make([]arrow.Array, len(b.Cols)))
	out.Rows = len(sel)
	for i, c := range b.Cols {
		if c != nil {
			out.Cols[i] = expr.TakeArray(c, sel)
		}
	}
	return out
}

// joinedRows are the pairs of a join: rows of the left input, and as many of the
// right one beside them.
type joinedRows [2]rowsAt

// batch makes the columns that are used, nil for all of an input.
func (r *joinedRows) batch(used [2][]bool) (*batch.Batch, error) {
	l, err := r[leftInput].batch(used[leftInput])
	if err != nil {
		return nil, err
	}
	other, err := r[rightInput].batch(used[rightInput])
	if err != nil {
		return nil, err
	}
	return beside(l, other), nil
}

// column makes a column of the pairs (see rowsAt.column).
func (r *joinedRows) column(i int) arrow.Array {
	if width := len(r[leftInput].types); i >= width {
		return r[rightInput].column(i - width)
	}
	return r[leftInput].column(i)
}

// held is how many rows are in the batches that the pairs are made of.
func (r *joinedRows) held() (n int) {
	for side := range r {
		for _, c := range r[side].chunks {
			n += c.Rows
		}
	}
	return n
}

// pick keeps some of the pairs.
func (r *joinedRows) pick(sel []int32) {
	for side := range r {
		r[side].pick(sel)
	}
}

// beside puts rows of the right input beside rows of the left one.
func beside(l, r *batch.Batch) *batch.Batch {
	out := &batch.Batch{Cols: slices.Concat(l.Cols, r.Cols), Rows: l.Rows}
	out.ReadAtNanos = earlier(l.ReadAtNanos, r.ReadAtNanos)
	out.ProducedAtMillis = earlier(l.ProducedAtMillis, r.ProducedAtMillis)
	return out
}

// emitAlone emits rows without a partner.
func (j *intervalJoin) emitAlone(ctx context.Context, side int, own *batch.Batch) error {
	none := &batch.Batch{Cols: nullColumns(j.inputs[1-side].types, own.Rows), Rows: own.Rows}
	if side == rightInput {
		return j.out.Batch(ctx, beside(none, own))
	}
	return j.out.Batch(ctx, beside(own, none))
}

// keep stores the rows that can still meet others. The other outer rows that had
// no partner leave now.
func (j *intervalJoin) keep(ctx context.Context, side int, in *timedBatch, had []bool) error {
	passed := j.marks.time(1 - side)
	var sel, alone []int32
	for i, t := range in.times {
		switch {
		case !j.marks.ended[1-side] && plus(t, j.high[side]) >= passed:
			sel = append(sel, int32(i))
		case j.outer[side] && !had[i]:
			alone = append(alone, int32(i))
		}
	}
	if len(alone) > 0 {
		if err := j.emitAlone(ctx, side, expr.Take(in.rows, alone)); err != nil {
			return err
		}
	}
	if len(sel) == 0 {
		return nil
	}
	rows, keys, times := in.rows, in.keys, in.times
	if len(sel) < rows.Rows {
		rows, keys, times, had = expr.Take(rows, sel), picked(keys, sel), picked(times, sel), picked(had, sel)
	}
	kept := &j.kept[side]
	first, err := kept.add(rows, keys, times)
	if err != nil || !j.outer[side] {
		return err
	}
	var entries []timedRow
	for i, t := range times {
		if had[i] {
			kept.links[first+int64(i)-kept.base].matched = true
			continue
		}
		entries = append(entries, timedRow{t, first + int64(i), keys[i]})
	}
	j.alone[side].add(entries)
	return nil
}

func picked[T any](list []T, sel []int32) []T {
	out := make([]T, len(sel))
	for i, s := range sel {
		out[i] = list[s]
	}
	return out
}

// dead is the time below which an input's rows meet nothing any more (I2).
func (j *intervalJoin) dead(side int) int64 {
	return minus(j.marks.time(1-side), j.high[side])
}

// advance emits the outer rows that stay alone, drops what is dead, and passes the
// output's watermark on.
func (j *intervalJoin) advance(ctx context.Context) error {
	for side := range j.kept {
		if err := j.release(ctx, side); err != nil {
			return err
		}
	}
	if err := j.collect(); err != nil {
		return err
	}
	w := j.marks.millisOf(min(j.marks.time(j.timed), j.dead(j.timed)))
	if j.outer[leftInput] && j.outer[rightInput] {
		w = min(w, j.marks.millisOf(min(j.marks.time(rightInput), j.dead(rightInput))))
	}
	if w > j.marks.sent {
		j.marks.sent = w
		return j.out.Watermark(ctx, w)
	}
	return nil
}

// release emits the dead rows of an outer input that had no partner.
func (j *intervalJoin) release(ctx context.Context, side int) error {
	kept := &j.kept[side]
	var rows []int64
	for _, r := range j.alone[side].take(j.dead(side), j.marks.ended[1-side]) {
		if !kept.links[r.row-kept.base].matched {
			rows = append(rows, r.row)
		}
	}
	for from := 0; from < len(rows); from += batch.MaxRows {
		own, err := kept.store.take(rows[from:min(from+batch.MaxRows, len(rows))])
		if err != nil {
			return err
		}
		if err := j.emitAlone(ctx, side, own); err != nil {
			return err
		}
	}
	return nil
}

// collect forgets dead rows and unused keys.
func (j *intervalJoin) collect() error {
	for side := range j.kept {
		kept, dead := &j.kept[side], j.dead(side)
		kept.dropFront(dead)
		renumbered, err := kept.retain(func(_ int64, l *timeLink) bool { return l.t >= dead })
		if err != nil {
			return err
		}
		if renumbered && j.outer[side] {
			j.requeue(side)
		}
	}
	if j.table.Len() < j.keysAt {
		return nil
	}
	l, r := &j.kept[leftInput], &j.kept[rightInput]
	dropKeys(j.table, func(id uint32) bool { return l.heads[id] >= l.base || r.heads[id] >= r.base })
	j.keysAt = max(leastChecked, 2*j.table.Len())
	return nil
}

// requeue queues an outer input's rows again, which have new numbers.
func (j *intervalJoin) requeue(side int) {
	kept := &j.kept[side]
	var entries []timedRow
	for i, l := range kept.links {
		if !l.matched {
			entries = append(entries, timedRow{l.t, kept.base + int64(i), l.key})
		}
	}
	j.alone[side] = timeQueue{}
	j.alone[side].add(entries)
}

package exec

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
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
// residual read; the others are nil. Rows that fail there are made again whole.
type intervalJoin struct {
	out      Receiver
	project  *project  // out, if it is one
	used     [2][]bool // by input and column: what pairs have, nil for all
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

// leaveOut finds the columns that nothing behind the join reads (I4).
func (j *intervalJoin) leaveOut(out Receiver) {
	p, ok := out.(*project)
	if !ok {
		return
	}
	reads := p.program.Columns()
	if j.residual != nil {
		reads = slices.Concat(reads, j.residual.Columns())
	}
	width := len(j.inputs[leftInput].types)
	used := make([]bool, width+len(j.inputs[rightInput].types))
	for _, c := range reads {
		used[c] = true
	}
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
	var own []int32
	var partners []int64
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
	if len(own) == 0 {
		return had, nil
	}
	return had, j.emitPairs(ctx, side, in.rows, own, partners, had)
}

// emitPairs emits the pairs that pass the residual, and marks their rows.
func (j *intervalJoin) emitPairs(ctx context.Context, side int, rows *batch.Batch, own []int32, partners []int64, had []bool) error {
	pairs, err := j.pair(side, rows, own, partners, j.used)
	if err != nil {
		return err
	}
	whole := func() (*batch.Batch, error) { return j.pair(side, rows, own, partners, [2][]bool{}) }
	if j.residual != nil {
		j.errs.Reset()
		sel, all, err := j.residual.Select(pairs, &j.errs)
		if err != nil {
			return err
		}
		if err := fail(j.faults, &j.errs, whole); err != nil {
			return err
		}
		if !all {
			own, pairs = picked(own, sel), takeUsed(pairs, sel)
			for i, s := range sel { // sel is ascending
				partners[i] = partners[s]
			}
			partners = partners[:len(sel)]
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
		return j.project.some(ctx, pairs, whole)
	}
	return j.out.Batch(ctx, pairs)
}

// fail reports the rows that failed of the batch that whole makes.
func fail(f faults, errs *expr.RowErrors, whole func() (*batch.Batch, error)) error {
	if errs.Len() == 0 {
		return nil
	}
	b, err := whole()
	if err != nil {
		return err
	}
	_, err = f.rows(b, errs)
	return err
}

// pair makes rows of pairs, with the columns that are used.
func (j *intervalJoin) pair(side int, rows *batch.Batch, own []int32, partners []int64, used [2][]bool) (*batch.Batch, error) {
	theirs, err := j.kept[1-side].store.take(partners, used[1-side])
	if err != nil {
		return nil, err
	}
	return j.pairs(side, takeUsed(without(rows, used[side]), own), theirs), nil
}

// without returns a batch with nil in the place of the columns that are not used.
func without(b *batch.Batch, used []bool) *batch.Batch {
	if used == nil {
		return b
	}
	out := b.With(slices.Clone(b.Cols))
	for i, u := range used {
		if !u {
			out.Cols[i] = nil
		}
	}
	return out
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

// pairs puts rows of an input beside rows of the other one.
func (j *intervalJoin) pairs(side int, own, theirs *batch.Batch) *batch.Batch {
	l, r := own, theirs
	if side == rightInput {
		l, r = r, l
	}
	out := &batch.Batch{Cols: slices.Concat(l.Cols, r.Cols), Rows: own.Rows}
	out.ReadAtNanos = earlier(own.ReadAtNanos, theirs.ReadAtNanos)
	out.ProducedAtMillis = earlier(own.ProducedAtMillis, theirs.ProducedAtMillis)
	return out
}

// emitAlone emits rows without a partner.
func (j *intervalJoin) emitAlone(ctx context.Context, side int, own *batch.Batch) error {
	none := &batch.Batch{Cols: nullColumns(j.inputs[1-side].types, own.Rows), Rows: own.Rows}
	return j.out.Batch(ctx, j.pairs(side, own, none))
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
		own, err := kept.store.take(rows[from:min(from+batch.MaxRows, len(rows))], nil)
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

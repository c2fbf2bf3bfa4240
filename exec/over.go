package exec

import (
	"context"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

func (b *builder) over(n *plan.Over, out Receiver) error {
	calls, err := newOverCalls(n, b.exprEnv())
	if err != nil {
		return err
	}
	keyTypes := make([]types.Type, len(calls.partition))
	for i, col := range calls.partition {
		keyTypes[i] = calls.types[col]
	}
	var in Receiver
	switch n.Mode {
	case plan.OverOnce:
		in = &overOnce{Receiver: out, calls: calls, keyTypes: keyTypes, faults: b.faults, eventTime: n.Input.Schema().EventTime}
	case plan.OverEventTime:
		o := &overStream{out: out, calls: calls, table: hashtable.New(keyTypes), faults: b.faults, holder: b.holder(), watermark: NoWatermark, passed: NoWatermark}
		if o.state, err = newOverState(calls); err != nil {
			return err
		}
		b.keep("over", o)
		in = o
	case plan.OverChanges:
		o := newOverChanges(calls, keyTypes, n.Input.Schema().EventTime, b.faults, out)
		b.keep("over", o)
		in = o
	default:
		return pgerr.Newf(pgerr.Internal, "%s cannot run continuously", n.Label())
	}
	return b.build(n.Input, in)
}

// overStream is an Over by event time: rows wait for the watermark, then go through
// their partitions in the order of event time, ties in the order of arrival. Its
// output is final and append-only. Rows that wait for later rows of their partition
// hold back the watermark.
type overStream struct {
	out    Receiver
	calls  *overCalls
	table  *hashtable.Table
	state  *overState
	faults faults
	holder holder
	errs   expr.RowErrors

	pending   []*pendingRows
	watermark int64 // in milliseconds
	passed    int64 // the watermark that was passed on
	perMilli  int64
	held      []heldRow // in event-time order; those before heldFrom have gone
	heldFrom  int
	told      heldRow  // what holder has been told last
	ids       []uint32 // scratch
}

// pendingRows are evaluated rows in the order of event time, those before from gone.
type pendingRows struct {
	rows  *batch.Batch
	times []int64
	from  int
}

// heldRow is a row that the watermark has passed and that waits for others.
type heldRow struct {
	time int64
	part uint32
	pos  int64
}

// Batch implements Receiver.
func (o *overStream) Batch(_ context.Context, b *batch.Batch) error {
	in, err := evaluate(o.calls.program, b, &o.errs, o.faults)
	if err != nil || in.Rows == 0 {
		return err
	}
	col := in.Cols[o.calls.order[0]]
	times, perMilli := timeValues(col)
	o.perMilli = perMilli
	var sel, late, untimed []int32
	sorted := true
	for i, t := range times {
		switch {
		case col.IsNull(i):
			untimed = append(untimed, int32(i))
		case floorDiv(t, perMilli) < o.watermark:
			late = append(late, int32(i))
		default:
			sorted = sorted && (len(sel) == 0 || times[sel[len(sel)-1]] <= t)
			sel = append(sel, int32(i))
		}
	}
	if len(late) > 0 {
		o.faults.late(in.With(in.Cols[:o.calls.inputs]), late)
	}
	if len(untimed) > 0 {
		o.faults.untimed(in, untimed)
	}
	if len(sel) == 0 {
		return nil
	}
	if !sorted {
		sortByTime(sel, times)
	}
	if !sorted || len(sel) < in.Rows {
		in = expr.Take(in, sel)
		times, _ = timeValues(in.Cols[o.calls.order[0]])
	}
	o.pending = append(o.pending, &pendingRows{rows: in, times: times})
	return nil
}

func sortByTime(rows []int32, times []int64) {
	slices.SortStableFunc(rows, func(a, b int32) int {
		switch {
		case times[a] < times[b]:
			return -1
		case times[a] > times[b]:
			return 1
		}
		return 0
	})
}

// Watermark implements Receiver.
func (o *overStream) Watermark(ctx context.Context, millis int64) error {
	o.watermark = millis
	until := o.until(millis)
	if err := o.release(ctx, until, false); err != nil {
		return err
	}
	if err := o.pass(ctx); err != nil {
		return err
	}
	o.state.sweep(o.table, until)
	return nil
}

// until is the first event time that a watermark has not passed.
func (o *overStream) until(millis int64) int64 {
	switch per := max(o.perMilli, 1); {
	case millis > math.MaxInt64/per:
		return math.MaxInt64
	case millis < math.MinInt64/per:
		return math.MinInt64
	default:
		return millis * per
	}
}

// pass tells how far event time has come in the output.
func (o *overStream) pass(ctx context.Context) error {
	mark, holds := o.watermark, false
	for ; o.heldFrom < len(o.held); o.heldFrom++ {
		if h := o.held[o.heldFrom]; o.state.parts[h.part].done <= h.pos {
			mark, holds = min(mark, floorDiv(h.time, o.perMilli)), true
			o.tell(h)
			break
		}
	}
	if !holds {
		o.holder.clear()
	}
	if o.heldFrom > len(o.held)/2 {
		o.held = slices.Delete(o.held, 0, o.heldFrom)
		o.heldFrom = 0
	}
	if mark <= o.passed {
		return nil
	}
	o.passed = mark
	return o.out.Watermark(ctx, mark)
}

// tell makes it known that a row holds the output back.
func (o *overStream) tell(h heldRow) {
	if o.holder.own != nil && o.told == h {
		return
	}
	o.told = h
	o.holder.set(Hold{
		Millis: floorDiv(h.time, o.perMilli), Key: keyText(o.table.Keys([]uint32{h.part})),
		Waits: "later rows of its partition, for LEAD or a frame that reaches behind it",
	})
}

// Idle implements Receiver.
func (o *overStream) Idle(ctx context.Context, idle bool) error { return o.out.Idle(ctx, idle) }

// End implements Receiver.
func (o *overStream) End(ctx context.Context) error {
	if err := o.release(ctx, math.MaxInt64, true); err != nil {
		return err
	}
	return o.out.End(ctx)
}

// release takes the rows before until into their partitions and sends what is
// settled by that.
func (o *overStream) release(ctx context.Context, until int64, final bool) error {
	in, err := o.take(until, final)
	if err != nil {
		return err
	}
	if in.rows.Rows == 0 && !final && len(o.state.waits) == 0 {
		return nil
	}
	o.ids = sized(o.ids, in.rows.Rows)
	in.ids = o.ids
	keys := make([]arrow.Array, len(o.calls.partition))
	for i, c := range o.calls.partition {
		if in.rows.Rows > 0 {
			keys[i] = in.rows.Cols[c]
		}
	}
	o.table.Lookup(keys, in.rows.Rows, nil, in.ids)
	out, _, err := o.state.step(in, o.table.Bound())
	if err != nil {
		return err
	}
	if o.state.ahead && !final {
		o.hold(in)
	}
	if out == nil {
		return nil
	}
	return o.out.Batch(ctx, out)
}

// hold notes the rows of a step that were not given out.
func (o *overStream) hold(in *overInput) {
	left := map[uint32]int64{}
	for _, id := range in.ids {
		left[id]++
	}
	for i, id := range in.ids {
		p := &o.state.parts[id]
		pos := p.total() - left[id]
		left[id]--
		if pos >= p.done {
			o.held = append(o.held, heldRow{in.order[i], id, pos})
		}
	}
}

// take removes the rows before until from those that wait, in order.
func (o *overStream) take(until int64, final bool) (*overInput, error) {
	var ready []*batch.Batch
	waiting := o.pending[:0]
	for _, p := range o.pending {
		to := len(p.times)
		if !final {
			to, _ = slices.BinarySearch(p.times, until)
		}
		if to > p.from {
			ready = append(ready, p.rows.Slice(p.from, to))
			p.from = to
		}
		if p.from < len(p.times) {
			waiting = append(waiting, p)
		}
	}
	clear(o.pending[len(waiting):])
	o.pending = waiting
	in := &overInput{rows: &batch.Batch{}, until: until, final: final}
	if len(ready) == 0 {
		return in, nil
	}
	all, err := expr.Concat(ready)
	if err != nil {
		return nil, err
	}
	times, _ := timeValues(all.Cols[o.calls.order[0]])
	if !slices.IsSorted(times) {
		rows := make([]int32, len(times))
		for i := range rows {
			rows[i] = int32(i)
		}
		sortByTime(rows, times)
		all = expr.Take(all, rows)
		times, _ = timeValues(all.Cols[o.calls.order[0]])
	}
	in.rows, in.order = all, times
	return in, nil
}

package exec

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/agg"
	"laminardb/exec/expr"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// results computes the columns of the rows given out and puts the rows back into
// the order in which they came. at is the number of each in the run's batch.
func (r *overRun) results() (out *batch.Batch, at []int32, err error) {
	if len(r.slots) == 0 {
		return nil, nil, nil
	}
	order := r.arrival()
	at = make([]int32, len(order))
	for k, row := range order {
		at[k] = r.s.rows.at[r.slots[row]]
	}
	cols := takeColumns(r.all.Cols[:r.s.calls.inputs], at)
	for i := range r.plans {
		col, err := r.column(i)
		if err != nil {
			return nil, nil, err
		}
		cols = append(cols, expr.TakeArray(col, order))
	}
	out = batch.New(cols, len(order))
	out.ReadAtNanos, out.ProducedAtMillis = r.in.rows.ReadAtNanos, r.in.rows.ProducedAtMillis
	return out, at, nil
}

// arrival returns the numbers of the rows given out in the order in which they
// came: stored rows, then the input's.
func (r *overRun) arrival() []int32 {
	input := r.in.rows.Rows
	place := make([]int32, r.all.Rows)
	for i := range place {
		place[i] = -1
	}
	for k, slot := range r.slots {
		place[r.s.rows.at[slot]] = int32(k)
	}
	order := make([]int32, 0, len(r.slots))
	for _, part := range [][]int32{place[input:], place[:input]} {
		for _, k := range part {
			if k >= 0 {
				order = append(order, k)
			}
		}
	}
	return order
}

// column computes function i's results for the rows given out, round by round.
func (r *overRun) column(i int) (arrow.Array, error) {
	f, pl := &r.s.calls.funcs[i], &r.plans[i]
	switch {
	case pl.ratios != nil:
		return fixedColumn(types.Of(types.Float64), arrow.Float64Traits.CastToBytes(pl.ratios), len(pl.ratios)), nil
	case pl.counts != nil && f.Agg.Type.Kind == types.Int32:
		small := make([]int32, len(pl.counts))
		for k, v := range pl.counts {
			small[k] = int32(v)
		}
		return fixedColumn(f.Agg.Type, arrow.Int32Traits.CastToBytes(small), len(small)), nil
	case pl.counts != nil:
		return fixedColumn(f.Agg.Type, arrow.Int64Traits.CastToBytes(pl.counts), len(pl.counts)), nil
	case pl.picks != nil:
		return r.picked(f, pl)
	}
	return r.folded(i, f, pl)
}

func fixedColumn(t types.Type, raw []byte, rows int) arrow.Array {
	return array.MakeFromData(array.NewData(t.Arrow(), rows, []*memory.Buffer{nil, memory.NewBufferBytes(raw)}, nil, 0, 0))
}

// picked takes values of other rows; where there is none, the default of the row
// itself.
func (r *overRun) picked(f *overFunc, pl *overPlan) (arrow.Array, error) {
	values := r.all.Cols[f.args[0]]
	rows := make([]int32, len(pl.picks))
	missing := false
	for k, slot := range pl.picks {
		if rows[k] = -1; slot >= 0 {
			rows[k] = r.s.rows.at[slot]
		} else {
			missing = true
		}
	}
	if !missing || f.kind != overShift || len(f.args) < 2 {
		return expr.TakeArray(values, rows), nil
	}
	both, err := array.Concatenate([]arrow.Array{values, r.all.Cols[f.args[1]]}, memory.DefaultAllocator)
	if err != nil {
		return nil, fmt.Errorf("joining values and defaults of %s: %w", f.Agg.Label, err)
	}
	for k, row := range rows {
		if row < 0 {
			rows[k] = int32(r.all.Rows) + r.s.rows.at[r.slots[k]]
		}
	}
	return expr.TakeArray(both, rows), nil
}

// folded runs the accumulator through the rounds.
func (r *overRun) folded(i int, f *overFunc, pl *overPlan) (arrow.Array, error) {
	acc := r.s.accs[i]
	ops, undo := r.feed(f, &pl.ops), r.feed(f, &pl.undo)
	parts := make([]arrow.Array, 0, len(r.rounds))
	from := 0
	for round := range r.rounds {
		ops.update(acc, round)
		if to := pl.idsEnd[round]; to > from {
			col, err := acc.Result(pl.ids[from:to])
			if err != nil {
				return nil, err
			}
			parts = append(parts, col)
			from = to
		}
		undo.update(acc, round)
	}
	all := parts[0]
	if len(parts) > 1 {
		var err error
		if all, err = array.Concatenate(parts, memory.DefaultAllocator); err != nil {
			return nil, fmt.Errorf("joining results of %s: %w", f.Agg.Label, err)
		}
	}
	return expr.TakeArray(all, pl.result), nil
}

// overFeed is the rows of overOps as columns.
type overFeed struct {
	args, sort []arrow.Array
	ids        []uint32
	diffs      []int8 // nil for +1 everywhere
	ends       []int
}

// feed loads the columns of an accumulator's rows and drops those that FILTER
// rejects.
func (r *overRun) feed(f *overFunc, ops *overOps) *overFeed {
	out := &overFeed{ids: ops.ids, diffs: ops.diffs, ends: ops.ends}
	rows := make([]int32, len(ops.slots))
	places := make([]int64, len(ops.slots))
	for k, slot := range ops.slots {
		rows[k], places[k] = r.s.rows.at[slot], r.s.rows.seq[slot]
	}
	if f.filter >= 0 && len(rows) > 0 {
		keep, n, from := r.all.Cols[f.filter].(*array.Boolean), 0, 0
		out.ends = make([]int, len(ops.ends))
		for round, to := range ops.ends {
			for k := from; k < to; k++ {
				if row := int(rows[k]); keep.IsValid(row) && keep.Value(row) {
					rows[n], places[n], out.ids[n], out.diffs[n] = rows[k], places[k], out.ids[k], out.diffs[k]
					n++
				}
			}
			from, out.ends[round] = to, n
		}
		rows, places, out.ids, out.diffs = rows[:n], places[:n], out.ids[:n], out.diffs[:n]
	}
	for _, col := range f.args {
		out.args = append(out.args, expr.TakeArray(r.all.Cols[col], rows))
	}
	if f.placed {
		out.sort = []arrow.Array{fixedColumn(types.Of(types.Int64), arrow.Int64Traits.CastToBytes(places), len(places))}
	}
	if !f.spec.Retractable {
		out.diffs = nil
	}
	return out
}

// update takes one round's rows into the accumulator.
func (o *overFeed) update(acc agg.Accumulator, round int) {
	from, to := 0, o.ends[round]
	if round > 0 {
		from = o.ends[round-1]
	}
	if from == to {
		return
	}
	in := agg.Input{IDs: o.ids[from:to], Args: sliceColumns(o.args, from, to), Sort: sliceColumns(o.sort, from, to)}
	if o.diffs != nil {
		in.Diffs = o.diffs[from:to]
	}
	acc.Update(&in)
}

func sliceColumns(cols []arrow.Array, from, to int) []arrow.Array {
	out := make([]arrow.Array, len(cols))
	for i, c := range cols {
		if out[i] = c; from > 0 || to < c.Len() {
			out[i] = array.NewSlice(c, int64(from), int64(to))
		}
	}
	return out
}

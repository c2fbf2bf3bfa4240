package exec

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// topN keeps the first rows of each partition current: each batch emits what it
// changed among them. Of an append-only input only those rows are kept, of a
// changelog all.
type topN struct {
	Receiver
	node      *plan.TopN
	program   *expr.Program // the input's columns, partition, order
	inputs    int
	partition []int
	table     *hashtable.Table
	rows      *sortedRows
	appends   bool
	faults    faults
	errs      expr.RowErrors

	touched []touchedTop
	seen    []bool  // by partition, all false between batches
	ranks   []int64 // by slot, all 0 between batches: the rank that is shown
	ids     []uint32
}

// touchedTop is a partition with what it showed before the batch.
type touchedTop struct {
	part  uint32
	shown []rankedRow
}

type rankedRow struct {
	slot int32
	rank int64
}

func (b *builder) topN(n *plan.TopN, out Receiver) error {
	in := n.Input.Schema()
	ts := schemaTypes(in)
	t := &topN{Receiver: out, node: n, inputs: len(ts), appends: !n.Input.Props().Changelog, faults: b.faults}
	exprs := make([]plan.Expr, len(ts))
	for i, f := range in.Fields {
		exprs[i] = &plan.Column{Index: i, Name: f.Name, T: f.Type, Pos: -1}
	}
	add := func(e plan.Expr) int {
		exprs, ts = append(exprs, e), append(ts, e.Type())
		return len(exprs) - 1
	}
	var partTypes []types.Type
	for _, e := range n.PartitionBy {
		t.partition, partTypes = append(t.partition, add(e)), append(partTypes, e.Type())
	}
	var columns []int
	var keys []rowcodec.OrderKey
	for _, k := range n.OrderBy {
		columns = append(columns, add(k.Expr))
		keys = append(keys, rowcodec.OrderKey{Type: k.Expr.Type(), Desc: k.Desc, NullsFirst: k.NullsFirst})
	}
	var err error
	if t.program, err = b.compile(exprs); err != nil {
		return err
	}
	t.table = hashtable.New(partTypes)
	t.rows = newSortedRows(ts[:t.inputs], t.inputs, columns, keys, in.EventTime)
	b.keep("top", t)
	return b.build(n.Input, t)
}

// Batch implements Receiver.
func (t *topN) Batch(ctx context.Context, b *batch.Batch) error {
	in, err := evaluate(t.program, b, &t.errs, t.faults)
	if err != nil || in.Rows == 0 {
		return err
	}
	t.ids = sized(t.ids, in.Rows)
	t.table.Lookup(pickColumns(in.Cols, t.partition), in.Rows, nil, t.ids)
	for n := t.table.Bound(); len(t.seen) < n; {
		t.seen = append(t.seen, false)
	}
	t.rows.load(in, t.table.Bound())
	for i, part := range t.ids {
		if t.appends && t.byRow() && t.rows.beyond(part, i, t.node.Count) {
			continue
		}
		if !t.seen[part] {
			t.seen[part] = true
			shown, _ := t.top(part)
			t.touched = append(t.touched, touchedTop{part, shown})
		}
		if in.Diff(i) > 0 {
			t.rows.add(part, i)
		} else if _, ok := t.rows.remove(part, i); !ok {
			return pgerr.Newf(pgerr.Internal, "a row that was never there went away from %s", t.node.Label())
		}
		if t.appends && t.byRow() && int64(len(t.rows.parts[part])) > t.node.Count+topSlack {
			t.rows.truncate(part, int(t.node.Count))
		}
	}
	out, err := t.changes(in)
	if err != nil || out == nil {
		return err
	}
	return t.Receiver.Batch(ctx, out)
}

// topSlack is how many rows more than needed a partition may hold within a batch,
// so that they are not cut one by one.
const topSlack = 64

// byRow reports whether each row has a rank of its own.
func (t *topN) byRow() bool { return t.node.Rank == "" || t.node.Rank == "row_number" }

// top returns the rows that a partition shows, and how many rows it takes to know.
func (t *topN) top(part uint32) (shown []rankedRow, needed int) {
	slots := t.rows.parts[part]
	rank := int64(0)
	for i, slot := range slots {
		peer := i > 0 && !t.byRow() && t.rows.peers(slots[i-1], slot)
		switch {
		case peer:
		case t.node.Rank == "dense_rank":
			rank++
		default:
			rank = int64(i) + 1
		}
		if rank > t.node.Count {
			return shown, i
		}
		if rank > t.node.Skip {
			shown = append(shown, rankedRow{slot, rank})
		}
	}
	return shown, len(slots)
}

// changes returns how what the touched partitions show has moved, nil for not at
// all.
func (t *topN) changes(in *batch.Batch) (*batch.Batch, error) {
	var minus, plus []rankedRow
	for n := len(t.rows.key); len(t.ranks) < n; {
		t.ranks = append(t.ranks, 0)
	}
	for _, p := range t.touched {
		t.seen[p.part] = false
		now, needed := t.top(p.part)
		for _, r := range p.shown {
			t.ranks[r.slot] = r.rank
		}
		for _, r := range now {
			if was := t.ranks[r.slot]; was != 0 && (was == r.rank || t.node.Rank == "") {
				t.ranks[r.slot] = 0
				continue
			}
			plus = append(plus, r)
		}
		for _, r := range p.shown {
			if t.ranks[r.slot] != 0 {
				t.ranks[r.slot] = 0
				minus = append(minus, r)
			}
		}
		if t.appends {
			t.rows.truncate(p.part, needed)
		}
		if len(t.rows.parts[p.part]) == 0 {
			t.table.Delete([]uint32{p.part})
		}
	}
	t.touched = t.touched[:0]
	defer t.rows.release()
	if len(minus)+len(plus) == 0 {
		return nil, nil
	}
	return t.batch(in, minus, plus)
}

func (t *topN) batch(in *batch.Batch, minus, plus []rankedRow) (*batch.Batch, error) {
	all := append(minus, plus...)
	slots, ranks := make([]int32, len(all)), make([]int64, len(all))
	for i, r := range all {
		slots[i], ranks[i] = r.slot, r.rank
	}
	cols, err := t.rows.columns(slots)
	if err != nil {
		return nil, err
	}
	if t.node.Rank != "" {
		cols = append(cols, fixedColumn(types.Of(types.Int64), arrow.Int64Traits.CastToBytes(ranks), len(ranks)))
	}
	out := batch.New(cols, len(all))
	if len(minus) > 0 {
		out.Diffs = make([]int8, len(all))
		for i := range out.Diffs {
			if out.Diffs[i] = 1; i < len(minus) {
				out.Diffs[i] = -1
			}
		}
	}
	out.ReadAtNanos, out.ProducedAtMillis = in.ReadAtNanos, in.ProducedAtMillis
	return out, nil
}

// Snapshot writes the partitions and their rows.
func (t *topN) Snapshot(w *rowcodec.StateWriter) {
	t.table.Snapshot(w)
	t.rows.Snapshot(w)
}

// Restore replaces the rows by a snapshot's.
func (t *topN) Restore(r *rowcodec.StateReader) error {
	if err := t.table.Restore(r); err != nil {
		return err
	}
	return t.rows.Restore(r, t.table)
}

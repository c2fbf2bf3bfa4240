package exec

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// lookupJoin joins the rows of a stream with the rows that a table has when they
// arrive. It keeps the table's current rows; the stream's rows wait in their queue
// until the table is complete (see port.after).
type lookupJoin struct {
	Receiver
	kind      plan.JoinKind
	keys      *expr.Program // over the stream
	tableKeys *expr.Program
	residual  *expr.Predicate
	faults    faults
	errs      expr.RowErrors
	index     *rowIndex
	width     int // columns of the table

	// dense holds all rows of the table in columns, places each id's row in it. It
	// is nil after a change of the table until decoding row by row has cost as much
	// as making it: cold counts the rows decoded since.
	dense  []arrow.Array
	places []int32
	cold   int
}

func (b *builder) lookupJoin(n *plan.LookupJoin, out Receiver) error {
	j := &lookupJoin{Receiver: out, kind: n.Kind, faults: b.faults}
	var err error
	if j.keys, err = b.compile(n.StreamKeys); err != nil {
		return err
	}
	if j.tableKeys, err = b.compile(n.TableKeys); err != nil {
		return err
	}
	if n.Residual != nil {
		if j.residual, err = expr.CompilePredicate(n.Residual, b.exprEnv()); err != nil {
			return err
		}
	}
	keyTypes := make([]types.Type, len(n.TableKeys))
	for i, k := range n.TableKeys {
		keyTypes[i] = k.Type()
	}
	j.width = len(n.Table.Schema().Fields)
	j.index = newRowIndex(schemaTypes(n.Table.Schema()), keyTypes)
	b.keep("lookup", j)
	from := len(b.ports)
	if err := b.build(n.Table, lookupTable{j}); err != nil {
		return err
	}
	tables := b.ports[from:len(b.ports):len(b.ports)]
	from = len(b.ports)
	if err := b.build(n.Stream, j); err != nil {
		return err
	}
	for _, p := range b.ports[from:] {
		p.after = append(p.after, tables...)
	}
	return nil
}

// lookupTable takes the table's changes.
type lookupTable struct{ j *lookupJoin }

// Batch implements Receiver.
func (t lookupTable) Batch(_ context.Context, b *batch.Batch) error {
	j := t.j
	b, keys, err := evaluateKeys(j.tableKeys, b, &j.errs, j.faults)
	if err != nil || b.Rows == 0 {
		return err
	}
	j.index.apply(b, keys, rowsWithoutNull(keys, b.Rows))
	j.dense, j.places, j.cold = nil, nil, 0
	return nil
}

// Watermark implements Receiver: a table has no place in event time.
func (lookupTable) Watermark(context.Context, int64) error { return nil }

// Idle implements Receiver.
func (lookupTable) Idle(context.Context, bool) error { return nil }

// End implements Receiver.
func (lookupTable) End(context.Context) error { return nil }

// Batch implements Receiver: rows of the stream.
func (j *lookupJoin) Batch(ctx context.Context, b *batch.Batch) error {
	b, keys, err := evaluateKeys(j.keys, b, &j.errs, j.faults)
	if err != nil || b.Rows == 0 {
		return err
	}
	ids := keyIDs(j.index, keys, b.Rows, rowsWithoutNull(keys, b.Rows))
	rows, others := make([]int32, 0, b.Rows), make([]int32, 0, b.Rows)
	from := 0
	for row, id := range ids {
		before := len(rows)
		if id != hashtable.NoGroup {
			for r := j.index.first[id]; r >= 0; r = j.index.next[r] {
				for range j.index.counts[r] {
					rows, others = append(rows, int32(row)), append(others, r)
				}
			}
		}
		// With a residual the rows without a match are known only after it.
		if j.kind == plan.JoinLeft && j.residual == nil && len(rows) == before {
			rows, others = append(rows, int32(row)), append(others, -1)
		}
		if len(rows) >= batch.MaxRows || row == b.Rows-1 {
			if err := j.emit(ctx, b, rows, others, from, row+1); err != nil {
				return err
			}
			from, rows, others = row+1, rows[:0], others[:0]
		}
	}
	return nil
}

// emit sends the pairs of the stream rows [from, to).
func (j *lookupJoin) emit(ctx context.Context, b *batch.Batch, rows, others []int32, from, to int) error {
	if j.residual != nil {
		var err error
		if rows, others, err = j.filter(b, rows, others, from, to); err != nil {
			return err
		}
	}
	if j.kind == plan.JoinSemi || j.kind == plan.JoinAnti {
		rows = rowsThatExist(rows, from, to, j.kind == plan.JoinSemi)
	}
	switch {
	case len(rows) == 0:
		return nil
	case j.kind == plan.JoinSemi || j.kind == plan.JoinAnti:
		return j.Receiver.Batch(ctx, expr.Take(b, rows))
	}
	return j.Receiver.Batch(ctx, j.pairs(b, rows, others))
}

// rowsThatExist returns the rows of [from, to) that are, or are not, among those
// that have a match. matched is in row order.
func rowsThatExist(matched []int32, from, to int, want bool) []int32 {
	var out []int32
	at := 0
	for row := int32(from); row < int32(to); row++ {
		has := false
		for ; at < len(matched) && matched[at] == row; at++ {
			has = true
		}
		if has == want {
			out = append(out, row)
		}
	}
	return out
}

// filter drops the pairs that fail the residual and adds the stream rows that have
// none left, if they are to be kept.
func (j *lookupJoin) filter(b *batch.Batch, rows, others []int32, from, to int) (keptRows, keptOthers []int32, err error) {
	if len(rows) > 0 {
		pairs := j.pairs(b, rows, others)
		j.errs.Reset()
		sel, all, err := j.residual.Select(pairs, &j.errs)
		if err != nil {
			return nil, nil, err
		}
		if _, err := j.faults.rows(pairs, &j.errs); err != nil {
			return nil, nil, err
		}
		if !all {
			rows, others = picked(rows, sel), picked(others, sel)
		}
	}
	if j.kind != plan.JoinLeft {
		return rows, others, nil
	}
	at := 0
	for row := int32(from); row < int32(to); row++ {
		before := at
		for ; at < len(rows) && rows[at] == row; at++ {
			keptRows, keptOthers = append(keptRows, row), append(keptOthers, others[at])
		}
		if at == before {
			keptRows, keptOthers = append(keptRows, row), append(keptOthers, -1)
		}
	}
	return keptRows, keptOthers, nil
}

// pairs lays out stream rows and table rows side by side.
func (j *lookupJoin) pairs(b *batch.Batch, rows, others []int32) *batch.Batch {
	cols := b.Cols
	if !isIdentity(rows, b.Rows) {
		cols = takeColumns(b.Cols, rows)
	}
	out := b.With(append(append(make([]arrow.Array, 0, len(cols)+j.width), cols...), j.tableColumns(others)...))
	out.Rows = len(rows)
	return out
}

func isIdentity(rows []int32, n int) bool {
	if len(rows) != n {
		return false
	}
	for i, r := range rows {
		if int(r) != i {
			return false
		}
	}
	return true
}

// tableColumns returns the table's columns of the rows with the ids, -1 for NULLs.
func (j *lookupJoin) tableColumns(ids []int32) []arrow.Array {
	if j.dense == nil {
		if j.cold += len(ids); j.cold <= j.index.rows.Len() {
			return j.index.columns(ids)
		}
		j.makeDense()
	}
	at := make([]int32, len(ids))
	for i, id := range ids {
		at[i] = -1
		if id >= 0 {
			at[i] = j.places[id]
		}
	}
	return takeColumns(j.dense, at)
}

func (j *lookupJoin) makeDense() {
	live := j.index.rows.IDs(nil)
	j.dense = j.index.rows.columns(live)
	j.places = make([]int32, j.index.rows.Bound())
	for i, id := range live {
		j.places[id] = int32(i)
	}
}

// Snapshot writes the table's rows.
func (j *lookupJoin) Snapshot(w *rowcodec.StateWriter) { j.index.Snapshot(w) }

// Restore replaces the table's rows by a snapshot's.
func (j *lookupJoin) Restore(r *rowcodec.StateReader) error {
	j.dense, j.places, j.cold = nil, nil, 0
	return j.index.Restore(r)
}

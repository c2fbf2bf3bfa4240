package exec

import (
	"bytes"
	"context"
	"slices"

	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// overChanges is an Over of a changelog: it keeps all current rows with their
// results, computes the partitions that a batch touched anew and emits what became
// different.
type overChanges struct {
	Receiver
	calls  *overCalls
	table  *hashtable.Table
	rows   *sortedRows // evaluated rows
	faults faults
	errs   expr.RowErrors

	results []uint64 // by slot, in arena: the functions' results
	has     []bool   // by slot: it was given out
	arena   rowcodec.Arena
	encoder *rowcodec.Encoder // of results
	decoder *rowcodec.Decoder
	seen    []bool // by partition, all false between batches
	ids     []uint32
}

func newOverChanges(calls *overCalls, keyTypes []types.Type, eventTime int, faults faults, out Receiver) *overChanges {
	results := make([]types.Type, len(calls.funcs))
	for i := range calls.funcs {
		results[i] = calls.funcs[i].Agg.Type
	}
	return &overChanges{
		Receiver: out, calls: calls, table: hashtable.New(keyTypes), faults: faults,
		rows:    newSortedRows(calls.types, calls.inputs, calls.order, calls.keys, eventTime),
		encoder: rowcodec.NewEncoder(results), decoder: rowcodec.NewDecoder(results),
	}
}

// Batch implements Receiver.
func (o *overChanges) Batch(ctx context.Context, b *batch.Batch) error {
	in, err := evaluate(o.calls.program, b, &o.errs, o.faults)
	if err != nil || in.Rows == 0 {
		return err
	}
	o.ids = sized(o.ids, in.Rows)
	o.table.Lookup(pickColumns(in.Cols, o.calls.partition), in.Rows, nil, o.ids)
	for n := o.table.Bound(); len(o.seen) < n; {
		o.seen = append(o.seen, false)
	}
	o.rows.load(in, o.table.Bound())
	var touched []uint32
	var gone []int32 // rows that left and had been given out
	for i, part := range o.ids {
		if !o.seen[part] {
			o.seen[part] = true
			touched = append(touched, part)
		}
		if in.Diff(i) > 0 {
			o.rows.add(part, i)
			continue
		}
		slot, ok := o.rows.remove(part, i)
		if !ok {
			return pgerr.Newf(pgerr.Internal, "a row that was never there went away from a window")
		}
		if int(slot) < len(o.has) && o.has[slot] {
			gone = append(gone, slot)
		}
	}
	for _, part := range touched {
		o.seen[part] = false
		if len(o.rows.parts[part]) == 0 {
			o.table.Delete([]uint32{part})
		}
	}
	out, err := o.changes(touched, gone)
	o.rows.release()
	if err != nil || out == nil {
		return err
	}
	out.ReadAtNanos, out.ProducedAtMillis = b.ReadAtNanos, b.ProducedAtMillis
	return o.Receiver.Batch(ctx, out)
}

// changes computes partitions anew and returns how their rows moved, nil for not at
// all.
func (o *overChanges) changes(touched []uint32, gone []int32) (*batch.Batch, error) {
	for n := len(o.rows.key); len(o.has) < n; {
		o.has, o.results = append(o.has, false), append(o.results, 0)
	}
	slots, now, err := o.compute(touched)
	if err != nil {
		return nil, err
	}
	minus := gone
	var plus []int32
	var fresh rowcodec.Rows
	if len(slots) > 0 {
		o.encoder.Encode(now.Cols[o.calls.inputs:], now.Rows, nil, &fresh)
	}
	for i, slot := range slots {
		if o.has[slot] {
			if bytes.Equal(o.arena.Get(o.results[slot]), fresh.Row(i)) {
				continue
			}
			minus = append(minus, slot)
		}
		plus = append(plus, int32(i))
	}
	var list []*batch.Batch
	if len(minus) > 0 {
		old, err := o.given(minus)
		if err != nil {
			return nil, err
		}
		list = append(list, old)
	}
	for _, slot := range minus {
		o.has[slot] = false
		o.arena.Drop(o.results[slot])
	}
	for _, i := range plus {
		slot := slots[i]
		o.has[slot], o.results[slot] = true, o.arena.Add(fresh.Row(int(i)))
	}
	o.compact()
	if len(plus) > 0 {
		list = append(list, expr.Take(now, plus))
	}
	if len(list) == 0 {
		return nil, nil
	}
	return expr.Concat(list)
}

// compute returns the rows of partitions, in order, with their results.
func (o *overChanges) compute(parts []uint32) (slots []int32, out *batch.Batch, err error) {
	in := &overInput{final: true}
	group := int64(0)
	for k, part := range parts {
		for i, slot := range o.rows.parts[part] {
			if i == 0 || !o.rows.peers(slots[len(slots)-1], slot) {
				group++
			}
			slots = append(slots, slot)
			in.ids, in.order = append(in.ids, uint32(k)), append(in.order, group)
		}
	}
	if len(slots) == 0 {
		return nil, nil, nil
	}
	cols, err := o.rows.columns(slots)
	if err != nil {
		return nil, nil, err
	}
	in.rows = batch.New(cols, len(slots))
	state, err := newOverState(o.calls)
	if err != nil {
		return nil, nil, err
	}
	out, _, err = state.step(in, len(parts))
	return slots, out, err
}

// given returns rows as they were given out, as rows that go away.
func (o *overChanges) given(slots []int32) (*batch.Batch, error) {
	cols, err := o.rows.columns(slots)
	if err != nil {
		return nil, err
	}
	encoded := make([][]byte, len(slots))
	for i, slot := range slots {
		encoded[i] = o.arena.Get(o.results[slot])
	}
	results, err := o.decoder.Decode(encoded)
	if err != nil {
		return nil, err
	}
	out := batch.New(append(cols[:o.calls.inputs:o.calls.inputs], results...), len(slots))
	out.Diffs = slices.Repeat([]int8{-1}, len(slots))
	return out, nil
}

func (o *overChanges) compact() {
	if !o.arena.Wasteful() {
		return
	}
	var a rowcodec.Arena
	for slot, has := range o.has {
		if has {
			o.results[slot] = a.Add(o.arena.Get(o.results[slot]))
		}
	}
	o.arena = a
}

// Snapshot writes the partitions, their rows and the result given out for each.
func (o *overChanges) Snapshot(w *rowcodec.StateWriter) {
	o.table.Snapshot(w)
	o.rows.Snapshot(w)
	for _, slots := range o.rows.parts {
		for _, slot := range slots {
			w.Bytes(o.arena.Get(o.results[slot]))
		}
	}
}

// Restore reads what Snapshot wrote into a new operator.
func (o *overChanges) Restore(r *rowcodec.StateReader) error {
	if err := o.table.Restore(r); err != nil {
		return err
	}
	if err := o.rows.Restore(r, o.table); err != nil {
		return err
	}
	var buf []byte
	rows := make([][]byte, 0, len(o.rows.row))
	for range o.rows.row { // slots are numbered in the order of the partitions
		buf = r.Bytes(buf[:0])
		if r.Err() != nil {
			return r.Err()
		}
		ref := o.arena.Add(buf)
		o.results, o.has = append(o.results, ref), append(o.has, true)
		rows = append(rows, o.arena.Get(ref))
	}
	return decodable(r, o.decoder, rows)
}

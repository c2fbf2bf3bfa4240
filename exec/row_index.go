package exec

import (
	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// rowIndex keeps rows as a multiset that is looked up by a key: each distinct row
// once, with how often it is there. The rows of a key are chained in the order in
// which they came.
type rowIndex struct {
	rows    *exactRows // whole rows
	counts  []int64    // by row id
	matches []int64    // by row id: for the operator, 0 for a new row
	keyOf   []uint32   // by row id: its key, NoGroup while it is in no chain
	next    []int32    // by row id: the next row of the key, -1 for none
	prev    []int32

	keys  *hashtable.Table
	first []int32 // by key id: -1 for none
	last  []int32

	rowIDs, keyIDs []uint32 // scratch
}

func newRowIndex(rows, keys []types.Type) *rowIndex {
	return &rowIndex{rows: newExactRows(rows), keys: hashtable.New(keys)}
}

// place returns the row ids of the rows at sel (nil for all), chaining the rows
// that are new. The caller changes counts by them and then calls sweep.
func (x *rowIndex) place(b *batch.Batch, keys []arrow.Array, sel []int32) []uint32 {
	n := b.Rows
	if sel != nil {
		n = len(sel)
	}
	x.rowIDs, x.keyIDs = sized(x.rowIDs, n), sized(x.keyIDs, n)
	x.rows.lookup(b, sel, x.rowIDs)
	x.keys.Lookup(keys, b.Rows, sel, x.keyIDs)
	x.grow()
	for i, id := range x.rowIDs {
		if x.keyOf[id] == hashtable.NoGroup {
			x.link(id, x.keyIDs[i])
		}
	}
	return x.rowIDs
}

func sized(s []uint32, n int) []uint32 {
	if cap(s) < n {
		return make([]uint32, n)
	}
	return s[:n]
}

func (x *rowIndex) grow() {
	for n := x.rows.Bound(); len(x.counts) < n; {
		x.counts, x.matches = append(x.counts, 0), append(x.matches, 0)
		x.keyOf = append(x.keyOf, hashtable.NoGroup)
		x.next, x.prev = append(x.next, -1), append(x.prev, -1)
	}
	for n := x.keys.Bound(); len(x.first) < n; {
		x.first, x.last = append(x.first, -1), append(x.last, -1)
	}
}

func (x *rowIndex) link(row, key uint32) {
	x.keyOf[row] = key
	x.next[row], x.prev[row] = -1, x.last[key]
	if x.last[key] < 0 {
		x.first[key] = int32(row)
	} else {
		x.next[x.last[key]] = int32(row)
	}
	x.last[key] = int32(row)
}

// sweep deletes the rows of the ids whose count is zero.
func (x *rowIndex) sweep(ids []uint32) {
	var rows, keys []uint32
	for _, id := range ids {
		if x.counts[id] != 0 || x.keyOf[id] == hashtable.NoGroup {
			continue
		}
		key := x.keyOf[id]
		next, prev := x.next[id], x.prev[id]
		if prev < 0 {
			x.first[key] = next
		} else {
			x.next[prev] = next
		}
		if next < 0 {
			x.last[key] = prev
		} else {
			x.prev[next] = prev
		}
		x.keyOf[id], x.matches[id] = hashtable.NoGroup, 0
		rows = append(rows, id)
		if x.first[key] < 0 {
			keys = append(keys, key)
		}
	}
	if len(rows) > 0 {
		x.rows.Delete(rows)
		x.keys.Delete(keys)
	}
}

// apply changes the counts by a batch's differences.
func (x *rowIndex) apply(b *batch.Batch, keys []arrow.Array, sel []int32) {
	ids := x.place(b, keys, sel)
	for i, id := range ids {
		row := i
		if sel != nil {
			row = int(sel[i])
		}
		x.counts[id] += int64(b.Diff(row))
	}
	x.sweep(ids)
}

// columns returns the columns of the rows with the ids; -1 gives a row of NULLs.
func (x *rowIndex) columns(ids []int32) []arrow.Array {
	known := make([]uint32, 0, len(ids))
	for _, id := range ids {
		if id >= 0 {
			known = append(known, uint32(id))
		}
	}
	cols := x.rows.columns(known)
	if len(known) == len(ids) {
		return cols
	}
	places, at := make([]int32, len(ids)), int32(0)
	for i, id := range ids {
		places[i] = -1
		if id >= 0 {
			places[i] = at
			at++
		}
	}
	return takeColumns(cols, places)
}

// rowIndexVersion is the first byte of a snapshot.
const rowIndexVersion = 1

// Snapshot writes the index: version, the tables, then for each key the chain of
// its rows with count and matches, so that the order of the rows is kept.
func (x *rowIndex) Snapshot(w *rowcodec.StateWriter) {
	w.Byte(rowIndexVersion)
	x.rows.Snapshot(w)
	x.keys.Snapshot(w)
	for _, key := range x.keys.IDs(nil) {
		n := 0
		for r := x.first[key]; r >= 0; r = x.next[r] {
			n++
		}
		w.Uvarint(uint64(n))
		for r := x.first[key]; r >= 0; r = x.next[r] {
			writeInts(w, int64(r), x.counts[r], x.matches[r])
		}
	}
}

// Restore replaces the content by a snapshot's.
func (x *rowIndex) Restore(r *rowcodec.StateReader) error {
	*x = rowIndex{rows: x.rows, keys: x.keys}
	if v := r.Byte(); v != rowIndexVersion && r.Err() == nil {
		return r.Corrupt("row index version %d", v)
	}
	if err := x.rows.Restore(r); err != nil {
		return err
	}
	if err := x.keys.Restore(r); err != nil {
		return err
	}
	x.grow()
	inUse := make([]bool, x.rows.Bound())
	for _, id := range x.rows.IDs(nil) {
		inUse[id] = true
	}
	linked := 0
	for _, key := range x.keys.IDs(nil) {
		for range r.Count(x.rows.Len()) {
			var row, count, matches int64
			readInts(r, &row, &count, &matches)
			if r.Err() != nil {
				return r.Err()
			}
			if row < 0 || row >= int64(x.rows.Bound()) || !inUse[row] {
				return r.Corrupt("row %d of an index", row)
			}
			inUse[row] = false
			x.counts[row], x.matches[row] = count, matches
			x.link(uint32(row), key)
			linked++
		}
	}
	if r.Err() == nil && linked != x.rows.Len() {
		return r.Corrupt("%d rows of %d in an index", linked, x.rows.Len())
	}
	return r.Err()
}

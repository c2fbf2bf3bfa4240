package exec

import (
	"laminardb/exec/hashtable"
	"laminardb/sql/batch"
)

// Conflicts sorts rows that are to be inserted by their keys: fresh ones, those
// whose key the table has (taken, with current being the table's rows, in the
// same order), and those that repeat the key of an earlier one. decide may call
// it.
func (t *Table) Conflicts(b *batch.Batch) (fresh, taken, repeated []int32, current *batch.Batch) {
	cols, found := t.Current(b)
	for row, first := range t.firstOfKey(b) {
		switch {
		case !first:
			repeated = append(repeated, int32(row))
		case found[row]:
			taken = append(taken, int32(row))
		default:
			fresh = append(fresh, int32(row))
		}
	}
	return fresh, taken, repeated, batch.New(takeColumns(cols, taken), len(taken))
}

// FirstOfKey returns the rows of b that are the first with their key; all rows of
// a table without a key. Columns behind the table's do not matter.
func (t *Table) FirstOfKey(b *batch.Batch) []int32 {
	rows := make([]int32, 0, b.Rows)
	for row, first := range t.firstOfKey(b) {
		if first {
			rows = append(rows, int32(row))
		}
	}
	return rows
}

func (t *Table) firstOfKey(b *batch.Batch) []bool {
	first := make([]bool, b.Rows)
	if t.keyed == nil {
		for i := range first {
			first[i] = true
		}
		return first
	}
	keys, ids := hashtable.New(t.keyed.table.Types()), make([]uint32, b.Rows)
	keys.Lookup(t.keyed.keyColumns(b.Cols), b.Rows, nil, ids)
	seen := make([]bool, keys.Bound())
	for row, id := range ids {
		first[row], seen[id] = !seen[id], true
	}
	return first
}

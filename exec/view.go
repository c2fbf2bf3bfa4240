package exec

import (
	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/hashtable"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// view keeps the current rows of an object as a multiset: each distinct row once,
// with how often it is there.
type view struct {
	table  *hashtable.Table
	counts []int64 // by id
	total  int64
	ids    []uint32 // scratch
}

func newView(schema *batch.Schema) *view {
	ts := make([]types.Type, len(schema.Fields))
	for i, f := range schema.Fields {
		ts[i] = f.Type
	}
	return &view{table: hashtable.New(ts)}
}

func (v *view) apply(b *batch.Batch) {
	if cap(v.ids) < b.Rows {
		v.ids = make([]uint32, b.Rows)
	}
	ids := v.ids[:b.Rows]
	v.table.Lookup(b.Cols, b.Rows, nil, ids)
	if n := v.table.Bound(); len(v.counts) < n {
		v.counts = append(v.counts, make([]int64, n-len(v.counts))...)
	}
	var zero []uint32
	for i, id := range ids {
		d := int64(b.Diff(i))
		v.counts[id] += d
		v.total += d
		if v.counts[id] == 0 {
			zero = append(zero, id)
		}
	}
	v.forget(zero)
}

// forget deletes the ids whose count is still zero, each once.
func (v *view) forget(ids []uint32) {
	gone := ids[:0]
	for _, id := range ids {
		if v.counts[id] == 0 {
			v.counts[id] = forgotten
			gone = append(gone, id)
		}
	}
	for _, id := range gone {
		v.counts[id] = 0
	}
	if len(gone) > 0 {
		v.table.Delete(gone)
	}
}

// forgotten marks an id that forget has met, so that it is deleted once.
const forgotten = -1 << 62

func (v *view) batches() []*batch.Batch {
	live := v.table.IDs(nil)
	ids := make([]uint32, 0, len(live))
	for _, id := range live {
		for range v.counts[id] {
			ids = append(ids, id)
		}
	}
	var out []*batch.Batch
	for len(ids) > 0 {
		n := min(len(ids), batch.MaxRows)
		var cols []arrow.Array = v.table.Keys(ids[:n])
		out = append(out, batch.New(cols, n))
		ids = ids[n:]
	}
	return out
}

func (v *view) rowCount() int { return int(v.total) }

func (v *view) sizeBytes() int64 { return v.table.SizeBytes() + int64(8*cap(v.counts)) }

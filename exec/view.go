package exec

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// view keeps the current rows of an object as a multiset: each distinct row once,
// with how often it is there. Rows are distinct by their bits, not by SQL's
// equality: '1 day' and '24:00:00', 0 and -0 are rows of their own, so that a row
// is read as it was written.
type view struct {
	encoder *rowcodec.Encoder
	decoder *rowcodec.Decoder
	table   *hashtable.Table // of encoded rows
	counts  []int64          // by id
	total   int64
	ids     []uint32      // scratch
	rows    rowcodec.Rows // scratch
}

func newView(schema *batch.Schema) *view {
	ts := schemaTypes(schema)
	return &view{
		encoder: rowcodec.NewEncoder(ts), decoder: rowcodec.NewDecoder(ts),
		table: hashtable.New([]types.Type{types.Of(types.Bytea)}),
	}
}

func (v *view) apply(b *batch.Batch) {
	if cap(v.ids) < b.Rows {
		v.ids = make([]uint32, b.Rows)
	}
	ids := v.ids[:b.Rows]
	v.rows.Reset()
	v.encoder.Encode(b.Cols, b.Rows, nil, &v.rows)
	v.table.Lookup([]arrow.Array{bytesColumn(&v.rows)}, b.Rows, nil, ids)
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
		out = append(out, v.read(ids[:n]))
		ids = ids[n:]
	}
	return out
}

func (v *view) read(ids []uint32) *batch.Batch {
	keys := v.table.Keys(ids)[0].(*array.Binary)
	v.rows.Reset()
	for i := range ids {
		v.rows.Append(keys.Value(i))
	}
	cols, err := v.decoder.Rows(&v.rows, nil)
	if err != nil {
		panic("exec: a stored row cannot be decoded: " + err.Error())
	}
	return batch.New(cols, len(ids))
}

// bytesColumn is a column of encoded rows, whose bytes it shares.
func bytesColumn(rows *rowcodec.Rows) arrow.Array {
	offsets := make([]int32, 1, rows.Len()+1)
	for _, end := range rows.Ends {
		offsets = append(offsets, int32(end))
	}
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets)), memory.NewBufferBytes(rows.Data)}
	return array.MakeFromData(array.NewData(arrow.BinaryTypes.Binary, rows.Len(), buffers, nil, 0, 0))
}

func (v *view) rowCount() int { return int(v.total) }

func (v *view) sizeBytes() int64 {
	return v.table.SizeBytes() + v.rows.SizeBytes() + int64(8*cap(v.counts))
}

// Snapshot writes the distinct rows, then how often each is there.
func (v *view) Snapshot(w *rowcodec.StateWriter) {
	v.table.Snapshot(w)
	for _, id := range v.table.IDs(nil) {
		writeInts(w, v.counts[id])
	}
}

// Restore reads what Snapshot wrote.
func (v *view) Restore(r *rowcodec.StateReader) error {
	if err := v.table.Restore(r); err != nil {
		return err
	}
	v.counts, v.total = make([]int64, v.table.Bound()), 0
	for _, id := range v.table.IDs(nil) {
		n := r.Int64()
		if r.Err() == nil && (n < -maxStates || n > maxStates || n == 0) {
			return r.Corrupt("a row is there %d times", n)
		}
		v.counts[id] = n
		v.total += n
	}
	return decodableKeys(r, v.table, v.decoder)
}

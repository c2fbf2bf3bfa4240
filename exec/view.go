package exec

import (
	"slices"

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
	going   []int32       // scratch
	rest    []int32       // scratch
}

func newView(schema *batch.Schema) *view {
	ts := schemaTypes(schema)
	return &view{
		encoder: rowcodec.NewEncoder(ts), decoder: rowcodec.NewDecoder(ts),
		table: hashtable.New([]types.Type{types.Of(types.Bytea)}),
	}
}

// apply implements store. Rows go before others come, so that a row takes the id of
// the one that it replaces: what a checkpoint saves is in the order of ids, and then
// differs little from what the one before it saved.
func (v *view) apply(b *batch.Batch) {
	v.rows.Reset()
	v.encoder.Encode(b.Cols, b.Rows, nil, &v.rows)
	keys, n := []arrow.Array{bytesColumn(&v.rows)}, b.Rows
	var rest []int32 // nil for all
	if b.Diffs != nil {
		rest = v.remove(keys, b)
		if n = len(rest); n == 0 {
			return
		}
	}
	v.ids = sized(v.ids, n)
	v.table.Lookup(keys, n, rest, v.ids)
	if n := v.table.Bound(); len(v.counts) < n {
		v.counts = append(v.counts, make([]int64, n-len(v.counts))...)
	}
	var zero []uint32
	for i, id := range v.ids {
		row := i
		if rest != nil {
			row = int(rest[i])
		}
		d := int64(b.Diff(row))
		v.counts[id] += d
		v.total += d
		if v.counts[id] == 0 {
			zero = append(zero, id)
		}
	}
	v.forget(zero)
}

// remove takes away the rows of a batch that go and are there, and returns all
// others. The first that is gone has the first id that will be given again.
func (v *view) remove(keys []arrow.Array, b *batch.Batch) (rest []int32) {
	v.going, v.rest = v.going[:0], v.rest[:0]
	for i, d := range b.Diffs {
		if d < 0 {
			v.going = append(v.going, int32(i))
		} else {
			v.rest = append(v.rest, int32(i))
		}
	}
	v.ids = sized(v.ids, len(v.going))
	v.table.Find(keys, len(v.going), v.going, v.ids)
	gone := v.ids[:0]
	for i, id := range v.ids {
		if id == hashtable.NoGroup || v.counts[id] <= 0 {
			v.rest = append(v.rest, v.going[i])
			continue
		}
		v.counts[id]--
		v.total--
		if v.counts[id] == 0 {
			gone = append(gone, id)
		}
	}
	slices.Reverse(gone)
	v.table.Delete(gone)
	return v.rest
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

// changes returns the rows that are there less than no times as deletes, then the
// others as inserts.
func (v *view) changes() []*batch.Batch {
	var ids []uint32
	live, gone := v.table.IDs(nil), 0
	for _, id := range live {
		for range -v.counts[id] {
			ids = append(ids, id)
		}
	}
	gone = len(ids)
	for _, id := range live {
		for range v.counts[id] {
			ids = append(ids, id)
		}
	}
	var out []*batch.Batch
	for from := 0; from < len(ids); from += batch.MaxRows {
		n := min(len(ids)-from, batch.MaxRows)
		b := v.read(ids[from : from+n])
		if from < gone {
			b.Diffs = make([]int8, n)
			for i := range b.Diffs {
				b.Diffs[i] = 1
				if from+i < gone {
					b.Diffs[i] = -1
				}
			}
		}
		out = append(out, b)
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

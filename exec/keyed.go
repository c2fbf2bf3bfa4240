package exec

import (
	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// keyed keeps the current rows of a table by its primary key, one row a key.
type keyed struct {
	types    []types.Type
	key      []int
	table    *hashtable.Table // of keys
	refs     []uint64         // by id: the encoded row
	has      []bool           // by id: there is a row
	arena    rowcodec.Arena
	rows     int
	encoder  *rowcodec.Encoder
	decoder  *rowcodec.Decoder
	encoded  rowcodec.Rows // scratch
	ids      []uint32      // scratch
	lastSeen []int32       // scratch by id, -1 between calls
}

func newKeyed(schema *batch.Schema, key []int) *keyed {
	ts := schemaTypes(schema)
	keyTypes := make([]types.Type, len(key))
	for i, k := range key {
		keyTypes[i] = ts[k]
	}
	return &keyed{
		types: ts, key: key, table: hashtable.New(keyTypes),
		encoder: rowcodec.NewEncoder(ts), decoder: rowcodec.NewDecoder(ts),
	}
}

func (k *keyed) keyColumns(cols []arrow.Array) []arrow.Array {
	out := make([]arrow.Array, len(k.key))
	for i, c := range k.key {
		out[i] = cols[c]
	}
	return out
}

func (k *keyed) grow() {
	for n := k.table.Bound(); len(k.refs) < n; {
		k.refs, k.has, k.lastSeen = append(k.refs, 0), append(k.has, false), append(k.lastSeen, -1)
	}
}

// apply implements store: the rows in their order, a later one replacing an
// earlier one of its key.
func (k *keyed) apply(b *batch.Batch) {
	k.ids = sized(k.ids, b.Rows)
	k.table.Lookup(k.keyColumns(b.Cols), b.Rows, nil, k.ids)
	k.grow()
	k.encoded.Reset()
	k.encoder.Encode(b.Cols, b.Rows, nil, &k.encoded)
	for i, id := range k.ids {
		if k.has[id] {
			k.arena.Drop(k.refs[id])
			k.has[id] = false
			k.rows--
		}
		if b.Diff(i) > 0 {
			k.refs[id], k.has[id] = k.arena.Add(k.encoded.Row(i)), true
			k.rows++
		}
	}
	k.forget(k.ids)
	if k.arena.Wasteful() {
		k.compact()
	}
}

// forget deletes the keys of the ids that have no row.
func (k *keyed) forget(ids []uint32) {
	var gone []uint32
	for _, id := range ids {
		if !k.has[id] && k.lastSeen[id] != forgottenKey {
			k.lastSeen[id] = forgottenKey
			gone = append(gone, id)
		}
	}
	for _, id := range gone {
		k.lastSeen[id] = -1
	}
	k.table.Delete(gone)
}

// forgottenKey marks in lastSeen an id that forget has met.
const forgottenKey = -2

func (k *keyed) compact() {
	var a rowcodec.Arena
	for id, has := range k.has {
		if has {
			k.refs[id] = a.Add(k.arena.Get(k.refs[id]))
		}
	}
	k.arena = a
}

// read returns the rows of the ids, NULLs for NoGroup.
func (k *keyed) read(ids []uint32) []arrow.Array {
	k.encoded.Reset()
	places, missing := make([]int32, len(ids)), false
	for i, id := range ids {
		if id == hashtable.NoGroup {
			places[i], missing = -1, true
			continue
		}
		places[i] = int32(k.encoded.Len())
		k.encoded.Append(k.arena.Get(k.refs[id]))
	}
	cols, err := k.decoder.Rows(&k.encoded, nil)
	if err != nil {
		panic("exec: a stored row cannot be decoded: " + err.Error())
	}
	if missing {
		return takeColumns(cols, places)
	}
	return cols
}

// current returns, for each row of b, the row with its key: NULLs where found is
// false.
func (k *keyed) current(b *batch.Batch) (cols []arrow.Array, found []bool) {
	ids := make([]uint32, b.Rows)
	k.table.Find(k.keyColumns(b.Cols), b.Rows, nil, ids)
	found = make([]bool, b.Rows)
	for i, id := range ids {
		if found[i] = id != hashtable.NoGroup && k.has[id]; !found[i] {
			ids[i] = hashtable.NoGroup
		}
	}
	return k.read(ids), found
}

// upserts is rows that replace or (difference -1) delete those of their keys, and
// keys that are deleted: deleteAt[i] rows come before delete i.
type upserts struct {
	rows     *batch.Batch
	deletes  *batch.Batch // the key's columns, nil for none
	deleteAt []int32
}

// changes returns what upserts would change, as a changelog with one change a key
// at most; nil for nothing. apply takes it.
func (k *keyed) changes(u upserts) (*batch.Batch, error) {
	keys, order, n := k.keyColumns(u.rows.Cols), []int32(nil), u.rows.Rows
	if u.deletes != nil && u.deletes.Rows > 0 {
		both, err := expr.Concat([]*batch.Batch{batch.New(keys, n), batch.New(u.deletes.Cols, u.deletes.Rows)})
		if err != nil {
			return nil, err
		}
		keys, order = both.Cols, mergeOrder(n, u.deleteAt)
		n = both.Rows
	}
	ids := make([]uint32, n)
	k.table.Lookup(keys, n, order, ids)
	k.grow()
	var touched []uint32
	for i, id := range ids {
		if k.lastSeen[id] < 0 {
			touched = append(touched, id)
		}
		k.lastSeen[id] = int32(i)
		if order != nil {
			k.lastSeen[id] = order[i]
		}
	}
	had := make([]uint32, 0, len(touched))
	moves, rows := make([]change, 0, len(touched)), 0
	for _, id := range touched {
		m := change{before: -1, after: -1}
		if row := k.lastSeen[id]; int(row) < u.rows.Rows && u.rows.Diff(int(row)) > 0 {
			m.after = row
			rows = max(rows, int(row)+1)
		}
		k.lastSeen[id] = -1
		if k.has[id] {
			m.before = int32(len(had))
			had = append(had, id)
		}
		moves = append(moves, m)
	}
	before := k.read(had)
	k.forget(touched) // keys that have no row are in the table again once apply adds them
	return changelog(k.types, before, u.rows.Slice(0, rows).Cols, moves)
}

// mergeOrder returns the order of rows rows and the deletes behind them.
func mergeOrder(rows int, deleteAt []int32) []int32 {
	out := make([]int32, 0, rows+len(deleteAt))
	row := int32(0)
	for i, at := range deleteAt {
		for ; row < at; row++ {
			out = append(out, row)
		}
		out = append(out, int32(rows+i))
	}
	for ; row < int32(rows); row++ {
		out = append(out, row)
	}
	return out
}

// batches implements store.
func (k *keyed) batches() []*batch.Batch {
	ids := k.table.IDs(nil)
	var out []*batch.Batch
	for len(ids) > 0 {
		n := min(len(ids), batch.MaxRows)
		out = append(out, batch.New(k.read(ids[:n]), n))
		ids = ids[n:]
	}
	return out
}

func (k *keyed) rowCount() int { return k.rows }

func (k *keyed) sizeBytes() int64 {
	return k.table.SizeBytes() + k.arena.SizeBytes() + k.encoded.SizeBytes() + int64(8*cap(k.refs)+cap(k.has)+4*cap(k.lastSeen))
}

// Snapshot writes the keys, then the row of each.
func (k *keyed) Snapshot(w *rowcodec.StateWriter) {
	k.table.Snapshot(w)
	for _, id := range k.table.IDs(nil) {
		w.Bytes(k.arena.Get(k.refs[id]))
	}
}

// Restore reads what Snapshot wrote.
func (k *keyed) Restore(r *rowcodec.StateReader) error {
	if err := k.table.Restore(r); err != nil {
		return err
	}
	k.refs, k.has, k.lastSeen, k.arena = nil, nil, nil, rowcodec.Arena{}
	k.grow()
	var row []byte
	ids := k.table.IDs(nil)
	rows := make([][]byte, len(ids))
	for i, id := range ids {
		row = r.Bytes(row[:0])
		if r.Err() != nil {
			return r.Err()
		}
		k.refs[id], k.has[id] = k.arena.Add(row), true
		rows[i] = k.arena.Get(k.refs[id])
	}
	k.rows = len(ids)
	return decodable(r, k.decoder, rows)
}

package exec

import (
	"bytes"
	"slices"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// sortedRows keeps the rows of partitions in order, duplicates too. Rows that the
// order does not tell apart are ordered by event time, then by their columns, so
// that a partition depends on its rows alone and not on how they came.
type sortedRows struct {
	order, ties           *rowcodec.OrderedEncoder
	orderColumns, tieCols []int
	encoder               *rowcodec.Encoder
	decoder               *rowcodec.Decoder

	parts  [][]int32 // by partition: slots in order
	key    []uint64  // by slot, in the arena: the order's bytes, then the ties'
	prefix []int32   // by slot: how many of them are the order's
	row    []uint64
	free   []int32
	gone   []int32 // slots of rows that left, until release
	arena  rowcodec.Arena

	keys, tieKeys, rows rowcodec.Rows // the batch
	probe               []byte        // scratch
}

// newSortedRows keeps rows of the types, ordered by some of their columns; visible
// is how many columns tell rows apart, eventTime one of them or -1.
func newSortedRows(ts []types.Type, visible int, columns []int, keys []rowcodec.OrderKey, eventTime int) *sortedRows {
	s := &sortedRows{
		order: rowcodec.NewOrderedEncoder(keys), orderColumns: columns,
		encoder: rowcodec.NewEncoder(ts), decoder: rowcodec.NewDecoder(ts),
	}
	tie := make([]rowcodec.OrderKey, 0, visible)
	if eventTime >= 0 {
		tie, s.tieCols = append(tie, rowcodec.OrderKey{Type: ts[eventTime]}), append(s.tieCols, eventTime)
	}
	for i, t := range ts[:visible] {
		if i != eventTime {
			tie, s.tieCols = append(tie, rowcodec.OrderKey{Type: t}), append(s.tieCols, i)
		}
	}
	s.ties = rowcodec.NewOrderedEncoder(tie)
	return s
}

// load encodes a batch, whose rows add, remove and beyond then take by number.
func (s *sortedRows) load(b *batch.Batch, partitions int) {
	for len(s.parts) < partitions {
		s.parts = append(s.parts, nil)
	}
	s.keys.Reset()
	s.tieKeys.Reset()
	s.rows.Reset()
	s.order.Encode(pickColumns(b.Cols, s.orderColumns), b.Rows, nil, &s.keys)
	s.ties.Encode(pickColumns(b.Cols, s.tieCols), b.Rows, nil, &s.tieKeys)
	s.encoder.Encode(b.Cols, b.Rows, nil, &s.rows)
}

func pickColumns(cols []arrow.Array, at []int) []arrow.Array {
	out := make([]arrow.Array, len(at))
	for i, c := range at {
		out[i] = cols[c]
	}
	return out
}

func (s *sortedRows) keyOf(i int) []byte {
	s.probe = append(append(s.probe[:0], s.keys.Row(i)...), s.tieKeys.Row(i)...)
	return s.probe
}

// beyond reports whether row i would stand behind the first n rows of a partition.
func (s *sortedRows) beyond(part uint32, i int, n int64) bool {
	slots := s.parts[part]
	return int64(len(slots)) >= n && (n == 0 || bytes.Compare(s.keyOf(i), s.arena.Get(s.key[slots[n-1]])) >= 0)
}

// add puts row i of the batch into its partition.
func (s *sortedRows) add(part uint32, i int) {
	key := s.keyOf(i)
	slots := s.parts[part]
	at := sort.Search(len(slots), func(k int) bool { return bytes.Compare(s.arena.Get(s.key[slots[k]]), key) > 0 })
	var slot int32
	if n := len(s.free); n > 0 {
		slot = s.free[n-1]
		s.free = s.free[:n-1]
	} else {
		slot = int32(len(s.key))
		s.key, s.row, s.prefix = append(s.key, 0), append(s.row, 0), append(s.prefix, 0)
	}
	s.key[slot], s.row[slot], s.prefix[slot] = s.arena.Add(key), s.arena.Add(s.rows.Row(i)), int32(len(s.keys.Row(i)))
	s.parts[part] = slices.Insert(slots, at, slot)
}

// remove takes a row equal to row i out of its partition; ok is false if there is
// none. The slot stays readable until release.
func (s *sortedRows) remove(part uint32, i int) (slot int32, ok bool) {
	key, row := s.keyOf(i), s.rows.Row(i)
	slots := s.parts[part]
	at := sort.Search(len(slots), func(k int) bool { return bytes.Compare(s.arena.Get(s.key[slots[k]]), key) >= 0 })
	for ; at < len(slots) && bytes.Equal(s.arena.Get(s.key[slots[at]]), key); at++ {
		if slot := slots[at]; bytes.Equal(s.arena.Get(s.row[slot]), row) {
			s.parts[part] = slices.Delete(slots, at, at+1)
			s.gone = append(s.gone, slot)
			return slot, true
		}
	}
	return 0, false
}

// truncate drops a partition's rows from position n on.
func (s *sortedRows) truncate(part uint32, n int) {
	s.gone = append(s.gone, s.parts[part][n:]...)
	s.parts[part] = s.parts[part][:n]
}

// behead drops a partition's first n rows.
func (s *sortedRows) behead(part uint32, n int) {
	s.gone = append(s.gone, s.parts[part][:n]...)
	s.parts[part] = slices.Delete(s.parts[part], 0, n)
}

// peers reports whether the order does not tell two rows apart.
func (s *sortedRows) peers(a, b int32) bool {
	return bytes.Equal(s.arena.Get(s.key[a])[:s.prefix[a]], s.arena.Get(s.key[b])[:s.prefix[b]])
}

// columns decodes rows.
func (s *sortedRows) columns(slots []int32) ([]arrow.Array, error) {
	rows := make([][]byte, len(slots))
	for i, slot := range slots {
		rows[i] = s.arena.Get(s.row[slot])
	}
	return s.decoder.Decode(rows)
}

// release frees the slots of rows that left.
func (s *sortedRows) release() {
	for _, slot := range s.gone {
		s.arena.Drop(s.key[slot])
		s.arena.Drop(s.row[slot])
		s.free = append(s.free, slot)
	}
	s.gone = s.gone[:0]
	if !s.arena.Wasteful() {
		return
	}
	var a rowcodec.Arena
	for _, slots := range s.parts {
		for _, slot := range slots {
			s.key[slot], s.row[slot] = a.Add(s.arena.Get(s.key[slot])), a.Add(s.arena.Get(s.row[slot]))
		}
	}
	s.arena = a
}

// Snapshot writes the partitions: their number, then of each the rows in order with
// key, prefix and row.
func (s *sortedRows) Snapshot(w *rowcodec.StateWriter) {
	w.Uvarint(uint64(len(s.parts)))
	for _, slots := range s.parts {
		w.Uvarint(uint64(len(slots)))
		for _, slot := range slots {
			w.Bytes(s.arena.Get(s.key[slot]))
			w.Uvarint(uint64(s.prefix[slot]))
			w.Bytes(s.arena.Get(s.row[slot]))
		}
	}
}

// Restore reads what Snapshot wrote: rows of partitions whose keys are in the table.
func (s *sortedRows) Restore(r *rowcodec.StateReader, table *hashtable.Table) error {
	s.parts, s.key, s.row, s.prefix, s.free, s.arena = nil, nil, nil, nil, nil, rowcodec.Arena{}
	var buf []byte
	for range r.Count(maxStates) {
		var slots []int32
		for range r.Count(maxStates) {
			buf = r.Bytes(buf[:0])
			key := s.arena.Add(buf)
			prefix := r.Count(len(buf))
			buf = r.Bytes(buf[:0])
			if r.Err() != nil {
				return r.Err()
			}
			if n := len(slots); n > 0 && bytes.Compare(s.arena.Get(s.key[slots[n-1]]), s.arena.Get(key)) > 0 {
				return r.Corrupt("rows are out of order")
			}
			slots = append(slots, int32(len(s.key)))
			s.key, s.prefix, s.row = append(s.key, key), append(s.prefix, int32(prefix)), append(s.row, s.arena.Add(buf))
		}
		s.parts = append(s.parts, slots)
		if r.Err() != nil {
			return r.Err()
		}
	}
	return s.check(r, table)
}

// check makes rows that cannot be decoded, or have no key, the reader's error.
func (s *sortedRows) check(r *rowcodec.StateReader, table *hashtable.Table) error {
	used := make([]bool, max(table.Bound(), len(s.parts)))
	for _, id := range table.IDs(nil) {
		used[id] = true
	}
	for part, slots := range s.parts {
		if len(slots) > 0 && !used[part] {
			return r.Corrupt("partition %d has %d rows and no key", part, len(slots))
		}
	}
	rows := make([][]byte, len(s.row))
	for i, ref := range s.row {
		rows[i] = s.arena.Get(ref)
	}
	return decodable(r, s.decoder, rows)
}

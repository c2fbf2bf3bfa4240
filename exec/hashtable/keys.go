package hashtable

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
)

// maxIDs is far more ids than fit in memory.
const maxIDs = 1<<31 - 1

// snapshotVersion is the first byte of a snapshot.
const snapshotVersion = 1

// IDs appends the ids in use to dst, in ascending order.
func (t *Table) IDs(dst []uint32) []uint32 {
	dst = slices.Grow(dst, t.live)
	for id, e := range t.entries {
		if e != freeEntry {
			dst = append(dst, uint32(id))
		}
	}
	return dst
}

// Keys returns the key columns of the ids, or of all ids in ascending order where
// ids is nil. The arrays share no memory with the table.
func (t *Table) Keys(ids []uint32) []arrow.Array {
	if ids == nil {
		ids = t.IDs(nil)
	}
	rows := rowcodec.Rows{Data: make([]byte, 0, maxInline*len(ids)), Ends: make([]int, 0, len(ids))}
	for _, id := range ids {
		rows.Data = t.appendRow(rows.Data, id)
		rows.Ends = append(rows.Ends, len(rows.Data))
	}
	cols, err := t.decoder.Rows(&rows, nil)
	if err != nil {
		panic("hashtable: a key that does not decode: " + err.Error())
	}
	return cols
}

// appendRow appends the id's key as a key row.
func (t *Table) appendRow(dst []byte, id uint32) []byte {
	e := t.entries[id]
	switch {
	case t.mode == modeNone:
		return dst
	case e == nullEntry:
		return append(dst, 1)
	case t.mode == modeFixed:
		dst = binary.LittleEndian.AppendUint64(append(dst, 0), e.lo)
		return dst[:len(dst)-8+rowcodec.Width(t.types[0])]
	}
	var tmp [16]byte
	key := t.keyBytes(id, &tmp)
	if t.mode == modeBytes {
		dst = binary.AppendUvarint(append(dst, 0), uint64(len(key)))
	}
	return append(dst, key...)
}

// keyBytes returns the bytes of a key of modeBytes or modeRows that is not NULL.
func (t *Table) keyBytes(id uint32, tmp *[16]byte) []byte {
	e := t.entries[id]
	if e.long() {
		return t.arena.Get(t.refs[id])
	}
	binary.LittleEndian.PutUint64(tmp[:], e.lo)
	binary.LittleEndian.PutUint64(tmp[8:], e.hi)
	return tmp[:e.hi>>kindShift]
}

// Snapshot writes the keys with their ids. The layout is: version byte, bound,
// number of free ids, the free ids with the last-deleted one last, then the key
// row of each id in use, ascending.
func (t *Table) Snapshot(w *rowcodec.StateWriter) {
	w.Byte(snapshotVersion)
	w.Uvarint(uint64(len(t.entries)))
	w.Uvarint(uint64(len(t.free)))
	for _, id := range t.free {
		w.Uvarint(uint64(id))
	}
	var row []byte
	for id, e := range t.entries {
		if e != freeEntry {
			row = t.appendRow(row[:0], uint32(id))
			w.Bytes(row)
		}
	}
}

// Restore replaces the table's content by a snapshot's of a table with the same
// types: the same ids, and the same ids in future. After an error, which wraps
// rowcodec.ErrCorrupt for wrong bytes, the table is empty.
func (t *Table) Restore(r *rowcodec.StateReader) error {
	t.Reset()
	if v := r.Byte(); v != snapshotVersion && r.Err() == nil {
		r.Corrupt("hash table version %d", v)
	}
	bound := r.Count(maxIDs)
	isFree := t.restoreFree(r, bound)
	var rows rowcodec.Rows
	for id := 0; id < bound && r.Err() == nil; id++ {
		if isFree[uint32(id)] {
			t.entries = append(rowcodec.Doubled(t.entries), freeEntry)
			continue
		}
		rows.Data = r.Bytes(rows.Data)
		rows.Ends = append(rows.Ends, len(rows.Data))
		t.entries = append(rowcodec.Doubled(t.entries), entry{})
		if rows.Len() == restoreRows {
			t.restoreKeys(r, &rows)
		}
	}
	t.restoreKeys(r, &rows)
	t.restoreIndex(r)
	if r.Err() != nil {
		t.Reset()
	}
	return r.Err()
}

// restoreRows bounds how many keys are decoded at once.
const restoreRows = 4096

func (t *Table) restoreFree(r *rowcodec.StateReader, bound int) map[uint32]bool {
	isFree := map[uint32]bool{}
	for range r.Count(bound) {
		id := r.Uvarint()
		if r.Err() != nil {
			break
		}
		if id >= uint64(bound) || isFree[uint32(id)] {
			r.Corrupt("free id %d", id)
			break
		}
		isFree[uint32(id)] = true
		t.free = append(t.free, uint32(id))
	}
	return isFree
}

// restoreKeys takes the rows, which are the keys of the last entries that are not
// free. It decodes them, so that no key is taken that an Encoder could not
// have made.
func (t *Table) restoreKeys(r *rowcodec.StateReader, rows *rowcodec.Rows) {
	if r.Err() != nil || rows.Len() == 0 {
		return
	}
	cols, err := t.decoder.Rows(rows, nil)
	if err != nil {
		r.Corrupt("hash table key: %v", err)
		return
	}
	n := rows.Len()
	first := len(t.entries)
	for left := n; left > 0; {
		if first--; t.entries[first] != freeEntry {
			left--
		}
	}
	t.pack(cols, n, nil)
	if t.mode == modeNone && n > 1 {
		r.Corrupt("%d groups without a key", n)
		return
	}
	for i, id := 0, first; i < n; id++ {
		if t.entries[id] == freeEntry {
			continue
		}
		key := t.batch.keys[i]
		t.entries[id] = key
		t.live++
		if key.long() {
			s := t.batch.spans[i]
			t.setLong(uint32(id), t.batch.data[s.from:s.to])
		}
		i++
	}
	rows.Reset()
}

// indexRows is how many keys are indexed together, so that the cache misses of their
// slots overlap.
const indexRows = 64

// restoreIndex makes the slots of all entries at once.
func (t *Table) restoreIndex(r *rowcodec.StateReader) {
	if r.Err() != nil {
		return
	}
	size := len(t.slots)
	for t.live*2 > size {
		size *= 2
	}
	if size > len(t.slots) {
		t.slots = make([]slot, size)
	}
	mask := uint32(size - 1)
	var tags [indexRows]uint32
	var found [indexRows]slot
	for from := 0; from < len(t.entries); from += indexRows {
		n := min(indexRows, len(t.entries)-from)
		for i, e := range t.entries[from : from+n] {
			tags[i] = e.tag()
			found[i] = t.slots[tags[i]&mask]
		}
		for i := range n {
			id := uint32(from + i)
			if t.entries[id] == freeEntry {
				continue
			}
			at := tags[i] & mask
			if found[i].id1 != 0 || t.slots[at].id1 != 0 {
				if at = t.freeSlot(id, tags[i]); t.slots[at].id1 != 0 {
					r.Corrupt("hash table has a key twice")
					return
				}
			}
			t.slots[at] = slot{tag: tags[i], id1: id + 1}
		}
	}
}

// freeSlot returns where the id's key belongs, which is not free if another id has
// the same key.
func (t *Table) freeSlot(id, tag uint32) (at uint32) {
	mask := uint32(len(t.slots) - 1)
	for at = tag & mask; t.slots[at].id1 != 0; at = (at + 1) & mask {
		s := t.slots[at]
		if s.tag == tag && t.sameKey(s.id1-1, id) {
			break
		}
	}
	return at
}

// sameKey reports whether two ids have the same key.
func (t *Table) sameKey(a, b uint32) bool {
	if t.entries[a] != t.entries[b] {
		return false
	}
	return !t.entries[a].long() || bytes.Equal(t.arena.Get(t.refs[a]), t.arena.Get(t.refs[b]))
}

// Package hashtable maps keys to dense group ids.
//
// Nouns: Table (keys of fixed types, one or more columns, to ids), id (a uint32
// below Bound; accumulators and other state are indexed by it), slot (where the
// index finds an id by hash), entry (an id's key: up to 15 bytes in place, longer
// ones in an arena).
//
// Rule: a whole batch is looked up column-wise: all keys are packed and hashed,
// then all are probed. Ids are given in first-seen order, deleted ones are used
// again last-deleted first, and neither depends on the hash. Keys are equal
// where SQL says NOT DISTINCT, so NULL is a key like any other.
package hashtable

import (
	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
	"laminardb/sql/types"
)

// NoGroup is Find's answer for a key that is not in the table.
const NoGroup = ^uint32(0)

// Table maps keys to ids. One goroutine uses it at a time.
type Table struct {
	types   []types.Type
	mode    mode
	slots   []slot // a power of two; linear probing
	live    int
	entries []entry  // by id
	refs    []uint64 // by id, where in the arena a long key is; empty until there is one
	free    []uint32 // deleted ids, a stack
	arena   rowcodec.Arena

	encoder *rowcodec.Encoder // mode rows only
	decoder *rowcodec.Decoder
	batch   scratch
}

// slot has an id+1, so that the zero slot is empty, and the upper half of its
// key's hash. The lower bits of that half are the slot's ideal position.
type slot struct {
	tag uint32
	id1 uint32
}

// scratch holds the batch that is looked up.
type scratch struct {
	keys  []entry
	spans []span // where in data the key's bytes are
	data  []byte
	tags  []uint32
	found []slot
	rows  rowcodec.Rows
}

type span struct{ from, to int }

// minSlots keeps the smallest table in a few cache lines.
const minSlots = 64

// New returns an empty table with keys of the types; no types at all means one
// group for all rows.
func New(ts []types.Type) *Table {
	t := &Table{types: ts, slots: make([]slot, minSlots), decoder: rowcodec.NewDecoder(ts)}
	switch {
	case len(ts) == 0:
		t.mode = modeNone
	case len(ts) == 1 && rowcodec.Width(ts[0]) > 0 && rowcodec.Width(ts[0]) <= 8:
		t.mode = modeFixed
	case len(ts) == 1 && rowcodec.Width(ts[0]) == 0:
		t.mode = modeBytes
	default:
		t.mode = modeRows
		t.encoder = rowcodec.NewKeyEncoder(ts)
	}
	return t
}

// Types returns the types of the key columns.
func (t *Table) Types() []types.Type { return t.types }

// Len returns the number of keys.
func (t *Table) Len() int { return t.live }

// Bound returns a number above every id, for Accumulator.Grow.
func (t *Table) Bound() int { return len(t.entries) }

// Lookup sets ids[i] to the id of row i's key, for each of n rows, or of row
// sel[i] where sel is not nil; keys that are new get an id. len(ids) is the
// number of those rows.
func (t *Table) Lookup(cols []arrow.Array, n int, sel []int32, ids []uint32) {
	t.probe(cols, n, sel, ids, true)
}

// Find is Lookup without inserting: unknown keys give NoGroup.
func (t *Table) Find(cols []arrow.Array, n int, sel []int32, ids []uint32) {
	t.probe(cols, n, sel, ids, false)
}

func (t *Table) probe(cols []arrow.Array, n int, sel []int32, ids []uint32, insert bool) {
	if sel != nil {
		n = len(sel)
	}
	if n == 0 {
		return
	}
	if t.mode == modeNone {
		n = 1 // all rows have the one key
	}
	b := &t.batch
	t.pack(cols, n, sel)
	// All slots are loaded before any key is compared, so that the cache misses of
	// a large table overlap. A key inserted meanwhile is found by search.
	mask := uint32(len(t.slots) - 1)
	for i, tag := range b.tags {
		b.found[i] = t.slots[tag&mask]
	}
	for i, key := range b.keys {
		if i > 0 && key == b.keys[i-1] && !key.long() {
			ids[i] = ids[i-1]
			continue
		}
		if s := b.found[i]; s.tag == b.tags[i] && s.id1 != 0 && t.entries[s.id1-1] == key && (!key.long() || t.sameLong(s.id1-1, i)) {
			ids[i] = s.id1 - 1
			continue
		}
		ids[i] = t.search(i, insert)
	}
	if t.mode == modeNone {
		for i := range ids {
			ids[i] = ids[0]
		}
	}
}

// search finds row i's key from its ideal slot on, and inserts it if told to.
func (t *Table) search(i int, insert bool) uint32 {
	key, tag := t.batch.keys[i], t.batch.tags[i]
	mask := uint32(len(t.slots) - 1)
	at := tag & mask
	for ; t.slots[at].id1 != 0; at = (at + 1) & mask {
		s := t.slots[at]
		if s.tag == tag && t.entries[s.id1-1] == key && (!key.long() || t.sameLong(s.id1-1, i)) {
			return s.id1 - 1
		}
	}
	if !insert {
		return NoGroup
	}
	id := t.newID(key)
	if key.long() {
		s := t.batch.spans[i]
		t.setLong(id, t.batch.data[s.from:s.to])
	}
	t.slots[at] = slot{tag: tag, id1: id + 1}
	t.grow()
	return id
}

func (t *Table) newID(key entry) uint32 {
	t.live++
	if n := len(t.free); n > 0 {
		id := t.free[n-1]
		t.free = t.free[:n-1]
		t.entries[id] = key
		return id
	}
	t.entries = append(t.entries, key)
	return uint32(len(t.entries) - 1)
}

// grow doubles the slots when half are in use: most keys are then in their ideal
// slot.
func (t *Table) grow() {
	if t.live*2 <= len(t.slots) {
		return
	}
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	mask := uint32(len(t.slots) - 1)
	for _, s := range old {
		if s.id1 == 0 {
			continue
		}
		at := s.tag & mask
		for t.slots[at].id1 != 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = s
	}
}

// Delete removes keys. Their ids may be given to later keys, so the caller clears
// what it keeps by them first. Deleting an id twice is the caller's bug.
func (t *Table) Delete(ids []uint32) {
	for _, id := range ids {
		t.unlink(id)
		if e := t.entries[id]; e.long() {
			t.arena.Drop(t.refs[id])
		}
		t.entries[id] = freeEntry
		t.free = append(t.free, id)
		t.live--
	}
	if t.arena.Wasteful() {
		t.compact()
	}
}

// unlink empties the id's slot and moves later ones back, so that no search meets
// a gap before its key.
func (t *Table) unlink(id uint32) {
	mask := uint32(len(t.slots) - 1)
	at := t.entries[id].tag() & mask
	for t.slots[at].id1 != id+1 {
		at = (at + 1) & mask
	}
	for next := (at + 1) & mask; t.slots[next].id1 != 0; next = (next + 1) & mask {
		ideal := t.slots[next].tag & mask
		if (next-ideal)&mask >= (next-at)&mask {
			t.slots[at] = t.slots[next]
			at = next
		}
	}
	t.slots[at] = slot{}
}

// Reset removes all keys and keeps the memory.
func (t *Table) Reset() {
	clear(t.slots)
	t.live = 0
	t.entries, t.refs, t.free = t.entries[:0], t.refs[:0], t.free[:0]
	t.arena.Reset()
}

// SizeBytes returns the memory that the table holds.
func (t *Table) SizeBytes() int64 {
	b := &t.batch
	size := 8*cap(t.slots) + 16*cap(t.entries) + 8*cap(t.refs) + 4*cap(t.free)
	size += 16*cap(b.keys) + 16*cap(b.spans) + 4*cap(b.tags) + 8*cap(b.found)
	return int64(size) + t.arena.SizeBytes() + b.rows.SizeBytes()
}

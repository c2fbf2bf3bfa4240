package hashtable

import (
	"bytes"
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
	"laminardb/sql/types"
)

// mode is how keys become entries.
type mode uint8

const (
	modeNone  mode = iota // no key columns
	modeFixed             // one column of at most 8 bytes
	modeBytes             // one column of variable width
	modeRows              // anything else, as key rows
)

// entry is a key. The top byte of hi says which: a length up to maxInline, with
// the bytes in lo and hi; or one of the kinds below.
type entry struct{ lo, hi uint64 }

const (
	maxInline = 15
	kindShift = 56
	kindLong  = 0xff // lo: the first 8 bytes, hi: the upper 56 bits of the hash
	kindNull  = 0xfe
	kindFree  = 0xfd
)

var (
	// nullEntry is the key of a single column that is NULL.
	nullEntry = entry{hi: kindNull << kindShift}
	// freeEntry is what a deleted id has.
	freeEntry = entry{hi: kindFree << kindShift}
)

func (e entry) long() bool { return e.hi >= kindLong<<kindShift }

func (e entry) tag() uint32 {
	if e.long() {
		return uint32(e.hi >> 24)
	}
	return uint32(rowcodec.Mix(e.lo, e.hi) >> 32)
}

// packBytes makes the entry of data[from:to].
func packBytes(data []byte, from, to int) entry {
	n := to - from
	if n > maxInline {
		h := rowcodec.Hash(data[from:to])
		return entry{lo: binary.LittleEndian.Uint64(data[from:]), hi: kindLong<<kindShift | h>>8}
	}
	var e entry
	if from+16 <= len(data) {
		e.lo = binary.LittleEndian.Uint64(data[from:])
		e.hi = binary.LittleEndian.Uint64(data[from+8:])
	} else {
		var tail [16]byte
		copy(tail[:], data[from:to])
		e.lo = binary.LittleEndian.Uint64(tail[:])
		e.hi = binary.LittleEndian.Uint64(tail[8:])
	}
	if n < 8 {
		e.lo &= 1<<(8*n) - 1
		e.hi = 0
	} else {
		e.hi &= 1<<(8*(n-8)) - 1
	}
	e.hi |= uint64(n) << kindShift
	return e
}

// pack fills the scratch with the keys of n rows.
func (t *Table) pack(cols []arrow.Array, n int, sel []int32) {
	b := &t.batch
	if cap(b.keys) < n {
		b.keys, b.spans = make([]entry, n), make([]span, n)
		b.tags, b.found = make([]uint32, n), make([]slot, n)
	}
	b.keys, b.spans, b.tags, b.found = b.keys[:n], b.spans[:n], b.tags[:n], b.found[:n]
	switch t.mode {
	case modeNone:
		b.keys[0] = entry{}
	case modeFixed:
		b.packFixed(t.types[0], cols[0], sel)
	case modeBytes:
		b.packColumn(t.types[0], cols[0], sel)
	case modeRows:
		b.rows.Reset()
		t.encoder.Encode(cols, n, sel, &b.rows)
		b.data = b.rows.Data
		from := 0
		for i, to := range b.rows.Ends {
			b.spans[i] = span{from, to}
			b.keys[i] = packBytes(b.data, from, to)
			from = to
		}
	}
	for i, k := range b.keys {
		b.tags[i] = k.tag()
	}
}

func (b *scratch) packColumn(t types.Type, arr arrow.Array, sel []int32) {
	col := rowcodec.View(t, arr)
	b.data = col.Raw
	for i := range b.keys {
		row := i
		if sel != nil {
			row = int(sel[i])
		}
		if col.Nulls != nil && col.Null(row) {
			b.keys[i] = nullEntry
			continue
		}
		from, to := col.Span(row)
		b.spans[i] = span{from, to}
		b.keys[i] = packBytes(b.data, from, to)
	}
}

func (b *scratch) packFixed(t types.Type, arr arrow.Array, sel []int32) {
	col, w := rowcodec.View(t, arr), rowcodec.Width(t)
	var v [8]byte
	for i := range b.keys {
		row := i
		if sel != nil {
			row = int(sel[i])
		}
		switch {
		case col.Nulls != nil && col.Null(row):
			b.keys[i] = nullEntry
			continue
		case w == 8:
			copy(v[:], col.Raw[8*row:8*row+8])
		case t.Kind == types.Bool:
			v[0] = 0
			if col.Bool(row) {
				v[0] = 1
			}
		default:
			copy(v[:w], col.Raw[w*row:])
		}
		if t.IsFloat() {
			rowcodec.Canonical(t.Kind, v[:w])
		}
		b.keys[i] = entry{lo: binary.LittleEndian.Uint64(v[:])}
	}
}

// sameLong compares the long key of id with row i's.
func (t *Table) sameLong(id uint32, i int) bool {
	s := t.batch.spans[i]
	return bytes.Equal(t.arena.Get(t.refs[id]), t.batch.data[s.from:s.to])
}

func (t *Table) setLong(id uint32, key []byte) {
	for len(t.refs) <= int(id) {
		t.refs = append(rowcodec.Doubled(t.refs), 0)
	}
	t.refs[id] = t.arena.Add(key)
}

// compact moves the long keys that are left into a new arena.
func (t *Table) compact() {
	var a rowcodec.Arena
	for id, e := range t.entries {
		if e.long() {
			t.refs[id] = a.Add(t.arena.Get(t.refs[id]))
		}
	}
	t.arena = a
}

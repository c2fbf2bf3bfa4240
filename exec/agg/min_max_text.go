package agg

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
	"laminardb/sql/types"
)

// byteStore keeps one byte string or nothing for each group, in an arena.
type byteStore struct {
	refs  []uint64 // a reference + 1, 0 for nothing
	arena rowcodec.Arena
}

func (b *byteStore) grow(groups int) {
	if n := groups - len(b.refs); n > 0 {
		b.refs = append(b.refs, make([]uint64, n)...)
	}
}

// get returns the group's bytes; ok is false for nothing.
func (b *byteStore) get(id uint32) (v []byte, ok bool) {
	ref := b.refs[id]
	if ref == 0 {
		return nil, false
	}
	return b.arena.Get(ref - 1), true
}

func (b *byteStore) set(id uint32, v []byte) {
	if old, ok := b.get(id); ok {
		if len(old) == len(v) {
			copy(old, v)
			return
		}
		b.arena.Drop(b.refs[id] - 1)
	}
	b.refs[id] = b.arena.Add(v) + 1
	b.compact()
}

func (b *byteStore) clear(id uint32) {
	if b.refs[id] != 0 {
		b.arena.Drop(b.refs[id] - 1)
		b.refs[id] = 0
	}
}

func (b *byteStore) compact() {
	if !b.arena.Wasteful() {
		return
	}
	var a rowcodec.Arena
	for id, ref := range b.refs {
		if ref != 0 {
			b.refs[id] = a.Add(b.arena.Get(ref-1)) + 1
		}
	}
	b.arena = a
}

func (b *byteStore) sizeBytes() int64 { return int64(8*cap(b.refs)) + b.arena.SizeBytes() }

func (b *byteStore) snapshot(w *rowcodec.StateWriter) {
	w.Uvarint(uint64(len(b.refs)))
	for id := range b.refs {
		v, ok := b.get(uint32(id))
		w.Byte(flag(ok))
		if ok {
			w.Bytes(v)
		}
	}
}

func (b *byteStore) restore(r *rowcodec.StateReader) error {
	*b = byteStore{}
	var v []byte
	for range r.Count(maxGroups) {
		set := r.Byte() != 0
		if set {
			v = r.Bytes(v[:0])
		}
		if r.Err() != nil {
			break
		}
		b.refs = append(b.refs, 0)
		if set {
			b.refs[len(b.refs)-1] = b.arena.Add(v) + 1
		}
	}
	return r.Err()
}

// textExtreme is min and max of text and bytea, which compare byte by byte as in
// PostgreSQL's "C" collation.
type textExtreme struct {
	byteStore
	arg      types.Type
	greatest bool
}

func (a *textExtreme) Grow(groups int) { a.grow(groups) }

func (a *textExtreme) Update(in *Input) {
	col := rowcodec.View(a.arg, in.Args[0])
	for i, id := range in.IDs {
		if !col.Null(i) {
			a.take(id, col.Bytes(i))
		}
	}
}

func (a *textExtreme) take(id uint32, v []byte) {
	old, ok := a.get(id)
	if ok {
		if c := bytes.Compare(v, old); c == 0 || (c > 0) != a.greatest {
			return
		}
	}
	a.set(id, v)
}

func (a *textExtreme) Merge(from Accumulator, fromIDs, toIDs []uint32) {
	other := from.(*textExtreme)
	for i, id := range fromIDs {
		if v, ok := other.get(id); ok {
			a.take(toIDs[i], v)
		}
	}
}

func (a *textExtreme) Result(ids []uint32) (arrow.Array, error) {
	out := newTextOutput(a.arg, len(ids))
	for _, id := range ids {
		if v, ok := a.get(id); ok {
			out.append(v)
		} else {
			out.appendNull()
		}
	}
	return out.array()
}

func (a *textExtreme) Clear(ids []uint32) {
	for _, id := range ids {
		a.clear(id)
	}
	a.compact()
}

func (a *textExtreme) SizeBytes() int64                      { return a.sizeBytes() }
func (a *textExtreme) Snapshot(w *rowcodec.StateWriter)      { a.snapshot(w) }
func (a *textExtreme) Restore(r *rowcodec.StateReader) error { return a.restore(r) }

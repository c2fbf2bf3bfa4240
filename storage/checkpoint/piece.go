package checkpoint

import (
	"bytes"

	"laminardb/sql/pgerr"
	"laminardb/storage/kv"
)

// pieces saves the pieces of one state, in order.
type pieces struct {
	w      *Writer
	parent *State // the state in the parent, nil for none
	index  int    // of the next piece
	shared map[uint32]chunk
	old    []byte // scratch: a piece of the parent
}

// save returns the name under which a piece is or will be stored: that of an equal
// piece of the parent, or a patch to the parent's piece in its place, or a chunk.
func (p *pieces) save(piece []byte) (chunk, error) {
	index := p.index
	p.index++
	c := chunk{bytes: uint32(len(piece)), sum: kv.Checksum(piece)}
	if same, ok := p.byChecksum(c.sum); ok {
		equal, err := p.equal(same, piece)
		if err != nil || equal {
			return same, err
		}
	}
	if p.parent != nil && index < len(p.parent.chunks) {
		base := p.parent.chunks[index]
		patch, err := p.patch(base, index, piece)
		if err != nil {
			return chunk{}, err
		}
		if patch != nil {
			id, err := p.w.put(patch)
			c.id, c.patches = base.id, append(base.patches[:len(base.patches):len(base.patches)], id)
			return c, err
		}
	}
	var err error
	c.id, err = p.w.put(piece)
	return c, err
}

func (p *pieces) byChecksum(sum uint32) (c chunk, ok bool) {
	if p.parent == nil {
		return c, false
	}
	if p.shared == nil {
		p.shared = make(map[uint32]chunk, len(p.parent.chunks))
		for _, c := range p.parent.chunks {
			p.shared[c.sum] = c
		}
	}
	c, ok = p.shared[sum]
	return c, ok
}

// equal reports whether a piece is stored with exactly the content: comparing it
// also makes sure that damage is not passed on to the next epoch.
func (p *pieces) equal(c chunk, content []byte) (bool, error) {
	_, ok, err := p.read(c)
	return ok && bytes.Equal(p.old, content), err
}

// read reads a piece of the parent into old; ok is false if it is damaged, which
// is no error: it is written again.
func (p *pieces) read(c chunk) (patched int, ok bool, err error) {
	old, patched, err := p.w.store.readPiece(c, p.old)
	if pgerr.Is(err, pgerr.DataCorrupted) {
		return 0, false, nil
	}
	p.old = old
	return patched, err == nil, err
}

// patch returns what makes the parent's piece in the place of a piece into it, nil
// if the piece is to be written in full.
func (p *pieces) patch(base chunk, index int, piece []byte) ([]byte, error) {
	due := (p.w.epoch+uint64(index))%maxPatches == 0
	if len(base.patches) >= maxPatches || due && len(base.patches) > 0 {
		return nil, nil
	}
	patched, ok, err := p.read(base)
	if err != nil || !ok {
		return nil, err
	}
	return diff(base.id, p.old, piece, len(piece)/patchShare-patched), nil
}

package agg

import (
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
)

// maxGroups is far more groups than fit in memory.
const maxGroups = 1<<31 - 1

// cells is an Accumulator whose state for a group is one S without pointers. The
// zero S is an empty group.
type cells[S any] struct {
	state []S
	kind  cellKind[S]
}

// cellKind is what an aggregate does with its cells. update and result are called
// once a batch and hold the loops.
type cellKind[S any] struct {
	update func(state []S, in *Input)
	merge  func(to, from *S)
	result func(state []S, ids []uint32) (arrow.Array, error)
	write  func(w *rowcodec.StateWriter, s *S)
	read   func(r *rowcodec.StateReader, s *S)
}

func (c *cells[S]) Grow(groups int) {
	if n := groups - len(c.state); n > 0 {
		c.state = append(c.state, make([]S, n)...)
	}
}

func (c *cells[S]) Update(in *Input) {
	if len(in.IDs) > 0 {
		c.kind.update(c.state, in)
	}
}

func (c *cells[S]) Merge(from Accumulator, fromIDs, toIDs []uint32) {
	other := from.(*cells[S])
	for i, id := range fromIDs {
		c.kind.merge(&c.state[toIDs[i]], &other.state[id])
	}
}

func (c *cells[S]) Result(ids []uint32) (arrow.Array, error) { return c.kind.result(c.state, ids) }

func (c *cells[S]) Clear(ids []uint32) {
	var empty S
	for _, id := range ids {
		c.state[id] = empty
	}
}

func (c *cells[S]) SizeBytes() int64 {
	var s S
	return int64(cap(c.state)) * int64(unsafe.Sizeof(s))
}

func (c *cells[S]) Snapshot(w *rowcodec.StateWriter) {
	w.Uvarint(uint64(len(c.state)))
	for i := range c.state {
		c.kind.write(w, &c.state[i])
	}
}

func (c *cells[S]) Restore(r *rowcodec.StateReader) error {
	c.state = c.state[:0]
	for range r.Count(maxGroups) {
		var s S
		c.kind.read(r, &s)
		if r.Err() != nil {
			break
		}
		c.state = append(rowcodec.Doubled(c.state), s)
	}
	return r.Err()
}

// diff returns row i's difference.
func (in *Input) diff(i int) int64 {
	if in.Diffs == nil {
		return 1
	}
	return int64(in.Diffs[i])
}

// oneGroup reports whether all rows are of one group, which lets a loop keep its
// state in registers.
func (in *Input) oneGroup() bool {
	first := in.IDs[0]
	if in.IDs[len(in.IDs)-1] != first {
		return false
	}
	for _, id := range in.IDs {
		if id != first {
			return false
		}
	}
	return true
}

// fixed returns the values of a fixed-width column as a slice.
func fixed[T arrow.FixedWidthType](col *rowcodec.Column, n int) []T {
	return arrow.GetData[T](col.Raw)[:n]
}

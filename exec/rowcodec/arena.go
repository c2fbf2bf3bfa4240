package rowcodec

import "encoding/binary"

// chunkBytes is the size of an Arena's chunks: large enough that there are few,
// small enough that growing never copies or wastes much.
const chunkBytes = 256 << 10

// Arena holds byte strings by reference: chunk number << 32 | offset. Each has
// its length in 4 bytes before it. A chunk holds a longer string alone.
type Arena struct {
	chunks [][]byte
	used   int64 // bytes of all strings
	dead   int64 // of those that were dropped
}

// Add copies b and returns its reference.
func (a *Arena) Add(b []byte) uint64 {
	need := 4 + len(b)
	last := len(a.chunks) - 1
	if last < 0 || cap(a.chunks[last])-len(a.chunks[last]) < need {
		a.chunks = append(a.chunks, make([]byte, 0, max(chunkBytes, need)))
		last++
	}
	c := a.chunks[last]
	ref := uint64(last)<<32 | uint64(len(c))
	c = binary.LittleEndian.AppendUint32(c, uint32(len(b)))
	a.chunks[last] = append(c, b...)
	a.used += int64(need)
	return ref
}

// Get returns the bytes of a reference, which are the Arena's.
func (a *Arena) Get(ref uint64) []byte {
	c := a.chunks[ref>>32][uint32(ref):]
	n := binary.LittleEndian.Uint32(c)
	return c[4 : 4+n]
}

// Drop says that a reference will not be used again.
func (a *Arena) Drop(ref uint64) { a.dead += int64(4 + len(a.Get(ref))) }

// Wasteful says that most is dropped: it is time to copy what is left to a new
// Arena.
func (a *Arena) Wasteful() bool { return a.dead > chunkBytes && a.dead > a.used/2 }

// Reset drops everything and keeps one chunk.
func (a *Arena) Reset() {
	if len(a.chunks) > 1 {
		a.chunks = a.chunks[:1]
	}
	for i := range a.chunks {
		a.chunks[i] = a.chunks[i][:0]
	}
	a.used, a.dead = 0, 0
}

// SizeBytes returns the memory that is held.
func (a *Arena) SizeBytes() int64 {
	var size int64
	for _, c := range a.chunks {
		size += int64(cap(c))
	}
	return size
}

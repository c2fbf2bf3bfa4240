package hashtable

import "encoding/binary"

// chunkBytes is the size of an arena's chunks: large enough that there are few,
// small enough that growing never copies or wastes much.
const chunkBytes = 256 << 10

// arena holds byte strings by reference: chunk number << 32 | offset. Each has
// its length in 4 bytes before it. A chunk holds a longer string alone.
type arena struct {
	chunks [][]byte
	used   int64 // bytes of all strings
	dead   int64 // of those that were dropped
}

func (a *arena) add(b []byte) uint64 {
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

func (a *arena) get(ref uint64) []byte {
	c := a.chunks[ref>>32][uint32(ref):]
	n := binary.LittleEndian.Uint32(c)
	return c[4 : 4+n]
}

func (a *arena) drop(ref uint64) { a.dead += int64(4 + len(a.get(ref))) }

// wasteful says that it is time to copy what is left.
func (a *arena) wasteful() bool { return a.dead > chunkBytes && a.dead > a.used/2 }

func (a *arena) reset() {
	if len(a.chunks) > 1 {
		a.chunks = a.chunks[:1]
	}
	for i := range a.chunks {
		a.chunks[i] = a.chunks[i][:0]
	}
	a.used, a.dead = 0, 0
}

func (a *arena) sizeBytes() int64 {
	var size int64
	for _, c := range a.chunks {
		size += int64(cap(c))
	}
	return size
}

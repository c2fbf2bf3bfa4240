package expr

import (
	"math/bits"
	"unsafe"
)

// A bitmap is words, row i at bit i%64 of word i/64. A nil bitmap of validity or
// of a mask has every bit set. Bits at and beyond the row count mean nothing.

func words(n int) int { return (n + 63) / 64 }

func newBits(n int) []uint64 { return make([]uint64, words(n)) }

func fullBits(n int) []uint64 {
	b := newBits(n)
	for i := range b {
		b[i] = ^uint64(0)
	}
	return b
}

func bit(b []uint64, i int) bool { return b == nil || b[uint(i)/64]>>(uint(i)%64)&1 != 0 }

func setBit(b []uint64, i int) { b[uint(i)/64] |= 1 << (uint(i) % 64) }

func clearBit(b []uint64, i int) { b[uint(i)/64] &^= 1 << (uint(i) % 64) }

// andBits intersects bitmaps, nil ones included. The result may be one of them.
func andBits(a, b []uint64) []uint64 {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	out := make([]uint64, len(a))
	for i := range out {
		out[i] = a[i] & b[i]
	}
	return out
}

// lastMask keeps the bits of the last word of n rows.
func lastMask(n int) uint64 {
	if n%64 == 0 {
		return ^uint64(0)
	}
	return 1<<(uint(n)%64) - 1
}

func popcount(b []uint64, n int) int {
	if b == nil {
		return n
	}
	if n == 0 {
		return 0
	}
	count, last := 0, words(n)-1
	for _, w := range b[:last] {
		count += bits.OnesCount64(w)
	}
	return count + bits.OnesCount64(b[last]&lastMask(n))
}

func anyBit(b []uint64, n int) bool {
	if n == 0 {
		return false
	}
	if b == nil {
		return true
	}
	last := words(n) - 1
	for _, w := range b[:last] {
		if w != 0 {
			return true
		}
	}
	return b[last]&lastMask(n) != 0
}

// indexes returns the rows whose bits are set; count is how many there are.
func indexes(b []uint64, n, count int) []int32 {
	out := make([]int32, count)
	k := 0
	for w := range words(n) {
		word := b[w]
		if w == words(n)-1 {
			word &= lastMask(n)
		}
		for base := int32(w * 64); word != 0; word &= word - 1 {
			out[k] = base + int32(bits.TrailingZeros64(word))
			k++
		}
	}
	return out
}

// bitsOf views n bits of an Arrow bitmap from a bit offset on as words. It
// copies where the memory cannot be read in words.
func bitsOf(raw []byte, offset, n int) []uint64 {
	start := offset / 8
	if offset%8 == 0 && len(raw)-start >= 8*words(n) {
		raw = raw[start:]
		return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(raw))), words(n))
	}
	out := newBits(n)
	dst := bytesOf(out)
	shift := uint(offset % 8)
	for i := range (n + 7) / 8 {
		b := raw[start+i] >> shift
		if shift > 0 && start+i+1 < len(raw) {
			b |= raw[start+i+1] << (8 - shift)
		}
		dst[i] = b
	}
	return out
}

func bytesOf[T any](s []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(zero)))
}

package rowcodec

import (
	"encoding/binary"
	"math/bits"
)

// The multipliers of the hash: odd, with half of their bits set.
const (
	hashA = 0xa0761d6478bd642f
	hashB = 0xe7037ed1a0b428db
	hashC = 0x8ebc6af09c88c6e3
)

// Hash is a 64-bit hash of a row, the same in every process. It is a folded
// multiplication of 16 bytes at a time. It is no defence against chosen
// collisions, and no order of output may depend on it.
func Hash(b []byte) uint64 {
	n := uint64(len(b))
	h := (n + 1) * hashC
	for len(b) > 16 {
		h = Mix(binary.LittleEndian.Uint64(b)^h, binary.LittleEndian.Uint64(b[8:])^hashA)
		b = b[16:]
	}
	var lo, hi uint64
	switch {
	case len(b) >= 8:
		lo, hi = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[len(b)-8:])
	case len(b) >= 4:
		lo, hi = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[len(b)-4:]))
	case len(b) > 0:
		lo, hi = uint64(b[0]), uint64(b[len(b)/2])<<8|uint64(b[len(b)-1])
	}
	return Mix(lo^h, hi^hashA)
}

// Mix hashes two words.
func Mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^hashA, b^hashB)
	h := hi ^ lo
	// One more round: a product with a zero factor would otherwise lose the
	// other word.
	hi, lo = bits.Mul64(h^a, hashC^b)
	return hi ^ lo
}

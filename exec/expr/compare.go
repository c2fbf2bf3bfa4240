package expr

import (
	"bytes"
	"cmp"

	"laminardb/sql/types"
)

// comparison is one of the six operators, as "less" or "equal", with the
// operands swapped and the answer negated where need be: a <= b is not b < a.
type comparison struct{ less, swap, negate bool }

// comparisons are the operators by their name in planner/function.
var comparisons = map[string]comparison{
	"eq": {}, "ne": {negate: true},
	"lt": {less: true}, "ge": {less: true, negate: true},
	"gt": {less: true, swap: true}, "le": {less: true, swap: true, negate: true},
}

// comparer fills in the bitmap of "less" or "equal" for n rows.
type comparer func(n int, a, b *vector, less bool, out []uint64)

func compareKernel(c comparison, t types.Type) kernel {
	compare := comparerOf(t)
	return kernel{safe: true, eval: func(f *frame, n *node) *vector {
		a, b := f.eval(n.args[0]), f.eval(n.args[1])
		if c.swap {
			a, b = b, a
		}
		out := newBool(f.n)
		out.valid = validWith(f.n, a, b)
		compare(f.n, a, b, c.less, out.bits)
		if c.negate {
			for i, w := range out.bits {
				out.bits[i] = ^w
			}
		}
		return out
	}}
}

func comparerOf(t types.Type) comparer {
	switch t.Kind {
	case types.Bool:
		return compareBits
	case types.Int16:
		return compareFixed(lessWord[int16], equalWord[int16])
	case types.Int32, types.Date:
		return compareFixed(lessWord[int32], equalWord[int32])
	case types.Float32:
		return compareFloats[float32]
	case types.Float64:
		return compareFloats[float64]
	case types.Text, types.Bytea:
		return compareText
	case types.Int64, types.Time, types.Timestamp, types.TimestampTZ, types.OID:
		return compareFixed(lessWord[int64], equalWord[int64])
	}
	return compareOrdered(orderOf(t))
}

// flag is 1 for true; the compiler makes it one instruction.
func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// compareFixed runs one of two loops that make a word of up to 64 answers.
func compareFixed[T any](less, equal func(x, y []T) uint64) comparer {
	return func(n int, a, b *vector, isLess bool, out []uint64) {
		loop := equal
		if isLess {
			loop = less
		}
		pairs(n, a, b, func(at int, x, y []T) {
			dst := out[at/64:]
			for i := 0; i < len(x); i += 64 {
				end := min(i+64, len(x))
				dst[i/64] = loop(x[i:end], y[i:end])
			}
		})
	}
}

func lessWord[T cmp.Ordered](x, y []T) (w uint64) {
	y = y[:len(x)]
	i := 0
	for ; i+8 <= len(x); i += 8 {
		p, q := (*[8]T)(x[i:]), (*[8]T)(y[i:])
		w |= (flag(p[0] < q[0]) | flag(p[1] < q[1])<<1 | flag(p[2] < q[2])<<2 | flag(p[3] < q[3])<<3 |
			flag(p[4] < q[4])<<4 | flag(p[5] < q[5])<<5 | flag(p[6] < q[6])<<6 | flag(p[7] < q[7])<<7) << (i & 63)
	}
	for ; i < len(x); i++ {
		w |= flag(x[i] < y[i]) << (i & 63)
	}
	return w
}

func equalWord[T comparable](x, y []T) (w uint64) {
	y = y[:len(x)]
	i := 0
	for ; i+8 <= len(x); i += 8 {
		p, q := (*[8]T)(x[i:]), (*[8]T)(y[i:])
		w |= (flag(p[0] == q[0]) | flag(p[1] == q[1])<<1 | flag(p[2] == q[2])<<2 | flag(p[3] == q[3])<<3 |
			flag(p[4] == q[4])<<4 | flag(p[5] == q[5])<<5 | flag(p[6] == q[6])<<6 | flag(p[7] == q[7])<<7) << (i & 63)
	}
	for ; i < len(x); i++ {
		w |= flag(x[i] == y[i]) << (i & 63)
	}
	return w
}

func compareBits(n int, a, b *vector, less bool, out []uint64) {
	x, y := spreadBits(a, n), spreadBits(b, n)
	for i := range out {
		if less {
			out[i] = ^x[i] & y[i]
		} else {
			out[i] = ^(x[i] ^ y[i])
		}
	}
}

func spreadBits(v *vector, n int) []uint64 {
	if !v.konst {
		return v.bits
	}
	if v.isTrue(0) {
		return fullBits(n)
	}
	return newBits(n)
}

// compareText compares bytes, the order of PostgreSQL's C collation.
func compareText(n int, a, b *vector, less bool, out []uint64) {
	if !less && b.konst {
		equalText(n, a, b.bytes(0), out)
		return
	}
	if !less && a.konst {
		equalText(n, b, a.bytes(0), out)
		return
	}
	for i := range n {
		x, y := a.bytes(i), b.bytes(i)
		hit := false
		if less {
			hit = bytes.Compare(x, y) < 0
		} else {
			hit = len(x) == len(y) && string(x) == string(y)
		}
		out[i/64] |= flag(hit) << (i % 64)
	}
}

func equalText(n int, v *vector, want []byte, out []uint64) {
	size := int32(len(want))
	start := v.ends[0]
	for i := range n {
		end := v.ends[i+1]
		if end-start == size && string(v.text[start:end]) == string(want) {
			out[i/64] |= 1 << (i % 64)
		}
		start = end
	}
}

package expr

import "math"

// compareFloats orders as PostgreSQL does: NaN is equal to itself and greater
// than all else. Where an operand is a constant that is not NaN, one machine
// comparison a row is enough.
func compareFloats[T float](n int, a, b *vector, less bool, out []uint64) {
	loop := compareFixed(lessAnyWord[T], equalAnyWord[T])
	switch {
	case a.konst && !isNaN[T](a):
		loop = compareFixed(notAtLeastWord[T], equalWord[T])
	case b.konst && !isNaN[T](b):
		loop = compareFixed(lessWord[T], equalWord[T])
	}
	loop(n, a, b, less, out)
}

func isNaN[T float](v *vector) bool { return math.IsNaN(float64(values[T](v)[0])) }

// notAtLeastWord is x < y for an x that is not NaN.
func notAtLeastWord[T float](x, y []T) (w uint64) {
	y = y[:len(x)]
	i := 0
	for ; i+8 <= len(x); i += 8 {
		p, q := (*[8]T)(x[i:]), (*[8]T)(y[i:])
		w |= (flag(p[0] >= q[0]) | flag(p[1] >= q[1])<<1 | flag(p[2] >= q[2])<<2 | flag(p[3] >= q[3])<<3 |
			flag(p[4] >= q[4])<<4 | flag(p[5] >= q[5])<<5 | flag(p[6] >= q[6])<<6 | flag(p[7] >= q[7])<<7) << (i & 63)
	}
	for ; i < len(x); i++ {
		w |= flag(x[i] >= y[i]) << (i & 63)
	}
	return ^w
}

func lessAnyWord[T float](x, y []T) (w uint64) {
	return notAtLeastWord(x, y) &^ nanWord(x)
}

func equalAnyWord[T float](x, y []T) (w uint64) {
	return equalWord(x, y) | nanWord(x)&nanWord(y)
}

func nanWord[T float](x []T) (w uint64) {
	i := 0
	for ; i+8 <= len(x); i += 8 {
		p := (*[8]T)(x[i:])
		w |= (flag(p[0] != p[0]) | flag(p[1] != p[1])<<1 | flag(p[2] != p[2])<<2 | flag(p[3] != p[3])<<3 |
			flag(p[4] != p[4])<<4 | flag(p[5] != p[5])<<5 | flag(p[6] != p[6])<<6 | flag(p[7] != p[7])<<7) << (i & 63)
	}
	for ; i < len(x); i++ {
		w |= flag(x[i] != x[i]) << (i & 63)
	}
	return w
}

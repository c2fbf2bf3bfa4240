package expr

import "math"

type float interface{ float32 | float64 }

// suspect orders results so that zero, the infinities and NaN are the largest:
// only these can be errors.
func suspect(r float64) uint64 { return math.Float64bits(r)<<1 - 1 }

// suspectSum is suspect for sums and differences, for which zero is no error.
func suspectSum(r float64) uint64 { return math.Float64bits(r) << 1 >> 1 }

// The least suspect values, those of infinity.
const (
	suspectFrom    = 0x7ff<<53 - 1
	suspectSumFrom = 0x7ff << 52
)

// floatKernel returns floating-point arithmetic over T.
func floatKernel[T float](name string) (kernel, bool) {
	switch name {
	case "add":
		return kernel{eval: floatOp(floatAdd[T], suspectSumFrom, func(_, _, _ float64) bool { return false })}, true
	case "sub":
		return kernel{eval: floatOp(floatSub[T], suspectSumFrom, func(_, _, _ float64) bool { return false })}, true
	case "mul":
		return kernel{eval: floatOp(floatMul[T], suspectFrom, func(a, b, r float64) bool { return r == 0 && a != 0 && b != 0 })}, true
	case "div":
		return kernel{eval: floatDivide[T]}, true
	}
	return kernel{}, false
}

// floatOp is an operation whose loop returns the most suspect of its results; they
// are looked at one by one if that is at least from.
func floatOp[T float](loop func(dst, x, y []T) uint64, from uint64, underflow func(a, b, r float64) bool) func(*frame, *node) *vector {
	return func(f *frame, n *node) *vector {
		a, b := f.eval(n.args[0]), f.eval(n.args[1])
		out, dst := newFixed[T](n.t, f.n)
		out.valid = validWith(f.n, a, b)
		worst := uint64(0)
		pairs(f.n, a, b, func(at int, x, y []T) { worst = max(worst, loop(dst[at:], x, y)) })
		if worst >= from {
			x, y := access[T](a), access[T](b)
			f.failWhere(out, func(i int) error {
				a, b, r := float64(x.at(i)), float64(y.at(i)), float64(dst[i])
				switch {
				case math.IsInf(r, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0):
					return errOverflow
				case underflow(a, b, r):
					return errUnderflow
				}
				return nil
			})
		}
		return out
	}
}

func floatAdd[T float](dst, x, y []T) (worst uint64) {
	dst, y = dst[:len(x)], y[:len(x)]
	for i, a := range x {
		r := a + y[i]
		dst[i] = r
		worst = max(worst, suspectSum(float64(r)))
	}
	return worst
}

func floatSub[T float](dst, x, y []T) (worst uint64) {
	dst, y = dst[:len(x)], y[:len(x)]
	for i, a := range x {
		r := a - y[i]
		dst[i] = r
		worst = max(worst, suspectSum(float64(r)))
	}
	return worst
}

func floatMul[T float](dst, x, y []T) (worst uint64) {
	dst, y = dst[:len(x)], y[:len(x)]
	for i, a := range x {
		r := a * y[i]
		dst[i] = r
		worst = max(worst, suspect(float64(r)))
	}
	return worst
}

func floatDivLoop[T float](dst, x, y []T) (worst uint64) {
	dst, y = dst[:len(x)], y[:len(x)]
	for i, a := range x {
		r := a / y[i]
		dst[i] = r
		worst = max(worst, suspect(float64(r)))
	}
	return worst
}

func floatDivide[T float](f *frame, n *node) *vector {
	a, b := f.eval(n.args[0]), f.eval(n.args[1])
	out, dst := newFixed[T](n.t, f.n)
	out.valid = validWith(f.n, a, b)
	worst := uint64(0)
	pairs(f.n, a, b, func(at int, x, y []T) { worst = max(worst, floatDivLoop(dst[at:], x, y)) })
	if worst < suspectFrom {
		return out
	}
	x, y := access[T](a), access[T](b)
	f.failWhere(out, func(i int) error {
		a, b, r := float64(x.at(i)), float64(y.at(i)), float64(dst[i])
		switch {
		case b == 0 && !math.IsNaN(a):
			return errDivision
		case math.IsInf(r, 0) && !math.IsInf(a, 0):
			return errOverflow
		case r == 0 && a != 0 && !math.IsInf(b, 0):
			return errUnderflow
		}
		return nil
	})
	return out
}

// floatUnary is negation and absolute value.
func floatUnary[T float](name string) (kernel, bool) {
	var loop func(dst, x []T)
	switch name {
	case "neg":
		loop = func(dst, x []T) {
			for i, v := range x {
				dst[i] = -v
			}
		}
	case "abs":
		loop = func(dst, x []T) {
			for i, v := range x {
				dst[i] = T(math.Abs(float64(v)))
			}
		}
	default:
		return kernel{}, false
	}
	return kernel{safe: true, eval: func(f *frame, n *node) *vector {
		a := f.eval(n.args[0])
		out, dst := newFixed[T](n.t, f.n)
		out.valid = a.valid
		loop(dst, values[T](a))
		return out
	}}, true
}

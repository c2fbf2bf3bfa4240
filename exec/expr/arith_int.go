package expr

import "math/bits"

type integer interface{ int16 | int32 | int64 }

// intKernel returns integer arithmetic over T. An overflow shows in the sign of
// a word that each loop gathers; only then are the rows looked at one by one.
func intKernel[T integer](name string) (kernel, bool) {
	switch name {
	case "add":
		return kernel{eval: intOp(addLoop[T], addChecked[T])}, true
	case "sub":
		return kernel{eval: intOp(subLoop[T], subChecked[T])}, true
	case "mul":
		return kernel{eval: intOp(mulLoop[T], mulChecked[T])}, true
	case "div":
		return kernel{eval: intDivide(quotient[T], false)}, true
	case "mod":
		return kernel{eval: intDivide(remainder[T], true)}, true
	case "bitand":
		return kernel{safe: true, eval: intOp(andLoop[T], nil)}, true
	case "bitor":
		return kernel{safe: true, eval: intOp(orLoop[T], nil)}, true
	case "bitxor":
		return kernel{safe: true, eval: intOp(xorLoop[T], nil)}, true
	}
	return kernel{}, false
}

// intOp runs a loop that returns a negative number if a row overflowed, which
// checked then finds.
func intOp[T integer](loop func(dst, x, y []T) T, checked func(a, b T) bool) func(*frame, *node) *vector {
	return func(f *frame, n *node) *vector {
		a, b := f.eval(n.args[0]), f.eval(n.args[1])
		out, dst := newFixed[T](n.t, f.n)
		out.valid = validWith(f.n, a, b)
		var bad T
		pairs(f.n, a, b, func(at int, x, y []T) { bad |= loop(dst[at:], x, y) })
		if bad < 0 && checked != nil {
			x, y := access[T](a), access[T](b)
			f.failWhere(out, func(i int) error {
				if checked(x.at(i), y.at(i)) {
					return nil
				}
				return outOfRange(n.t.Kind)
			})
		}
		return out
	}
}

// accessor reads a column or a constant by row.
type accessor[T any] struct {
	s    []T
	step int // 0 for a constant
}

func access[T any](v *vector) accessor[T] {
	a := accessor[T]{values[T](v), 1}
	if v.konst {
		a.step = 0
	}
	return a
}

func (a accessor[T]) at(i int) T { return a.s[i*a.step] }

func addLoop[T integer](dst, x, y []T) (bad T) {
	dst, y = dst[:len(x)], y[:len(x)]
	for i, a := range x {
		b := y[i]
		s := a + b
		dst[i] = s
		bad |= (a ^ s) & (b ^ s)
	}
	return bad
}

func addChecked[T integer](a, b T) bool {
	s := a + b
	return (a^s)&(b^s) >= 0
}

func subLoop[T integer](dst, x, y []T) (bad T) {
	dst, y = dst[:len(x)], y[:len(x)]
	for i, a := range x {
		b := y[i]
		s := a - b
		dst[i] = s
		bad |= (a ^ b) & (a ^ s)
	}
	return bad
}

func subChecked[T integer](a, b T) bool {
	s := a - b
	return (a^b)&(a^s) >= 0
}

func mulLoop[T integer](dst, x, y []T) (bad T) {
	dst, y = dst[:len(x)], y[:len(x)]
	excess := uint64(0)
	for i, a := range x {
		high, low := mulSigned(int64(a), int64(y[i]))
		p := T(low)
		dst[i] = p
		excess |= (high ^ uint64(int64(p)>>63)) | (low ^ uint64(int64(p)))
	}
	if excess != 0 {
		return -1
	}
	return 0
}

// mulSigned is the 128-bit product of two signed numbers.
func mulSigned(a, b int64) (high, low uint64) {
	high, low = bits.Mul64(uint64(a), uint64(b))
	return high - uint64(a>>63)&uint64(b) - uint64(b>>63)&uint64(a), low
}

func mulChecked[T integer](a, b T) bool {
	high, low := mulSigned(int64(a), int64(b))
	p := int64(T(low))
	return high == uint64(p>>63) && low == uint64(p)
}

func andLoop[T integer](dst, x, y []T) T {
	for i, a := range x {
		dst[i] = a & y[i]
	}
	return 0
}

func orLoop[T integer](dst, x, y []T) T {
	for i, a := range x {
		dst[i] = a | y[i]
	}
	return 0
}

func xorLoop[T integer](dst, x, y []T) T {
	for i, a := range x {
		dst[i] = a ^ y[i]
	}
	return 0
}

// quotient truncates. Division by zero and the one overflow give zero here.
func quotient[T integer](a, b T) T {
	if b == 0 || b == -1 && a == -a && a != 0 {
		return 0
	}
	return a / b
}

func remainder[T integer](a, b T) T {
	if b == 0 || b == -1 {
		return 0
	}
	return a % b
}

func intDivide[T integer](op func(a, b T) T, isMod bool) func(*frame, *node) *vector {
	return func(f *frame, n *node) *vector {
		a, b := f.eval(n.args[0]), f.eval(n.args[1])
		out, dst := newFixed[T](n.t, f.n)
		out.valid = validWith(f.n, a, b)
		bad := false
		pairs(f.n, a, b, func(at int, x, y []T) {
			seen := false
			for i, v := range x {
				d := y[i]
				seen = seen || d == 0 || d == -1
				dst[at+i] = op(v, d)
			}
			bad = bad || seen
		})
		if bad {
			x, y := access[T](a), access[T](b)
			f.failWhere(out, func(i int) error {
				d, v := y.at(i), x.at(i)
				if d == 0 {
					return errDivision
				}
				if !isMod && d == -1 && v == -v && v != 0 {
					return outOfRange(n.t.Kind)
				}
				return nil
			})
		}
		return out
	}
}

// intUnary is negation, absolute value and complement.
func intUnary[T integer](name string) (kernel, bool) {
	var op func(v T) T
	switch name {
	case "neg":
		op = func(v T) T { return -v }
	case "abs":
		op = func(v T) T {
			if v < 0 {
				return -v
			}
			return v
		}
	case "bitnot":
		op = func(v T) T { return ^v }
	default:
		return kernel{}, false
	}
	return kernel{eval: func(f *frame, n *node) *vector {
		a := f.eval(n.args[0])
		out, dst := newFixed[T](n.t, f.n)
		out.valid = a.valid
		bad := false
		for i, v := range values[T](a) {
			dst[i] = op(v)
			bad = bad || v == -v && v != 0
		}
		if bad && name != "bitnot" {
			x := values[T](a)
			f.failWhere(out, func(i int) error {
				if x[i] == -x[i] && x[i] != 0 {
					return outOfRange(n.t.Kind)
				}
				return nil
			})
		}
		return out
	}}, true
}

// intShift shifts by the count modulo the width, as the processors do that
// PostgreSQL runs on.
func intShift[T integer](name string, width int32) (kernel, bool) {
	if name != "shl" && name != "shr" {
		return kernel{}, false
	}
	return kernel{safe: true, eval: func(f *frame, n *node) *vector {
		a, b := f.eval(n.args[0]), f.eval(n.args[1])
		out, dst := newFixed[T](n.t, f.n)
		out.valid = validWith(f.n, a, b)
		x, y := access[T](a), access[int32](b)
		for i := range dst {
			count := y.at(i) & (max(width, 32) - 1)
			if name == "shl" {
				dst[i] = x.at(i) << count
			} else {
				dst[i] = x.at(i) >> count
			}
		}
		return out
	}}, true
}

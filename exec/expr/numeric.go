package expr

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// num is a NUMERIC value at its type's stored scale.
type num = decimal128.Num

// magnitude is an unsigned 128-bit number.
type magnitude struct{ hi, lo uint64 }

// maxNum is the largest magnitude of a NUMERIC, 10^38 - 1.
var maxNum = magnitude{5421010862427522170, 687399551400673279}

func (m magnitude) over(o magnitude) bool { return m.hi > o.hi || m.hi == o.hi && m.lo > o.lo }

// split returns the sign and the magnitude.
func split(v num) (negative bool, m magnitude) {
	if v.HighBits() < 0 {
		v = v.Negate()
		return true, magnitude{uint64(v.HighBits()), v.LowBits()}
	}
	return false, magnitude{uint64(v.HighBits()), v.LowBits()}
}

// join is split's inverse; ok is false for more than 38 digits.
func join(negative bool, m magnitude) (v num, ok bool) {
	if m.over(maxNum) {
		return num{}, false
	}
	v = decimal128.New(int64(m.hi), m.lo)
	if negative {
		v = v.Negate()
	}
	return v, true
}

// pow10 returns 10^k for k up to 19.
func pow10(k int32) uint64 {
	p := uint64(1)
	for range k {
		p *= 10
	}
	return p
}

// digitsInWord is the largest power of ten in 64 bits.
const digitsInWord = 19

// times multiplies by 10^k; ok is false beyond 128 bits.
func (m magnitude) times10(k int32) (out magnitude, ok bool) {
	for k > 0 {
		step := min(k, digitsInWord)
		if m, ok = m.times(pow10(step)); !ok {
			return m, false
		}
		k -= step
	}
	return m, true
}

func (m magnitude) times(by uint64) (out magnitude, ok bool) {
	carry, low := bits.Mul64(m.lo, by)
	over, high := bits.Mul64(m.hi, by)
	high, more := bits.Add64(high, carry, 0)
	return magnitude{high, low}, over == 0 && more == 0
}

// div divides by a word.
func (m magnitude) div(by uint64) (q magnitude, rest uint64) {
	high, rest := m.hi/by, m.hi%by
	low, rest := bits.Div64(rest, m.lo, by)
	return magnitude{high, low}, rest
}

// over10 divides by 10^k and rounds half up. Only the first digit dropped
// decides, so the others may be cut off before.
func (m magnitude) over10(k int32) magnitude {
	for k > digitsInWord {
		m, _ = m.div(pow10(digitsInWord))
		k -= digitsInWord
	}
	if k <= 0 {
		return m
	}
	by := pow10(k)
	q, rest := m.div(by)
	if rest >= by-rest {
		q = q.plusOne()
	}
	return q
}

func (m magnitude) plusOne() magnitude {
	low, carry := bits.Add64(m.lo, 1, 0)
	return magnitude{m.hi + carry, low}
}

// rescale moves a value to another scale, rounding half away from zero.
func rescale(v num, from, to int32) (num, bool) {
	if from == to {
		return v, true
	}
	negative, m := split(v)
	if to > from {
		var ok bool
		if m, ok = m.times10(to - from); !ok {
			return num{}, false
		}
		return join(negative, m)
	}
	return join(negative, m.over10(from-to))
}

// toNumeric rescales to the type and checks its precision.
func toNumeric(v num, from int32, t types.Type) (num, error) {
	scaled, ok := rescale(v, from, t.StoredScale())
	if !ok || !fits(scaled, t) {
		big := v.BigInt()
		if shift := t.StoredScale() - from; shift > 0 {
			big.Mul(big, bigPow10(shift))
			return pgtext.CheckNumeric(big, t)
		}
		return pgtext.CheckNumeric(scaled.BigInt(), t)
	}
	return scaled, nil
}

// fits reports whether the value has no more digits than its type.
func fits(v num, t types.Type) bool {
	if t.Precision == 0 || t.Precision >= types.NumericPrecision {
		return true
	}
	_, m := split(v)
	limit, ok := magnitude{0, 1}.times10(t.Precision)
	return !ok || limit.over(m)
}

func bigPow10(k int32) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(k)), nil) }

// numericSum is a + b at one scale; subtraction negates b.
func numericSum(a, b num) (num, bool) {
	s := a.Add(b)
	if a.Sign() >= 0 == (b.Sign() >= 0) && s.Sign() >= 0 != (a.Sign() >= 0) && s.Sign() != 0 {
		return num{}, false
	}
	_, m := split(s)
	return s, !m.over(maxNum)
}

// numericProduct multiplies and drops `drop` digits.
func numericProduct(a, b num, drop int32) (num, bool) {
	negA, x := split(a)
	negB, y := split(b)
	negative := negA != negB
	if x.hi == 0 && y.hi == 0 {
		high, low := bits.Mul64(x.lo, y.lo)
		return join(negative, magnitude{high, low}.over10(drop))
	}
	p := new(big.Int).Mul(a.BigInt(), b.BigInt())
	return fromBig(divBig(p, bigPow10(drop)))
}

// numericQuotient is a·10^shift / b, b not being zero.
func numericQuotient(a, b num, shift int32) (num, bool) {
	if shift < 0 {
		d := b.BigInt()
		return fromBig(divBig(a.BigInt(), d.Mul(d, bigPow10(-shift))))
	}
	negA, x := split(a)
	negB, y := split(b)
	if scaled, ok := x.times10(shift); ok && y.hi == 0 && scaled.hi < 1<<63 {
		q, rest := scaled.div(y.lo)
		if rest >= y.lo-rest {
			q = q.plusOne()
		}
		return join(negA != negB, q)
	}
	p := a.BigInt()
	return fromBig(divBig(p.Mul(p, bigPow10(shift)), b.BigInt()))
}

// divBig divides and rounds half away from zero.
func divBig(a, b *big.Int) *big.Int {
	q, rest := new(big.Int).QuoRem(a, b, new(big.Int))
	if rest.Lsh(rest.Abs(rest), 1).CmpAbs(b) >= 0 {
		q.Add(q, big.NewInt(int64(a.Sign()*b.Sign())))
	}
	return q
}

func fromBig(v *big.Int) (num, bool) {
	if v.BitLen() > 127 {
		return num{}, false
	}
	n := decimal128.FromBigInt(v)
	_, m := split(n)
	return n, !m.over(maxNum)
}

// numericRemainder is the remainder of truncated division at one scale.
func numericRemainder(a, b num) num {
	negative, x := split(a)
	_, y := split(b)
	if y.hi == 0 {
		_, rest := x.div(y.lo)
		v, _ := join(negative, magnitude{0, rest})
		return v
	}
	v, _ := fromBig(new(big.Int).Rem(a.BigInt(), b.BigInt()))
	return v
}

// numericFloat is the double nearest to a value.
func numericFloat(v num, scale int32) float64 {
	const exact = 1 << 53 // below it, both operands of one division are exact
	negative, m := split(v)
	if m.hi == 0 && m.lo < exact && scale <= digitsInWord {
		f := float64(m.lo) / float64(pow10(scale))
		if negative {
			return -f
		}
		return f
	}
	f, _ := strconv.ParseFloat(v.BigInt().String()+"e-"+strconv.Itoa(int(scale)), 64)
	return f
}

// floatNumeric is a double as a numeric of the type, with 15 significant digits
// (PostgreSQL's float8_numeric).
func floatNumeric(v float64, bitSize int, t types.Type) (num, error) {
	digits := 15
	if bitSize == 32 {
		digits = 6
	}
	return pgtext.ParseNumeric(strconv.FormatFloat(v, 'g', digits, bitSize), t)
}

// numericFamily returns arithmetic whose operands and result are numeric; the
// types of the node say at which scales.
func numericFamily(name string, n *node) (kernel, bool) {
	scale := n.t.StoredScale()
	first := n.args[0].t.StoredScale()
	last := n.args[len(n.args)-1].t.StoredScale()
	if len(n.args) == 1 {
		return numericUnary(name, n)
	}
	if len(n.args) != 2 || n.args[1].t.Kind != types.Numeric {
		return kernel{}, false
	}
	switch name {
	case "add":
		return numericBinary(func(a, b num) (num, bool) { return numericSum(a, b) }), true
	case "sub":
		return numericBinary(func(a, b num) (num, bool) { return numericSum(a, b.Negate()) }), true
	case "mul":
		return numericBinary(func(a, b num) (num, bool) { return numericProduct(a, b, first+last-scale) }), true
	case "div":
		if scale == 0 { // div(): the quotient is truncated
			return fixedFn(truncatedQuotient), true
		}
		return fixedFn(func(r *row) (num, error) {
			a, b := r.numeric(0), r.numeric(1)
			if b.Sign() == 0 {
				return num{}, errDivision
			}
			return checked(numericQuotient(a, b, scale-first+last))
		}), true
	case "mod":
		return fixedFn(func(r *row) (num, error) {
			if r.numeric(1).Sign() == 0 {
				return num{}, errDivision
			}
			return numericRemainder(r.numeric(0), r.numeric(1)), nil
		}), true
	}
	return kernel{}, false
}

func checked(v num, ok bool) (num, error) {
	if !ok {
		return num{}, errNumeric
	}
	return v, nil
}

func truncatedQuotient(r *row) (num, error) {
	a, b := r.numeric(0).BigInt(), r.numeric(1).BigInt()
	if b.Sign() == 0 {
		return num{}, errDivision
	}
	a.Mul(a, bigPow10(r.args[1].t.StoredScale()))
	b.Mul(b, bigPow10(r.args[0].t.StoredScale()))
	return checked(fromBig(a.Quo(a, b)))
}

func numericBinary(op func(a, b num) (num, bool)) kernel {
	return kernel{eval: func(f *frame, n *node) *vector {
		a, b := f.eval(n.args[0]), f.eval(n.args[1])
		out, dst := newFixed[num](n.t, f.n)
		out.valid = validWith(f.n, a, b)
		x, y := access[num](a), access[num](b)
		bad := false
		for i := range dst {
			v, ok := op(x.at(i), y.at(i))
			dst[i] = v
			bad = bad || !ok
		}
		if bad {
			f.failWhere(out, func(i int) error {
				_, err := checked(op(x.at(i), y.at(i)))
				return err
			})
		}
		return out
	}}
}

func numericUnary(name string, n *node) (kernel, bool) {
	scale := n.args[0].t.StoredScale()
	unary := func(op func(v num) (num, bool)) (kernel, bool) {
		return fixedFn(func(r *row) (num, error) { return checked(op(r.numeric(0))) }), true
	}
	switch name {
	case "neg":
		return unary(func(v num) (num, bool) { return v.Negate(), true })
	case "abs":
		return unary(func(v num) (num, bool) { return v.Abs(), true })
	case "sign":
		return unary(func(v num) (num, bool) { return decimal128.FromI64(int64(v.Sign())), true })
	case "round":
		return unary(func(v num) (num, bool) { return rescale(v, scale, 0) })
	case "trunc":
		return unary(func(v num) (num, bool) { return truncateTo(v, scale, 0), true })
	case "floor":
		return unary(func(v num) (num, bool) { return floorTo(v, scale, -1) })
	case "ceil", "ceiling":
		return unary(func(v num) (num, bool) { return floorTo(v, scale, 1) })
	}
	return kernel{}, false
}

// truncateTo cuts digits off.
func truncateTo(v num, from, to int32) num {
	negative, m := split(v)
	for k := from - to; k > 0; {
		step := min(k, digitsInWord)
		m, _ = m.div(pow10(step))
		k -= step
	}
	v, _ = join(negative, m)
	return v
}

// floorTo is the next whole number in a direction, -1 or 1.
func floorTo(v num, scale int32, direction int) (num, bool) {
	whole := truncateTo(v, scale, 0)
	back, ok := rescale(whole, 0, scale)
	if ok && back != v && v.Sign() == direction {
		return numericSum(whole, decimal128.FromI64(int64(direction)))
	}
	return whole, true
}

// viaFloat computes a numeric function in double precision, which gives 15
// digits.
func viaFloat(fn func(r *row, x float64) (float64, error)) kernel {
	return fixedFn(func(r *row) (num, error) {
		v, err := fn(r, numericFloat(r.numeric(0), r.args[0].t.StoredScale()))
		if err != nil {
			return num{}, err
		}
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return num{}, errNumeric
		}
		return floatNumeric(v, 64, r.n.t)
	})
}

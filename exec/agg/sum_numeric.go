package agg

import (
	"math/big"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/exec/rowcodec"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// wideSum is a sum of decimal128 values in 192 bits, least word first.
type wideSum struct {
	words [3]uint64
	n     int64
}

func (s *wideSum) add(lo, mid, hi uint64) {
	var carry uint64
	s.words[0], carry = bits.Add64(s.words[0], lo, 0)
	s.words[1], carry = bits.Add64(s.words[1], mid, carry)
	s.words[2], _ = bits.Add64(s.words[2], hi, carry)
}

// fits returns the sum as an int64.
func (s *wideSum) fits() (v int64, ok bool) {
	sign := uint64(int64(s.words[0]) >> 63)
	return int64(s.words[0]), s.words[1] == sign && s.words[2] == sign
}

func (s *wideSum) big() *big.Int {
	v := big.NewInt(int64(s.words[2]))
	for i := 1; i >= 0; i-- {
		v.Lsh(v, 64)
		v.Or(v, new(big.Int).SetUint64(s.words[i])) // the low bits are zero
	}
	return v
}

// newNumericSum is sum and avg of numeric, exact until Result rounds an average
// half away from zero.
func newNumericSum(s *Spec, avg bool) Accumulator {
	arg := s.Args[0]
	return &cells[wideSum]{kind: cellKind[wideSum]{
		update: func(state []wideSum, in *Input) {
			col := rowcodec.View(arg, in.Args[0])
			for i, v := range fixed[decimal128.Num](&col, len(in.IDs)) {
				if col.Null(i) {
					continue
				}
				cell, d := &state[in.IDs[i]], in.diff(i)
				if d < 0 {
					v = v.Negate()
				}
				hi := uint64(v.HighBits())
				cell.add(v.LowBits(), hi, uint64(int64(hi)>>63))
				cell.n += d
			}
		},
		merge: func(to, from *wideSum) {
			to.add(from.words[0], from.words[1], from.words[2])
			to.n += from.n
		},
		result: func(state []wideSum, ids []uint32) (arrow.Array, error) { return numericSumResult(s, avg, state, ids) },
		write: func(w *rowcodec.StateWriter, s *wideSum) {
			w.Int64(int64(s.words[0]))
			w.Int64(int64(s.words[1]))
			w.Int64(int64(s.words[2]))
			w.Int64(s.n)
		},
		read: func(r *rowcodec.StateReader, s *wideSum) {
			s.words = [3]uint64{uint64(r.Int64()), uint64(r.Int64()), uint64(r.Int64())}
			s.n = r.Int64()
		},
	}}
}

func numericSumResult(s *Spec, avg bool, state []wideSum, ids []uint32) (arrow.Array, error) {
	out := newOutput(s.Result, len(ids))
	scale := int(s.Result.StoredScale() - s.Args[0].StoredScale())
	for i, id := range ids {
		cell, by := &state[id], int64(1)
		if avg {
			by = cell.n
		}
		if cell.n <= 0 {
			out.null(i)
			continue
		}
		if v, ok := cell.fits(); ok && scale >= 0 && scale < len(powers) {
			lo, hi := scaled(v, powers[scale], uint64(by))
			out.wide(i, lo, hi)
			continue
		}
		num, ok := scaledBig(cell.big(), scale, by)
		if !ok {
			return nil, pgerr.Newf(pgerr.NumericOutOfRange, "value overflows numeric format")
		}
		out.wide(i, num.LowBits(), uint64(num.HighBits()))
	}
	return out.array(), nil
}

// powers are the powers of ten that, times any int64, have at most 38 digits.
var powers = [...]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
}

// scaled returns v*power/by in 128 bits, rounded half away from zero.
func scaled(v int64, power, by uint64) (lo, hi uint64) {
	magnitude := uint64(v)
	if v < 0 {
		magnitude = -magnitude
	}
	hi, lo = bits.Mul64(magnitude, power)
	rest := hi % by
	hi /= by
	lo, rest = bits.Div64(rest, lo, by)
	if rest >= by-rest {
		var carry uint64
		lo, carry = bits.Add64(lo, 1, 0)
		hi += carry
	}
	if v < 0 {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi = -hi - borrow
	}
	return lo, hi
}

// scaledBig returns v*10^scale/by rounded half away from zero; ok is false where
// that has more digits than a numeric.
func scaledBig(v *big.Int, scale int, by int64) (num decimal128.Num, ok bool) {
	ten, divisor := big.NewInt(10), big.NewInt(by)
	power := new(big.Int).Exp(ten, big.NewInt(int64(max(scale, -scale))), nil)
	if scale >= 0 {
		v.Mul(v, power)
	} else {
		divisor.Mul(divisor, power)
	}
	v = divideRounding(v, divisor)
	if v.CmpAbs(ten.Exp(ten, big.NewInt(types.NumericPrecision), nil)) >= 0 {
		return num, false
	}
	return decimal128.FromBigInt(v), true
}

// divideRounding returns v/by, by > 0, rounded half away from zero.
func divideRounding(v, by *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(v, by, new(big.Int))
	if r.Lsh(r, 1).CmpAbs(by) >= 0 {
		q.Add(q, big.NewInt(int64(v.Sign())))
	}
	return q
}

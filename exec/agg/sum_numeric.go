package agg

import (
	"math"
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
			w.Varint(int64(s.words[0]))
			w.Varint(int64(s.words[1]))
			w.Varint(int64(s.words[2]))
			w.Varint(s.n)
		},
		read: func(r *rowcodec.StateReader, s *wideSum) {
			s.words = [3]uint64{uint64(r.Varint()), uint64(r.Varint()), uint64(r.Varint())}
			s.n = r.Varint()
		},
	}}
}

func numericSumResult(s *Spec, avg bool, state []wideSum, ids []uint32) (arrow.Array, error) {
	out := newOutput(s.Result, len(ids))
	scale := int64(s.Result.StoredScale() - s.Args[0].StoredScale())
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(types.NumericPrecision), nil)
	for i, id := range ids {
		cell := &state[id]
		if cell.n <= 0 {
			out.null(i)
			continue
		}
		v, by := cell.big(), big.NewInt(1)
		if avg {
			by.SetInt64(cell.n)
		}
		power := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(scale, -scale)), nil)
		if scale >= 0 {
			v.Mul(v, power)
		} else {
			by.Mul(by, power)
		}
		v = divideRounding(v, by)
		if v.CmpAbs(limit) >= 0 {
			return nil, pgerr.Newf(pgerr.NumericOutOfRange, "value overflows numeric format")
		}
		num := decimal128.FromBigInt(v)
		out.wide(i, num.LowBits(), uint64(num.HighBits()))
	}
	return out.array(), nil
}

// divideRounding returns v/by, by > 0, rounded half away from zero.
func divideRounding(v, by *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(v, by, new(big.Int))
	if r.Lsh(r, 1).CmpAbs(by) >= 0 {
		q.Add(q, big.NewInt(int64(v.Sign())))
	}
	return q
}

// intervalSum keeps the parts of an interval apart.
type intervalSum struct {
	months, days int64
	nanos        intSum // its n counts the rows
}

func newIntervalSum(s *Spec, avg bool) Accumulator {
	arg := s.Args[0]
	return &cells[intervalSum]{kind: cellKind[intervalSum]{
		update: func(state []intervalSum, in *Input) {
			col := rowcodec.View(arg, in.Args[0])
			for i, v := range fixed[arrow.MonthDayNanoInterval](&col, len(in.IDs)) {
				if col.Null(i) {
					continue
				}
				cell, d := &state[in.IDs[i]], in.diff(i)
				cell.months += d * int64(v.Months)
				cell.days += d * int64(v.Days)
				nanos := d * v.Nanoseconds
				cell.nanos.add(uint64(nanos), nanos>>63)
				cell.nanos.n += d
			}
		},
		merge: func(to, from *intervalSum) {
			to.months += from.months
			to.days += from.days
			to.nanos.add(from.nanos.lo, from.nanos.hi)
			to.nanos.n += from.nanos.n
		},
		result: func(state []intervalSum, ids []uint32) (arrow.Array, error) {
			return intervalSumResult(s.Result, avg, state, ids)
		},
		write: func(w *rowcodec.StateWriter, s *intervalSum) {
			for _, v := range []int64{s.months, s.days, int64(s.nanos.lo), s.nanos.hi, s.nanos.n} {
				w.Varint(v)
			}
		},
		read: func(r *rowcodec.StateReader, s *intervalSum) {
			s.months, s.days = r.Varint(), r.Varint()
			s.nanos = intSum{lo: uint64(r.Varint()), hi: r.Varint(), n: r.Varint()}
		},
	}}
}

func intervalSumResult(t types.Type, avg bool, state []intervalSum, ids []uint32) (arrow.Array, error) {
	out := newOutput(t, len(ids))
	for i, id := range ids {
		cell := state[id]
		if cell.nanos.n <= 0 {
			out.null(i)
			continue
		}
		nanos, ok := cell.nanos.fits()
		if ok && avg {
			cell.months, cell.days, nanos = divideInterval(cell.months, cell.days, nanos, float64(cell.nanos.n))
		}
		if !ok || cell.months != int64(int32(cell.months)) || cell.days != int64(int32(cell.days)) {
			return nil, pgerr.Newf(pgerr.DatetimeFieldOverflow, "interval out of range")
		}
		out.wide(i, uint64(uint32(cell.months))|uint64(uint32(cell.days))<<32, uint64(nanos))
	}
	return out.array(), nil
}

// divideInterval divides as PostgreSQL's interval_div does: what is left of the
// months goes to days of which 30 make a month, what is left of the days to the
// time.
func divideInterval(months, days, nanos int64, by float64) (m, d, n int64) {
	const daySeconds = 24 * 60 * 60
	micro := func(v float64) float64 { return math.RoundToEven(v*1e6) / 1e6 }
	m, d = int64(float64(months)/by), int64(float64(days)/by)
	monthDays := micro((float64(months)/by - float64(m)) * 30)
	seconds := micro((float64(days)/by - float64(d) + monthDays - math.Trunc(monthDays)) * daySeconds)
	if math.Abs(seconds) >= daySeconds {
		d += int64(seconds / daySeconds)
		seconds -= math.Trunc(seconds/daySeconds) * daySeconds
	}
	d += int64(monthDays)
	micros := math.RoundToEven(float64(nanos)/1000/by + seconds*1e6)
	return m, d, int64(micros) * 1000
}

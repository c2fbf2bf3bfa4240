package agg

import (
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// integer is what smallint, integer and bigint are stored as.
type integer interface {
	int16 | int32 | int64
}

// intSum is a sum in 128 bits, so that only the final value can overflow, and the
// number of its rows.
type intSum struct {
	lo uint64
	hi int64
	n  int64
}

func (s *intSum) add(lo uint64, hi int64) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi += hi + int64(carry)
}

// fits returns the sum as a bigint.
func (s *intSum) fits() (v int64, ok bool) { return int64(s.lo), s.hi == int64(s.lo)>>63 }

func (s *intSum) float() float64 {
	if v, ok := s.fits(); ok {
		return float64(v)
	}
	return float64(s.hi)*(1<<64) + float64(s.lo)
}

// newIntSum is sum and avg of T.
func newIntSum[T integer](s *Spec, avg bool) Accumulator {
	arg := s.Args[0]
	return &cells[intSum]{kind: cellKind[intSum]{
		update: func(state []intSum, in *Input) { updateIntSum[T](arg, state, in) },
		merge: func(to, from *intSum) {
			to.add(from.lo, from.hi)
			to.n += from.n
		},
		result: func(state []intSum, ids []uint32) (arrow.Array, error) {
			return intSumResult(s.Result, avg, state, ids)
		},
		write: func(w *rowcodec.StateWriter, s *intSum) {
			w.Int64(int64(s.lo))
			w.Int64(s.hi)
			w.Int64(s.n)
		},
		read: func(r *rowcodec.StateReader, s *intSum) { s.lo, s.hi, s.n = uint64(r.Int64()), r.Int64(), r.Int64() },
	}}
}

func updateIntSum[T integer](arg types.Type, state []intSum, in *Input) {
	col := rowcodec.View(arg, in.Args[0])
	values := fixed[T](&col, len(in.IDs))
	switch {
	case col.Nulls != nil || in.Diffs != nil:
		for i, id := range in.IDs {
			if col.Null(i) {
				continue
			}
			v, hi := int64(values[i]), int64(values[i])>>63
			s := &state[id]
			if in.diff(i) < 0 { // subtract: -v would overflow for the least bigint
				v, hi = ^v, ^hi
				s.add(1, 0)
				s.n -= 2
			}
			s.add(uint64(v), hi)
			s.n++
		}
	case in.oneGroup():
		s := state[in.IDs[0]]
		for _, v := range values {
			s.add(uint64(int64(v)), int64(v)>>63)
		}
		s.n += int64(len(values))
		state[in.IDs[0]] = s
	default:
		for i, id := range in.IDs {
			v := int64(values[i])
			s := &state[id]
			s.add(uint64(v), v>>63)
			s.n++
		}
	}
}

func intSumResult(t types.Type, avg bool, state []intSum, ids []uint32) (arrow.Array, error) {
	out := newOutput(t, len(ids))
	for i, id := range ids {
		s := &state[id]
		v, ok := s.fits()
		switch {
		case s.n <= 0:
			out.null(i)
		case avg:
			out.float(i, s.float()/float64(s.n))
		case !ok || t.Kind == types.Int32 && v != int64(int32(v)) || t.Kind == types.Int16 && v != int64(int16(v)):
			return nil, pgerr.Newf(pgerr.NumericOutOfRange, "%s out of range", t)
		default:
			out.bits(i, uint64(v))
		}
	}
	return out.array(), nil
}

// bitCount counts, for each bit, the values that have it, and all values. It is
// the state of bit_and, bit_or and bit_xor where rows may go away again.
type bitCount struct {
	set [64]int64
	n   int64
}

// bitFold is their state otherwise.
type bitFold struct {
	v int64
	n int64
}

// bitOp is which of the three.
type bitOp uint8

const (
	bitAnd bitOp = iota
	bitOr
	bitXor
)

func (op bitOp) fold(to, from *bitFold) {
	switch {
	case to.n == 0:
		to.v = from.v
	case from.n == 0:
	case op == bitAnd:
		to.v &= from.v
	case op == bitOr:
		to.v |= from.v
	default:
		to.v ^= from.v
	}
	to.n += from.n
}

func newBit[T integer](s *Spec, op bitOp) Accumulator {
	if s.Retractable && op != bitXor {
		return newBitCount[T](s, op)
	}
	arg := s.Args[0]
	return &cells[bitFold]{kind: cellKind[bitFold]{
		update: func(state []bitFold, in *Input) {
			col := rowcodec.View(arg, in.Args[0])
			for i, v := range fixed[T](&col, len(in.IDs)) {
				if !col.Null(i) { // to xor once more is to take back; only then is a diff -1
					s := &state[in.IDs[i]]
					op.fold(s, &bitFold{v: int64(v), n: in.diff(i)})
				}
			}
		},
		merge: func(to, from *bitFold) { op.fold(to, from) },
		result: func(state []bitFold, ids []uint32) (arrow.Array, error) {
			out := newOutput(s.Result, len(ids))
			for i, id := range ids {
				if state[id].n <= 0 {
					out.null(i)
				}
				out.bits(i, uint64(state[id].v))
			}
			return out.array(), nil
		},
		write: func(w *rowcodec.StateWriter, s *bitFold) { w.Int64(s.v); w.Int64(s.n) },
		read:  func(r *rowcodec.StateReader, s *bitFold) { s.v, s.n = r.Int64(), r.Int64() },
	}}
}

func newBitCount[T integer](s *Spec, op bitOp) Accumulator {
	arg := s.Args[0]
	return &cells[bitCount]{kind: cellKind[bitCount]{
		update: func(state []bitCount, in *Input) {
			col := rowcodec.View(arg, in.Args[0])
			for i, v := range fixed[T](&col, len(in.IDs)) {
				if !col.Null(i) {
					state[in.IDs[i]].add(int64(v), in.diff(i))
				}
			}
		},
		merge: func(to, from *bitCount) {
			to.n += from.n
			for b := range to.set {
				to.set[b] += from.set[b]
			}
		},
		result: func(state []bitCount, ids []uint32) (arrow.Array, error) {
			out := newOutput(s.Result, len(ids))
			for i, id := range ids {
				if state[id].n <= 0 {
					out.null(i)
				}
				out.bits(i, state[id].value(op))
			}
			return out.array(), nil
		},
		write: func(w *rowcodec.StateWriter, s *bitCount) {
			w.Varint(s.n)
			for _, n := range s.set {
				w.Varint(n)
			}
		},
		read: func(r *rowcodec.StateReader, s *bitCount) {
			s.n = r.Varint()
			for b := range s.set {
				s.set[b] = r.Varint()
			}
		},
	}}
}

func (s *bitCount) add(v, diff int64) {
	s.n += diff
	for left := uint64(v); left != 0; left &= left - 1 {
		s.set[bits.TrailingZeros64(left)] += diff
	}
}

func (s *bitCount) value(op bitOp) uint64 {
	least := int64(1)
	if op == bitAnd {
		least = max(s.n, 1)
	}
	v := uint64(0)
	for b, n := range s.set {
		if n >= least {
			v |= 1 << b
		}
	}
	return v
}

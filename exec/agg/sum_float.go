package agg

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
	"laminardb/sql/types"
)

// floatSum adds in the order of arrival, as PostgreSQL does.
type floatSum struct {
	sum float64
	n   int64
}

// signedSum is a sum that rows may be taken from again: Neumaier's compensated
// summation of the finite values ("Rundungsfehleranalyse einiger Verfahren zur
// Summation endlicher Summen", 1974), and counts of the others, for which there
// is no way back.
type signedSum struct {
	sum, lost        float64
	n                int64
	nan, plus, minus int64
}

func (s *signedSum) add(v float64, diff int64) {
	s.n += diff
	switch {
	case v != v:
		s.nan += diff
	case math.IsInf(v, 1):
		s.plus += diff
	case math.IsInf(v, -1):
		s.minus += diff
	default:
		s.addFinite(v * float64(diff))
	}
	if s.n == 0 {
		s.sum, s.lost = 0, 0
	}
}

func (s *signedSum) addFinite(v float64) {
	t := s.sum + v
	if math.Abs(s.sum) >= math.Abs(v) {
		s.lost += (s.sum - t) + v
	} else {
		s.lost += (v - t) + s.sum
	}
	s.sum = t
}

func (s *signedSum) value() float64 {
	switch {
	case s.nan != 0 || s.plus != 0 && s.minus != 0:
		return math.NaN()
	case s.plus != 0:
		return math.Inf(1)
	case s.minus != 0:
		return math.Inf(-1)
	}
	return s.sum + s.lost
}

// newFloatSum is sum and avg of T. Sums of real are kept in double precision.
func newFloatSum[T float32 | float64](s *Spec, avg bool) Accumulator {
	if s.Retractable {
		return newSignedSum[T](s, avg)
	}
	arg := s.Args[0]
	return &cells[floatSum]{kind: cellKind[floatSum]{
		update: func(state []floatSum, in *Input) { updateFloatSum[T](arg, state, in) },
		merge: func(to, from *floatSum) {
			to.sum += from.sum
			to.n += from.n
		},
		result: func(state []floatSum, ids []uint32) (arrow.Array, error) {
			out := newOutput(s.Result, len(ids))
			for i, id := range ids {
				out.sumOrAvg(i, state[id].sum, state[id].n, avg)
			}
			return out.array(), nil
		},
		write: func(w *rowcodec.StateWriter, s *floatSum) { w.Float64(s.sum); w.Int64(s.n) },
		read:  func(r *rowcodec.StateReader, s *floatSum) { s.sum, s.n = r.Float64(), r.Int64() },
	}}
}

func (o *output) sumOrAvg(i int, sum float64, n int64, avg bool) {
	switch {
	case n <= 0:
		o.null(i)
	case avg:
		o.float(i, sum/float64(n))
	default:
		o.float(i, sum)
	}
}

func updateFloatSum[T float32 | float64](arg types.Type, state []floatSum, in *Input) {
	col := rowcodec.View(arg, in.Args[0])
	values := fixed[T](&col, len(in.IDs))
	switch {
	case col.Nulls != nil:
		for i, id := range in.IDs {
			if !col.Null(i) {
				state[id].sum += float64(values[i])
				state[id].n++
			}
		}
	case in.oneGroup():
		s := state[in.IDs[0]]
		for _, v := range values {
			s.sum += float64(v)
		}
		s.n += int64(len(values))
		state[in.IDs[0]] = s
	default:
		for i, id := range in.IDs {
			s := &state[id]
			s.sum += float64(values[i])
			s.n++
		}
	}
}

func newSignedSum[T float32 | float64](s *Spec, avg bool) Accumulator {
	arg := s.Args[0]
	return &cells[signedSum]{kind: cellKind[signedSum]{
		update: func(state []signedSum, in *Input) {
			col := rowcodec.View(arg, in.Args[0])
			for i, v := range fixed[T](&col, len(in.IDs)) {
				if !col.Null(i) {
					state[in.IDs[i]].add(float64(v), in.diff(i))
				}
			}
		},
		merge: func(to, from *signedSum) {
			to.addFinite(from.sum)
			to.lost += from.lost
			to.n += from.n
			to.nan, to.plus, to.minus = to.nan+from.nan, to.plus+from.plus, to.minus+from.minus
		},
		result: func(state []signedSum, ids []uint32) (arrow.Array, error) {
			out := newOutput(s.Result, len(ids))
			for i, id := range ids {
				out.sumOrAvg(i, state[id].value(), state[id].n, avg)
			}
			return out.array(), nil
		},
		write: func(w *rowcodec.StateWriter, s *signedSum) {
			w.Float64(s.sum)
			w.Float64(s.lost)
			w.Int64(s.n)
			w.Int64(s.nan)
			w.Int64(s.plus)
			w.Int64(s.minus)
		},
		read: func(r *rowcodec.StateReader, s *signedSum) {
			s.sum, s.lost, s.n = r.Float64(), r.Float64(), r.Int64()
			s.nan, s.plus, s.minus = r.Int64(), r.Int64(), r.Int64()
		},
	}}
}

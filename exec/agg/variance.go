package agg

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
)

// moments is a count, a sum and the sum of squared differences from the mean, kept
// by Youngs and Cramer's updating formulas ("Some Results Relevant to Choice of
// Sum and Sum-of-Product Algorithms", 1971), as PostgreSQL's float8_accum does.
// Values that are not finite are only counted: with one, the result is NaN.
type moments struct {
	n, sum, squares float64
	rows, strange   int64
}

func (m *moments) add(x float64) {
	m.rows++
	if x-x != 0 {
		m.strange++
		return
	}
	m.n++
	m.sum += x
	if m.n > 1 {
		d := x*m.n - m.sum
		m.squares += d * d / (m.n * (m.n - 1))
	}
}

// remove is add's inverse.
func (m *moments) remove(x float64) {
	m.rows--
	if x-x != 0 {
		m.strange--
		return
	}
	d := x*m.n - m.sum
	m.n--
	m.sum -= x
	if m.n <= 0 {
		m.n, m.sum, m.squares = 0, 0, 0
		return
	}
	m.squares = max(0, m.squares-d*d/((m.n+1)*m.n))
	if m.n == 1 {
		m.squares = 0
	}
}

func (m *moments) merge(o *moments) {
	m.rows += o.rows
	m.strange += o.strange
	switch {
	case o.n == 0:
		return
	case m.n == 0:
		m.n, m.sum, m.squares = o.n, o.sum, o.squares
		return
	}
	d := m.sum/m.n - o.sum/o.n
	n := m.n + o.n
	m.squares += o.squares + m.n*o.n*d*d/n
	m.sum += o.sum
	m.n = n
}

// spread is which of the four.
type spread struct{ sample, root bool }

func (k spread) value(m *moments) (v float64, ok bool) {
	less := 0.0
	if k.sample {
		less = 1
	}
	switch {
	case float64(m.rows) <= less:
		return 0, false
	case m.strange > 0 || math.IsInf(m.squares, 0):
		return math.NaN(), true
	}
	v = m.squares / (m.n - less)
	if k.root {
		v = math.Sqrt(v)
	}
	return v, true
}

func newVariance(s *Spec, k spread) Accumulator {
	arg := s.Args[0]
	return &cells[moments]{kind: cellKind[moments]{
		update: func(state []moments, in *Input) {
			col := rowcodec.View(arg, in.Args[0])
			for i, x := range fixed[float64](&col, len(in.IDs)) {
				switch {
				case col.Null(i):
				case in.diff(i) < 0:
					state[in.IDs[i]].remove(x)
				default:
					state[in.IDs[i]].add(x)
				}
			}
		},
		merge: func(to, from *moments) { to.merge(from) },
		result: func(state []moments, ids []uint32) (arrow.Array, error) {
			out := newOutput(s.Result, len(ids))
			for i, id := range ids {
				v, ok := k.value(&state[id])
				if !ok {
					out.null(i)
				}
				out.float(i, v)
			}
			return out.array(), nil
		},
		write: func(w *rowcodec.StateWriter, m *moments) {
			for _, v := range []float64{m.n, m.sum, m.squares} {
				w.Float64(v)
			}
			w.Int64(m.rows)
			w.Int64(m.strange)
		},
		read: func(r *rowcodec.StateReader, m *moments) {
			m.n, m.sum, m.squares = r.Float64(), r.Float64(), r.Float64()
			m.rows, m.strange = r.Int64(), r.Int64()
		},
	}}
}

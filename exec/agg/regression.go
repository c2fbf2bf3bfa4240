package agg

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
)

// pairMoments are the moments of pairs (y, x), kept as those of one variable are
// (moments), as PostgreSQL's float8_regr_accum does.
type pairMoments struct {
	n, sx, sy, sxx, syy, sxy float64
	rows, strange            int64
}

func (m *pairMoments) add(y, x float64) {
	m.rows++
	if x-x != 0 || y-y != 0 {
		m.strange++
		return
	}
	m.n++
	m.sx += x
	m.sy += y
	if m.n > 1 {
		m.squares(x*m.n-m.sx, y*m.n-m.sy, 1/(m.n*(m.n-1)))
	}
}

func (m *pairMoments) squares(dx, dy, scale float64) {
	m.sxx += dx * dx * scale
	m.syy += dy * dy * scale
	m.sxy += dx * dy * scale
}

// remove is add's inverse.
func (m *pairMoments) remove(y, x float64) {
	m.rows--
	if x-x != 0 || y-y != 0 {
		m.strange--
		return
	}
	dx, dy := x*m.n-m.sx, y*m.n-m.sy
	m.n--
	m.sx -= x
	m.sy -= y
	switch {
	case m.n <= 0:
		m.n, m.sx, m.sy = 0, 0, 0
		fallthrough
	case m.n == 1:
		m.sxx, m.syy, m.sxy = 0, 0, 0
	default:
		m.squares(dx, dy, -1/((m.n+1)*m.n))
		m.sxx, m.syy = max(m.sxx, 0), max(m.syy, 0)
	}
}

func (m *pairMoments) merge(o *pairMoments) {
	m.rows += o.rows
	m.strange += o.strange
	if o.n == 0 {
		return
	}
	if m.n > 0 {
		dx, dy := m.sx/m.n-o.sx/o.n, m.sy/m.n-o.sy/o.n
		m.squares(dx, dy, m.n*o.n/(m.n+o.n))
	}
	m.n += o.n
	m.sx += o.sx
	m.sy += o.sy
	m.sxx += o.sxx
	m.syy += o.syy
	m.sxy += o.sxy
}

// regression is a statistic of pairs; ok is false for NULL.
type regression func(m *pairMoments) (v float64, ok bool)

// regressions returns the statistic of that name, nil if there is none.
func regressions(name string) regression {
	switch name {
	case "covar_pop":
		return func(m *pairMoments) (float64, bool) { return m.sxy / m.n, m.n >= 1 }
	case "covar_samp":
		return func(m *pairMoments) (float64, bool) { return m.sxy / (m.n - 1), m.n >= 2 }
	case "corr":
		return func(m *pairMoments) (float64, bool) {
			r := m.sxy / (math.Sqrt(m.sxx) * math.Sqrt(m.syy))
			return min(max(r, -1), 1), m.sxx != 0 && m.syy != 0
		}
	case "regr_slope":
		return func(m *pairMoments) (float64, bool) { return m.sxy / m.sxx, m.sxx != 0 }
	case "regr_intercept":
		return func(m *pairMoments) (float64, bool) { return (m.sy - m.sx*m.sxy/m.sxx) / m.n, m.sxx != 0 }
	case "regr_r2":
		return func(m *pairMoments) (float64, bool) {
			if m.syy == 0 {
				return 1, m.sxx != 0
			}
			return m.sxy / m.sxx * (m.sxy / m.syy), m.sxx != 0
		}
	case "regr_avgx":
		return func(m *pairMoments) (float64, bool) { return m.sx / m.n, m.n >= 1 }
	case "regr_avgy":
		return func(m *pairMoments) (float64, bool) { return m.sy / m.n, m.n >= 1 }
	case "regr_sxx":
		return func(m *pairMoments) (float64, bool) { return m.sxx, m.n >= 1 }
	case "regr_syy":
		return func(m *pairMoments) (float64, bool) { return m.syy, m.n >= 1 }
	case "regr_sxy":
		return func(m *pairMoments) (float64, bool) { return m.sxy, m.n >= 1 }
	case "regr_count":
		return func(m *pairMoments) (float64, bool) { return float64(m.rows), true }
	}
	return nil
}

// newRegression is the aggregate of two double precision arguments, y first.
func newRegression(s *Spec, value regression) Accumulator {
	count := s.Func == "regr_count"
	ty, tx := s.Args[0], s.Args[1]
	return &cells[pairMoments]{kind: cellKind[pairMoments]{
		update: func(state []pairMoments, in *Input) {
			cy, cx := rowcodec.View(ty, in.Args[0]), rowcodec.View(tx, in.Args[1])
			ys, xs := fixed[float64](&cy, len(in.IDs)), fixed[float64](&cx, len(in.IDs))
			for i, id := range in.IDs {
				switch {
				case cy.Null(i) || cx.Null(i):
				case in.diff(i) < 0:
					state[id].remove(ys[i], xs[i])
				default:
					state[id].add(ys[i], xs[i])
				}
			}
		},
		merge: func(to, from *pairMoments) { to.merge(from) },
		result: func(state []pairMoments, ids []uint32) (arrow.Array, error) {
			out := newOutput(s.Result, len(ids))
			for i, id := range ids {
				m := &state[id]
				v, ok := value(m)
				switch {
				case count:
					out.bits(i, uint64(m.rows))
				case m.strange > 0:
					out.float(i, math.NaN())
				case !ok:
					out.null(i)
				default:
					out.float(i, v)
				}
			}
			return out.array(), nil
		},
		write: func(w *rowcodec.StateWriter, m *pairMoments) {
			for _, v := range []float64{m.n, m.sx, m.sy, m.sxx, m.syy, m.sxy} {
				w.Float64(v)
			}
			w.Int64(m.rows)
			w.Int64(m.strange)
		},
		read: func(r *rowcodec.StateReader, m *pairMoments) {
			m.n, m.sx, m.sy = r.Float64(), r.Float64(), r.Float64()
			m.sxx, m.syy, m.sxy = r.Float64(), r.Float64(), r.Float64()
			m.rows, m.strange = r.Int64(), r.Int64()
		},
	}}
}

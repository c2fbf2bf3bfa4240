package agg

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

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
				w.Int64(v)
			}
		},
		read: func(r *rowcodec.StateReader, s *intervalSum) {
			s.months, s.days = r.Int64(), r.Int64()
			s.nanos = intSum{lo: uint64(r.Int64()), hi: r.Int64(), n: r.Int64()}
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
			cell.months, cell.days, nanos = scaleInterval(cell.months, cell.days, nanos, func(v float64) float64 { return v / float64(cell.nanos.n) })
		}
		if !ok || cell.months != int64(int32(cell.months)) || cell.days != int64(int32(cell.days)) {
			return nil, pgerr.Newf(pgerr.DatetimeFieldOverflow, "interval out of range")
		}
		out.wide(i, uint64(uint32(cell.months))|uint64(uint32(cell.days))<<32, uint64(nanos))
	}
	return out.array(), nil
}

// scaleInterval multiplies or divides as PostgreSQL's interval_mul and
// interval_div do: what is left of the months goes to days of which 30 make a
// month, what is left of the days to the time.
func scaleInterval(months, days, nanos int64, scale func(float64) float64) (m, d, n int64) {
	const daySeconds = 24 * 60 * 60
	micro := func(v float64) float64 { return math.RoundToEven(v*1e6) / 1e6 }
	scaledMonths, scaledDays := scale(float64(months)), scale(float64(days))
	m, d = int64(scaledMonths), int64(scaledDays)
	monthDays := micro((scaledMonths - float64(m)) * 30)
	seconds := micro((scaledDays - float64(d) + monthDays - math.Trunc(monthDays)) * daySeconds)
	if math.Abs(seconds) >= daySeconds {
		d += int64(seconds / daySeconds)
		seconds -= math.Trunc(seconds/daySeconds) * daySeconds
	}
	d += int64(monthDays)
	micros := math.RoundToEven(scale(float64(nanos)/1000) + seconds*1e6)
	return m, d, int64(micros) * 1000
}

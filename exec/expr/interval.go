package expr

import (
	"math"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// The first timestamp that PostgreSQL has, 4714-11-24 BC, and the end of those
// that 64 bits of microseconds since 1970 hold (in 294247; PostgreSQL counts from
// 2000 and gets 30 years further).
const (
	minTimestamp = -210866803200000000
	endTimestamp = math.MaxInt64
)

func checkTimestamp(micros int64) (int64, error) {
	if micros < minTimestamp || micros >= endTimestamp {
		return 0, errTimestamp
	}
	return micros, nil
}

// addMonths moves a wall clock by months; a day that the month does not have
// becomes its last.
func addMonths(micros int64, months int32) int64 {
	if months == 0 {
		return micros
	}
	days := floorDiv(micros, types.MicrosPerDay)
	y, m, d := pgtext.Civil(days)
	total := int64(y)*12 + int64(m-1) + int64(months)
	y, m = int(floorDiv(total, 12)), int(total-floorDiv(total, 12)*12)+1
	d = min(d, monthLength(y, m))
	return pgtext.CivilDay(y, m, d)*types.MicrosPerDay + micros - days*types.MicrosPerDay
}

func monthLength(year, month int) int {
	if month == 12 {
		return 31
	}
	return int(pgtext.CivilDay(year, month+1, 1) - pgtext.CivilDay(year, month, 1))
}

// addInterval adds to a timestamp: months and days on the wall clock of the
// zone, the rest in absolute time.
func addInterval(micros int64, v types.IntervalValue, zone *time.Location) (int64, error) {
	if infinite(micros) {
		return micros, nil
	}
	if v.Months != 0 || v.Days != 0 {
		local := addMonths(toLocal(micros, zone), v.Months)
		if _, err := checkTimestamp(local); err != nil {
			return 0, err
		}
		local += int64(v.Days) * types.MicrosPerDay
		if _, err := checkTimestamp(local); err != nil {
			return 0, err
		}
		micros = fromLocal(local, zone)
	}
	if !addChecked(micros, v.Micros) {
		return 0, errTimestamp
	}
	return checkTimestamp(micros + v.Micros)
}

func negate(v types.IntervalValue) types.IntervalValue {
	return types.IntervalValue{Months: -v.Months, Days: -v.Days, Micros: -v.Micros}
}

// plusInterval is time ± interval in whichever order the operands come.
func plusInterval(timeArg, intervalArg int, minus, zoned bool) kernel {
	k := fixedFn(func(r *row) (int64, error) {
		v := r.interval(intervalArg)
		if minus {
			v = negate(v)
		}
		zone := time.UTC
		if zoned {
			zone = r.f.p.env.zone()
		}
		return addInterval(r.int64(timeArg), v, zone)
	})
	k.stable = zoned
	return k
}

// plusMillis is BIGINT ± INTERVAL: epoch milliseconds.
func plusMillis(timeArg, intervalArg int, minus bool) kernel {
	millis := func(v types.IntervalValue) (int64, error) {
		if minus {
			v = negate(v)
		}
		ms, ok := v.FixedMillis()
		if !ok {
			return 0, pgerr.Newf(pgerr.FeatureNotSupported, "interval %s cannot be added to a bigint time", v).
				WithHint("A bigint time counts milliseconds: months have no fixed length, and parts of a millisecond are lost.")
		}
		return ms, nil
	}
	slow := fixedFn(func(r *row) (int64, error) {
		ms, err := millis(r.interval(intervalArg))
		if err == nil && !addChecked(r.int64(timeArg), ms) {
			err = errBigint
		}
		return r.int64(timeArg) + ms, err
	})
	return kernel{eval: func(f *frame, n *node) *vector {
		v := f.eval(n.args[intervalArg])
		if !v.konst {
			return slow.eval(f, n)
		}
		ms, err := millis(unpackInterval(values[arrow.MonthDayNanoInterval](v)[0]))
		if err != nil {
			return f.failAll(n.t, err)
		}
		same, dst := newFixed[int64](types.Of(types.Int64), 1)
		dst[0], same.konst = ms, true
		return intOp(addLoop[int64], addChecked[int64])(f, &node{t: n.t, args: []*node{n.args[timeArg], {t: same.t, konst: same}}})
	}}
}

func sumInterval(a, b types.IntervalValue) (arrow.MonthDayNanoInterval, error) {
	if !addChecked(a.Months, b.Months) || !addChecked(a.Days, b.Days) || !addChecked(a.Micros, b.Micros) {
		return arrow.MonthDayNanoInterval{}, errInterval
	}
	return arrowInterval(types.IntervalValue{Months: a.Months + b.Months, Days: a.Days + b.Days, Micros: a.Micros + b.Micros})
}

// between is the interval from b to a, in days of 24 hours and the rest.
func between(a, b int64) (arrow.MonthDayNanoInterval, error) {
	if infinite(a) || infinite(b) {
		return arrow.MonthDayNanoInterval{}, pgerr.Newf(pgerr.DatetimeFieldOverflow, "cannot subtract infinite timestamps")
	}
	if !subChecked(a, b) {
		return arrow.MonthDayNanoInterval{}, errInterval
	}
	d := a - b
	return arrowInterval(types.IntervalValue{Days: int32(d / types.MicrosPerDay), Micros: d % types.MicrosPerDay})
}

// scaleInterval multiplies: a part of a month becomes days of 30 to the month, a
// part of a day becomes time (PostgreSQL's interval_mul).
func scaleInterval(v types.IntervalValue, scale func(float64) float64) (arrow.MonthDayNanoInterval, error) {
	const secondsPerDay = 86400
	months, days := scale(float64(v.Months)), scale(float64(v.Days))
	if !(math.Abs(months) < math.MaxInt32) || !(math.Abs(days) < math.MaxInt32) {
		return arrow.MonthDayNanoInterval{}, errInterval
	}
	out := types.IntervalValue{Months: int32(months), Days: int32(days)}
	moreDays := roundMicro((months - float64(out.Months)) * 30)
	seconds := roundMicro((days - float64(out.Days) + moreDays - math.Trunc(moreDays)) * secondsPerDay)
	if math.Abs(seconds) >= secondsPerDay {
		out.Days += int32(seconds / secondsPerDay)
		seconds -= math.Trunc(seconds/secondsPerDay) * secondsPerDay
	}
	if math.Abs(float64(out.Days)+moreDays) >= math.MaxInt32 {
		return arrow.MonthDayNanoInterval{}, errInterval
	}
	out.Days += int32(moreDays)
	micros := math.RoundToEven(scale(float64(v.Micros)) + seconds*microsPerSecond)
	if !(math.Abs(micros) < math.MaxInt64) {
		return arrow.MonthDayNanoInterval{}, errInterval
	}
	out.Micros = int64(micros)
	return arrowInterval(out)
}

func roundMicro(v float64) float64 { return math.RoundToEven(v*microsPerSecond) / microsPerSecond }

func dividedInterval(r *row) (arrow.MonthDayNanoInterval, error) {
	by := r.float64(1)
	if by == 0 {
		return arrow.MonthDayNanoInterval{}, errDivision
	}
	return scaleInterval(r.interval(0), func(v float64) float64 { return v / by })
}

// timeFunctions are the operators of dates and times.
func timeFunctions() map[string]kernel {
	type interval = arrow.MonthDayNanoInterval
	m := map[string]kernel{
		"add(bigint,interval)": plusMillis(0, 1, false), "add(interval,bigint)": plusMillis(1, 0, false),
		"sub(bigint,interval)":    plusMillis(0, 1, true),
		"add(timestamp,interval)": plusInterval(0, 1, false, false), "add(interval,timestamp)": plusInterval(1, 0, false, false),
		"sub(timestamp,interval)":   plusInterval(0, 1, true, false),
		"add(timestamptz,interval)": plusInterval(0, 1, false, true), "add(interval,timestamptz)": plusInterval(1, 0, false, true),
		"sub(timestamptz,interval)": plusInterval(0, 1, true, true),
		"add(date,integer)":         fixedFn(func(r *row) (int32, error) { return movedDate(r.int32(0), r.int32(1)) }),
		"add(integer,date)":         fixedFn(func(r *row) (int32, error) { return movedDate(r.int32(1), r.int32(0)) }),
		"sub(date,integer)":         fixedFn(func(r *row) (int32, error) { return movedDate(r.int32(0), -r.int32(1)) }),
		"sub(date,date)":            fixedFn(dateDifference),
		"add(date,time)":            fixedFn(func(r *row) (int64, error) { return dateAndTime(r.int32(0), r.int64(1)) }),
		"add(time,date)":            fixedFn(func(r *row) (int64, error) { return dateAndTime(r.int32(1), r.int64(0)) }),
		"add(time,interval)": fixedFn(func(r *row) (int64, error) {
			return timeOfDay(r.int64(0) + r.interval(1).Micros%types.MicrosPerDay), nil
		}),
		"add(interval,time)": fixedFn(func(r *row) (int64, error) {
			return timeOfDay(r.int64(1) + r.interval(0).Micros%types.MicrosPerDay), nil
		}),
		"sub(time,interval)": fixedFn(func(r *row) (int64, error) {
			return timeOfDay(r.int64(0) - r.interval(1).Micros%types.MicrosPerDay), nil
		}),
		"sub(time,time)": fixedFn(func(r *row) (interval, error) {
			return arrowInterval(types.IntervalValue{Micros: r.int64(0) - r.int64(1)})
		}),
		"add(interval,interval)": fixedFn(func(r *row) (interval, error) { return sumInterval(r.interval(0), r.interval(1)) }),
		"sub(interval,interval)": fixedFn(func(r *row) (interval, error) { return sumInterval(r.interval(0), negate(r.interval(1))) }),
		"neg(interval)":          fixedFn(func(r *row) (interval, error) { return arrowInterval(negate(r.interval(0))) }),
		"mul(interval,double)": fixedFn(func(r *row) (interval, error) {
			return scaleInterval(r.interval(0), func(v float64) float64 { return v * r.float64(1) })
		}),
		"mul(double,interval)": fixedFn(func(r *row) (interval, error) {
			return scaleInterval(r.interval(1), func(v float64) float64 { return v * r.float64(0) })
		}),
		"div(interval,double)": fixedFn(dividedInterval),
	}
	difference := fixedFn(func(r *row) (interval, error) { return between(r.int64(0), r.int64(1)) })
	m["sub(timestamp,timestamp)"], m["sub(timestamptz,timestamptz)"] = difference, difference
	return m
}

func movedDate(days, by int) (int32, error) {
	if days == pgtext.DateInfinity || days == pgtext.DateNegativeInfinity {
		return int32(days), nil
	}
	v := int64(days) + int64(by)
	if v < minTimestamp/types.MicrosPerDay || v > 2145042541 {
		return 0, errDate
	}
	return int32(v), nil
}

func dateDifference(r *row) (int32, error) {
	for k := range 2 {
		if d := r.int32(k); d == pgtext.DateInfinity || d == pgtext.DateNegativeInfinity {
			return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, "cannot subtract infinite dates")
		}
	}
	return narrow(int64(r.int32(0)) - int64(r.int32(1)))
}

func dateAndTime(days int, micros int64) (int64, error) {
	v, err := dateToTimestamp(int32(days))
	if err != nil || infinite(v) {
		return v, err
	}
	return v + micros, nil
}

package expr

import (
	"math"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// fields is a wall clock taken apart. Years before 1 AD are 0 and below.
type fields struct {
	year, month, day int
	days             int64 // since 1970-01-01
	micros           int64 // since midnight
	offset           int   // seconds east of UTC, for timestamptz
}

func fieldsOf(local int64) fields {
	f := fields{days: floorDiv(local, types.MicrosPerDay)}
	f.micros = local - f.days*types.MicrosPerDay
	f.year, f.month, f.day = pgtext.Civil(f.days)
	return f
}

// isoWeek returns the ISO 8601 year and week.
func (f fields) isoWeek() (year, week int) {
	thursday := f.days - (f.days + 3 - floorDiv(f.days+3, 7)*7) + 3
	year, _, _ = pgtext.Civil(thursday)
	return year, int((thursday-pgtext.CivilDay(year, 1, 1))/7) + 1
}

// weekday is 0 on Sunday.
func (f fields) weekday() int { return int(f.days + 4 - floorDiv(f.days+4, 7)*7) }

func (f fields) yearDay() int { return int(f.days-pgtext.CivilDay(f.year, 1, 1)) + 1 }

// shownYear is the year as people count it: there is no year 0.
func (f fields) shownYear() int {
	if f.year <= 0 {
		return f.year - 1
	}
	return f.year
}

func century(year, length int) int {
	if year > 0 {
		return (year + length - 1) / length
	}
	return -((length - 1 - (year - 1)) / length)
}

const million = 1_000_000

// part returns a field of a wall clock in millionths; ok is false for a field
// that it does not have.
func (f fields) part(name string) (v int64, ok bool) {
	whole := func(n int) (int64, bool) { return int64(n) * million, true }
	isoYear, week := f.isoWeek()
	switch name {
	case "year", "years", "y", "yr", "yrs":
		return whole(f.shownYear())
	case "month", "months", "mon", "mons":
		return whole(f.month)
	case "day", "days", "d":
		return whole(f.day)
	case "quarter", "qtr":
		return whole((f.month-1)/3 + 1)
	case "week", "weeks", "w":
		return whole(week)
	case "isoyear":
		if isoYear <= 0 {
			isoYear--
		}
		return whole(isoYear)
	case "dow":
		return whole(f.weekday())
	case "isodow":
		return whole((f.weekday()+6)%7 + 1)
	case "doy":
		return whole(f.yearDay())
	case "decade", "decades", "dec", "decs":
		return whole(int(floorDiv(int64(f.year), 10)))
	case "century", "centuries", "c", "cent":
		return whole(century(f.year, 100))
	case "millennium", "millennia", "mil", "mils":
		return whole(century(f.year, 1000))
	case "julian", "jd", "j":
		return (f.days+2440588)*million + f.micros*million/types.MicrosPerDay, true
	}
	return clockPart(name, f.micros)
}

// clockPart is the part of a time of day, or of an interval's time.
func clockPart(name string, micros int64) (v int64, ok bool) {
	switch name {
	case "hour", "hours", "h", "hr", "hrs":
		return micros / (3600 * million) * million, true
	case "minute", "minutes", "m", "min", "mins":
		return micros / (60 * million) % 60 * million, true
	case "second", "seconds", "s", "sec", "secs":
		return micros % (60 * million), true
	case "millisecond", "milliseconds", "ms", "msec", "msecs", "msecond", "mseconds":
		return micros % (60 * million) * 1000, true
	case "microsecond", "microseconds", "us", "usec", "usecs", "usecond", "useconds":
		return micros % (60 * million) * million, true
	}
	return 0, false
}

// zonePart is what only a timestamptz has.
func (f fields) zonePart(name string) (v int64, ok bool) {
	switch name {
	case "timezone", "timezone_h", "timezone_hour":
		if name != "timezone" {
			return int64(f.offset/3600) * million, true
		}
		return int64(f.offset) * million, true
	case "timezone_m", "timezone_minute":
		return int64(f.offset/60%60) * million, true
	}
	return f.part(name)
}

func intervalPart(name string, v types.IntervalValue) (int64, bool) {
	whole := func(n int32) (int64, bool) { return int64(n) * million, true }
	switch name {
	case "year", "years":
		return whole(v.Months / 12)
	case "month", "months":
		return whole(v.Months % 12)
	case "quarter":
		return whole(v.Months%12/3 + 1)
	case "day", "days":
		return whole(v.Days)
	case "decade", "decades":
		return whole(v.Months / 120)
	case "century", "centuries":
		return whole(v.Months / 1200)
	case "millennium", "millennia":
		return whole(v.Months / 12000)
	case "epoch": // a year is 365.25 days, a month of the rest 30
		days := int64(v.Months/12)*1461*6 + int64(v.Months%12)*30*24 // in hours
		return days*3600*million + int64(v.Days)*types.MicrosPerDay + v.Micros, true
	}
	return clockPart(name, v.Micros)
}

// extractPart returns argument 1's field in millionths.
func extractPart(r *row) (int64, error) {
	name := strings.ToLower(r.text(0))
	t := r.args[1].t
	v, ok := int64(0), false
	switch t.Kind {
	case types.Interval:
		v, ok = intervalPart(name, r.interval(1))
	case types.Time:
		v, ok = clockPart(name, r.int64(1))
		if name == "epoch" {
			v, ok = r.int64(1), true
		}
	case types.Date:
		micros, err := dateToTimestamp(int32(r.int32(1)))
		if err != nil {
			return 0, err
		}
		if _, isClock := clockPart(name, 0); !isClock {
			v, ok = momentPart(r, name, micros, time.UTC, fields.part)
		}
	case types.TimestampTZ:
		v, ok = momentPart(r, name, r.int64(1), r.f.p.env.zone(), fields.zonePart)
	default:
		v, ok = momentPart(r, name, r.int64(1), time.UTC, fields.part)
	}
	if !ok {
		if _, known := (fields{}).zonePart(name); known || name == "epoch" {
			return 0, pgerr.Newf(pgerr.FeatureNotSupported, "unit \"%s\" not supported for type %s", r.text(0), t)
		}
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "unit \"%s\" not recognized for type %s", r.text(0), t)
	}
	return v, nil
}

func momentPart(r *row, name string, micros int64, zone *time.Location, part func(fields, string) (int64, bool)) (int64, bool) {
	if infinite(micros) {
		r.null = true
		return 0, true
	}
	if name == "epoch" {
		return micros, true
	}
	local := toLocal(micros, zone)
	f := fieldsOf(local)
	f.offset = int((local - micros) / million)
	return part(f, name)
}

// truncate cuts a wall clock down to a unit.
func truncate(unit string, local int64) (int64, bool) {
	f := fieldsOf(local)
	first := func(year, month int) (int64, bool) { return pgtext.CivilDay(year, month, 1) * types.MicrosPerDay, true }
	cut := func(unit int64) (int64, bool) { return local - f.micros%unit, true }
	switch unit {
	case "microsecond", "microseconds", "us":
		return local, true
	case "millisecond", "milliseconds", "ms":
		return cut(1000)
	case "second", "seconds", "s":
		return cut(million)
	case "minute", "minutes", "m":
		return cut(60 * million)
	case "hour", "hours", "h":
		return cut(3600 * million)
	case "day", "days", "d":
		return cut(types.MicrosPerDay)
	case "week", "weeks", "w":
		return (f.days - int64((f.weekday()+6)%7)) * types.MicrosPerDay, true
	case "month", "months":
		return first(f.year, f.month)
	case "quarter":
		return first(f.year, (f.month-1)/3*3+1)
	case "year", "years", "y":
		return first(f.year, 1)
	case "decade", "decades":
		return first(int(floorDiv(int64(f.year), 10))*10, 1)
	case "century", "centuries":
		return first(int(floorDiv(int64(f.year)-1, 100))*100+1, 1)
	case "millennium", "millennia":
		return first(int(floorDiv(int64(f.year)-1, 1000))*1000+1, 1)
	}
	return 0, false
}

func dateTrunc(r *row, zone *time.Location) (int64, error) {
	micros := r.int64(1)
	if infinite(micros) {
		return micros, nil
	}
	v, ok := truncate(strings.ToLower(r.text(0)), toLocal(micros, zone))
	if !ok {
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "unit \"%s\" not recognized for type %s", r.text(0), r.args[1].t)
	}
	return fromLocal(v, zone), nil
}

func truncInterval(r *row) (arrow.MonthDayNanoInterval, error) {
	v := r.interval(1)
	months := func(n int32) { v = types.IntervalValue{Months: v.Months / n * n} }
	cut := func(unit int64) { v.Micros -= v.Micros % unit }
	switch strings.ToLower(r.text(0)) {
	case "microsecond", "microseconds", "us":
	case "millisecond", "milliseconds", "ms":
		cut(1000)
	case "second", "seconds":
		cut(million)
	case "minute", "minutes":
		cut(60 * million)
	case "hour", "hours":
		cut(3600 * million)
	case "day", "days":
		v.Micros = 0
	case "month", "months":
		months(1)
	case "quarter":
		months(3)
	case "year", "years":
		months(12)
	case "decade", "decades":
		months(120)
	case "century", "centuries":
		months(1200)
	case "millennium", "millennia":
		months(12000)
	default:
		return arrow.MonthDayNanoInterval{}, pgerr.Newf(pgerr.InvalidParameterValue, "unit \"%s\" not recognized for type interval", r.text(0))
	}
	return arrowInterval(v)
}

// bin is date_bin: the start of the stride that the time is in.
func bin(r *row) (int64, error) {
	v := r.interval(0)
	stride := int64(v.Days)*types.MicrosPerDay + v.Micros
	source, origin := r.int64(1), r.int64(2)
	switch {
	case infinite(source):
		return source, nil
	case infinite(origin):
		return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, "origin out of range")
	case v.Months != 0:
		return 0, pgerr.Newf(pgerr.FeatureNotSupported, "timestamps cannot be binned into intervals containing months or years")
	case stride <= 0:
		return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, "stride must be greater than zero")
	case !subChecked(source, origin):
		return 0, errInterval
	}
	return origin + floorDiv(source-origin, stride)*stride, nil
}

// windowStart is the start of the tumbling window that a time is in; unit is the
// time's units in a millisecond.
func windowStart(unit int64) kernel {
	return fixedFn(func(r *row) (int64, error) {
		t, size, offset := r.int64(0), r.int64(1)*unit, r.int64(2)*unit
		if size <= 0 {
			return 0, pgerr.Newf(pgerr.InvalidParameterValue, "the length of a window must be positive")
		}
		if unit > 1 && infinite(t) {
			return t, nil
		}
		rest := (t%size - offset%size) % size
		if rest < 0 {
			rest += size
		}
		if !subChecked(t, rest) {
			return 0, errTimestamp
		}
		return t - rest, nil
	})
}

func calendarFunctions() map[string]kernel {
	m := map[string]kernel{
		"date_trunc(text,timestamp)":                 fixedFn(func(r *row) (int64, error) { return dateTrunc(r, time.UTC) }),
		"date_trunc(text,timestamptz)":               stable(fixedFn(func(r *row) (int64, error) { return dateTrunc(r, r.f.p.env.zone()) })),
		"date_trunc(text,timestamptz,text)":          fixedFn(truncInZone),
		"date_trunc(text,interval)":                  fixedFn(truncInterval),
		"date_bin(interval,timestamp,timestamp)":     fixedFn(bin),
		"date_bin(interval,timestamptz,timestamptz)": fixedFn(bin),

		"window_start_of(bigint,bigint,bigint)":      windowStart(1),
		"window_start_of(timestamp,bigint,bigint)":   windowStart(1000),
		"window_start_of(timestamptz,bigint,bigint)": windowStart(1000),

		"to_epoch_ms(timestamp)":   fixedFn(func(r *row) (int64, error) { return floorDiv(r.int64(0), 1000), nil }),
		"to_epoch_ms(timestamptz)": fixedFn(func(r *row) (int64, error) { return floorDiv(r.int64(0), 1000), nil }),
		"from_epoch_ms(bigint)": fixedFn(func(r *row) (int64, error) {
			if !mulChecked(r.int64(0), int64(1000)) {
				return 0, errTimestamp
			}
			return checkTimestamp(r.int64(0) * 1000)
		}),
	}
	for _, t := range []string{"date", "timestamp", "time", "interval", "timestamptz"} {
		part := fixedFn(func(r *row) (float64, error) {
			v, err := extractPart(r)
			return float64(v) / million, err
		})
		extract := fixedFn(func(r *row) (num, error) {
			v, err := extractPart(r)
			if err != nil {
				return num{}, err
			}
			return checked(rescale(decimal128.FromI64(v), 6, r.n.t.StoredScale()))
		})
		part.stable, extract.stable = t == "timestamptz", t == "timestamptz"
		m["date_part(text,"+t+")"], m["extract(text,"+t+")"] = part, extract
	}
	return m
}

func stable(k kernel) kernel {
	k.stable = true
	return k
}

func zoneOf(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "time zone \"%s\" not recognized", name)
	}
	return zone, nil
}

func truncInZone(r *row) (int64, error) {
	zone, err := zoneOf(r.text(2))
	if err != nil {
		return 0, err
	}
	return dateTrunc(r, zone)
}

// toTimestamp is to_timestamp(seconds).
func toTimestamp(r *row) (int64, error) {
	v := r.float64(0)
	switch {
	case math.IsNaN(v):
		return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, "timestamp cannot be NaN")
	case math.IsInf(v, 1):
		return pgtext.TimestampInfinity, nil
	case math.IsInf(v, -1):
		return pgtext.TimestampNegativeInfinity, nil
	case v < minTimestamp/million || v >= endTimestamp/million:
		return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, "timestamp out of range: \"%v\"", v)
	}
	return checkTimestamp(int64(math.RoundToEven(v * million)))
}

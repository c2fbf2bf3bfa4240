package expr

import (
	"math"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// nowFn is a function of the evaluation's clock, in microseconds and its zone.
func nowFn[T any](fn func(micros int64, zone *time.Location) T) kernel {
	k := fixedFn(func(r *row) (T, error) { return fn(r.f.clock().UnixMicro(), r.f.p.env.zone()), nil })
	return stable(k)
}

func clockFunctions() map[string]kernel {
	now := nowFn(func(micros int64, _ *time.Location) int64 { return micros })
	local := nowFn(toLocal)
	daytime := nowFn(func(micros int64, zone *time.Location) int64 { return timeOfDay(toLocal(micros, zone)) })
	wall := fixedFn(func(r *row) (int64, error) { return r.f.p.env.Now().UnixMicro(), nil })
	wall.volatile, wall.lazy = true, true
	m := map[string]kernel{
		"now()": now, "current_timestamp()": now, "transaction_timestamp()": now, "statement_timestamp()": now,
		"clock_timestamp()": wall, "localtimestamp()": local, "localtime()": daytime, "current_time()": daytime,
		"current_date()": nowFn(func(micros int64, zone *time.Location) int32 { return timestampToDate(toLocal(micros, zone)) }),

		"to_timestamp(double)":                                           fixedFn(toTimestamp),
		"make_date(integer,integer,integer)":                             fixedFn(makeDate),
		"make_time(integer,integer,double)":                              fixedFn(func(r *row) (int64, error) { return makeTime(r.int32(0), r.int32(1), r.float64(2)) }),
		"age(timestamp,timestamp)":                                       fixedFn(func(r *row) (arrow.MonthDayNanoInterval, error) { return age(r.int64(0), r.int64(1)) }),
		"age(timestamptz,timestamptz)":                                   stable(fixedFn(ageInZone)),
		"age(timestamp)":                                                 stable(fixedFn(ageToday)),
		"age(timestamptz)":                                               stable(fixedFn(ageToday)),
		"justify_days(interval)":                                         fixedFn(func(r *row) (arrow.MonthDayNanoInterval, error) { return arrowInterval(justifyDays(r.interval(0))) }),
		"justify_hours(interval)":                                        fixedFn(func(r *row) (arrow.MonthDayNanoInterval, error) { return arrowInterval(justifyHours(r.interval(0))) }),
		"justify_interval(interval)":                                     fixedFn(justifyInterval),
		"timezone(text,timestamp)":                                       fixedFn(func(r *row) (int64, error) { return atZone(r, 0, 1, fromLocal) }),
		"timezone(text,timestamptz)":                                     fixedFn(func(r *row) (int64, error) { return atZone(r, 0, 1, toLocal) }),
		"at_time_zone(timestamp,text)":                                   fixedFn(func(r *row) (int64, error) { return atZone(r, 1, 0, fromLocal) }),
		"at_time_zone(timestamptz,text)":                                 fixedFn(func(r *row) (int64, error) { return atZone(r, 1, 0, toLocal) }),
		"make_timestamp(integer,integer,integer,integer,integer,double)": fixedFn(makeTimestamp),
		"make_timestamptz(integer,integer,integer,integer,integer,double)": stable(fixedFn(func(r *row) (int64, error) {
			v, err := makeTimestamp(r)
			return fromLocal(v, r.f.p.env.zone()), err
		})),
	}
	id := "make_interval(integer"
	for range 6 {
		m[id+")"] = fixedFn(makeInterval)
		id += ",integer"
	}
	m["make_interval(integer,integer,integer,integer,integer,integer,double)"] = fixedFn(makeInterval)
	return m
}

func atZone(r *row, zoneArg, timeArg int, move func(int64, *time.Location) int64) (int64, error) {
	zone, err := zoneOf(r.text(zoneArg))
	if err != nil {
		return 0, err
	}
	return move(r.int64(timeArg), zone), nil
}

func makeDate(r *row) (int32, error) { return dateOf(r.int32(0), r.int32(1), r.int32(2)) }

func dateOf(year, month, day int) (int32, error) {
	y := year
	if y < 0 {
		y++
	}
	if year == 0 || month < 1 || month > 12 || day < 1 || y > 5874897 || y < -4712 || day > monthLength(y, month) {
		return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, "date field value out of range: %d-%02d-%02d", year, month, day)
	}
	return int32(pgtext.CivilDay(y, month, day)), nil
}

func makeTime(hour, minute int, seconds float64) (int64, error) {
	if hour < 0 || hour > 24 || minute < 0 || minute > 59 || !(seconds >= 0 && seconds <= 60) ||
		hour == 24 && (minute > 0 || seconds > 0) {
		return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, "time field value out of range: %d:%02d:%02v", hour, minute, seconds)
	}
	return int64(hour)*3600*million + int64(minute)*60*million + int64(math.RoundToEven(seconds*million)), nil
}

func makeTimestamp(r *row) (int64, error) {
	days, err := dateOf(r.int32(0), r.int32(1), r.int32(2))
	if err != nil {
		return 0, err
	}
	micros, err := makeTime(r.int32(3), r.int32(4), r.float64(5))
	if err != nil {
		return 0, err
	}
	midnight, err := dateToTimestamp(days)
	return midnight + micros, err
}

// makeInterval takes years, months, weeks, days, hours, minutes and seconds, as
// many as there are.
func makeInterval(r *row) (arrow.MonthDayNanoInterval, error) {
	var n [6]int64
	for k := range min(len(r.args), len(n)) {
		n[k] = int64(r.int32(k))
	}
	seconds := 0.0
	if len(r.args) == 7 {
		seconds = r.float64(6)
	}
	months, days := n[0]*12+n[1], n[2]*7+n[3]
	micros := math.RoundToEven(seconds * million)
	if months != int64(int32(months)) || days != int64(int32(days)) || !(math.Abs(micros) < 1<<62) {
		return arrow.MonthDayNanoInterval{}, errInterval
	}
	clock := n[4]*3600*million + n[5]*60*million
	return arrowInterval(types.IntervalValue{Months: int32(months), Days: int32(days), Micros: clock + int64(micros)})
}

func ageInZone(r *row) (arrow.MonthDayNanoInterval, error) {
	zone := r.f.p.env.zone()
	return age(toLocal(r.int64(0), zone), toLocal(r.int64(1), zone))
}

// ageToday is the age at today's midnight.
func ageToday(r *row) (arrow.MonthDayNanoInterval, error) {
	zone := r.f.p.env.zone()
	today := toLocal(r.f.clock().UnixMicro(), zone)
	at := r.int64(0)
	if r.args[0].t.Kind == types.TimestampTZ {
		at = toLocal(at, zone)
	}
	return age(today-timeOfDay(today), at)
}

// age subtracts field by field, and borrows days from the month of the earlier
// time (PostgreSQL's timestamp_age).
func age(a, b int64) (arrow.MonthDayNanoInterval, error) {
	if infinite(a) || infinite(b) {
		return arrow.MonthDayNanoInterval{}, pgerr.Newf(pgerr.DatetimeFieldOverflow, "interval out of range")
	}
	x, y := fieldsOf(a), fieldsOf(b)
	swapped := a < b
	if swapped {
		x, y = y, x
	}
	micros, days := x.micros-y.micros, x.day-y.day
	months := (x.year-y.year)*12 + x.month - y.month
	if micros < 0 {
		micros += types.MicrosPerDay
		days--
	}
	if days < 0 {
		days += monthLength(y.year, y.month)
		months--
	}
	v := types.IntervalValue{Months: int32(months), Days: int32(days), Micros: micros}
	if swapped {
		v = negate(v)
	}
	return arrowInterval(v)
}

func justifyHours(v types.IntervalValue) types.IntervalValue {
	v.Days += int32(v.Micros / types.MicrosPerDay)
	v.Micros %= types.MicrosPerDay
	if v.Days > 0 && v.Micros < 0 {
		v.Micros += types.MicrosPerDay
		v.Days--
	} else if v.Days < 0 && v.Micros > 0 {
		v.Micros -= types.MicrosPerDay
		v.Days++
	}
	return v
}

func justifyDays(v types.IntervalValue) types.IntervalValue {
	v.Months += v.Days / 30
	v.Days %= 30
	if v.Months > 0 && v.Days < 0 {
		v.Days += 30
		v.Months--
	} else if v.Months < 0 && v.Days > 0 {
		v.Days -= 30
		v.Months++
	}
	return v
}

func justifyInterval(r *row) (arrow.MonthDayNanoInterval, error) {
	v := r.interval(0)
	v.Days += int32(v.Micros / types.MicrosPerDay)
	v.Micros %= types.MicrosPerDay
	v.Months += v.Days / 30
	v.Days %= 30
	if v.Months > 0 && (v.Days < 0 || v.Days == 0 && v.Micros < 0) {
		v.Days += 30
		v.Months--
	} else if v.Months < 0 && (v.Days > 0 || v.Days == 0 && v.Micros > 0) {
		v.Days -= 30
		v.Months++
	}
	if v.Days > 0 && v.Micros < 0 {
		v.Micros += types.MicrosPerDay
		v.Days--
	} else if v.Days < 0 && v.Micros > 0 {
		v.Micros -= types.MicrosPerDay
		v.Days++
	}
	return arrowInterval(v)
}

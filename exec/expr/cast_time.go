package expr

import (
	"math"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

const microsPerSecond = 1_000_000

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func infinite(micros int64) bool {
	return micros == pgtext.TimestampInfinity || micros == pgtext.TimestampNegativeInfinity
}

// toLocal gives the wall clock of a moment in a zone, in microseconds as of a
// timestamp without time zone.
func toLocal(micros int64, zone *time.Location) int64 {
	if zone == time.UTC || infinite(micros) {
		return micros
	}
	_, offset := time.UnixMicro(micros).In(zone).Zone()
	return micros + int64(offset)*microsPerSecond
}

// fromLocal is toLocal's inverse. Of a wall clock that comes twice it takes one.
func fromLocal(micros int64, zone *time.Location) int64 {
	if zone == time.UTC || infinite(micros) {
		return micros
	}
	t := time.UnixMicro(micros).UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone).UnixMicro()
}

func dateToTimestamp(days int32) (int64, error) {
	switch days {
	case pgtext.DateInfinity:
		return pgtext.TimestampInfinity, nil
	case pgtext.DateNegativeInfinity:
		return pgtext.TimestampNegativeInfinity, nil
	}
	if days > math.MaxInt64/types.MicrosPerDay || days < math.MinInt64/types.MicrosPerDay {
		return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, "date out of range for timestamp")
	}
	return int64(days) * types.MicrosPerDay, nil
}

func timestampToDate(micros int64) int32 {
	switch micros {
	case pgtext.TimestampInfinity:
		return pgtext.DateInfinity
	case pgtext.TimestampNegativeInfinity:
		return pgtext.DateNegativeInfinity
	}
	return int32(floorDiv(micros, types.MicrosPerDay))
}

func timeOfDay(micros int64) int64 {
	return micros - floorDiv(micros, types.MicrosPerDay)*types.MicrosPerDay
}

// castTime converts between date, time, timestamps and interval.
func castTime(from, to types.Kind) (kernel, bool) {
	zoned := func(k kernel) (kernel, bool) {
		k.stable = true
		return k, true
	}
	switch [2]types.Kind{from, to} {
	case [2]types.Kind{types.Date, types.Timestamp}:
		return fixedFn(func(r *row) (int64, error) { return dateToTimestamp(int32(r.int32(0))) }), true
	case [2]types.Kind{types.Date, types.TimestampTZ}:
		return zoned(fixedFn(func(r *row) (int64, error) {
			v, err := dateToTimestamp(int32(r.int32(0)))
			return fromLocal(v, r.f.p.env.zone()), err
		}))
	case [2]types.Kind{types.Timestamp, types.TimestampTZ}:
		return zoned(fixedFn(func(r *row) (int64, error) { return fromLocal(r.int64(0), r.f.p.env.zone()), nil }))
	case [2]types.Kind{types.TimestampTZ, types.Timestamp}:
		return zoned(fixedFn(func(r *row) (int64, error) { return toLocal(r.int64(0), r.f.p.env.zone()), nil }))
	case [2]types.Kind{types.Timestamp, types.Date}:
		return fixedFn(func(r *row) (int32, error) { return timestampToDate(r.int64(0)), nil }), true
	case [2]types.Kind{types.TimestampTZ, types.Date}:
		return zoned(fixedFn(func(r *row) (int32, error) { return timestampToDate(toLocal(r.int64(0), r.f.p.env.zone())), nil }))
	case [2]types.Kind{types.Timestamp, types.Time}:
		return fixedFn(func(r *row) (int64, error) { return clockOf(r, time.UTC) }), true
	case [2]types.Kind{types.TimestampTZ, types.Time}:
		return zoned(fixedFn(func(r *row) (int64, error) { return clockOf(r, r.f.p.env.zone()) }))
	case [2]types.Kind{types.Time, types.Interval}:
		return fixedFn(func(r *row) (arrow.MonthDayNanoInterval, error) {
			return arrowInterval(types.IntervalValue{Micros: r.int64(0)})
		}), true
	case [2]types.Kind{types.Interval, types.Time}:
		return fixedFn(func(r *row) (int64, error) { return timeOfDay(r.interval(0).Micros), nil }), true
	}
	return kernel{}, false
}

func clockOf(r *row, zone *time.Location) (int64, error) {
	if infinite(r.int64(0)) {
		return 0, r.setNull()
	}
	return timeOfDay(toLocal(r.int64(0), zone)), nil
}

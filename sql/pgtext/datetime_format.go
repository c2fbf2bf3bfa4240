package pgtext

import (
	"strconv"
	"time"

	"laminardb/sql/types"
)

// AppendDate appends a date as YYYY-MM-DD, with BC where it applies.
func AppendDate(dst []byte, days int32) []byte {
	switch days {
	case DateInfinity:
		return append(dst, "infinity"...)
	case DateNegativeInfinity:
		return append(dst, "-infinity"...)
	}
	dst, bc := appendDay(dst, int64(days))
	return appendEra(dst, bc)
}

// AppendTime appends a time of day, microseconds since midnight, as HH:MM:SS
// with the fraction that it has.
func AppendTime(dst []byte, micros int64) []byte { return appendClock(dst, uint64(micros)) }

// AppendTimestamp appends a timestamp without time zone.
func AppendTimestamp(dst []byte, micros int64) []byte {
	switch micros {
	case TimestampInfinity:
		return append(dst, "infinity"...)
	case TimestampNegativeInfinity:
		return append(dst, "-infinity"...)
	}
	dst, bc := appendMoment(dst, micros)
	return appendEra(dst, bc)
}

// AppendTimestampTZ appends a timestamp with time zone as it reads in the zone,
// followed by the zone's offset. A nil zone is UTC.
func AppendTimestampTZ(dst []byte, micros int64, zone *time.Location) []byte {
	if micros == TimestampInfinity || micros == TimestampNegativeInfinity {
		return AppendTimestamp(dst, micros)
	}
	offset := 0
	if zone != nil && zone != time.UTC {
		_, offset = time.UnixMicro(micros).In(zone).Zone()
	}
	dst, bc := appendMoment(dst, micros+int64(offset)*microsPerSecond)
	return appendEra(appendOffset(dst, offset), bc)
}

func appendMoment(dst []byte, micros int64) (out []byte, bc bool) {
	day := floorDiv(micros, microsPerDay)
	dst, bc = appendDay(dst, day)
	return appendClock(append(dst, ' '), uint64(micros-day*microsPerDay)), bc
}

func appendDay(dst []byte, days int64) (out []byte, bc bool) {
	year, month, day := Civil(days)
	if bc = year <= 0; bc {
		year = 1 - year
	}
	if year >= 10000 {
		dst = strconv.AppendInt(dst, int64(year), 10)
	} else {
		dst = append2(append2(dst, year/100), year%100)
	}
	dst = append2(append(dst, '-'), month)
	return append2(append(dst, '-'), day), bc
}

func appendEra(dst []byte, bc bool) []byte {
	if bc {
		return append(dst, " BC"...)
	}
	return dst
}

// appendClock appends HH:MM:SS[.ffffff]; hours have more digits if they need
// them.
func appendClock(dst []byte, micros uint64) []byte {
	seconds, frac := micros/microsPerSecond, int(micros%microsPerSecond)
	hours := seconds / 3600
	if hours < 100 {
		dst = append2(dst, int(hours))
	} else {
		dst = strconv.AppendUint(dst, hours, 10)
	}
	dst = append2(append(dst, ':'), int(seconds/60%60))
	dst = append2(append(dst, ':'), int(seconds%60))
	if frac == 0 {
		return dst
	}
	dst = append2(append(dst, '.'), frac/10000)
	dst = append2(append2(dst, frac/100%100), frac%100)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendOffset appends a zone's offset in seconds east of UTC: +HH[:MM[:SS]].
func appendOffset(dst []byte, offset int) []byte {
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	dst = append2(append(dst, sign), offset/3600)
	if offset%3600 != 0 {
		dst = append2(append(dst, ':'), offset/60%60)
	}
	if offset%60 != 0 {
		dst = append2(append(dst, ':'), offset%60)
	}
	return dst
}

func append2(dst []byte, v int) []byte {
	return append(dst, byte('0'+v/10), byte('0'+v%10))
}

// AppendInterval appends an interval in IntervalStyle postgres.
func AppendInterval(dst []byte, v types.IntervalValue) []byte {
	start := len(dst)
	negative := false // whether the part before was, so that a plus must be shown
	dst = appendUnit(dst, start, v.Months/12, " year", &negative)
	dst = appendUnit(dst, start, v.Months%12, " mon", &negative)
	dst = appendUnit(dst, start, v.Days, " day", &negative)
	if v.Micros == 0 && len(dst) > start {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, ' ')
	}
	abs := uint64(v.Micros)
	if v.Micros < 0 {
		dst, abs = append(dst, '-'), -abs
	} else if negative {
		dst = append(dst, '+')
	}
	return appendClock(dst, abs)
}

func appendUnit(dst []byte, start int, n int32, unit string, negative *bool) []byte {
	if n == 0 {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, ' ')
	}
	if *negative && n > 0 {
		dst = append(dst, '+')
	}
	*negative = n < 0
	dst = append(strconv.AppendInt(dst, int64(n), 10), unit...)
	if n != 1 {
		dst = append(dst, 's')
	}
	return dst
}

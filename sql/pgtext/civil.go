package pgtext

import "math"

// The infinities of date (days) and of timestamp and timestamptz
// (microseconds), as PostgreSQL stores them.
const (
	DateInfinity              = math.MaxInt32
	DateNegativeInfinity      = math.MinInt32
	TimestampInfinity         = math.MaxInt64
	TimestampNegativeInfinity = math.MinInt64
)

// Lengths in microseconds.
const (
	microsPerSecond = 1_000_000
	microsPerMinute = 60 * microsPerSecond
	microsPerHour   = 60 * microsPerMinute
	microsPerDay    = 24 * microsPerHour
)

// Days since 1970-01-01 of the first and the last date that PostgreSQL has
// (4714-11-24 BC and 5874897-12-31).
const (
	minDay = -2440588
	maxDay = 2145042905
)

// CivilDay returns the days since 1970-01-01 of a day in the proleptic
// Gregorian calendar; year 0 is 1 BC. (Howard Hinnant, "chrono-Compatible
// Low-Level Date Algorithms".)
func CivilDay(year, month, day int) int64 {
	y := int64(year)
	if month <= 2 {
		y--
	}
	era := floorDiv(y, 400)
	yearOfEra := y - era*400
	dayOfYear := int64((153*((month+9)%12)+2)/5 + day - 1)
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return era*146097 + dayOfEra - 719468
}

// Civil is CivilDay's inverse.
func Civil(days int64) (year, month, day int) {
	days += 719468
	era := floorDiv(days, 146097)
	dayOfEra := days - era*146097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	mp := (5*dayOfYear + 2) / 153
	day = int(dayOfYear - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if month > 12 {
		month -= 12
	}
	year = int(yearOfEra + era*400)
	if month <= 2 {
		year++
	}
	return year, month, day
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func daysInMonth(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

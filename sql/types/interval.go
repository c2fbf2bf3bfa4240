package types

import (
	"fmt"
	"strings"
)

// IntervalValue is an INTERVAL: its three parts are kept apart, as PostgreSQL
// does, because a month and a day have no fixed length.
type IntervalValue struct {
	Months int32
	Days   int32
	Micros int64
}

// MicrosPerDay is the length of a day where an interval is used as a duration.
const MicrosPerDay = 24 * 60 * 60 * 1_000_000

// FixedMillis returns the interval as a duration in milliseconds. ok is false
// if it has months (no fixed length) or a part of a millisecond.
func (v IntervalValue) FixedMillis() (millis int64, ok bool) {
	micros := int64(v.Days)*MicrosPerDay + v.Micros
	return micros / 1000, v.Months == 0 && micros%1000 == 0
}

// String returns the interval in PostgreSQL's default IntervalStyle.
func (v IntervalValue) String() string {
	var parts []string
	unit := func(n int32, name string) {
		if n == 0 {
			return
		}
		s := fmt.Sprintf("%d %s", n, name)
		if n != 1 {
			s += "s"
		}
		parts = append(parts, s)
	}
	unit(v.Months/12, "year")
	unit(v.Months%12, "mon")
	unit(v.Days, "day")
	if v.Micros != 0 || len(parts) == 0 {
		parts = append(parts, clock(v.Micros, v.Days < 0 || v.Months < 0))
	}
	return strings.Join(parts, " ")
}

func clock(micros int64, afterNegative bool) string {
	sign := ""
	abs := uint64(micros)
	if micros < 0 {
		sign, abs = "-", -abs
	} else if afterNegative {
		sign = "+"
	}
	seconds, frac := abs/1_000_000, abs%1_000_000
	s := fmt.Sprintf("%s%02d:%02d:%02d", sign, seconds/3600, seconds/60%60, seconds%60)
	if frac != 0 {
		s += strings.TrimRight(fmt.Sprintf(".%06d", frac), "0")
	}
	return s
}

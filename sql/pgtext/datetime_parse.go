package pgtext

import (
	"time"

	"laminardb/sql/pgerr"
)

// ParseDate reads a date. A time in the text is dropped.
func ParseDate(s string) (days int32, err error) {
	m, fault := scanDateTime(s, false)
	if fault != 0 {
		return 0, dateFault("date", s, fault)
	}
	switch m.special {
	case "infinity":
		return DateInfinity, nil
	case "-infinity":
		return DateNegativeInfinity, nil
	case "epoch":
		return 0, nil
	}
	if !m.hasDate {
		return 0, dateFault("date", s, faultSyntax)
	}
	day := m.civilDay()
	if day < minDay || day > maxDay {
		return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, "date out of range: %v", quotable(s))
	}
	return int32(day), nil
}

// ParseTime reads a time of day, microseconds since midnight; 24:00:00 is one. A
// date or zone in the text is dropped.
func ParseTime(s string) (micros int64, err error) {
	m, fault := scanDateTime(s, true)
	if fault == 0 && (!m.hasTime || m.special != "") {
		fault = faultSyntax
	}
	if fault != 0 {
		return 0, dateFault("time", s, fault)
	}
	return m.micros, nil
}

// ParseTimestamp reads a timestamp without time zone. A zone in the text is
// dropped.
func ParseTimestamp(s string) (micros int64, err error) {
	return parseTimestamp("timestamp", s, func(*moment, int64) int64 { return 0 })
}

// ParseTimestampTZ reads a timestamp with time zone. A text without a zone is
// local to the zone given, nil meaning UTC.
func ParseTimestampTZ(s string, zone *time.Location) (micros int64, err error) {
	return parseTimestamp("timestamp with time zone", s, func(m *moment, local int64) int64 {
		switch {
		case m.zone != nil:
			return zoneOffset(m.zone, local)
		case m.hasZone || zone == nil:
			return int64(m.offset)
		}
		return zoneOffset(zone, local)
	})
}

func parseTimestamp(typeName, s string, offset func(*moment, int64) int64) (int64, error) {
	m, fault := scanDateTime(s, false)
	if fault != 0 {
		return 0, dateFault(typeName, s, fault)
	}
	switch m.special {
	case "infinity":
		return TimestampInfinity, nil
	case "-infinity":
		return TimestampNegativeInfinity, nil
	case "epoch":
		return 0, nil
	}
	if !m.hasDate {
		return 0, dateFault(typeName, s, faultSyntax)
	}
	day := m.civilDay()
	// A day within these limits cannot overflow microseconds, whatever the zone.
	const lastDay = TimestampInfinity/microsPerDay - 2
	if day < minDay || day > lastDay {
		return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, "timestamp out of range: %v", quotable(s))
	}
	local := day*microsPerDay + m.micros
	return local - offset(m, local)*microsPerSecond, nil
}

// zoneOffset is the zone's displacement in seconds at a local time. Where the
// clock was put back or forward it takes the time before the change, as
// PostgreSQL does.
func zoneOffset(zone *time.Location, local int64) int64 {
	at := func(micros int64) int64 {
		_, offset := time.UnixMicro(micros).In(zone).Zone()
		return int64(offset)
	}
	before := at(local - microsPerDay)
	after := at(local + microsPerDay)
	guessBefore := at(local - before*microsPerSecond)
	guessAfter := at(local - after*microsPerSecond)
	switch {
	case before == after:
		return before
	case guessBefore == before && guessAfter == after:
		// Both readings exist: the clock was put back; standard time, the later.
		return after
	case guessBefore == before:
		return before
	case guessAfter == after:
		return after
	}
	return before
}

// check applies AM, PM and BC and refuses impossible fields.
func (m *moment) check() scanFault {
	if m.special != "" {
		if m.hasDate || m.hasTime {
			return faultSyntax
		}
		return 0
	}
	if !m.hasDate && !m.hasTime {
		return faultSyntax
	}
	if f := m.applyHalf(); f != 0 {
		return f
	}
	if !m.hasDate {
		if m.bc {
			return faultSyntax
		}
		return 0
	}
	if m.bc {
		if m.year <= 0 {
			return faultRange
		}
		m.year = 1 - m.year
	} else if m.year == 0 {
		return faultRange
	}
	if m.month < 1 || m.month > 12 || m.day < 1 || m.day > 31 {
		return faultMonthDay
	}
	if m.day > daysInMonth(m.year, m.month) {
		return faultRange
	}
	return 0
}

func (m *moment) applyHalf() scanFault {
	if m.half == 0 {
		return 0
	}
	hour := m.micros / microsPerHour
	switch {
	case hour > 12:
		return faultRange
	case m.half == 'a' && hour == 12:
		m.micros -= 12 * microsPerHour
	case m.half == 'p' && hour != 12:
		m.micros += 12 * microsPerHour
	}
	return 0
}

func (m *moment) civilDay() int64 { return CivilDay(m.year, m.month, m.day) }

func dateFault(typeName, s string, fault scanFault) error {
	switch fault {
	case faultSyntax:
		return pgerr.Newf(pgerr.InvalidDatetimeFormat, "invalid input syntax for type %s: %v", typeName, quotable(s))
	case faultZone:
		return pgerr.Newf(pgerr.InvalidZoneDisplacement, "time zone displacement out of range: %v", quotable(s))
	case faultNoZone:
		return pgerr.Newf(pgerr.InvalidParameterValue, "time zone in %v not recognized", quotable(s))
	case faultWord:
		return pgerr.Newf(pgerr.FeatureNotSupported, "date/time value %v is not supported", quotable(s)).
			WithHint("Use now() or current_date.")
	}
	err := pgerr.Newf(pgerr.DatetimeFieldOverflow, "date/time field value out of range: %v", quotable(s))
	if fault == faultMonthDay {
		return err.WithHint(`Perhaps you need a different "datestyle" setting.`)
	}
	return err
}

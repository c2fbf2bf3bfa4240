package pgtext

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// moment is what the text of a date or time said, field by field.
type moment struct {
	year, month, day int
	hasDate          bool
	bc               bool

	micros  int64 // since midnight
	hasTime bool
	half    byte // 'a' or 'p' after AM or PM

	offset  int // seconds east of UTC
	zone    *time.Location
	hasZone bool

	special string // epoch, infinity, -infinity
}

// A scanFault says which error a text is.
type scanFault int

const (
	faultSyntax   scanFault = iota + 1 // no date or time at all
	faultRange                         // a field has an impossible value
	faultMonthDay                      // so has the month or the day: another DateStyle may be meant
	faultZone                          // the zone's displacement is too large
	faultNoZone                        // there is no time zone of the name
	faultWord                          // 'now' and its kin, which need a clock
)

// maxDateTimeText bounds what is looked at (MAXDATELEN is 128 in PostgreSQL).
const maxDateTimeText = 160

// dateScanner reads the fields of a date or time in the orders that PostgreSQL
// takes for DateStyle ISO, MDY.
type dateScanner struct {
	s string
	m moment
	// parts are the numbers of a date in words, '8 Jan 1999', in order.
	parts    []string
	inTime   bool // a T was seen: digits are a time
	timeOnly bool
}

// scanDateTime reads s. Six or four digits without a date are a time if timeOnly.
func scanDateTime(s string, timeOnly bool) (*moment, scanFault) {
	if len(s) > maxDateTimeText {
		return nil, faultSyntax
	}
	sc := dateScanner{s: s, timeOnly: timeOnly}
	for {
		sc.s = strings.TrimLeft(sc.s, space+",")
		if sc.s == "" {
			break
		}
		if f := sc.next(); f != 0 {
			return nil, f
		}
	}
	if f := sc.wordDate(); f != 0 {
		return nil, f
	}
	return &sc.m, sc.m.check()
}

func (sc *dateScanner) next() scanFault {
	c := sc.s[0]
	switch {
	case isDigit(c):
		return sc.number()
	case c == '+' || c == '-':
		return sc.sign()
	case isLetter(c):
		return sc.word()
	}
	return faultSyntax
}

// take cuts off the longest prefix of bytes for which ok holds.
func (sc *dateScanner) take(ok func(byte) bool) string {
	i := 0
	for i < len(sc.s) && ok(sc.s[i]) {
		i++
	}
	t := sc.s[:i]
	sc.s = sc.s[i:]
	return t
}

func (sc *dateScanner) number() scanFault {
	rest := sc.s
	digits := sc.take(isDigit)
	next := byte(0)
	if sc.s != "" {
		next = sc.s[0]
	}
	switch {
	case next == ':':
		sc.s = rest
		return sc.clock()
	case (next == '-' || next == '/' || next == '.') && !sc.m.hasDate && !sc.inTime:
		return sc.delimited(digits, next)
	case (sc.m.hasDate || sc.timeOnly) && (sc.inTime || !sc.m.hasTime) && (len(digits) == 6 || len(digits) == 4):
		return sc.packedClock(digits)
	case !sc.m.hasDate && len(sc.parts) == 0 && (len(digits) == 8 || len(digits) == 6):
		return sc.packedDate(digits)
	}
	sc.parts = append(sc.parts, digits)
	if len(sc.parts) > 3 {
		return faultSyntax
	}
	return 0
}

// clock reads HH:MM[:SS[.ffffff]].
func (sc *dateScanner) clock() scanFault {
	if sc.m.hasTime {
		return faultSyntax
	}
	var fields [3]int64
	n := 0
	for ; n < 3; n++ {
		digits := sc.take(isDigit)
		if digits == "" || len(digits) > 9 {
			return faultSyntax
		}
		fields[n], _ = strconv.ParseInt(digits, 10, 64)
		if n == 2 || !strings.HasPrefix(sc.s, ":") {
			n++
			break
		}
		sc.s = sc.s[1:]
	}
	if n < 2 {
		return faultSyntax
	}
	return sc.setClock(fields[0], fields[1], fields[2])
}

// packedClock is HHMMSS or HHMM.
func (sc *dateScanner) packedClock(digits string) scanFault {
	if sc.m.hasTime {
		return faultSyntax
	}
	v, _ := strconv.ParseInt(digits, 10, 64)
	if len(digits) == 4 {
		v *= 100
	}
	return sc.setClock(v/10000, v/100%100, v%100)
}

func (sc *dateScanner) setClock(hour, minute, second int64) scanFault {
	var frac int64
	if strings.HasPrefix(sc.s, ".") {
		sc.s = sc.s[1:]
		frac = fractionMicros(sc.take(isDigit))
	}
	if minute > 59 || second > 60 {
		return faultRange
	}
	sc.m.micros = hour*microsPerHour + minute*microsPerMinute + second*microsPerSecond + frac
	if hour > 24 || sc.m.micros > microsPerDay {
		return faultRange
	}
	sc.m.hasTime = true
	return 0
}

// fractionMicros rounds the digits after a point to microseconds.
// More than six go through a double, as in PostgreSQL, to round as it does.
func fractionMicros(digits string) int64 {
	if len(digits) > 6 {
		f, _ := strconv.ParseFloat("0."+digits, 64)
		return int64(math.RoundToEven(f * microsPerSecond))
	}
	v, _ := strconv.ParseInt((digits + "000000")[:6], 10, 64)
	return v
}

// delimited reads a date whose parts are held together by -, / or a point.
func (sc *dateScanner) delimited(first string, sep byte) scanFault {
	parts := []string{first}
	for len(parts) < 3 && sc.s != "" && sc.s[0] == sep {
		sc.s = sc.s[1:]
		part := sc.take(isDigit)
		if part == "" {
			part = sc.take(isLetter)
		}
		if part == "" {
			return faultSyntax
		}
		parts = append(parts, part)
	}
	switch {
	case len(parts) == 2 && len(parts[1]) == 3 && len(first) >= 4 && allDigits(parts[1]):
		return sc.ordinal(parts)
	case len(parts) != 3:
		return faultSyntax
	}
	if month, ok := monthByName(parts[1]); ok {
		if len(first) > 2 {
			return sc.setDate(parts[0], month, parts[2])
		}
		return sc.setDate(parts[2], month, parts[0])
	}
	month := atoi(parts[1])
	switch {
	case !allDigits(parts[1]) || !allDigits(parts[2]):
		return faultSyntax
	case len(first) >= 3:
		return sc.setDate(parts[0], month, parts[2])
	}
	return sc.setDate(parts[2], atoi(first), parts[1])
}

// ordinal is YYYY.DDD, the day of the year.
func (sc *dateScanner) ordinal(parts []string) scanFault {
	year, day := atoi(parts[0]), atoi(parts[1])
	if day < 1 || day > 366 {
		return faultRange
	}
	sc.m.year, sc.m.month, sc.m.day = Civil(CivilDay(year, 1, 1) + int64(day) - 1)
	sc.m.hasDate = true
	return 0
}

// packedDate is YYYYMMDD or YYMMDD.
func (sc *dateScanner) packedDate(digits string) scanFault {
	n := len(digits)
	return sc.setDate(digits[:n-4], atoi(digits[n-4:n-2]), digits[n-2:])
}

func (sc *dateScanner) setDate(year string, month int, day string) scanFault {
	if len(year) > 7 || len(day) > 7 {
		return faultRange
	}
	y := atoi(year)
	if len(year) <= 2 {
		if y += 1900; y < 1970 {
			y += 100
		}
	}
	sc.m.year, sc.m.month, sc.m.day, sc.m.hasDate = y, month, atoi(day), true
	return 0
}

// wordDate makes the date of a month's name and the numbers around it.
func (sc *dateScanner) wordDate() scanFault {
	switch {
	case len(sc.parts) == 0 && (sc.m.month == 0 || sc.m.hasDate):
		return 0
	case sc.m.hasDate || sc.m.month == 0 || len(sc.parts) != 2:
		return faultSyntax
	}
	day, year := sc.parts[0], sc.parts[1]
	if len(day) > 2 {
		day, year = year, day
	}
	return sc.setDate(year, sc.m.month, day)
}

// sign reads a zone's displacement after a time, or -infinity.
func (sc *dateScanner) sign() scanFault {
	east := sc.s[0] == '+'
	sc.s = sc.s[1:]
	if sc.s != "" && isLetter(sc.s[0]) {
		word := strings.ToLower(sc.take(isLetter))
		if word != "infinity" && word != "inf" {
			return faultSyntax
		}
		if sc.m.special = "-infinity"; east {
			sc.m.special = "infinity"
		}
		return 0
	}
	if !sc.m.hasTime && !sc.m.hasDate || sc.m.hasZone && sc.m.zone == nil && sc.m.offset != 0 {
		return faultSyntax
	}
	offset, ok := sc.displacement()
	if !ok {
		return faultSyntax
	}
	if offset > 15*3600+59*60+59 {
		return faultZone
	}
	if sc.m.offset = offset; !east {
		sc.m.offset = -offset
	}
	sc.m.hasZone = true
	return 0
}

// displacement reads HH[[:]MM[:SS]] in seconds.
func (sc *dateScanner) displacement() (seconds int, ok bool) {
	digits := sc.take(isDigit)
	unit := 3600
	switch len(digits) {
	case 1, 2:
		seconds = atoi(digits) * unit
	case 3, 4:
		seconds = atoi(digits[:len(digits)-2])*unit + atoi(digits[len(digits)-2:])*60
		return seconds, true
	case 6:
		return atoi(digits[:2])*unit + atoi(digits[2:4])*60 + atoi(digits[4:]), true
	default:
		return 0, false
	}
	for unit > 1 && strings.HasPrefix(sc.s, ":") {
		sc.s = sc.s[1:]
		digits = sc.take(isDigit)
		unit /= 60
		if digits == "" || len(digits) > 2 || atoi(digits) > 59 {
			return 0, false
		}
		seconds += atoi(digits) * unit
	}
	return seconds, true
}

// atoi reads digits that are known to be few enough.
func atoi(s string) int {
	v, _ := strconv.Atoi(s)
	return v
}

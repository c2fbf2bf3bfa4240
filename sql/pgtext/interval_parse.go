package pgtext

import (
	"math"
	"strconv"
	"strings"

	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// ParseInterval reads an interval in PostgreSQL's, the SQL standard's or ISO
// 8601's form. unit is the field after an INTERVAL literal ("MINUTE", "DAY TO
// SECOND", in any case), which gives a bare number its unit and drops what is
// finer, or "".
func ParseInterval(s, unit string) (types.IntervalValue, error) {
	last := strings.ToLower(unit)
	if i := strings.LastIndexByte(last, ' '); i >= 0 {
		last = last[i+1:]
	}
	p := intervalScanner{s: strings.Trim(s, space), bare: last, minuteFirst: strings.EqualFold(unit, "minute to second")}
	ok := len(s) <= maxDateTimeText && p.s != ""
	if ok && (p.s[0] == 'P' || p.s[0] == 'p') {
		ok = p.iso()
	} else if ok {
		ok = p.fields()
	}
	if !ok {
		return types.IntervalValue{}, pgerr.Newf(pgerr.InvalidDatetimeFormat,
			"invalid input syntax for type interval: %v", quotable(s))
	}
	v, ok := p.value()
	if !ok {
		return types.IntervalValue{}, pgerr.Newf(pgerr.IntervalFieldOverflow,
			"interval field value out of range: %v", quotable(s))
	}
	return truncateInterval(v, last), nil
}

// intervalScanner adds up the fields of an interval. Sums are kept as 64-bit
// integers with an overflow mark, since a field may be anything.
type intervalScanner struct {
	s           string
	bare        string // the unit of a number without one, "" for seconds
	minuteFirst bool   // 5:30 is minutes and seconds
	months      int64
	days        int64
	micros      int64
	overflow    bool
}

// intervalUnit is one unit as months, days and microseconds.
type intervalUnit struct {
	months, days, micros int64
}

// maxUnits is the most fields that an interval's text may have.
const maxUnits = 25

func (p *intervalScanner) fields() bool {
	ago, seen := false, 0
	p.skipSpace()
	p.s = strings.TrimPrefix(p.s, "@")
	for p.skipSpace(); p.s != ""; p.skipSpace() {
		if seen > 0 && strings.EqualFold(p.s, "ago") {
			ago = true
			break
		}
		if seen++; seen > maxUnits || !p.field() {
			return false
		}
	}
	if ago {
		p.months, p.days, p.micros = -p.months, -p.days, -p.micros
	}
	return seen > 0
}

func (p *intervalScanner) skipSpace() { p.s = strings.TrimLeft(p.s, space) }

// field reads one number with its unit, a clock, or a years-months pair.
func (p *intervalScanner) field() bool {
	negative := false
	if p.s[0] == '-' || p.s[0] == '+' {
		negative = p.s[0] == '-'
		p.s = p.s[1:]
		p.skipSpace()
	}
	n, ok := p.number()
	if !ok {
		return false
	}
	if negative {
		n.negate()
	}
	if strings.HasPrefix(p.s, ":") && n.frac == "" {
		return p.clock(n, negative)
	}
	if len(p.s) > 1 && p.s[0] == '-' && isDigit(p.s[1]) && n.frac == "" {
		p.s = p.s[1:]
		months, ok := p.number()
		if !ok || months.frac != "" || months.whole > 11 {
			return false
		}
		if negative {
			months.negate()
		}
		p.add(n, intervalUnit{months: 12})
		p.add(months, intervalUnit{months: 1})
		return true
	}
	p.skipSpace()
	word := p.peekWord()
	if word == "" && p.clockFollows() {
		p.add(n, intervalUnit{days: 1})
		return true
	}
	if word == "" || word == "ago" {
		unit, ok := unitByName(p.bare)
		if p.bare == "" {
			unit, ok = intervalUnit{micros: microsPerSecond}, true
		}
		p.add(n, unit)
		return ok
	}
	p.s = p.s[len(word):]
	unit, ok := unitByName(word)
	p.add(n, unit)
	return ok
}

// clockFollows reports whether H:MM comes next, which makes the number before it
// days.
func (p *intervalScanner) clockFollows() bool {
	t := strings.TrimLeft(p.s, "+-")
	rest := strings.TrimLeft(t, "0123456789")
	return len(rest) < len(t) && strings.HasPrefix(rest, ":")
}

func (p *intervalScanner) peekWord() string {
	i := 0
	for i < len(p.s) && isLetter(p.s[i]) {
		i++
	}
	return strings.ToLower(p.s[:i])
}

// signed is a decimal number in parts, so that no digit is lost in a float.
type signed struct {
	whole    int64
	frac     string // digits after the point
	negative bool
}

func (n *signed) negate() { n.whole, n.negative = -n.whole, !n.negative }

// fraction is the part after the point.
func (n signed) fraction() float64 {
	f, _ := strconv.ParseFloat("0."+n.frac+"0", 64)
	if n.negative {
		return -f
	}
	return f
}

func (p *intervalScanner) number() (n signed, ok bool) {
	digits := p.digits()
	if strings.HasPrefix(p.s, ".") {
		p.s = p.s[1:]
		n.frac = p.digits()
		if digits == "" && n.frac == "" {
			return n, false
		}
	} else if digits == "" {
		return n, false
	}
	v, err := strconv.ParseInt("0"+digits, 10, 64)
	if err != nil {
		p.overflow = true
	}
	n.whole = v
	return n, true
}

func (p *intervalScanner) digits() string {
	i := 0
	for i < len(p.s) && isDigit(p.s[i]) {
		i++
	}
	d := p.s[:i]
	p.s = p.s[i:]
	return d
}

// clock reads the rest of H:MM[:SS[.f]] after its first number; the sign is
// every part's.
func (p *intervalScanner) clock(first signed, negative bool) bool {
	units := [3]intervalUnit{{micros: microsPerHour}, {micros: microsPerMinute}, {micros: microsPerSecond}}
	parts := []signed{first}
	for len(parts) < 3 && strings.HasPrefix(p.s, ":") {
		p.s = p.s[1:]
		n, ok := p.number()
		if !ok {
			return false
		}
		limit := int64(59)
		if len(parts) == 2 {
			limit = 60
		}
		p.overflow = p.overflow || n.whole > limit
		if negative {
			n.negate()
		}
		parts = append(parts, n)
	}
	at := 0
	// 5:30.5 can only be minutes and seconds.
	if len(parts) == 2 && (p.minuteFirst || parts[1].frac != "") {
		at = 1
	} else if len(parts) == 2 && parts[1].frac != "" {
		return false
	}
	for i, n := range parts {
		p.add(n, units[at+i])
	}
	return true
}

// add adds n units. A fraction of a month spills into days (30 to the month), a
// fraction of a day into microseconds; a fraction of a year is whole months.
func (p *intervalScanner) add(n signed, u intervalUnit) {
	p.months = p.sum(p.months, p.times(n.whole, u.months))
	p.days = p.sum(p.days, p.times(n.whole, u.days))
	p.micros = p.sum(p.micros, p.times(n.whole, u.micros))
	if n.frac == "" {
		return
	}
	f := n.fraction()
	switch {
	case u.months > 1:
		p.months = p.sum(p.months, int64(math.RoundToEven(f*float64(u.months))))
	case u.months == 1:
		p.addDays(f * 30)
	case u.days > 0:
		p.addDays(f * float64(u.days))
	case u.micros > 0:
		p.micros = p.sum(p.micros, int64(math.RoundToEven(f*float64(u.micros))))
	}
}

func (p *intervalScanner) addDays(days float64) {
	whole := math.Trunc(days)
	p.days = p.sum(p.days, int64(whole))
	p.micros = p.sum(p.micros, int64(math.RoundToEven((days-whole)*microsPerDay)))
}

func (p *intervalScanner) times(a, b int64) int64 {
	c := a * b
	if b != 0 && c/b != a {
		p.overflow = true
	}
	return c
}

func (p *intervalScanner) sum(a, b int64) int64 {
	c := a + b
	if (c > a) != (b > 0) && b != 0 {
		p.overflow = true
	}
	return c
}

func (p *intervalScanner) value() (v types.IntervalValue, ok bool) {
	if p.overflow || p.months != int64(int32(p.months)) || p.days != int64(int32(p.days)) {
		return v, false
	}
	return types.IntervalValue{Months: int32(p.months), Days: int32(p.days), Micros: p.micros}, true
}

func unitByName(s string) (u intervalUnit, ok bool) {
	switch s {
	case "microsecond", "microseconds", "us", "usec", "usecs", "usecond", "useconds", "microsecon":
		return intervalUnit{micros: 1}, true
	case "millisecond", "milliseconds", "ms", "msec", "msecs", "mseconds", "msecond":
		return intervalUnit{micros: 1000}, true
	case "second", "seconds", "s", "sec", "secs":
		return intervalUnit{micros: microsPerSecond}, true
	case "minute", "minutes", "m", "min", "mins":
		return intervalUnit{micros: microsPerMinute}, true
	case "hour", "hours", "h", "hr", "hrs":
		return intervalUnit{micros: microsPerHour}, true
	case "day", "days", "d":
		return intervalUnit{days: 1}, true
	case "week", "weeks", "w":
		return intervalUnit{days: 7}, true
	case "month", "months", "mon", "mons":
		return intervalUnit{months: 1}, true
	case "year", "years", "y", "yr", "yrs":
		return intervalUnit{months: 12}, true
	case "decade", "decades", "dec", "decs":
		return intervalUnit{months: 120}, true
	case "century", "centuries", "cent", "c":
		return intervalUnit{months: 1200}, true
	case "millennium", "millennia", "mil", "mils":
		return intervalUnit{months: 12000}, true
	}
	return intervalUnit{}, false
}

// truncateInterval drops what is finer than the literal's last field.
func truncateInterval(v types.IntervalValue, last string) types.IntervalValue {
	switch last {
	case "year":
		return types.IntervalValue{Months: v.Months / 12 * 12}
	case "month":
		return types.IntervalValue{Months: v.Months}
	case "day":
		v.Micros = 0
	case "hour":
		v.Micros -= v.Micros % microsPerHour
	case "minute":
		v.Micros -= v.Micros % microsPerMinute
	}
	return v
}

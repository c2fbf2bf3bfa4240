package pgtext

import "strings"

// iso reads ISO 8601: P1Y2M3DT4H5M6S, or P0001-02-03T04:05:06.
func (p *intervalScanner) iso() bool {
	p.s = p.s[1:]
	if p.s == "" {
		return false
	}
	if i := strings.IndexAny(p.s, "YyMmWwDdHhSs"); i < 0 && strings.ContainsAny(p.s, "-:") {
		return p.isoAlternative()
	}
	inTime := false
	for p.s != "" {
		if p.s[0] == 'T' || p.s[0] == 't' {
			if inTime {
				return false
			}
			inTime = true
			if p.s = p.s[1:]; p.s == "" {
				return false
			}
			continue
		}
		n, ok := p.isoNumber()
		if !ok || p.s == "" {
			return false
		}
		unit, ok := isoUnit(p.s[0]|0x20, inTime)
		if !ok {
			return false
		}
		p.s = p.s[1:]
		p.add(n, unit)
	}
	return true
}

func (p *intervalScanner) isoNumber() (n signed, ok bool) {
	negative := false
	if p.s[0] == '-' || p.s[0] == '+' {
		negative = p.s[0] == '-'
		p.s = p.s[1:]
	}
	n, ok = p.number()
	if negative {
		n.negate()
	}
	return n, ok
}

func isoUnit(letter byte, inTime bool) (u intervalUnit, ok bool) {
	switch {
	case letter == 'y' && !inTime:
		return intervalUnit{months: 12}, true
	case letter == 'm' && !inTime:
		return intervalUnit{months: 1}, true
	case letter == 'w' && !inTime:
		return intervalUnit{days: 7}, true
	case letter == 'd' && !inTime:
		return intervalUnit{days: 1}, true
	case letter == 'h' && inTime:
		return intervalUnit{micros: microsPerHour}, true
	case letter == 'm' && inTime:
		return intervalUnit{micros: microsPerMinute}, true
	case letter == 's' && inTime:
		return intervalUnit{micros: microsPerSecond}, true
	}
	return u, false
}

// isoAlternative reads YYYY-MM-DD and HH:MM:SS, either of them left out.
func (p *intervalScanner) isoAlternative() bool {
	date, clock, hasTime := strings.Cut(strings.ToLower(p.s), "t")
	ok := p.isoParts(date, "-", [3]intervalUnit{{months: 12}, {months: 1}, {days: 1}}, !hasTime)
	return ok && p.isoParts(clock, ":",
		[3]intervalUnit{{micros: microsPerHour}, {micros: microsPerMinute}, {micros: microsPerSecond}}, hasTime)
}

func (p *intervalScanner) isoParts(s, sep string, units [3]intervalUnit, required bool) bool {
	if s == "" {
		return !required
	}
	parts := strings.Split(s, sep)
	if len(parts) > 3 {
		return false
	}
	for i, part := range parts {
		p.s = part
		if part == "" {
			return false
		}
		n, ok := p.isoNumber()
		if !ok || p.s != "" {
			return false
		}
		p.add(n, units[i])
	}
	return true
}

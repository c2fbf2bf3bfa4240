package pgtext

import (
	"strings"
	"time"
)

func monthByName(s string) (month int, ok bool) {
	if len(s) < 3 || !isLetter(s[0]) {
		return 0, false
	}
	s = strings.ToLower(s)
	for m := time.January; m <= time.December; m++ {
		name := strings.ToLower(m.String())
		if s == name || s == name[:3] || s == "sept" && m == time.September {
			return int(m), true
		}
	}
	return 0, false
}

func isWeekday(s string) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		name := strings.ToLower(d.String())
		if len(s) >= 3 && strings.HasPrefix(name, s) {
			return true
		}
	}
	return false
}

// zoneAbbreviation gives the displacement in hours of the abbreviations that
// people still write; others are refused, use a zone's name.
func zoneAbbreviation(s string) (hours int, ok bool) {
	switch s {
	case "z", "utc", "gmt", "zulu", "ut", "wet":
		return 0, true
	case "est":
		return -5, true
	case "edt", "ast":
		return -4, true
	case "cst", "mdt":
		return -6, true
	case "cdt":
		return -5, true
	case "mst", "pdt":
		return -7, true
	case "pst", "akdt":
		return -8, true
	case "bst", "cet", "met":
		return 1, true
	case "cest", "eet", "mest":
		return 2, true
	case "eest", "msk":
		return 3, true
	case "jst", "kst":
		return 9, true
	}
	return 0, false
}

func (sc *dateScanner) word() scanFault {
	word := sc.take(isLetter)
	lower := strings.ToLower(word)
	switch lower {
	case "t":
		sc.inTime = true
		if sc.s == "" || !isDigit(sc.s[0]) || !sc.m.hasDate && sc.m.hasTime {
			return faultSyntax
		}
		return 0
	case "am", "pm":
		return sc.meridiem(lower[0])
	case "ad", "bc":
		sc.m.bc = lower == "bc"
		return 0
	case "epoch", "infinity", "inf":
		sc.m.special = strings.TrimSuffix(lower, "inity")
		if sc.m.special != "epoch" {
			sc.m.special = "infinity"
		}
		return 0
	case "now", "today", "tomorrow", "yesterday":
		return faultWord
	case "allballs":
		sc.m.hasTime, sc.m.hasZone = true, true
		return 0
	}
	if month, ok := monthByName(lower); ok {
		if sc.m.hasDate || sc.m.month != 0 {
			return faultSyntax
		}
		sc.m.month = month
		return sc.monthFirst()
	}
	if isWeekday(lower) {
		return 0
	}
	return sc.zoneWord(word, lower)
}

// monthFirst lets a hyphen or such join a month's name to what follows, as in
// Jan-08-1999.
func (sc *dateScanner) monthFirst() scanFault {
	if sc.s != "" && (sc.s[0] == '-' || sc.s[0] == '/' || sc.s[0] == '.') {
		sep := sc.s[0]
		sc.s = sc.s[1:]
		sc.parts = append(sc.parts, sc.take(isDigit))
		if sc.s == "" || sc.s[0] != sep {
			return faultSyntax
		}
		sc.s = sc.s[1:]
		sc.parts = append(sc.parts, sc.take(isDigit))
	}
	return 0
}

func (sc *dateScanner) meridiem(half byte) scanFault {
	if !sc.m.hasTime {
		return faultSyntax
	}
	sc.m.half = half
	return 0
}

func (sc *dateScanner) zoneWord(word, lower string) scanFault {
	if sc.m.zone != nil || !sc.m.hasDate && !sc.m.hasTime {
		return faultSyntax
	}
	word += sc.take(func(c byte) bool { return isLetter(c) || c == '/' || c == '_' })
	sc.m.hasZone = true
	if hours, ok := zoneAbbreviation(lower); ok && len(word) == len(lower) {
		sc.m.offset = hours * 3600
		return 0
	}
	// A name without a slash would also find files such as "posixrules".
	if !strings.Contains(word, "/") {
		return faultSyntax
	}
	zone, err := time.LoadLocation(word)
	if err != nil {
		return faultNoZone
	}
	sc.m.zone = zone
	return 0
}

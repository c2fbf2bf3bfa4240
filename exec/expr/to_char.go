package expr

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// charPattern is one template pattern of to_char for times (PostgreSQL manual
// 9.8). Longer names stand before their prefixes.
type charPattern struct {
	name  string
	write func(t *charTime) string
	// width is how far FM's absence pads: with zeros if it is positive, with spaces
	// on the right if it is negative.
	width int
}

type charTime struct {
	fields
	zone string
}

func (t *charTime) hour() int   { return int(t.micros / (3600 * million)) }
func (t *charTime) hour12() int { return (t.hour()+11)%12 + 1 }

// charPatterns are tried in order.
var charPatterns = []charPattern{
	{"HH24", func(t *charTime) string { return strconv.Itoa(t.hour()) }, 2},
	{"HH12", func(t *charTime) string { return strconv.Itoa(t.hour12()) }, 2},
	{"HH", func(t *charTime) string { return strconv.Itoa(t.hour12()) }, 2},
	{"MI", func(t *charTime) string { return strconv.Itoa(int(t.micros / (60 * million) % 60)) }, 2},
	{"SSSSS", func(t *charTime) string { return strconv.Itoa(int(t.micros / million)) }, 0},
	{"SSSS", func(t *charTime) string { return strconv.Itoa(int(t.micros / million)) }, 0},
	{"SS", func(t *charTime) string { return strconv.Itoa(int(t.micros / million % 60)) }, 2},
	{"MS", func(t *charTime) string { return fmt.Sprintf("%03d", t.micros/1000%1000) }, 0},
	{"US", func(t *charTime) string { return fmt.Sprintf("%06d", t.micros%million) }, 0},
	{"FF1", fraction(1), 0},
	{"FF2", fraction(2), 0},
	{"FF3", fraction(3), 0},
	{"FF4", fraction(4), 0},
	{"FF5", fraction(5), 0},
	{"FF6", fraction(6), 0},
	{"A.M.", func(t *charTime) string { return [...]string{"A.M.", "P.M."}[t.hour()/12%2] }, 0},
	{"P.M.", func(t *charTime) string { return [...]string{"A.M.", "P.M."}[t.hour()/12%2] }, 0},
	{"AM", func(t *charTime) string { return [...]string{"AM", "PM"}[t.hour()/12%2] }, 0},
	{"PM", func(t *charTime) string { return [...]string{"AM", "PM"}[t.hour()/12%2] }, 0},
	{"Y,YYY", func(t *charTime) string { y := t.age(); return fmt.Sprintf("%d,%03d", y/1000, y%1000) }, 0},
	{"YYYY", func(t *charTime) string { return strconv.Itoa(t.age()) }, 4},
	{"YYY", func(t *charTime) string { return strconv.Itoa(t.age() % 1000) }, 3},
	{"YY", func(t *charTime) string { return strconv.Itoa(t.age() % 100) }, 2},
	{"Y", func(t *charTime) string { return strconv.Itoa(t.age() % 10) }, 1},
	{"IYYY", func(t *charTime) string { y, _ := t.isoWeek(); return strconv.Itoa(y) }, 4},
	{"IYY", func(t *charTime) string { y, _ := t.isoWeek(); return strconv.Itoa(y % 1000) }, 3},
	{"IY", func(t *charTime) string { y, _ := t.isoWeek(); return strconv.Itoa(y % 100) }, 2},
	{"IDDD", func(t *charTime) string { _, w := t.isoWeek(); return strconv.Itoa((w-1)*7 + (t.weekday()+6)%7 + 1) }, 3},
	{"IW", func(t *charTime) string { _, w := t.isoWeek(); return strconv.Itoa(w) }, 2},
	{"ID", func(t *charTime) string { return strconv.Itoa((t.weekday()+6)%7 + 1) }, 0},
	{"MONTH", func(t *charTime) string { return strings.ToUpper(time.Month(t.month).String()) }, -9},
	{"Month", func(t *charTime) string { return time.Month(t.month).String() }, -9},
	{"month", func(t *charTime) string { return strings.ToLower(time.Month(t.month).String()) }, -9},
	{"MON", func(t *charTime) string { return strings.ToUpper(time.Month(t.month).String()[:3]) }, 0},
	{"Mon", func(t *charTime) string { return time.Month(t.month).String()[:3] }, 0},
	{"mon", func(t *charTime) string { return strings.ToLower(time.Month(t.month).String()[:3]) }, 0},
	{"MM", func(t *charTime) string { return strconv.Itoa(t.month) }, 2},
	{"DAY", func(t *charTime) string { return strings.ToUpper(time.Weekday(t.weekday()).String()) }, -9},
	{"Day", func(t *charTime) string { return time.Weekday(t.weekday()).String() }, -9},
	{"day", func(t *charTime) string { return strings.ToLower(time.Weekday(t.weekday()).String()) }, -9},
	{"DDD", func(t *charTime) string { return strconv.Itoa(t.yearDay()) }, 3},
	{"DD", func(t *charTime) string { return strconv.Itoa(t.day) }, 2},
	{"DY", func(t *charTime) string { return strings.ToUpper(time.Weekday(t.weekday()).String()[:3]) }, 0},
	{"Dy", func(t *charTime) string { return time.Weekday(t.weekday()).String()[:3] }, 0},
	{"dy", func(t *charTime) string { return strings.ToLower(time.Weekday(t.weekday()).String()[:3]) }, 0},
	{"D", func(t *charTime) string { return strconv.Itoa(t.weekday() + 1) }, 0},
	{"WW", func(t *charTime) string { return strconv.Itoa((t.yearDay()-1)/7 + 1) }, 2},
	{"W", func(t *charTime) string { return strconv.Itoa((t.day-1)/7 + 1) }, 0},
	{"CC", func(t *charTime) string { return strconv.Itoa(century(t.year, 100)) }, 2},
	{"J", func(t *charTime) string { return strconv.FormatInt(t.days+2440588, 10) }, 0},
	{"Q", func(t *charTime) string { return strconv.Itoa((t.month-1)/3 + 1) }, 0},
	{"B.C.", func(t *charTime) string { return t.era("A.D.", "B.C.") }, 0},
	{"A.D.", func(t *charTime) string { return t.era("A.D.", "B.C.") }, 0},
	{"BC", func(t *charTime) string { return t.era("AD", "BC") }, 0},
	{"AD", func(t *charTime) string { return t.era("AD", "BC") }, 0},
	{"TZH", func(t *charTime) string { return fmt.Sprintf("%+03d", t.offset/3600) }, 0},
	{"TZM", func(t *charTime) string { return fmt.Sprintf("%02d", max(t.offset, -t.offset)/60%60) }, 0},
	{"TZ", func(t *charTime) string { return t.zone }, 0},
	{"OF", offset, 0},
}

func fraction(digits int) func(t *charTime) string {
	return func(t *charTime) string { return fmt.Sprintf("%06d", t.micros%million)[:digits] }
}

func offset(t *charTime) string {
	s := fmt.Sprintf("%+03d", t.offset/3600)
	if m := max(t.offset, -t.offset) / 60 % 60; m != 0 {
		s += fmt.Sprintf(":%02d", m)
	}
	return s
}

// age is the year without its era.
func (t *charTime) age() int {
	if t.year <= 0 {
		return 1 - t.year
	}
	return t.year
}

func (t *charTime) era(ad, bc string) string {
	if t.year <= 0 {
		return bc
	}
	return ad
}

// caseless are the patterns whose letters' case is the result's.
var caseless = map[string]bool{
	"AM": true, "PM": true, "A.M.": true, "P.M.": true, "BC": true, "AD": true, "B.C.": true, "A.D.": true, "TZ": true,
}

// appendTime formats by a template.
func appendTime(dst []byte, t *charTime, template string) []byte {
	for s := template; s != ""; {
		if s[0] == '"' {
			s = s[1:]
			for s != "" && s[0] != '"' {
				if s[0] == '\\' && len(s) > 1 {
					s = s[1:]
				}
				dst = append(dst, s[0])
				s = s[1:]
			}
			s = strings.TrimPrefix(s, `"`)
			continue
		}
		rest, fill := s, true
		if len(s) > 2 && strings.EqualFold(s[:2], "FM") {
			rest, fill = s[2:], false
		}
		p, ok := findPattern(rest)
		if !ok {
			if !fill {
				s = rest
				continue
			}
			if s[0] == '\\' && len(s) > 1 {
				s = s[1:]
			}
			dst = append(dst, s[0])
			s = s[1:]
			continue
		}
		start := len(dst)
		dst = append(dst, padded(p, t, rest, fill)...)
		s = rest[len(p.name):]
		if len(s) >= 2 && strings.EqualFold(s[:2], "th") && dst[len(dst)-1] >= '0' && dst[len(dst)-1] <= '9' {
			suffix := ordinal(string(dst[start:]))
			if s[:2] == "TH" {
				suffix = strings.ToUpper(suffix)
			}
			dst = append(dst, suffix...)
			s = s[2:]
		}
	}
	return dst
}

func findPattern(s string) (charPattern, bool) {
	for _, p := range charPatterns {
		if strings.HasPrefix(s, p.name) {
			return p, true
		}
	}
	for _, p := range charPatterns { // numbers are written in any case
		if len(s) >= len(p.name) && strings.EqualFold(s[:len(p.name)], p.name) {
			return p, true
		}
	}
	return charPattern{}, false
}

func padded(p charPattern, t *charTime, written string, fill bool) string {
	s := p.write(t)
	if caseless[p.name] && written[0] >= 'a' {
		s = strings.ToLower(s)
	}
	if !fill || p.width == 0 {
		return s
	}
	if p.width < 0 {
		return s + strings.Repeat(" ", max(-p.width-len(s), 0))
	}
	return strings.Repeat("0", max(p.width-len(s), 0)) + s
}

func ordinal(number string) string {
	n := len(number)
	if n >= 2 && number[n-2] == '1' {
		return "th"
	}
	switch number[n-1] {
	case '1':
		return "st"
	case '2':
		return "nd"
	case '3':
		return "rd"
	}
	return "th"
}

func timeToChar(r *row, micros int64, zone *time.Location) error {
	if infinite(micros) {
		return r.setNull()
	}
	local := toLocal(micros, zone)
	t := charTime{fields: fieldsOf(local)}
	if r.args[0].t.Kind == types.TimestampTZ {
		t.zone, t.offset = time.UnixMicro(micros).In(zone).Zone()
	}
	r.out = appendTime(r.out, &t, r.text(1))
	return r.room(0)
}

func formatFunctions() map[string]kernel {
	m := map[string]kernel{
		"to_char(timestamp,text)":   stable(textFn(func(r *row) error { return timeToChar(r, r.int64(0), time.UTC) })),
		"to_char(timestamptz,text)": stable(textFn(func(r *row) error { return timeToChar(r, r.int64(0), r.f.p.env.zone()) })),
		"to_char(date,text)": stable(textFn(func(r *row) error {
			micros, err := dateToTimestamp(int32(r.int32(0)))
			if err != nil {
				return err
			}
			return timeToChar(r, micros, time.UTC)
		})),
	}
	for _, t := range []string{"integer", "bigint", "double", "numeric"} {
		m["to_char("+t+",text)"] = textFn(numberToChar)
	}
	return m
}

// numberToChar formats by 9 0 . , D G S MI PL SG PR FM L and literal text.
func numberToChar(r *row) error {
	f, err := parseNumberFormat(r.text(1))
	if err != nil {
		return err
	}
	text := string(appendText(nil, r.args[0], r.i, nil))
	v, err := scaledText(text, f.after)
	if err != nil {
		return err
	}
	return r.put(f.format(v))
}

func badTemplate(s string) error {
	return pgerr.Newf(pgerr.FeatureNotSupported, "to_char pattern %q is not supported for numbers", s)
}

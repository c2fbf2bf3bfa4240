package expr

import (
	"strings"

	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// numberFormat is a numeric template of to_char, as its digits and what stands
// between them.
type numberFormat struct {
	items         []numberItem
	before, after int  // digits around the point
	fill          bool // no FM
	sign          string
	firstZero     int // the first digit before the point that is always shown
}

// numberItem is a digit ('9' or '0'), a point, a group separator or literal text.
type numberItem struct {
	kind byte // '9', '0', '.', ',', 's' sign, 'l' literal
	text string
}

// numberPatterns are the words of a numeric template.
var numberPatterns = []struct {
	word string
	kind byte
}{
	{"FM", 'f'},
	{"MI", 'm'},
	{"PL", 'p'},
	{"SG", 'g'},
	{"PR", 'r'},
	{"S", 'S'},
	{"L", 'L'},
	{"D", '.'},
	{"G", ','},
	{"9", '9'},
	{"0", '0'},
	{".", '.'},
	{",", ','},
}

// parseNumberFormat refuses what it does not know (EEEE, RN, V, TH).
func parseNumberFormat(template string) (*numberFormat, error) {
	f := &numberFormat{fill: true, firstZero: -1}
	point := false
	for s := template; s != ""; {
		kind, size := numberWord(s)
		word := s[:size]
		s = s[size:]
		switch kind {
		case 'f':
			f.fill = false
			continue
		case 'm', 'p', 'g', 'r', 'S':
			f.sign = strings.ToUpper(word)
			f.items = append(f.items, numberItem{'s', f.sign})
			continue
		case '9', '0':
			if point {
				f.after++
			} else {
				if kind == '0' && f.firstZero < 0 {
					f.firstZero = f.before
				}
				f.before++
			}
		case '.':
			point = true
		case 'L':
			kind, word = 'l', " "
		case 0:
			if strings.ContainsAny(word, "eErRvVtT") {
				return nil, badTemplate(template)
			}
			kind = 'l'
		}
		f.items = append(f.items, numberItem{kind, word})
	}
	return f, nil
}

func numberWord(s string) (kind byte, size int) {
	for _, p := range numberPatterns {
		if len(s) >= len(p.word) && strings.EqualFold(s[:len(p.word)], p.word) {
			return p.kind, len(p.word)
		}
	}
	if s[0] == '"' {
		if end := strings.IndexByte(s[1:], '"'); end >= 0 {
			return 'l', end + 2
		}
	}
	return 0, len(cutText(s, 1))
}

// scaledText rounds a number's text to the places.
func scaledText(text string, places int) (string, error) {
	t := types.DecimalOf(types.NumericPrecision, int32(min(places, maxCharPlaces)))
	v, err := pgtext.ParseNumeric(text, t)
	if err != nil {
		return "", err
	}
	return string(pgtext.AppendNumeric(nil, v, t)), nil
}

// maxCharPlaces leaves 18 digits before the point.
const maxCharPlaces = 20

func (f *numberFormat) format(v string) string {
	digits, negative := strings.CutPrefix(v, "-")
	whole, frac, _ := strings.Cut(digits, ".")
	whole = strings.TrimLeft(whole, "0")
	if strings.Trim(whole+frac, "0") == "" {
		negative = false
	}
	if whole == "" && (f.after == 0 || !f.fill && strings.Trim(frac, "0") == "") {
		whole = "0"
	}
	if len(whole) > f.before {
		whole, frac = strings.Repeat("#", f.before), strings.Repeat("#", f.after)
	}
	body := f.digits(whole, frac)
	return f.signed(body, negative)
}

// signMark stands for the place of a sign that goes with the number.
const signMark = '\x01'

// digits lays the digits out, with spaces for those that are not there.
func (f *numberFormat) digits(whole, frac string) string {
	var b strings.Builder
	lead := f.before - len(whole)
	at, afterPoint, started := 0, 0, false
	if f.firstZero >= 0 {
		lead = min(lead, f.firstZero)
	}
	point := false
	for _, item := range f.items {
		switch item.kind {
		case '9', '0':
			switch {
			case point && afterPoint < len(frac):
				b.WriteByte(frac[afterPoint])
				afterPoint++
			case point:
				b.WriteByte('0')
			case at < lead:
				f.blank(&b)
				at++
			default:
				if k := at - (f.before - len(whole)); k >= 0 {
					b.WriteByte(whole[k])
				} else {
					b.WriteByte('0')
				}
				started = true
				at++
			}
		case '.':
			point = true
			b.WriteByte('.')
		case ',':
			if started {
				b.WriteByte(',')
			} else {
				f.blank(&b)
			}
		case 's':
			b.WriteByte(signMark)
			b.WriteString(item.text + "\x02")
		default:
			b.WriteString(strings.Trim(item.text, `"`))
		}
	}
	return f.trimFraction(b.String(), frac)
}

func (f *numberFormat) blank(b *strings.Builder) {
	if f.fill {
		b.WriteByte(' ')
	}
}

// trimFraction drops the trailing zeros that FM does not show where the template
// has 9s.
func (f *numberFormat) trimFraction(s, frac string) string {
	if f.fill || f.after == 0 {
		return s
	}
	optional := 0
	for i := len(f.items) - 1; i >= 0 && f.items[i].kind != '.'; i-- {
		if f.items[i].kind == '0' {
			break
		}
		if f.items[i].kind == '9' {
			optional++
		}
	}
	zeros := len(frac) - len(strings.TrimRight(frac, "0"))
	point := strings.IndexByte(s, '.')
	drop := min(optional, zeros)
	end := point + 1 + f.after
	return s[:end-drop] + s[end:]
}

// signed puts the sign where the template wants it, or before the first digit.
func (f *numberFormat) signed(body string, negative bool) string {
	pick := func(neg, pos string) string {
		if negative {
			return neg
		}
		return pos
	}
	if f.sign == "" {
		pad := pick("-", "")
		if !negative && f.fill {
			pad = " "
		}
		return beforeDigits(body, pad)
	}
	start, end := strings.IndexByte(body, signMark), strings.IndexByte(body, '\x02')
	before, after := body[:start], body[end+1:]
	switch f.sign {
	case "MI":
		s := pick("-", "")
		if !negative && f.fill {
			s = " "
		}
		return before + s + after
	case "PL":
		return beforeDigits(before+pick(" ", "+")+after, pick("-", ""))
	case "SG":
		return before + pick("-", "+") + after
	case "PR":
		if negative {
			return beforeDigits(before, "<") + ">" + after
		}
		if f.fill {
			return " " + before + " " + after
		}
		return before + after
	}
	if before == "" {
		return beforeDigits(after, pick("-", "+"))
	}
	return before + pick("-", "+") + after
}

// beforeDigits puts a sign before the first digit, after the spaces.
func beforeDigits(s, sign string) string {
	at := 0
	for at < len(s) && s[at] == ' ' {
		at++
	}
	return s[:at] + sign + s[at:]
}

package pgtext

import (
	"strings"

	"laminardb/sql/pgerr"
)

// Element is one element of an array's text.
type Element struct {
	Text string // without quotes; a nested array's own text
	Null bool
}

// ParseArray cuts an array's text, {a,"b c",NULL,{1,2}}, into its elements. A
// nested array comes as text for another call.
func ParseArray(s string) ([]Element, error) {
	t := strings.Trim(s, space)
	if !strings.HasPrefix(t, "{") {
		return nil, malformedArray(s).WithDetail(`Array value must start with "{" or dimension information.`)
	}
	p := arrayScanner{s: t[1:]}
	var out []Element
	if p.skip(); strings.HasPrefix(p.s, "}") {
		p.s = p.s[1:]
		return out, p.end(s)
	}
	for {
		e, ok := p.element()
		if !ok || p.s == "" {
			return nil, malformedArray(s).WithDetail("Unexpected end of input or delimiter.")
		}
		out = append(out, e)
		c := p.s[0]
		p.s = p.s[1:]
		switch c {
		case ',':
		case '}':
			return out, p.end(s)
		default:
			return nil, malformedArray(s).WithDetail("Unexpected array element.")
		}
	}
}

func malformedArray(s string) *pgerr.Error {
	return pgerr.Newf(pgerr.InvalidText, "malformed array literal: %v", quotable(s))
}

type arrayScanner struct{ s string }

func (p *arrayScanner) skip() { p.s = strings.TrimLeft(p.s, space) }

func (p *arrayScanner) end(whole string) error {
	if p.s != "" {
		return malformedArray(whole).WithDetail("Junk after closing right brace.")
	}
	return nil
}

func (p *arrayScanner) element() (e Element, ok bool) {
	p.skip()
	if p.s == "" {
		return e, false
	}
	switch p.s[0] {
	case '"':
		e.Text, ok = p.quoted()
	case '{':
		e.Text, ok = p.nested()
	default:
		e, ok = p.plain()
	}
	p.skip()
	return e, ok
}

func (p *arrayScanner) quoted() (string, bool) {
	var b strings.Builder
	for i := 1; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '"':
			p.s = p.s[i+1:]
			return b.String(), true
		case c == '\\' && i+1 < len(p.s):
			i++
			b.WriteByte(p.s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// nested takes a whole inner array, quotes respected.
func (p *arrayScanner) nested() (string, bool) {
	depth, quoted := 0, false
	for i := 0; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				text := p.s[:i+1]
				p.s = p.s[i+1:]
				return text, true
			}
		}
	}
	return "", false
}

func (p *arrayScanner) plain() (e Element, ok bool) {
	var b strings.Builder
	escaped := false
	i, end := 0, 0 // end: the length without trailing space
	for ; i < len(p.s) && p.s[i] != ',' && p.s[i] != '}'; i++ {
		switch c := p.s[i]; {
		case c == '"' || c == '{':
			return e, false
		case c == '\\':
			if i++; i == len(p.s) {
				return e, false
			}
			escaped = true
			b.WriteByte(p.s[i])
			end = b.Len()
		default:
			b.WriteByte(c)
			if strings.IndexByte(space, c) < 0 {
				end = b.Len()
			}
		}
	}
	e.Text = b.String()[:end]
	p.s = p.s[i:]
	e.Null = !escaped && strings.EqualFold(e.Text, "null")
	return e, e.Text != ""
}

// QuoteElement quotes the text dst[start:], just appended, where an array's
// text needs it.
func QuoteElement(dst []byte, start int) []byte {
	text := dst[start:]
	if len(text) > 0 && !needsQuote(text, `{}",\`) && !isNull(text) {
		return dst
	}
	return quote(dst, start, false)
}

// QuoteField quotes the text dst[start:], just appended, where a record's text
// needs it.
func QuoteField(dst []byte, start int) []byte {
	text := dst[start:]
	if len(text) > 0 && !needsQuote(text, `(),"\`) {
		return dst
	}
	return quote(dst, start, true)
}

func isNull(b []byte) bool { return len(b) == 4 && strings.EqualFold(string(b), "null") }

func needsQuote(text []byte, special string) bool {
	for _, c := range text {
		if strings.IndexByte(special, c) >= 0 || strings.IndexByte(space, c) >= 0 {
			return true
		}
	}
	return false
}

// quote puts dst[start:] between double quotes. A record doubles a quote and a
// backslash, an array puts a backslash before them.
func quote(dst []byte, start int, double bool) []byte {
	text := string(dst[start:])
	dst = append(dst[:start], '"')
	for i := 0; i < len(text); i++ {
		if c := text[i]; c == '"' || c == '\\' {
			if double {
				dst = append(dst, c)
			} else {
				dst = append(dst, '\\')
			}
		}
		dst = append(dst, text[i])
	}
	return append(dst, '"')
}

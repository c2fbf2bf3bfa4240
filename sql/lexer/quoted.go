package lexer

import (
	"strings"
	"unicode/utf8"

	"laminardb/sql/pgerr"
)

// prefixedString reads E'..', U&'..', U&"..", B'..' and X'..'. ok is false if
// the word at the position is none of these.
func (l *lexer) prefixedString() (t Token, ok bool, err error) {
	start := l.pos
	switch c := l.src[start] | 0x20; {
	case c == 'e' && l.at(1) == '\'':
		l.pos++
		t, err = l.quotedString(start, true)
	case c == 'u' && l.at(1) == '&' && (l.at(2) == '\'' || l.at(2) == '"'):
		t, err = l.unicodeQuoted(start)
	case (c == 'b' || c == 'x') && l.at(1) == '\'':
		err = pgerr.At(start, pgerr.FeatureNotSupported, "bit strings are not supported").
			WithHint(`Write bytes as '\x..'::bytea.`)
	default:
		return Token{}, false, nil
	}
	return t, true, err
}

// quotedString reads a string whose opening quote is at l.pos. Two strings with
// a newline between them are one.
func (l *lexer) quotedString(start int, escapes bool) (Token, error) {
	var text string
	for {
		l.pos++
		part, err := l.stringBody(start, escapes)
		if err != nil {
			return Token{}, err
		}
		text += part
		end := l.pos
		if !l.continuesOnNextLine() {
			l.pos = end
			return l.token(String, text, start), nil
		}
	}
}

// continuesOnNextLine moves to a quote that follows white space with a newline.
func (l *lexer) continuesOnNextLine() bool {
	newline := false
	for isSpace(l.at(0)) {
		newline = newline || l.at(0) == '\n' || l.at(0) == '\r'
		l.pos++
	}
	return newline && l.at(0) == '\''
}

// stringBody reads up to and including the closing quote.
func (l *lexer) stringBody(start int, escapes bool) (string, error) {
	var b []byte // nil while the text is a plain slice of the source
	from := l.pos
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == '\'' && l.at(1) == '\'':
			b = append(b, l.src[from:l.pos+1]...)
			l.pos += 2
			from = l.pos
		case c == '\'':
			tail := l.src[from:l.pos]
			l.pos++
			if b == nil {
				return tail, nil
			}
			return checkText(start, append(b, tail...))
		case c == '\\' && escapes:
			b = append(b, l.src[from:l.pos]...)
			var err error
			if b, err = l.escape(b); err != nil {
				return "", err
			}
			from = l.pos
		default:
			l.pos++
		}
	}
	return "", l.unterminated(start, "quoted string")
}

func checkText(pos int, b []byte) (string, error) {
	if !utf8.Valid(b) || strings.IndexByte(string(b), 0) >= 0 {
		return "", pgerr.At(pos, pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8"`)
	}
	return string(b), nil
}

// escape appends what the backslash sequence at l.pos stands for.
func (l *lexer) escape(b []byte) ([]byte, error) {
	start := l.pos
	l.pos += 2
	switch c := l.src[min(start+1, len(l.src)-1)]; c {
	case 'b':
		return append(b, '\b'), nil
	case 'f':
		return append(b, '\f'), nil
	case 'n':
		return append(b, '\n'), nil
	case 'r':
		return append(b, '\r'), nil
	case 't':
		return append(b, '\t'), nil
	case 'x':
		if v, n := l.hex(2); n > 0 {
			return append(b, byte(v)), nil
		}
		return append(b, 'x'), nil
	case 'u', 'U':
		width := 4
		if c == 'U' {
			width = 8
		}
		v, n := l.hex(width)
		if n != width {
			return nil, pgerr.At(start, pgerr.InvalidEscape, "invalid Unicode escape").
				WithHint(`Unicode escapes must be \uXXXX or \UXXXXXXXX.`)
		}
		return l.appendRune(b, start, v, func() (rune, bool) { return l.lowSurrogate() })
	case '0', '1', '2', '3', '4', '5', '6', '7':
		v := int(c - '0')
		for n := 1; n < 3 && l.at(0) >= '0' && l.at(0) <= '7'; n++ {
			v = v<<3 | int(l.at(0)-'0')
			l.pos++
		}
		return append(b, byte(v)), nil
	default:
		if l.pos > len(l.src) {
			l.pos = len(l.src)
			return b, nil // the missing quote is reported by the caller
		}
		if c < utf8.RuneSelf {
			return append(b, c), nil
		}
		l.pos-- // a whole rune follows as ordinary text
		return b, nil
	}
}

// appendRune appends a code point; a high surrogate takes its other half from low.
func (l *lexer) appendRune(b []byte, pos int, v rune, low func() (rune, bool)) ([]byte, error) {
	if v >= 0xD800 && v < 0xDC00 {
		if lo, ok := low(); ok {
			v = 0x10000 + (v-0xD800)<<10 + (lo - 0xDC00)
		}
	}
	if v == 0 || !utf8.ValidRune(v) {
		return nil, pgerr.At(pos, pgerr.SyntaxError, "invalid Unicode escape value")
	}
	return utf8.AppendRune(b, v), nil
}

func (l *lexer) lowSurrogate() (rune, bool) {
	save := l.pos
	if l.at(0) == '\\' && l.at(1) == 'u' {
		l.pos += 2
		if v, n := l.hex(4); n == 4 && v >= 0xDC00 && v < 0xE000 {
			return v, true
		}
	}
	l.pos = save
	return 0, false
}

// hex reads up to n hexadecimal digits and returns how many there were.
func (l *lexer) hex(n int) (v rune, got int) {
	for got < n {
		d := strings.IndexByte("0123456789abcdef", l.at(0)|0x20)
		if d < 0 || l.at(0) == 0 {
			break
		}
		v = v<<4 | rune(d)
		l.pos++
		got++
	}
	return v, got
}

// quotedIdent reads up to the closing double quote; l.pos is after the opening.
func (l *lexer) quotedIdent(start int) (string, error) {
	from, doubled := l.pos, false
	for l.pos < len(l.src) {
		if l.src[l.pos] != '"' {
			l.pos++
			continue
		}
		if l.at(1) == '"' {
			doubled = true
			l.pos += 2
			continue
		}
		text := l.src[from:l.pos]
		l.pos++
		if text == "" {
			return "", pgerr.At(start, pgerr.SyntaxError, `zero-length delimited identifier at or near """"`)
		}
		if doubled {
			text = strings.ReplaceAll(text, `""`, `"`)
		}
		return text, nil
	}
	return "", l.unterminated(start, "quoted identifier")
}

// unicodeQuoted reads U&'..' and U&"..", with \XXXX and \+XXXXXX.
func (l *lexer) unicodeQuoted(start int) (Token, error) {
	l.pos += 2
	kind, raw := Quoted, ""
	var err error
	if l.src[l.pos] == '"' {
		l.pos++
		raw, err = l.quotedIdent(start)
	} else {
		kind = String
		l.pos++
		raw, err = l.stringBody(start, false)
	}
	if err != nil {
		return Token{}, err
	}
	inner := lexer{src: raw}
	var b []byte
	for inner.pos < len(raw) {
		if raw[inner.pos] != '\\' {
			b = append(b, raw[inner.pos])
			inner.pos++
			continue
		}
		if b, err = inner.unicodeEscape(b, start); err != nil {
			return Token{}, err
		}
	}
	return l.token(kind, string(b), start), nil
}

func (l *lexer) unicodeEscape(b []byte, start int) ([]byte, error) {
	width := 4
	l.pos++
	switch l.at(0) {
	case '\\':
		l.pos++
		return append(b, '\\'), nil
	case '+':
		l.pos++
		width = 6
	}
	v, n := l.hex(width)
	if n != width {
		return nil, pgerr.At(start, pgerr.SyntaxError, "invalid Unicode escape").
			WithHint(`Unicode escapes must be \XXXX or \+XXXXXX.`)
	}
	return l.appendRune(b, start, v, func() (rune, bool) {
		save := l.pos
		if l.at(0) == '\\' {
			l.pos++
			if lo, n := l.hex(4); n == 4 && lo >= 0xDC00 && lo < 0xE000 {
				return lo, true
			}
		}
		l.pos = save
		return 0, false
	})
}

package json

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds nested values.
const maxDepth = 512

// scanner is a place in one record. b is valid UTF-8; its capacity may reach
// into the records behind, so that whole words can be loaded.
type scanner struct {
	b      []byte
	pos    int
	reason string
	buf    []byte // of unescaped strings
	// entries and keys are a stack of the members of the maps being read.
	entries []entry
	keys    []byte
}

func (s *scanner) reset(b []byte) { s.b, s.pos, s.reason = b, 0, "" }

// space skips white space.
func (s *scanner) space() {
	for s.pos < len(s.b) {
		switch s.b[s.pos] {
		case ' ', '\n', '\r', '\t':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.b) {
		return s.b[s.pos]
	}
	return 0
}

// unexpected fails at the current place.
func (s *scanner) unexpected(want string) bool {
	if s.pos >= len(s.b) {
		return s.fail("invalid JSON: it ends where %s should be", want)
	}
	r, _ := utf8.DecodeRune(s.b[s.pos:])
	return s.fail("invalid JSON at byte %d: %q where %s should be", s.pos, r, want)
}

// str scans the string whose quote is at pos. raw is what is between the
// quotes; escaped says that it has escapes, whose form is checked by unescape.
func (s *scanner) str() (raw []byte, escaped, ok bool) {
	const high, low = 0x8080808080808080, 0x0101010101010101
	s.pos++
	start, at := s.pos, s.pos
	for {
		if at+8 <= cap(s.b) && at < len(s.b) {
			w := binary.LittleEndian.Uint64(s.b[at : at+8])
			quote, slash := w^'"'*low, w^'\\'*low
			// The lowest bit set is exact: borrows only reach upwards.
			hit := ((quote-low)&^quote | (slash-low)&^slash | (w-' '*low)&^w) & high
			if hit == 0 {
				at += 8
				continue
			}
			at += bits.TrailingZeros64(hit) >> 3
		}
		if at >= len(s.b) {
			s.pos = len(s.b)
			return nil, false, s.unexpected("the end of a string")
		}
		switch c := s.b[at]; {
		case c == '"':
			s.pos = at + 1
			return s.b[start:at], escaped, true
		case c == '\\':
			escaped = true
			at += 2
		case c < ' ':
			s.pos = at
			return nil, false, s.fail("invalid JSON at byte %d: control character 0x%02x in a string", at, c)
		default:
			at++
		}
	}
}

// text returns the string at pos without escapes: a part of the record or, if
// it had escapes, the scanner's buffer, valid until the next call.
func (s *scanner) text() (v []byte, escaped, ok bool) {
	v, escaped, ok = s.str()
	if ok && escaped {
		v, ok = s.unescape(v)
	}
	return v, escaped, ok
}

// escapes gives the character that an escape's letter stands for.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (s *scanner) unescape(raw []byte) (v []byte, ok bool) {
	out := s.buf[:0]
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c != '\\' {
			out = append(out, c)
			continue
		}
		i++
		if c := escapes[raw[i]]; c != 0 {
			out = append(out, c)
			continue
		}
		if raw[i] != 'u' {
			return nil, s.fail("invalid JSON: the escape \\%c", raw[i])
		}
		r, size := escapedRune(raw[i-1:])
		if size == 0 {
			return nil, s.fail("invalid JSON: the escape %.12q is not a character", raw[i-1:])
		}
		out = utf8.AppendRune(out, r)
		i += size - 2
	}
	s.buf = out
	return out, true
}

// escapedRune reads \uXXXX, or two of them for a surrogate pair. size is 0 for
// anything that is no character.
func escapedRune(v []byte) (r rune, size int) {
	r, ok := hex4(v)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	second, ok := hex4(v[6:])
	if r = utf16.DecodeRune(r, second); !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

func hex4(v []byte) (r rune, ok bool) {
	if len(v) < 6 || v[0] != '\\' || v[1] != 'u' {
		return 0, false
	}
	for _, c := range v[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number is a number's parts: ±digits·10^exp, as long as digits fits. It has no
// pointer, which saves the write barriers of a slice.
type number struct {
	from, to int // of its text in the record
	digits   uint64
	exp      int
	negative bool
	exact    bool // digits holds all digits, and exp fits
	whole    bool // no fraction and no exponent is written
}

// maxExp bounds exponents before they could overflow.
const maxExp = 100_000

// number scans a number by JSON's grammar.
func (s *scanner) number() (n number, ok bool) {
	b, at := s.b, s.pos
	n.from, n.whole = at, true
	if b[at] == '-' {
		n.negative = true
		at++
	}
	first := at
	digits := uint64(0)
	for ; at < len(b) && b[at]-'0' <= 9; at++ {
		digits = digits*10 + uint64(b[at]-'0')
	}
	count := at - first
	if count == 0 || count > 1 && b[first] == '0' {
		s.pos = first
		return n, s.unexpected("a number without leading zeros")
	}
	if at < len(b) && b[at] == '.' {
		n.whole = false
		at++
		point := at
		for ; at < len(b) && b[at]-'0' <= 9; at++ {
			digits = digits*10 + uint64(b[at]-'0')
		}
		if at == point {
			s.pos = at
			return n, s.unexpected("a digit")
		}
		count += at - point
		n.exp = point - at
	}
	// 19 digits always fit into 64 bits; leading zeros make this too careful.
	n.exact, n.digits = count <= 19, digits
	if at < len(b) && b[at]|0x20 == 'e' {
		n.whole = false
		exp, next := s.exponent(at + 1)
		if next < 0 {
			return n, false
		}
		at = next
		n.exp += exp
		n.exact = n.exact && exp > -maxExp && exp < maxExp
	}
	n.to = at
	s.pos = at
	return n, true
}

// exponent reads an exponent behind its e; next is -1 on failure.
func (s *scanner) exponent(at int) (exp, next int) {
	negative := false
	if at < len(s.b) && (s.b[at] == '+' || s.b[at] == '-') {
		negative = s.b[at] == '-'
		at++
	}
	first := at
	for ; at < len(s.b) && s.b[at]-'0' <= 9; at++ {
		exp = min(exp*10+int(s.b[at]-'0'), maxExp)
	}
	if at == first {
		s.pos = at
		s.unexpected("a digit")
		return 0, -1
	}
	if negative {
		exp = -exp
	}
	return exp, at
}

// textOf returns the number as it is written.
func (s *scanner) textOf(n *number) []byte { return s.b[n.from:n.to] }

// literal reads the word.
func (s *scanner) literal(word string) bool {
	if end := s.pos + len(word); end <= len(s.b) && string(s.b[s.pos:end]) == word {
		s.pos = end
		return true
	}
	return s.unexpected(word)
}

// skip reads any value and forgets it.
func (s *scanner) skip(depth int) bool {
	switch c := s.peek(); c {
	case '"':
		_, _, ok := s.text()
		return ok
	case '{', '[':
		return s.skipNested(c, depth)
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		_, ok := s.number()
		return ok
	}
	return s.unexpected("a value")
}

func (s *scanner) skipNested(open byte, depth int) bool {
	if open == '{' {
		return s.eachKey(depth, func([]byte) bool { return s.skip(depth + 1) })
	}
	return s.eachItem(depth, func() bool { return s.skip(depth + 1) })
}

// eachItem calls read at each item of the array at pos.
func (s *scanner) eachItem(depth int, read func() bool) bool {
	if depth > maxDepth {
		return s.fail("values are nested more than %d deep", maxDepth)
	}
	s.pos++
	if s.space(); s.peek() == ']' {
		s.pos++
		return true
	}
	for {
		if s.space(); !read() {
			return false
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return true
		default:
			return s.unexpected("',' or ']'")
		}
	}
}

// eachKey calls read at each value of the object at pos.
func (s *scanner) eachKey(depth int, read func(key []byte) bool) bool {
	if depth > maxDepth {
		return s.fail("values are nested more than %d deep", maxDepth)
	}
	s.pos++
	if s.space(); s.peek() == '}' {
		s.pos++
		return true
	}
	for {
		key, ok := s.key()
		if !ok || !read(key) {
			return false
		}
		more, ok := s.next()
		if !ok || !more {
			return ok
		}
	}
}

// key reads a key and its colon, up to the value.
func (s *scanner) key() (key []byte, ok bool) {
	if s.space(); s.peek() != '"' {
		return nil, s.unexpected("a key")
	}
	if key, _, ok = s.text(); !ok {
		return nil, false
	}
	if s.peek() != ':' {
		if s.space(); s.peek() != ':' {
			return nil, s.unexpected("':'")
		}
	}
	s.pos++
	s.space()
	return key, true
}

// next reads what follows a member: more members or the end.
func (s *scanner) next() (more, ok bool) {
	s.space()
	switch s.peek() {
	case ',':
		s.pos++
		return true, true
	case '}':
		s.pos++
		return false, true
	}
	return false, s.unexpected("',' or '}'")
}

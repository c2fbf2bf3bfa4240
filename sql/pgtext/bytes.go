package pgtext

import (
	"encoding/hex"
	"strings"

	"laminardb/sql/pgerr"
)

// AppendBytea appends v in PostgreSQL's hex format: \x and two digits a byte.
func AppendBytea(dst, v []byte) []byte {
	return hex.AppendEncode(append(dst, '\\', 'x'), v)
}

// ParseBytea reads a bytea in the hex or the escape format.
func ParseBytea(s string) ([]byte, error) {
	if strings.HasPrefix(s, `\x`) {
		return parseHexBytea(s[2:])
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\':
			out = append(out, s[i])
		case i+1 < len(s) && s[i+1] == '\\':
			out = append(out, '\\')
			i++
		case i+3 < len(s) && s[i+1] >= '0' && s[i+1] <= '3' && isOctal(s[i+2]) && isOctal(s[i+3]):
			out = append(out, (s[i+1]-'0')<<6|(s[i+2]-'0')<<3|(s[i+3]-'0'))
			i += 3
		default:
			return nil, pgerr.Newf(pgerr.InvalidText, "invalid input syntax for type bytea")
		}
	}
	return out, nil
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

func parseHexBytea(s string) ([]byte, error) {
	out := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(space, s[i]) >= 0 {
			continue
		}
		high, ok := hexDigit(s[i])
		if !ok {
			return nil, badHex(s[i:])
		}
		if i++; i == len(s) {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "invalid hexadecimal data: odd number of digits")
		}
		low, ok := hexDigit(s[i])
		if !ok {
			return nil, badHex(s[i:])
		}
		out = append(out, high<<4|low)
	}
	return out, nil
}

func badHex(rest string) error {
	for _, r := range rest {
		return pgerr.Newf(pgerr.InvalidParameterValue, "invalid hexadecimal digit: \"%c\"", r)
	}
	return nil
}

func hexDigit(c byte) (v byte, ok bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// AppendUUID appends the 16 bytes of v as 8-4-4-4-12 hex digits. v must have 16
// bytes.
func AppendUUID(dst, v []byte) []byte {
	dst = append(hex.AppendEncode(dst, v[0:4]), '-')
	dst = append(hex.AppendEncode(dst, v[4:6]), '-')
	dst = append(hex.AppendEncode(dst, v[6:8]), '-')
	dst = append(hex.AppendEncode(dst, v[8:10]), '-')
	return hex.AppendEncode(dst, v[10:16])
}

// ParseUUID reads a uuid: 32 hex digits, with a hyphen allowed after every
// fourth, and braces allowed around them.
func ParseUUID(s string) (v [16]byte, err error) {
	t := s
	if strings.HasPrefix(t, "{") {
		if !strings.HasSuffix(t, "}") {
			return v, invalid("uuid", s)
		}
		t = t[1 : len(t)-1]
	}
	for i := range v {
		if len(t) < 2 {
			return v, invalid("uuid", s)
		}
		high, ok1 := hexDigit(t[0])
		low, ok2 := hexDigit(t[1])
		if !ok1 || !ok2 {
			return v, invalid("uuid", s)
		}
		v[i] = high<<4 | low
		t = t[2:]
		if i%2 == 1 && i < 15 && strings.HasPrefix(t, "-") {
			t = t[1:]
		}
	}
	if t != "" {
		return v, invalid("uuid", s)
	}
	return v, nil
}

package pgtext

import (
	"strings"

	"laminardb/sql/pgerr"
)

// ParseCopyLine cuts one line of COPY's text format, without its line end, into
// its values: tabs between them, \N for null, backslash sequences undone. The
// values are appended to dst.
func ParseCopyLine(dst []Element, line string) ([]Element, error) {
	for more := true; more; {
		var field string
		field, line, more = strings.Cut(line, "\t")
		// A backslash before a tab makes it part of the value.
		for more && oddBackslashes(field) {
			var rest string
			rest, line, more = strings.Cut(line, "\t")
			field += "\t" + rest
		}
		if field == `\N` {
			dst = append(dst, Element{Null: true})
			continue
		}
		text, err := unescapeCopy(field)
		if err != nil {
			return dst, err
		}
		dst = append(dst, Element{Text: text})
	}
	return dst, nil
}

func oddBackslashes(s string) bool {
	return (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1
}

// unescapeCopy undoes \b \f \n \r \t \v, \ooo and \xhh; any other character
// after a backslash stands for itself.
func unescapeCopy(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		i++
		c, more := copySequence(s[i:])
		if c == 0 {
			return "", pgerr.Newf(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\": 0x00")
		}
		out = append(out, c)
		i += more
	}
	text := strings.ToValidUTF8(string(out), "")
	if len(text) != len(out) {
		return "", pgerr.Newf(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\" in COPY data")
	}
	return text, nil
}

// copySequence is the byte that s, behind a backslash, stands for, and how many
// bytes after its first it takes.
func copySequence(s string) (c byte, more int) {
	if i := strings.IndexByte("bfnrtv", s[0]); i >= 0 {
		return "\b\f\n\r\t\v"[i], 0
	}
	v := 0
	if s[0] == 'x' {
		for more < 2 && more+1 < len(s) {
			d, ok := hexDigit(s[more+1])
			if !ok {
				break
			}
			v = v<<4 | int(d)
			more++
		}
		if more == 0 {
			return 'x', 0
		}
		return byte(v), more
	}
	n := 0
	for n < 3 && n < len(s) && isOctal(s[n]) {
		v = v<<3 | int(s[n]-'0')
		n++
	}
	if n == 0 {
		return s[0], 0
	}
	return byte(v), n - 1
}

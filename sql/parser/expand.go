package parser

import (
	"sort"
	"strings"

	"laminardb/sql/pgerr"
)

// OffsetMap maps offsets of an expanded text back to the text that was written.
// The zero OffsetMap is the identity.
type OffsetMap struct{ pieces []piece }

// piece is one replaced ${NAME}: [from, fromEnd) of the written text became
// [to, toEnd) of the expanded one.
type piece struct{ from, fromEnd, to, toEnd int }

// Original returns the offset in the written text: the start of ${NAME} for an
// offset inside of what replaced it.
func (m OffsetMap) Original(offset int) int {
	k := sort.Search(len(m.pieces), func(k int) bool { return m.pieces[k].to > offset })
	if k == 0 {
		return offset
	}
	p := m.pieces[k-1]
	if offset < p.toEnd {
		return p.from
	}
	return offset - p.toEnd + p.fromEnd
}

// Expand replaces every ${NAME} outside comments, inside of string constants too,
// by what lookup returns. A name that lookup does not know is an error with its
// position in text. What replaces a name is not expanded again.
func Expand(text string, lookup func(name string) (value string, ok bool)) (string, OffsetMap, error) {
	if !strings.Contains(text, "${") {
		return text, OffsetMap{}, nil
	}
	var b strings.Builder
	var m OffsetMap
	var at quoting
	from := 0
	for i := 0; i < len(text); {
		if n := at.skip(text, i); n > 0 {
			i += n
			continue
		}
		if !strings.HasPrefix(text[i:], "${") || i > 0 && text[i-1] == '$' {
			i++
			continue
		}
		name, err := variable(text, i)
		if err != nil {
			return "", OffsetMap{}, err
		}
		value, ok := lookup(name)
		if !ok {
			return "", OffsetMap{}, pgerr.At(i, pgerr.UndefinedObject, "variable ${%s} is not set", name).
				WithHint("Start the server with --var %s=value, or with --var %s to take it from the environment.", name, name)
		}
		b.WriteString(text[from:i])
		end := i + len("${}") + len(name)
		m.pieces = append(m.pieces, piece{i, end, b.Len(), b.Len() + len(value)})
		b.WriteString(value)
		i, from = end, end
	}
	b.WriteString(text[from:])
	return b.String(), m, nil
}

// quoting tells whether a text is inside of quotes, where -- begins no comment.
type quoting struct {
	quote   byte // ' or ", 0 outside
	escapes bool // in E'..'
}

// skip returns how many bytes at text[i:] hold no variable: a comment, a quote, a
// backslash with what it escapes; 0 for anything else.
func (q *quoting) skip(text string, i int) int {
	switch c := text[i]; {
	case q.quote != 0 && c == q.quote:
		q.quote = 0 // a doubled quote opens again at once
		return 1
	case q.quote != 0:
		if q.escapes && c == '\\' {
			return 2
		}
		return 0
	case c == '\'' || c == '"':
		q.quote = c
		q.escapes = c == '\'' && i > 0 && text[i-1]|0x20 == 'e'
		return 1
	}
	return commentLength(text[i:])
}

// commentLength returns the length of the comment that text begins with, 0 for
// none.
func commentLength(text string) int {
	switch {
	case strings.HasPrefix(text, "--"):
		if n := strings.IndexByte(text, '\n'); n >= 0 {
			return n
		}
		return len(text)
	case strings.HasPrefix(text, "/*"):
		depth, i := 1, 2
		for ; depth > 0 && i < len(text); i++ {
			switch {
			case strings.HasPrefix(text[i:], "/*"):
				depth, i = depth+1, i+1
			case strings.HasPrefix(text[i:], "*/"):
				depth, i = depth-1, i+1
			}
		}
		return i
	}
	return 0
}

// variable reads the name of the ${NAME} at i.
func variable(text string, i int) (string, error) {
	rest := text[i+2:]
	end := strings.IndexByte(rest, '}')
	if end < 0 {
		return "", pgerr.At(i, pgerr.SyntaxError, `unterminated variable at or near "${"`)
	}
	name := rest[:end]
	for k := range len(name) {
		c := name[k]
		if c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || k > 0 && c >= '0' && c <= '9' {
			continue
		}
		return "", pgerr.At(i, pgerr.SyntaxError, `invalid variable name at or near "${%s}"`, name).
			WithHint("A variable is written ${NAME} with letters, digits and _.")
	}
	if name == "" {
		return "", pgerr.At(i, pgerr.SyntaxError, `invalid variable name at or near "${}"`)
	}
	return name, nil
}

package expr

import (
	"encoding/json"
	"strings"
)

// The scanner walks JSON text that is known to be well-formed, so that a field
// is found without building the whole value.

func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns the index after the string that begins at i.
func stringEnd(s string, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// valueEnd returns the index after the value that begins at i.
func valueEnd(s string, i int) int {
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			i = stringEnd(s, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ' ', '\t', '\n', '\r', ':':
			i++
		default:
			for i < len(s) && strings.IndexByte(",]} \t\n\r", s[i]) < 0 {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
	return len(s)
}

// eachMember calls visit with the key (as JSON text; "" in an array) and the
// text of each member of an object or array, until visit returns false. It
// reports whether s is an object, and whether it is one of the two.
func eachMember(s string, visit func(key, value string) bool) (isObject, isContainer bool) {
	i := skipSpace(s, 0)
	if i >= len(s) || s[i] != '{' && s[i] != '[' {
		return false, false
	}
	isObject = s[i] == '{'
	for i = skipSpace(s, i+1); i < len(s) && s[i] != '}' && s[i] != ']'; {
		key := ""
		if isObject {
			end := stringEnd(s, i)
			key = s[i:end]
			i = skipSpace(s, skipSpace(s, end)+1) // the colon
		}
		end := valueEnd(s, i)
		if !visit(key, s[i:end]) {
			break
		}
		if i = skipSpace(s, end); i < len(s) && s[i] == ',' {
			i = skipSpace(s, i+1)
		}
	}
	return isObject, true
}

// unquote reads a JSON string.
func unquote(s string) string {
	if inner := s[1 : len(s)-1]; strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var out string
	if json.Unmarshal([]byte(s), &out) != nil {
		return s
	}
	return out
}

// field returns the text of an object's member; of several the last.
func field(s, key string) (value string, ok bool) {
	isObject, _ := eachMember(s, func(k, v string) bool {
		if k != "" && unquote(k) == key {
			value, ok = v, true
		}
		return true
	})
	return value, ok && isObject
}

// element returns the text of an array's element, counted from the end if i is
// negative.
func element(s string, i int) (value string, ok bool) {
	if at := skipSpace(s, 0); at >= len(s) || s[at] != '[' {
		return "", false
	}
	if i < 0 {
		i += memberCount(s)
	}
	n := 0
	eachMember(s, func(_, v string) bool {
		if n == i {
			value, ok = v, true
		}
		n++
		return !ok
	})
	return value, ok
}

func memberCount(s string) int {
	n := 0
	eachMember(s, func(string, string) bool { n++; return true })
	return n
}

// scalarText is what ->> gives: a string without quotes; ok is false for null.
func scalarText(s string) (text string, ok bool) {
	s = strings.Trim(s, " \t\r\n")
	switch {
	case s == "null":
		return "", false
	case strings.HasPrefix(s, `"`):
		return unquote(s), true
	}
	return s, true
}

func jsonType(s string) string {
	s = strings.TrimLeft(s, " \t\r\n")
	switch s[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

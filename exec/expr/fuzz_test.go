package expr

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"laminardb/sql/pgtext"
)

// FuzzLike compares LIKE with a regular expression made from the pattern.
func FuzzLike(f *testing.F) {
	for _, s := range [][2]string{{"abcabc", "%a%c"}, {"abxaby", "%ab_"}, {"a%c", `a\%c`}, {"äb", "_b"}, {"", "%"}, {"aXbXc", "%X_%"}, {"aab", "%ab"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, s, pattern string) {
		if !utf8.ValidString(s) || !utf8.ValidString(pattern) || len(s) > 50 || len(pattern) > 20 {
			return
		}
		l, err := compileLike(pattern)
		if err != nil {
			return
		}
		var b strings.Builder
		escaped := false
		for _, c := range pattern {
			switch {
			case escaped:
				b.WriteString(regexp.QuoteMeta(string(c)))
				escaped = false
			case c == '\\':
				escaped = true
			case c == '%':
				b.WriteString(".*")
			case c == '_':
				b.WriteByte('.')
			default:
				b.WriteString(regexp.QuoteMeta(string(c)))
			}
		}
		want := regexp.MustCompile("(?s)^" + b.String() + "$").MatchString(s)
		if got := l.match(s); got != want {
			t.Errorf("%q LIKE %q is %v, want %v", s, pattern, got, want)
		}
	})
}

// FuzzJSON checks the scanner against encoding/json.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":1,"b":[1,{"c":"x\"]"}],"a":2}`, `[ ]`, `"x"`, ` [ 1 , "a,b" , {} ] `, `{"": null}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if pgtext.CheckJSON(s) != nil || !utf8.ValidString(s) {
			return
		}
		var object map[string]json.RawMessage
		if strings.HasPrefix(strings.TrimSpace(s), "{") && json.Unmarshal([]byte(s), &object) == nil {
			for k, want := range object {
				if got, ok := field(s, k); !ok || got != string(want) {
					t.Errorf("%s -> %q is %q, want %q", s, k, got, want)
				}
			}
		}
		var list []json.RawMessage
		if json.Unmarshal([]byte(s), &list) == nil && list != nil {
			if n := memberCount(s); n != len(list) {
				t.Fatalf("%s has %d elements, want %d", s, n, len(list))
			}
			for i, want := range list {
				if got, ok := element(s, i); !ok || got != string(want) {
					t.Errorf("%s -> %d is %q, want %q", s, i, got, want)
				}
			}
		}
	})
}

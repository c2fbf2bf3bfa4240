package expr

import (
	"regexp"
	"strings"

	"laminardb/sql/pgerr"
)

// flagged finds compiled patterns by pattern and flags.
type flagged struct{ cache patterns[*regexp.Regexp] }

func newFlagged() *flagged {
	return &flagged{patterns[*regexp.Regexp]{compile: func(key string) (*regexp.Regexp, error) {
		flags, pattern, _ := strings.Cut(key, "\x00")
		return compileFlags(pattern, flags)
	}}}
}

// regex returns the pattern at argument k with the flags at argument k+1+extra,
// if there is one.
func (f *flagged) regex(r *row, flagArg int) (re *regexp.Regexp, flags string, err error) {
	if flagArg < len(r.args) {
		flags = r.text(flagArg)
	}
	re, err = f.cache.get(flags + "\x00" + r.text(1))
	return re, flags, err
}

// regexKernels are the functions on regular expressions; each call has its own
// cache of patterns.
func regexKernels() map[string]func(n *node) (kernel, bool) {
	with := func(make func(f *flagged) kernel) func(*node) (kernel, bool) {
		return func(*node) (kernel, bool) { return make(newFlagged()), true }
	}
	return map[string]func(n *node) (kernel, bool){
		"regexp_replace": with(func(f *flagged) kernel { return textFn(f.replace) }),
		"regexp_match":   with(func(f *flagged) kernel { return anyFn(f.match) }),
		"regexp_like": with(func(f *flagged) kernel {
			return boolFn(func(r *row) (bool, error) {
				re, _, err := f.regex(r, 2)
				return err == nil && re.MatchString(r.text(0)), err
			})
		}),
		"regexp_count": with(func(f *flagged) kernel {
			return fixedFn(func(r *row) (int32, error) {
				re, _, err := f.regex(r, 2)
				if err != nil {
					return 0, err
				}
				return int32(len(re.FindAllStringIndex(r.text(0), -1))), nil
			})
		}),
		"regexp_substr":         with(func(f *flagged) kernel { return textFn(f.substr) }),
		"regexp_split_to_array": with(func(f *flagged) kernel { return anyFn(f.split) }),
	}
}

func (f *flagged) replace(r *row) error {
	re, flags, err := f.regex(r, 3)
	if err != nil {
		return err
	}
	s, with := r.text(0), r.text(2)
	limit := 1
	if strings.Contains(flags, "g") {
		limit = -1
	}
	last := 0
	for _, at := range re.FindAllStringSubmatchIndex(s, limit) {
		if err := r.put(s[last:at[0]]); err != nil {
			return err
		}
		if err := appendReplacement(r, s, with, at); err != nil {
			return err
		}
		last = at[1]
	}
	return r.put(s[last:])
}

// appendReplacement expands \1 to \9, \& and \\.
func appendReplacement(r *row, s, with string, at []int) error {
	for i := 0; i < len(with); i++ {
		c := with[i]
		if c != '\\' || i+1 == len(with) {
			r.out = append(r.out, c)
			continue
		}
		i++
		group := -1
		switch c := with[i]; {
		case c == '&':
			group = 0
		case c >= '1' && c <= '9':
			group = int(c - '0')
		case c == '\\':
			r.out = append(r.out, c)
		default:
			r.out = append(r.out, '\\', c)
		}
		if group >= 0 && 2*group+1 < len(at) && at[2*group] >= 0 {
			if err := r.put(s[at[2*group]:at[2*group+1]]); err != nil {
				return err
			}
		}
	}
	return r.room(0)
}

// match gives the groups of the first match, or the match if there are none.
func (f *flagged) match(r *row) (any, error) {
	re, flags, err := f.regex(r, 2)
	if err != nil {
		return nil, err
	}
	if strings.Contains(flags, "g") {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "regexp_match() does not support the \"global\" option").
			WithHint("Use the regexp_matches function instead.")
	}
	s := r.text(0)
	at := re.FindStringSubmatchIndex(s)
	if at == nil {
		return nil, nil
	}
	return groupsOf(s, at), nil
}

// groupsOf are the groups of a match, or the match if there are none.
func groupsOf(s string, at []int) []any {
	if len(at) == 2 {
		return []any{strings.Clone(s[at[0]:at[1]])}
	}
	out := make([]any, 0, len(at)/2-1)
	for k := 2; k < len(at); k += 2 {
		if at[k] < 0 {
			out = append(out, nil)
			continue
		}
		out = append(out, strings.Clone(s[at[k]:at[k+1]]))
	}
	return out
}

func (f *flagged) substr(r *row) error {
	re, _, err := f.regex(r, 2)
	if err != nil {
		return err
	}
	at := re.FindStringSubmatchIndex(r.text(0))
	if at == nil {
		return r.setNull()
	}
	return r.put(r.text(0)[at[0]:at[1]])
}

// substringOf is substring(text from pattern): the first group if there is one.
func (f *flagged) substringOf(r *row) error {
	re, _, err := f.regex(r, 2)
	if err != nil {
		return err
	}
	at := re.FindStringSubmatchIndex(r.text(0))
	if at == nil || len(at) > 2 && at[2] < 0 {
		return r.setNull()
	}
	if len(at) > 2 {
		at = at[2:]
	}
	return r.put(r.text(0)[at[0]:at[1]])
}

func (f *flagged) split(r *row) (any, error) {
	re, _, err := f.regex(r, 2)
	if err != nil {
		return nil, err
	}
	var out []any
	for _, part := range re.Split(r.text(0), -1) {
		out = append(out, strings.Clone(part))
	}
	return out, nil
}

func patternFunctions() map[string]kernel {
	return map[string]kernel{
		"like_escape(text,text)":     textFn(likeEscape),
		"string_to_array(text,text)": anyCalled(stringToArray),
	}
}

// likeEscape rewrites a pattern with another escape character to one with \.
func likeEscape(r *row) error {
	esc := r.text(1)
	if len([]rune(esc)) > 1 {
		return pgerr.Newf(pgerr.InvalidEscape, "invalid escape string").WithHint("Escape string must be empty or one character.")
	}
	for s := r.text(0); s != ""; {
		switch {
		case esc != "" && strings.HasPrefix(s, esc):
			r.out = append(r.out, '\\')
			if s = s[len(esc):]; s != "" {
				n := len(cutText(s, 1))
				r.out = append(r.out, s[:n]...)
				s = s[n:]
			}
		case s[0] == '\\':
			r.out = append(r.out, `\\`...)
			s = s[1:]
		default:
			r.out = append(r.out, s[0])
			s = s[1:]
		}
	}
	return r.room(0)
}

func stringToArray(r *row) (any, error) {
	if r.isNull(0) {
		return nil, nil
	}
	s := r.text(0)
	out := []any{}
	switch {
	case s == "":
	case r.isNull(1):
		for _, c := range s {
			out = append(out, string(c))
		}
	case r.text(1) == "":
		out = append(out, strings.Clone(s))
	default:
		for _, part := range strings.Split(s, r.text(1)) {
			out = append(out, strings.Clone(part))
		}
	}
	return out, nil
}

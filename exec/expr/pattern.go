package expr

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"laminardb/sql/pgerr"
)

// patternCache bounds how many patterns that come from a column are kept
// compiled.
const patternCache = 64

// patterns compiles patterns once. It belongs to one kernel of one Program.
type patterns[P any] struct {
	compile func(pattern string) (P, error)
	known   map[string]P
}

func (p *patterns[P]) get(pattern string) (P, error) {
	if c, ok := p.known[pattern]; ok {
		return c, nil
	}
	c, err := p.compile(pattern)
	if err != nil {
		return c, err
	}
	if p.known == nil || len(p.known) >= patternCache {
		p.known = map[string]P{}
	}
	p.known[strings.Clone(pattern)] = c
	return c, nil
}

// matching is a kernel that tests text against a pattern, which is compiled once
// if it is constant.
func matching[P any](compile func(string) (P, error), match func(p P, s string) bool, negate bool) func(n *node) (kernel, bool) {
	return func(*node) (kernel, bool) {
		cache := &patterns[P]{compile: compile}
		slow := boolFn(func(r *row) (bool, error) {
			p, err := cache.get(r.text(1))
			if err != nil {
				return false, err
			}
			return match(p, r.text(0)) != negate, nil
		})
		return kernel{eval: func(f *frame, n *node) *vector {
			s, pattern := f.eval(n.args[0]), f.eval(n.args[1])
			if !pattern.konst {
				return slow.eval(f, n)
			}
			p, err := cache.get(pattern.str(0))
			if err != nil {
				return f.failAll(n.t, err)
			}
			out := newBool(f.n)
			out.valid = s.valid
			for i := range f.n {
				if f.live(s.valid, i) && match(p, s.str(i)) != negate {
					setBit(out.bits, i)
				}
			}
			return out
		}}, true
	}
}

// like is a compiled LIKE pattern: literal runs and wildcards.
type like struct {
	kind    likeKind
	literal string
	parts   []likePart
}

type likeKind uint8

const (
	likeGeneral likeKind = iota
	likeExact
	likePrefix
	likeSuffix
	likeContains
)

// likePart is a run of text, after `skip` characters (_) and, if any, after any
// text (%).
type likePart struct {
	any  bool
	skip int
	text string
}

// errLikeEscape refuses a pattern with nothing after its last escape.
var errLikeEscape error = pgerr.Newf(pgerr.InvalidEscape, "LIKE pattern must not end with escape character")

func compileLike(pattern string) (like, error) {
	var l like
	part := likePart{}
	var text []byte
	flush := func() {
		part.text = string(text)
		l.parts = append(l.parts, part)
		part, text = likePart{}, nil
	}
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '%' || c == '_':
			if len(text) > 0 {
				flush()
			}
			if c == '%' {
				part.any = true
			} else {
				part.skip++
			}
		case c == '\\':
			if i++; i == len(pattern) {
				return l, errLikeEscape
			}
			text = append(text, pattern[i])
		default:
			text = append(text, c)
		}
	}
	flush()
	l.classify()
	return l, nil
}

// classify finds the patterns that string functions answer.
func (l *like) classify() {
	for _, p := range l.parts {
		if p.skip > 0 {
			return
		}
	}
	first := l.parts[0]
	switch {
	case len(l.parts) == 1 && !first.any:
		l.kind, l.literal = likeExact, first.text
	case len(l.parts) == 1:
		l.kind, l.literal = likeSuffix, first.text
	case len(l.parts) == 2 && l.parts[1].text == "" && !first.any:
		l.kind, l.literal = likePrefix, first.text
	case len(l.parts) == 2 && l.parts[1].text == "":
		l.kind, l.literal = likeContains, first.text
	}
}

func (l like) match(s string) bool {
	switch l.kind {
	case likeExact:
		return s == l.literal
	case likePrefix:
		return strings.HasPrefix(s, l.literal)
	case likeSuffix:
		return strings.HasSuffix(s, l.literal)
	case likeContains:
		return strings.Contains(s, l.literal)
	}
	return matchParts(l.parts, s)
}

// matchParts takes for each part the first place where it fits; only the last
// must reach the end. That is enough: an earlier place leaves more for the rest.
func matchParts(parts []likePart, s string) bool {
	for i, p := range parts {
		for range p.skip {
			if s == "" {
				return false
			}
			_, size := utf8.DecodeRuneInString(s)
			s = s[size:]
		}
		last := i == len(parts)-1
		switch {
		case !p.any && last:
			return s == p.text
		case !p.any:
			if !strings.HasPrefix(s, p.text) {
				return false
			}
			s = s[len(p.text):]
		case last:
			return strings.HasSuffix(s, p.text)
		default:
			return matchAnywhere(parts[i:], s)
		}
	}
	return s == ""
}

// matchAnywhere tries a part after % at each of its places.
func matchAnywhere(parts []likePart, s string) bool {
	for {
		at := strings.Index(s, parts[0].text)
		if at < 0 {
			return false
		}
		if matchParts(parts[1:], s[at+len(parts[0].text):]) {
			return true
		}
		if parts[1].any { // a later place leaves less for a part that may be anywhere
			return false
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		if s = s[at+size:]; s == "" {
			return false
		}
	}
}

func compileILike(pattern string) (like, error) { return compileLike(strings.ToLower(pattern)) }

// compileRegex compiles PostgreSQL's advanced regular expressions as far as RE2
// has them: no look-around, no back-references.
func compileRegex(pattern string) (*regexp.Regexp, error) { return compileFlags(pattern, "") }

func compileFlags(pattern, flags string) (*regexp.Regexp, error) {
	prefix := "(?s)"
	switch {
	case strings.HasPrefix(pattern, "***:"):
		pattern = pattern[4:]
	case strings.HasPrefix(pattern, "***="):
		pattern = regexp.QuoteMeta(pattern[4:])
	}
	for _, c := range flags {
		switch c {
		case 'i':
			prefix += "(?i)"
		case 'n', 'm':
			prefix = strings.Replace(prefix, "(?s)", "(?m)", 1)
		case 'c', 's', 'g', 't':
		case 'q':
			pattern = regexp.QuoteMeta(pattern)
		default:
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "invalid regular expression option: \"%c\"", c)
		}
	}
	re, err := regexp.Compile(prefix + wordEscapes.Replace(pattern))
	if err != nil {
		return nil, pgerr.Newf(pgerr.InvalidRegexp, "invalid regular expression: %w", err)
	}
	return re, nil
}

// wordEscapes turns PostgreSQL's word boundaries into RE2's one.
var wordEscapes = strings.NewReplacer(`\\`, `\\`, `\m`, `\b`, `\M`, `\b`, `\y`, `\b`, `\Y`, `\B`, `\Z`, `\z`)

// compileSimilar compiles a SIMILAR TO pattern (PostgreSQL manual 9.7.2).
func compileSimilar(pattern string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString("^(?:")
	inClass := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\\' && i+1 < len(pattern):
			i++
			_, size := utf8.DecodeRuneInString(pattern[i:])
			b.WriteString(regexp.QuoteMeta(pattern[i : i+size]))
			i += size - 1
		case inClass:
			inClass = c != ']'
			b.WriteByte(c)
		case c == '[':
			inClass = true
			b.WriteByte(c)
		case c == '%':
			b.WriteString(".*")
		case c == '_':
			b.WriteByte('.')
		case c == '(':
			b.WriteString("(?:")
		case c == '.' || c == '^' || c == '$':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString(")$")
	return compileFlags(b.String(), "")
}

func matchRegex(re *regexp.Regexp, s string) bool { return re.MatchString(s) }

func matchLike(l like, s string) bool { return l.match(s) }

func matchILike(l like, s string) bool { return l.match(strings.ToLower(s)) }

// patternKernels are the operators LIKE, ~ and SIMILAR TO.
func patternKernels() map[string]func(n *node) (kernel, bool) {
	insensitive := func(p string) (*regexp.Regexp, error) { return compileFlags(p, "i") }
	return map[string]func(n *node) (kernel, bool){
		"like": matching(compileLike, matchLike, false), "not_like": matching(compileLike, matchLike, true),
		"ilike": matching(compileILike, matchILike, false), "not_ilike": matching(compileILike, matchILike, true),
		"regex": matching(compileRegex, matchRegex, false), "not_regex": matching(compileRegex, matchRegex, true),
		"iregex": matching(insensitive, matchRegex, false), "not_iregex": matching(insensitive, matchRegex, true),
		"similar_to":     matching(compileSimilar, matchRegex, false),
		"not_similar_to": matching(compileSimilar, matchRegex, true),
	}
}

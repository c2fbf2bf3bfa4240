package expr

import (
	"maps"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"laminardb/sql/pgerr"
)

// Text functions count characters, not bytes.

func textFunctions() map[string]kernel {
	m := map[string]kernel{
		"lower(text)":   textFn(func(r *row) error { return r.foldCase('A', 'Z', strings.ToLower) }),
		"upper(text)":   textFn(func(r *row) error { return r.foldCase('a', 'z', strings.ToUpper) }),
		"initcap(text)": textFn(initcap),
		"reverse(text)": textFn(reverse),
		"repeat(text,integer)": textFn(func(r *row) error {
			n := max(r.int32(1), 0)
			if len(r.text(0)) > 0 && n > maxTextBytes/len(r.text(0)) {
				return errTooLong
			}
			return r.put(strings.Repeat(r.text(0), n))
		}),
		"left(text,integer)": textFn(func(r *row) error {
			s, n := r.text(0), r.int32(1)
			if n < 0 {
				n = max(utf8.RuneCountInString(s)+n, 0)
			}
			return r.put(cutText(s, n))
		}),
		"right(text,integer)": textFn(func(r *row) error {
			s, n := r.text(0), r.int32(1)
			skip := -n
			if n >= 0 {
				skip = utf8.RuneCountInString(s) - n
			}
			return r.put(s[len(cutText(s, max(skip, 0))):])
		}),
		"replace(text,text,text)": textFn(func(r *row) error {
			if r.text(1) == "" {
				return r.put(r.text(0))
			}
			grown := strings.Count(r.text(0), r.text(1)) * max(len(r.text(2))-len(r.text(1)), 0)
			if err := r.room(len(r.text(0)) + grown); err != nil {
				return err
			}
			return r.put(strings.ReplaceAll(r.text(0), r.text(1), r.text(2)))
		}),
		"translate(text,text,text)":          textFn(translate),
		"split_part(text,text,integer)":      textFn(splitPart),
		"concat_op(text,text)":               textFn(func(r *row) error { return firstError(r.put(r.text(0)), r.put(r.text(1))) }),
		"concat_op(bytea,bytea)":             textFn(func(r *row) error { return firstError(r.put(r.text(0)), r.put(r.text(1))) }),
		"concat(variadic any)":               textCalled(func(r *row) error { return r.join("", 0) }),
		"concat_ws(text,variadic any)":       textCalled(concatWS),
		"overlay(text,text,integer)":         textFn(func(r *row) error { return overlay(r, utf8.RuneCountInString(r.text(1))) }),
		"overlay(text,text,integer,integer)": textFn(func(r *row) error { return overlay(r, r.int32(3)) }),
	}
	for _, name := range []string{"length(text)", "char_length(text)", "character_length(text)"} {
		m[name] = fixedFn(func(r *row) (int32, error) { return int32(utf8.RuneCountInString(r.text(0))), nil })
	}
	for _, name := range []string{"substring", "substr"} {
		m[name+"(text,integer)"] = textFn(func(r *row) error { return substring(r, math.MaxInt) })
		m[name+"(text,integer,integer)"] = textFn(func(r *row) error { return substring(r, r.int32(2)) })
		m[name+"(bytea,integer)"] = textFn(func(r *row) error { return subbytes(r, math.MaxInt) })
		m[name+"(bytea,integer,integer)"] = textFn(func(r *row) error { return subbytes(r, r.int32(2)) })
	}
	addTrims(m)
	addPads(m)
	maps.Copy(m, measures())
	return m
}

// measures are the functions that count characters or find them.
func measures() map[string]kernel {
	return map[string]kernel{
		"octet_length(text)":  fixedFn(func(r *row) (int32, error) { return int32(len(r.bytes(0))), nil }),
		"octet_length(bytea)": fixedFn(func(r *row) (int32, error) { return int32(len(r.bytes(0))), nil }),
		"length(bytea)":       fixedFn(func(r *row) (int32, error) { return int32(len(r.bytes(0))), nil }),
		"bit_length(text)":    fixedFn(func(r *row) (int32, error) { return int32(len(r.bytes(0)) * 8), nil }),
		"bit_length(bytea)":   fixedFn(func(r *row) (int32, error) { return int32(len(r.bytes(0)) * 8), nil }),
		"strpos(text,text)":   fixedFn(strpos), "position(text,text)": fixedFn(strpos),
		"starts_with(text,text)": boolFn(func(r *row) (bool, error) { return strings.HasPrefix(r.text(0), r.text(1)), nil }),
		"ascii(text)": fixedFn(func(r *row) (int32, error) {
			if r.text(0) == "" {
				return 0, nil
			}
			c, _ := utf8.DecodeRuneInString(r.text(0))
			return int32(c), nil
		}),
		"chr(integer)": textFn(chr),
	}
}

func firstError(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// foldCase changes the ASCII letters from..to, and all others by the slow way.
func (r *row) foldCase(from, to byte, slow func(string) string) error {
	s := r.text(0)
	start := len(r.out)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			r.out = append(r.out[:start], slow(s)...)
			return nil
		}
		if c >= from && c <= to {
			c ^= 0x20
		}
		r.out = append(r.out, c)
	}
	return nil
}

func initcap(r *row) error {
	inWord := false
	for _, c := range r.text(0) {
		if inWord {
			c = unicode.ToLower(c)
		} else {
			c = unicode.ToUpper(c)
		}
		inWord = unicode.IsLetter(c) || unicode.IsDigit(c)
		r.out = utf8.AppendRune(r.out, c)
	}
	return nil
}

func reverse(r *row) error {
	for s := r.text(0); s != ""; {
		c, size := utf8.DecodeLastRuneInString(s)
		r.out = utf8.AppendRune(r.out, c)
		s = s[:len(s)-size]
	}
	return nil
}

// span of characters [from, from+count) counted from 1, cut to those that exist.
func charRange(from, count int) (skip, keep int, err error) {
	if count < 0 {
		return 0, 0, pgerr.Newf(pgerr.SubstringError, "negative substring length not allowed")
	}
	end := math.MaxInt
	if count < math.MaxInt-max(from, 0) {
		end = from + count
	}
	from = max(from, 1)
	return from - 1, max(end-from, 0), nil
}

func substring(r *row, count int) error {
	skip, keep, err := charRange(r.int32(1), count)
	if err != nil {
		return err
	}
	s := r.text(0)
	return r.put(cutText(s[len(cutText(s, skip)):], keep))
}

func subbytes(r *row, count int) error {
	skip, keep, err := charRange(r.int32(1), count)
	if err != nil {
		return err
	}
	b := r.bytes(0)
	b = b[min(skip, len(b)):]
	r.out = append(r.out, b[:min(keep, len(b))]...)
	return nil
}

func overlay(r *row, count int) error {
	from := r.int32(2)
	if from <= 0 {
		return pgerr.Newf(pgerr.SubstringError, "negative substring length not allowed")
	}
	s := r.text(0)
	end := max(from-1+count, 0)
	return firstError(r.put(cutText(s, from-1)), r.put(r.text(1)), r.put(s[len(cutText(s, end)):]))
}

func strpos(r *row) (int32, error) {
	at := strings.Index(r.text(0), r.text(1))
	if at < 0 {
		return 0, nil
	}
	return int32(utf8.RuneCountInString(r.text(0)[:at])) + 1, nil
}

func translate(r *row) error {
	from, to := []rune(r.text(1)), []rune(r.text(2))
	for _, c := range r.text(0) {
		at := -1
		for i, f := range from {
			if f == c {
				at = i
				break
			}
		}
		switch {
		case at < 0:
			r.out = utf8.AppendRune(r.out, c)
		case at < len(to):
			r.out = utf8.AppendRune(r.out, to[at])
		}
	}
	return nil
}

func splitPart(r *row) error {
	s, sep, n := r.text(0), r.text(1), r.int32(2)
	if n == 0 {
		return pgerr.Newf(pgerr.InvalidParameterValue, "field position must not be zero")
	}
	parts := []string{s}
	if sep != "" {
		parts = strings.Split(s, sep)
	}
	if n < 0 {
		n = len(parts) + n + 1
	}
	if n < 1 || n > len(parts) {
		return nil
	}
	return r.put(parts[n-1])
}

// join appends the arguments from the one at first, as text, with a separator;
// NULLs are left out.
func (r *row) join(sep string, first int) error {
	wrote := false
	for k := first; k < len(r.args); k++ {
		if r.isNull(k) {
			continue
		}
		if wrote {
			r.out = append(r.out, sep...)
		}
		wrote = true
		r.out = appendOutput(r.out, r.args[k], r.i, r.f.p.env.zone())
		if err := r.room(0); err != nil {
			return err
		}
	}
	return nil
}

func concatWS(r *row) error {
	if r.isNull(0) {
		return r.setNull()
	}
	return r.join(r.text(0), 1)
}

func chr(r *row) error {
	n := r.int32(0)
	switch {
	case n == 0:
		return pgerr.Newf(pgerr.ProgramLimitExceeded, "null character not permitted")
	case n < 0:
		return pgerr.Newf(pgerr.ProgramLimitExceeded, "character number must be positive")
	case n > utf8.MaxRune || !utf8.ValidRune(rune(n)):
		return pgerr.Newf(pgerr.ProgramLimitExceeded, "requested character too large for encoding: %d", n)
	}
	r.out = utf8.AppendRune(r.out, rune(n))
	return nil
}

func addTrims(m map[string]kernel) {
	for name, trim := range map[string]func(s, set string) string{
		"btrim": trimBoth, "trim": trimBoth,
		"ltrim": func(s, set string) string { return strings.TrimLeft(s, set) },
		"rtrim": func(s, set string) string { return strings.TrimRight(s, set) },
	} {
		m[name+"(text)"] = textFn(func(r *row) error { return r.put(trim(r.text(0), " ")) })
		m[name+"(text,text)"] = textFn(func(r *row) error { return r.put(trim(r.text(0), r.text(1))) })
	}
}

func trimBoth(s, set string) string { return strings.Trim(s, set) }

func addPads(m map[string]kernel) {
	for _, name := range []string{"lpad", "rpad"} {
		isLeft := name == "lpad"
		m[name+"(text,integer)"] = textFn(func(r *row) error { return pad(r, isLeft, " ") })
		m[name+"(text,integer,text)"] = textFn(func(r *row) error { return pad(r, isLeft, r.text(2)) })
	}
}

func pad(r *row, isLeft bool, fill string) error {
	s, size := cutText(r.text(0), max(r.int32(1), 0)), r.int32(1)
	missing := size - utf8.RuneCountInString(s)
	if missing <= 0 || fill == "" {
		return r.put(s)
	}
	if err := r.room(missing * utf8.UTFMax); err != nil {
		return err
	}
	if !isLeft {
		r.out = append(r.out, s...)
	}
	rest := fill
	for range missing {
		if rest == "" {
			rest = fill
		}
		_, n := utf8.DecodeRuneInString(rest)
		r.out = append(r.out, rest[:n]...)
		rest = rest[n:]
	}
	if isLeft {
		r.out = append(r.out, s...)
	}
	return nil
}

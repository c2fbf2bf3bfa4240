package expr

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// appendOutput appends a value as a type's output function gives it, where a
// boolean is t or f.
func appendOutput(dst []byte, v *vector, i int, zone *time.Location) []byte {
	if v.t.Kind == types.Bool {
		return pgtext.AppendBool(dst, v.isTrue(i))
	}
	return appendText(dst, v, i, zone)
}

func encodingFunctions() map[string]kernel {
	m := map[string]kernel{
		"md5(text)":  textFn(sumMD5),
		"md5(bytea)": textFn(sumMD5),
		"sha256(bytea)": textFn(func(r *row) error {
			sum := sha256.Sum256(r.bytes(0))
			r.out = append(r.out, sum[:]...)
			return nil
		}),
		"to_hex(integer)": textFn(func(r *row) error {
			r.out = strconv.AppendUint(r.out, uint64(uint32(r.int32(0))), 16)
			return nil
		}),
		"to_hex(bigint)": textFn(func(r *row) error {
			r.out = strconv.AppendUint(r.out, uint64(r.int64(0)), 16)
			return nil
		}),
		"encode(bytea,text)":  textFn(encode),
		"decode(text,text)":   textFn(decode),
		"quote_ident(text)":   textFn(func(r *row) error { return r.put(quoteIdent(r.text(0))) }),
		"quote_literal(text)": textFn(func(r *row) error { return r.put(quoteLiteral(r.text(0))) }),
		"quote_nullable(text)": textCalled(func(r *row) error {
			if r.isNull(0) {
				return r.put("NULL")
			}
			return r.put(quoteLiteral(r.text(0)))
		}),
		"format(text)":              textCalled(format),
		"format(text,variadic any)": textCalled(format),
	}
	return m
}

func sumMD5(r *row) error {
	sum := md5.Sum(r.bytes(0))
	r.out = hex.AppendEncode(r.out, sum[:])
	return nil
}

// base64Line is how many characters encode() puts on a line.
const base64Line = 76

func encode(r *row) error {
	b := r.bytes(0)
	switch strings.ToLower(r.text(1)) {
	case "hex":
		r.out = hex.AppendEncode(r.out, b)
	case "base64":
		for s := base64.StdEncoding.EncodeToString(b); s != ""; {
			n := min(base64Line, len(s))
			r.out = append(r.out, s[:n]...)
			if s = s[n:]; s != "" {
				r.out = append(r.out, '\n')
			}
		}
	case "escape":
		for _, c := range b {
			switch {
			case c == '\\':
				r.out = append(r.out, `\\`...)
			case c == 0 || c >= 0x80:
				r.out = append(r.out, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
			default:
				r.out = append(r.out, c)
			}
		}
	default:
		return pgerr.Newf(pgerr.InvalidParameterValue, "unrecognized encoding: \"%s\"", r.text(1))
	}
	return nil
}

func decode(r *row) error {
	s := r.text(0)
	var b []byte
	var err error
	switch strings.ToLower(r.text(1)) {
	case "hex":
		b, err = pgtext.ParseBytea(`\x` + s)
	case "base64":
		clean := strings.Map(func(c rune) rune {
			if strings.ContainsRune(" \t\r\n", c) {
				return -1
			}
			return c
		}, s)
		if b, err = base64.StdEncoding.DecodeString(clean); err != nil {
			err = pgerr.Newf(pgerr.InvalidParameterValue, "invalid base64 end sequence")
		}
	case "escape":
		b, err = pgtext.ParseBytea(s)
	default:
		err = pgerr.Newf(pgerr.InvalidParameterValue, "unrecognized encoding: \"%s\"", r.text(1))
	}
	r.out = append(r.out, b...)
	return err
}

// quoteIdent quotes a name that is not lower-case letters, digits and _.
func quoteIdent(s string) string {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c == '_' || i > 0 && (c >= '0' && c <= '9' || c == '$')) {
			return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
	}
	if s == "" {
		return `""`
	}
	return s
}

func quoteLiteral(s string) string {
	q := "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + q
	}
	return q
}

// format is format() with %s, %I, %L and %%, positions (%2$s), widths and '-'.
func format(r *row) error {
	if r.isNull(0) {
		return r.setNull()
	}
	s, next := r.text(0), 1
	for s != "" {
		at := strings.IndexByte(s, '%')
		if at < 0 {
			return r.put(s)
		}
		r.out = append(r.out, s[:at]...)
		s = s[at+1:]
		if strings.HasPrefix(s, "%") {
			r.out = append(r.out, '%')
			s = s[1:]
			continue
		}
		spec, rest, err := scanFormat(s)
		if err != nil {
			return err
		}
		s = rest
		if spec.position > 0 {
			next = spec.position
		}
		if next >= len(r.args) {
			return pgerr.Newf(pgerr.InvalidParameterValue, "too few arguments for format()")
		}
		if err := r.formatOne(next, spec); err != nil {
			return err
		}
		next++
	}
	return nil
}

type formatSpec struct {
	position, width int
	left            bool
	verb            byte
}

func scanFormat(s string) (spec formatSpec, rest string, err error) {
	n := digits(s)
	if n > 0 && n < len(s) && s[n] == '$' {
		spec.position, _ = strconv.Atoi(s[:n])
		s = s[n+1:]
	}
	if strings.HasPrefix(s, "-") {
		spec.left, s = true, s[1:]
	}
	n = digits(s)
	spec.width, _ = strconv.Atoi("0" + s[:n])
	if s = s[n:]; s == "" {
		return spec, "", pgerr.Newf(pgerr.InvalidParameterValue, "unterminated format() type specifier").
			WithHint("For a single \"%%\" use \"%%%%\".")
	}
	if spec.verb = s[0]; strings.IndexByte("sIL", spec.verb) < 0 {
		return spec, "", pgerr.Newf(pgerr.InvalidParameterValue, "unrecognized format() type specifier \"%c\"", spec.verb).
			WithHint("For a single \"%%\" use \"%%%%\".")
	}
	return spec, s[1:], nil
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

func (r *row) formatOne(k int, spec formatSpec) error {
	text := ""
	if !r.isNull(k) {
		text = string(appendOutput(nil, r.args[k], r.i, r.f.p.env.zone()))
	}
	switch {
	case spec.verb == 'I' && r.isNull(k):
		return pgerr.Newf(pgerr.NullNotAllowed, "null values cannot be formatted as an SQL identifier")
	case spec.verb == 'I':
		text = quoteIdent(text)
	case spec.verb == 'L' && r.isNull(k):
		text = "NULL"
	case spec.verb == 'L':
		text = quoteLiteral(text)
	}
	fill := spec.width - len([]rune(text))
	if fill <= 0 {
		return r.put(text)
	}
	if err := r.room(fill + len(text)); err != nil {
		return err
	}
	if spec.left {
		return r.put(text + strings.Repeat(" ", fill))
	}
	return r.put(strings.Repeat(" ", fill) + text)
}

package pgtext

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"laminardb/sql/pgerr"
)

// CheckJSON refuses text that is not one JSON value.
func CheckJSON(s string) error {
	if !json.Valid([]byte(s)) {
		return pgerr.Newf(pgerr.InvalidText, "invalid input syntax for type json")
	}
	return nil
}

// ParseJSONB gives the text of a jsonb value: one space after colons and
// commas, an object's keys once each (the last wins), shorter keys first.
func ParseJSONB(s string) (string, error) {
	if err := CheckJSON(s); err != nil {
		return "", err
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "", pgerr.Newf(pgerr.InvalidText, "invalid input syntax for type json: %w", err)
	}
	return string(appendJSONB(nil, v)), nil
}

func appendJSONB(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		if v {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case json.Number:
		return appendJSONNumber(dst, v.String())
	case string:
		return AppendJSONString(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendJSONB(dst, e)
		}
		return append(dst, ']')
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int {
			if len(a) != len(b) {
				return len(a) - len(b)
			}
			return strings.Compare(a, b)
		})
		dst = append(dst, '{')
		for i, k := range keys {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(AppendJSONString(dst, k), ": "...)
			dst = appendJSONB(dst, v[k])
		}
		return append(dst, '}')
	}
	return dst
}

// appendJSONNumber writes a number as numeric does, without an exponent, its
// trailing zeros kept.
func appendJSONNumber(dst []byte, s string) []byte {
	mantissa, exponent, ok := splitExponent(s)
	const most = 1000 // digits; a longer number stays as it was written
	if !ok || exponent < -most || exponent > most {
		return append(dst, s...)
	}
	negative := strings.HasPrefix(mantissa, "-")
	whole, frac, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	switch {
	case exponent >= len(frac):
		whole, frac = whole+frac+strings.Repeat("0", exponent-len(frac)), ""
	case exponent > 0:
		whole, frac = whole+frac[:exponent], frac[exponent:]
	case exponent < 0:
		whole = strings.Repeat("0", -exponent) + whole
		whole, frac = whole[:len(whole)+exponent], whole[len(whole)+exponent:]+frac
	}
	whole = strings.TrimLeft(whole, "0")
	if negative && strings.Trim(whole+frac, "0") != "" {
		dst = append(dst, '-')
	}
	if whole == "" {
		whole = "0"
	}
	dst = append(dst, whole...)
	if frac != "" {
		dst = append(append(dst, '.'), frac...)
	}
	return dst
}

// AppendJSONString appends s as a JSON string, escaping what PostgreSQL does.
func AppendJSONString(dst []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			dst = append(dst, c)
			continue
		}
		if j := bytes.IndexByte([]byte("\b\f\n\r\t\"\\"), c); j >= 0 {
			dst = append(dst, '\\', `bfnrt"\`[j])
			continue
		}
		dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, '"')
}

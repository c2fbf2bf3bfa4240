package connectors

import (
	"maps"
	"sort"
	"strconv"
	"strings"
	"time"

	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// Options are the k = v pairs of a statement. Reading one marks it as used; what
// nobody has read is an unknown option, which is an error.
type Options struct {
	values map[string]ast.Option
	order  []string
	used   map[string]bool
}

// String returns the option's value, def where it is not given.
func (o Options) String(name, def string) string {
	v, ok := o.values[name]
	o.mark(name)
	if !ok {
		return def
	}
	return v.Value
}

// With returns the options with one more, or one replaced. What is read from
// either counts as used in both.
func (o Options) With(name, value string) Options {
	c := o
	c.values = maps.Clone(o.values)
	opt := c.values[name]
	opt.Name, opt.Value = name, value
	c.values[name] = opt
	return c
}

// Required returns the option's value, or 22023 where it is missing or empty.
func (o Options) Required(name string) (string, error) {
	v := o.String(name, "")
	if v == "" {
		return "", pgerr.Newf(pgerr.InvalidParameterValue, "option %q is required", name)
	}
	return v, nil
}

// Has reports whether the option is given, without marking it as used.
func (o Options) Has(name string) bool {
	_, ok := o.values[name]
	return ok
}

// OneOf returns the option's value, which must be one of allowed; def where it
// is not given.
func (o Options) OneOf(name, def string, allowed ...string) (string, error) {
	v := strings.ToLower(o.String(name, def))
	for _, a := range allowed {
		if v == a {
			return v, nil
		}
	}
	return "", o.Invalid(name, "must be one of: "+strings.Join(allowed, ", "))
}

// Int returns a whole number within [low, high].
func (o Options) Int(name string, def, low, high int64) (int64, error) {
	s := o.String(name, "")
	if s == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < low || n > high {
		return 0, o.Invalid(name, "must be a whole number from "+strconv.FormatInt(low, 10)+" to "+strconv.FormatInt(high, 10))
	}
	return n, nil
}

// Bool returns true or false (also on/off, yes/no, 1/0).
func (o Options) Bool(name string, def bool) (bool, error) {
	switch strings.ToLower(o.String(name, "")) {
	case "":
		return def, nil
	case "true", "on", "yes", "1":
		return true, nil
	case "false", "off", "no", "0":
		return false, nil
	}
	return false, o.Invalid(name, "must be true or false")
}

// Duration returns a duration such as 100ms, 30s, 5m.
func (o Options) Duration(name string, def time.Duration) (time.Duration, error) {
	s := o.String(name, "")
	if s == "" {
		return def, nil
	}
	d, err := time.ParseDuration(strings.ReplaceAll(s, " ", ""))
	if err != nil || d < 0 {
		return 0, o.Invalid(name, "must be a duration such as '500ms', '30s' or '5m'")
	}
	return d, nil
}

// WithPrefix returns the options whose name starts with the prefix, without it.
func (o Options) WithPrefix(prefix string) map[string]string {
	out := map[string]string{}
	for name, v := range o.values {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			o.mark(name)
			out[rest] = v.Value
		}
	}
	return out
}

// Invalid returns 22023 at the option's value.
func (o Options) Invalid(name, what string) error {
	opt, ok := o.values[name]
	if !ok {
		return pgerr.Newf(pgerr.InvalidParameterValue, "option %q %s", name, what)
	}
	return pgerr.At(int(opt.ValuePos), pgerr.InvalidParameterValue, "invalid value %q for option %q: %s", opt.Value, name, what)
}

// Unused returns 22023 for the first option that nobody asked for, naming the
// nearest known one; nil if all were used.
func (o Options) Unused() error {
	for _, name := range o.order {
		if o.used[name] {
			continue
		}
		known := make([]string, 0, len(o.used))
		for k := range o.used {
			known = append(known, k)
		}
		sort.Strings(known)
		return pgerr.At(int(o.values[name].Pos), pgerr.InvalidParameterValue, "unknown option %q", name).
			WithHint("Known options: %s.", strings.Join(known, ", "))
	}
	return nil
}

func (o Options) mark(name string) {
	if o.used != nil {
		o.used[name] = true
	}
}

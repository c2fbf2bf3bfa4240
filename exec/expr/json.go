package expr

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// give makes a found value the result, as it is or, for ->>, as text.
func (r *row) give(value string, found, asText bool) error {
	if found && asText {
		value, found = scalarText(value)
	}
	if !found {
		return r.setNull()
	}
	return r.put(value)
}

// follow walks a path of keys and indexes.
func follow(s string, path []string) (string, bool) {
	for _, step := range path {
		next, ok := field(s, step)
		if !ok {
			i, err := strconv.Atoi(step)
			if err != nil {
				return "", false
			}
			if next, ok = element(s, i); !ok {
				return "", false
			}
		}
		s = next
	}
	return s, true
}

// pathArg returns a text[] argument; ok is false if it has a NULL.
func (r *row) pathArg(k int) (path []string, ok bool) {
	for _, e := range r.list(k) {
		s, isText := e.(string)
		if !isText {
			return nil, false
		}
		path = append(path, s)
	}
	return path, true
}

func jsonFunctions() map[string]kernel {
	m := map[string]kernel{
		"contains(jsonb,jsonb)": boolFn(func(r *row) (bool, error) {
			return jsonContains(parseJSON(r.text(0)), parseJSON(r.text(1)), true), nil
		}),
		"contained(jsonb,jsonb)": boolFn(func(r *row) (bool, error) {
			return jsonContains(parseJSON(r.text(1)), parseJSON(r.text(0)), true), nil
		}),
		"json_exists(jsonb,text)": boolFn(func(r *row) (bool, error) { return hasKey(r.text(0), r.text(1)), nil }),
		"json_exists_any(jsonb,text[])": boolFn(func(r *row) (bool, error) {
			return slices.ContainsFunc(r.list(1), func(k any) bool { return k != nil && hasKey(r.text(0), k.(string)) }), nil
		}),
		"json_exists_all(jsonb,text[])": boolFn(func(r *row) (bool, error) {
			return !slices.ContainsFunc(r.list(1), func(k any) bool { return k != nil && !hasKey(r.text(0), k.(string)) }), nil
		}),
		"json_concat(jsonb,jsonb)":              textFn(jsonConcat),
		"json_delete(jsonb,text)":               textFn(jsonDeleteKey),
		"json_delete(jsonb,integer)":            textFn(jsonDeleteIndex),
		"jsonb_pretty(jsonb)":                   textFn(jsonPretty),
		"jsonb_set(jsonb,text[],jsonb)":         textFn(func(r *row) error { return jsonSet(r, true) }),
		"jsonb_set(jsonb,text[],jsonb,boolean)": textFn(func(r *row) error { return jsonSet(r, r.bool(3)) }),
	}
	for _, t := range []string{"json", "jsonb"} {
		for _, asText := range []bool{false, true} {
			suffix := ""
			if asText {
				suffix = "_text"
			}
			m["json_get"+suffix+"("+t+",text)"] = textFn(func(r *row) error {
				v, ok := field(r.text(0), r.text(1))
				return r.give(v, ok, asText)
			})
			m["json_get"+suffix+"("+t+",integer)"] = textFn(func(r *row) error {
				v, ok := element(r.text(0), r.int32(1))
				return r.give(v, ok, asText)
			})
			m["json_path"+suffix+"("+t+",text[])"] = textFn(func(r *row) error {
				path, ok := r.pathArg(1)
				if !ok {
					return r.setNull()
				}
				v, ok := follow(r.text(0), path)
				return r.give(v, ok, asText)
			})
			m[t+"_extract_path"+suffix+"("+t+",variadic text)"] = textFn(func(r *row) error {
				var path []string
				for k := 1; k < len(r.args); k++ {
					path = append(path, r.text(k))
				}
				v, ok := follow(r.text(0), path)
				return r.give(v, ok, asText)
			})
		}
		m[t+"_typeof("+t+")"] = textFn(func(r *row) error { return r.put(jsonType(r.text(0))) })
		m[t+"_array_length("+t+")"] = fixedFn(jsonArrayLength)
		m[t+"_strip_nulls("+t+")"] = textFn(stripNulls)
	}
	return m
}

func jsonArrayLength(r *row) (int32, error) {
	switch jsonType(r.text(0)) {
	case "array":
		return int32(memberCount(r.text(0))), nil
	case "object":
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "cannot get array length of a non-array")
	}
	return 0, pgerr.Newf(pgerr.InvalidParameterValue, "cannot get array length of a scalar")
}

// jsonContains is @> (PostgreSQL manual 8.14.3). At the top, an array contains a
// scalar that it has.
func jsonContains(a, b any, top bool) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			return false
		}
		for k, v := range y {
			w, has := x[k]
			if !has || !jsonContains(w, v, false) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		if !ok {
			return top && jsonRank(b) < 4 && hasElement(x, b)
		}
		for _, v := range y {
			if !hasElement(x, v) {
				return false
			}
		}
		return true
	}
	return jsonRank(b) < 4 && compareParsed(a, b) == 0
}

func hasElement(list []any, v any) bool {
	return slices.ContainsFunc(list, func(e any) bool { return jsonContains(e, v, false) })
}

// hasKey is jsonb's ?: a key of an object, a string in an array, or the string
// itself.
func hasKey(s, key string) bool {
	found := false
	_, isContainer := eachMember(s, func(k, v string) bool {
		if k == "" {
			k = v
		}
		found = strings.HasPrefix(k, `"`) && unquote(k) == key
		return !found
	})
	if !isContainer {
		return strings.HasPrefix(s, `"`) && unquote(s) == key
	}
	return found
}

// putJSONB makes JSON text of any form the result, as jsonb writes it.
func (r *row) putJSONB(s string) error {
	s, err := pgtext.ParseJSONB(s)
	if err != nil {
		return err
	}
	return r.put(s)
}

func jsonConcat(r *row) error {
	a, b := r.text(0), r.text(1)
	if jsonType(a) == "object" && jsonType(b) == "object" {
		return r.putJSONB(joinMembers(a, b, "{", "}"))
	}
	if jsonType(a) == "object" && jsonType(b) != "array" || jsonType(b) == "object" && jsonType(a) != "array" {
		return pgerr.Newf(pgerr.InvalidParameterValue, "invalid concatenation of jsonb objects")
	}
	wrap := func(s string) string {
		if jsonType(s) == "array" {
			return s
		}
		return "[" + s + "]"
	}
	return r.putJSONB(joinMembers(wrap(a), wrap(b), "[", "]"))
}

// joinMembers puts the members of two containers into one.
func joinMembers(a, b, open, end string) string {
	inner := func(s string) string {
		s = strings.TrimSpace(s)
		return strings.TrimSpace(s[1 : len(s)-1])
	}
	x, y := inner(a), inner(b)
	if x != "" && y != "" {
		x += ","
	}
	return open + x + y + end
}

func jsonDeleteKey(r *row) error {
	s, key := r.text(0), r.text(1)
	if jsonType(s) != "object" && jsonType(s) != "array" {
		return pgerr.Newf(pgerr.InvalidParameterValue, "cannot delete from scalar")
	}
	return r.putJSONB(keepMembers(s, func(_ int, k, v string) bool {
		if k == "" {
			return !strings.HasPrefix(v, `"`) || unquote(v) != key
		}
		return unquote(k) != key
	}))
}

func jsonDeleteIndex(r *row) error {
	s, at := r.text(0), r.int32(1)
	switch jsonType(s) {
	case "array":
	case "object":
		return pgerr.Newf(pgerr.InvalidParameterValue, "cannot delete from object using integer index")
	default:
		return pgerr.Newf(pgerr.InvalidParameterValue, "cannot delete from scalar")
	}
	if at < 0 {
		at += memberCount(s)
	}
	return r.putJSONB(keepMembers(s, func(i int, _, _ string) bool { return i != at }))
}

// keepMembers rebuilds a container from the members that keep wants.
func keepMembers(s string, keep func(i int, key, value string) bool) string {
	var b strings.Builder
	n, kept := 0, 0
	isObject, _ := eachMember(s, func(k, v string) bool {
		if keep(n, k, v) {
			if kept > 0 {
				b.WriteByte(',')
			}
			kept++
			if k != "" {
				b.WriteString(k + ":")
			}
			b.WriteString(v)
		}
		n++
		return true
	})
	if isObject {
		return "{" + b.String() + "}"
	}
	return "[" + b.String() + "]"
}

// stripNulls drops the members of objects that are null, at every depth.
func stripNulls(r *row) error {
	s := stripped(r.text(0))
	if r.n.t.Kind == types.JSONB {
		return r.putJSONB(s)
	}
	return r.put(s)
}

func stripped(s string) string {
	kind := jsonType(s)
	if kind != "object" && kind != "array" {
		return strings.TrimSpace(s)
	}
	var b strings.Builder
	eachMember(s, func(k, v string) bool {
		if k != "" && v == "null" {
			return true
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		if k != "" {
			b.WriteString(k + ":")
		}
		b.WriteString(stripped(v))
		return true
	})
	if kind == "object" {
		return "{" + b.String() + "}"
	}
	return "[" + b.String() + "]"
}

func jsonPretty(r *row) error {
	r.out = appendPretty(r.out, r.text(0), 0)
	return r.room(0)
}

func appendPretty(dst []byte, s string, depth int) []byte {
	kind := jsonType(s)
	if kind != "object" && kind != "array" {
		return append(dst, s...)
	}
	brackets := "[]"
	if kind == "object" {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	first := true
	eachMember(s, func(k, v string) bool {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(dst, '\n'), strings.Repeat(" ", 4*(depth+1))...)
		if k != "" {
			dst = append(append(dst, k...), ": "...)
		}
		dst = appendPretty(dst, v, depth+1)
		return true
	})
	dst = append(append(dst, '\n'), strings.Repeat(" ", 4*depth)...)
	return append(dst, brackets[1])
}

func jsonSet(r *row, create bool) error {
	path, ok := r.pathArg(1)
	if !ok {
		return pgerr.Newf(pgerr.NullNotAllowed, "path element is null")
	}
	if kind := jsonType(r.text(0)); kind != "object" && kind != "array" {
		return pgerr.Newf(pgerr.InvalidParameterValue, "cannot set path in scalar")
	}
	if len(path) == 0 {
		return r.put(r.text(0))
	}
	v := setPath(parseJSON(r.text(0)), path, parseJSON(r.text(2)), create)
	text, err := json.Marshal(v)
	if err != nil {
		return pgerr.Newf(pgerr.InvalidParameterValue, "cannot set path: %w", err)
	}
	return r.putJSONB(string(text))
}

func setPath(v any, path []string, to any, create bool) any {
	last := len(path) == 1
	switch x := v.(type) {
	case map[string]any:
		old, has := x[path[0]]
		switch {
		case last && (has || create):
			x[path[0]] = to
		case !last && has:
			x[path[0]] = setPath(old, path[1:], to, create)
		}
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil {
			return v
		}
		if i < 0 {
			i += len(x)
		}
		switch {
		case i >= 0 && i < len(x) && last:
			x[i] = to
		case i >= 0 && i < len(x):
			x[i] = setPath(x[i], path[1:], to, create)
		case last && create && i < 0:
			return append([]any{to}, x...)
		case last && create:
			return append(x, to)
		}
	}
	return v
}

func jsonBuilders() map[string]kernel {
	m := map[string]kernel{}
	for _, t := range []string{"json", "jsonb"} {
		m["to_"+t+"(anyelement)"] = stable(textFn(func(r *row) error {
			return r.putJSON(appendJSONValue(nil, r.args[0], r.i, r.f.p.env.zone()))
		}))
		object, list := stable(textCalled(buildObject)), stable(textCalled(buildArray))
		m[t+"_build_object()"], m[t+"_build_object(variadic any)"] = object, object
		m[t+"_build_array()"], m[t+"_build_array(variadic any)"] = list, list
	}
	return m
}

// putJSON makes JSON text the result; jsonb is brought to its form.
func (r *row) putJSON(text []byte) error {
	if r.n.t.Kind == types.JSONB {
		return r.putJSONB(string(text))
	}
	return r.put(string(text))
}

func buildObject(r *row) error {
	if len(r.args)%2 != 0 {
		return pgerr.Newf(pgerr.InvalidParameterValue, "argument list must have even number of elements")
	}
	zone := r.f.p.env.zone()
	out := []byte{'{'}
	for k := 0; k < len(r.args); k += 2 {
		if r.isNull(k) {
			return pgerr.Newf(pgerr.InvalidParameterValue, "argument %d cannot be null", k+1).WithHint("Object keys should be text.")
		}
		if k > 0 {
			out = append(out, ", "...)
		}
		out = pgtext.AppendJSONString(out, string(appendText(nil, r.args[k], r.i, zone)))
		out = append(out, " : "...)
		out = appendJSONValue(out, r.args[k+1], r.i, zone)
	}
	return r.putJSON(append(out, '}'))
}

func buildArray(r *row) error {
	out := []byte{'['}
	for k, v := range r.args {
		if k > 0 {
			out = append(out, ", "...)
		}
		out = appendJSONValue(out, v, r.i, r.f.p.env.zone())
	}
	return r.putJSON(append(out, ']'))
}

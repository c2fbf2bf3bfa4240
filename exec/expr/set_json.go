package expr

import "laminardb/sql/pgerr"

// jsonSets are the functions that take JSON apart, by name.
func jsonSets() map[string]func(r *row, w *setWriter) (int, error) {
	m := map[string]func(r *row, w *setWriter) (int, error){}
	for _, t := range []string{"json", "jsonb"} {
		for _, suffix := range []string{"", "_text"} {
			asText := suffix != ""
			m[t+"_array_elements"+suffix] = func(r *row, w *setWriter) (int, error) { return jsonElements(r, w, t+"_array_elements"+suffix, asText) }
			m[t+"_each"+suffix] = func(r *row, w *setWriter) (int, error) { return jsonEach(r, w, t+"_each"+suffix, asText) }
		}
		m[t+"_object_keys"] = func(r *row, w *setWriter) (int, error) { return objectKeys(r, w, t+"_object_keys") }
	}
	return m
}

func jsonElements(r *row, w *setWriter, name string, asText bool) (int, error) {
	s := r.text(0)
	switch kind := jsonType(s); {
	case kind == "array":
	case name[:5] == "jsonb" && kind == "object":
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "cannot extract elements from an object")
	case name[:5] == "jsonb":
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "cannot extract elements from a scalar")
	case kind == "object":
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "cannot call %s on a non-array", name)
	default:
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "cannot call %s on a scalar", name)
	}
	n := 0
	eachMember(s, func(_, v string) bool {
		w.json(0, v, asText)
		n++
		return true
	})
	return n, nil
}

func jsonEach(r *row, w *setWriter, name string, asText bool) (int, error) {
	s := r.text(0)
	switch kind := jsonType(s); {
	case kind == "object":
	case name[:5] == "jsonb":
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "cannot call %s on a non-object", name)
	case kind == "array":
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "cannot deconstruct an array as an object")
	default:
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "cannot deconstruct a scalar")
	}
	n := 0
	eachMember(s, func(k, v string) bool {
		w.text(0, unquote(k))
		w.json(1, v, asText)
		n++
		return true
	})
	return n, nil
}

func objectKeys(r *row, w *setWriter, name string) (int, error) {
	s := r.text(0)
	switch kind := jsonType(s); kind {
	case "object":
	case "array":
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "cannot call %s on an array", name)
	default:
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "cannot call %s on a scalar", name)
	}
	n := 0
	eachMember(s, func(k, _ string) bool {
		w.text(0, unquote(k))
		n++
		return true
	})
	return n, nil
}

// json appends a member, as it is or as ->> gives it.
func (w *setWriter) json(column int, v string, asText bool) {
	if !asText {
		w.text(column, v)
		return
	}
	text, ok := scalarText(v)
	w.textOrNull(column, text, ok)
}

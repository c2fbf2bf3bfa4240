package expr

import (
	"cmp"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// parseJSON reads a JSON value that is known to be well-formed; numbers keep
// their text.
func parseJSON(s string) any {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// jsonRank orders the kinds of jsonb values (PostgreSQL manual 8.14.4).
func jsonRank(v any) int {
	switch v := v.(type) {
	case nil:
		return 0
	case string:
		return 1
	case json.Number:
		return 2
	case bool:
		return 3
	case []any:
		return 4
	case map[string]any:
		_ = v
	}
	return 5
}

// compareJSON orders jsonb values by their texts.
func compareJSON(a, b string) int {
	if a == b {
		return 0
	}
	return compareParsed(parseJSON(a), parseJSON(b))
}

func compareParsed(a, b any) int {
	if c := cmp.Compare(jsonRank(a), jsonRank(b)); c != 0 {
		return c
	}
	switch x := a.(type) {
	case string:
		return strings.Compare(x, b.(string))
	case json.Number:
		return compareNumbers(x, b.(json.Number))
	case bool:
		return int(flag(x)) - int(flag(b.(bool)))
	case []any:
		y := b.([]any)
		if c := cmp.Compare(len(x), len(y)); c != 0 {
			return c
		}
		return slices.CompareFunc(x, y, compareParsed)
	case map[string]any:
		return compareObjects(x, b.(map[string]any))
	}
	return 0
}

func compareObjects(x, y map[string]any) int {
	if c := cmp.Compare(len(x), len(y)); c != 0 {
		return c
	}
	a, b := jsonKeys(x), jsonKeys(y)
	for i := range a {
		if c := compareKeys(a[i], b[i]); c != 0 {
			return c
		}
		if c := compareParsed(x[a[i]], y[b[i]]); c != 0 {
			return c
		}
	}
	return 0
}

// compareKeys is jsonb's order of keys: shorter first.
func compareKeys(a, b string) int {
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

func jsonKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compareKeys)
	return keys
}

func compareNumbers(a, b json.Number) int {
	x, okX := new(big.Rat).SetString(string(a))
	y, okY := new(big.Rat).SetString(string(b))
	if !okX || !okY {
		return strings.Compare(string(a), string(b))
	}
	return x.Cmp(y)
}

// appendJSONValue appends row i as JSON (PostgreSQL's to_json).
func appendJSONValue(dst []byte, v *vector, i int, zone *time.Location) []byte {
	if v.isNull(i) {
		return append(dst, "null"...)
	}
	if v.konst {
		i = 0
	}
	switch v.t.Kind {
	case types.Bool, types.Int16, types.Int32, types.Int64, types.OID, types.Numeric, types.JSON, types.JSONB:
		return appendText(dst, v, i, zone)
	case types.Float32, types.Float64:
		start := len(dst)
		dst = appendText(dst, v, i, zone)
		if c := dst[len(dst)-1]; c < '0' || c > '9' { // NaN, Infinity
			return pgtext.AppendJSONString(dst[:start], string(dst[start:]))
		}
		return dst
	case types.Array, types.Struct, types.Map:
		return appendJSONNested(dst, v, i, zone)
	case types.Timestamp, types.TimestampTZ:
		text := appendText(nil, v, i, zone)
		if at := strings.IndexByte(string(text), ' '); at > 0 && text[0] != '-' {
			text[at] = 'T'
		}
		if n := len(text); v.t.Kind == types.TimestampTZ && n > 3 && (text[n-3] == '+' || text[n-3] == '-') {
			text = append(text, ":00"...)
		}
		return pgtext.AppendJSONString(dst, string(text))
	}
	return pgtext.AppendJSONString(dst, string(appendText(nil, v, i, zone)))
}

func appendJSONNested(dst []byte, v *vector, i int, zone *time.Location) []byte {
	list, _ := v.value(i).([]any)
	open, end := byte('['), byte(']')
	if v.t.Kind != types.Array {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	for k, e := range list {
		if k > 0 {
			dst = append(dst, ',')
		}
		switch v.t.Kind {
		case types.Array:
			dst = appendJSONOf(dst, *v.t.Elem, e, zone)
		case types.Struct:
			dst = append(pgtext.AppendJSONString(dst, v.t.Fields[k].Name), ':')
			dst = appendJSONOf(dst, v.t.Fields[k].Type, e, zone)
		default:
			pair := e.([]any)
			key := valueVector(*v.t.Key, pair[0])
			dst = append(pgtext.AppendJSONString(dst, string(appendText(nil, key, 0, zone))), ':')
			dst = appendJSONOf(dst, *v.t.Elem, pair[1], zone)
		}
	}
	return append(dst, end)
}

func appendJSONOf(dst []byte, t types.Type, value any, zone *time.Location) []byte {
	return appendJSONValue(dst, valueVector(t, value), 0, zone)
}

// valueVector is one value, in plan.Const's form, as a vector.
func valueVector(t types.Type, value any) *vector {
	arr, err := ValuesArray(t, []any{value})
	if err != nil { // a value that is not of its type
		panic(err)
	}
	return load(t, arr)
}

// castJSON converts between json and jsonb, and jsonb to scalars.
func castJSON(from types.Kind, to types.Type) (kernel, bool) {
	switch {
	case from == types.JSONB && to.Kind == types.JSON:
		return identity(), true
	case from == types.JSON && to.Kind == types.JSONB:
		return textFn(parseJSONB), true
	case from != types.JSONB:
		return kernel{}, false
	}
	if to.Kind == types.Bool {
		return boolFn(func(r *row) (bool, error) {
			v, ok := parseJSON(r.text(0)).(bool)
			if !ok {
				return false, badJSONCast(r.text(0), to)
			}
			return v, nil
		}), true
	}
	if !to.IsNumber() {
		return kernel{}, false
	}
	big := types.Of(types.Numeric)
	rest, ok := castKernel(big, to, false)
	if to.IsFloat() {
		rest, ok = fromText(to)
		big = types.Of(types.Text)
	}
	return anyFn(func(r *row) (any, error) {
		v, isNumber := parseJSON(r.text(0)).(json.Number)
		if !isNumber {
			return nil, badJSONCast(r.text(0), to)
		}
		list := []any{string(v)}
		if big.Kind == types.Numeric {
			d, err := pgtext.ParseNumeric(string(v), big)
			if err != nil {
				return nil, err
			}
			list[0] = d
		}
		out, err := castList(r.f, rest, big, to, list)
		if err != nil {
			return nil, err
		}
		return out.([]any)[0], nil
	}), ok
}

func badJSONCast(s string, to types.Type) error {
	kind := [...]string{"null", "string", "numeric", "boolean", "array", "object"}[jsonRank(parseJSON(s))]
	return pgerr.Newf(pgerr.InvalidParameterValue, "cannot cast jsonb %s to type %s", kind, to)
}

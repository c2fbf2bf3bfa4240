package expr

import (
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/sql/types"
)

// list returns an argument that is an array, nil for NULL.
func (r *row) list(k int) []any {
	l, _ := r.value(k).([]any)
	return l
}

// arrayKernels are the functions on arrays and records. Their values are boxed:
// arrays are for shaping results, not for the hot path.
func arrayKernels() map[string]func(n *node) (kernel, bool) {
	fixed := func(k kernel) func(*node) (kernel, bool) {
		return func(*node) (kernel, bool) { return k, true }
	}
	m := map[string]func(*node) (kernel, bool){
		"array":           fixed(anyCalled(allValues)),
		"row":             fixed(anyCalled(allValues)),
		"array_subscript": fixed(anyFn(subscript)),
		"array_slice":     fixed(anyFn(slice)),
		"struct_field":    structField,
		"array_append":    fixed(anyCalled(func(r *row) (any, error) { return append(r.list(0), r.value(1)), nil })),
		"array_prepend":   fixed(anyCalled(func(r *row) (any, error) { return append([]any{r.value(0)}, r.list(1)...), nil })),
		"array_cat":       fixed(anyCalled(arrayCat)),
		"array_remove":    fixed(anyCalled(arrayRemove)),
		"array_replace":   fixed(anyCalled(arrayReplace)),
		"array_positions": fixed(anyCalled(arrayPositions)),
		"array_position":  fixed(fixedCalled(arrayPosition)),
		"array_length":    fixed(fixedFn(func(r *row) (int32, error) { return arrayBound(r, int32(len(r.list(0)))) })),
		"array_upper":     fixed(fixedFn(func(r *row) (int32, error) { return arrayBound(r, int32(len(r.list(0)))) })),
		"array_lower":     fixed(fixedFn(func(r *row) (int32, error) { return arrayBound(r, 1) })),
		"array_ndims":     fixed(fixedFn(arrayDims)),
		"cardinality":     fixed(fixedFn(cardinality)),
		"array_to_string": fixed(textCalled(arrayToString)),
		"num_nulls":       fixed(fixedCalled(func(r *row) (int32, error) { return countNulls(r), nil })),
		"num_nonnulls":    fixed(fixedCalled(func(r *row) (int32, error) { return int32(len(r.args)) - countNulls(r), nil })),
	}
	for name, c := range comparisons {
		m["any_"+name] = quantified(c, false)
		m["all_"+name] = quantified(c, true)
	}
	return m
}

func allValues(r *row) (any, error) {
	out := make([]any, len(r.args))
	for k := range out {
		out[k] = r.value(k)
	}
	return out, nil
}

func subscript(r *row) (any, error) {
	l, i := r.list(0), r.int32(1)
	if i < 1 || i > len(l) {
		return nil, nil
	}
	return l[i-1], nil
}

func slice(r *row) (any, error) {
	l := r.list(0)
	from, to := max(r.int32(1), 1), min(r.int32(2), len(l))
	if from > to {
		return []any{}, nil
	}
	return l[from-1 : to], nil
}

// structField passes on a record's child array.
func structField(n *node) (kernel, bool) {
	if n.args[0].t.Kind != types.Struct || n.args[1].konst == nil {
		return kernel{}, false
	}
	name := n.args[1].konst.str(0)
	at := -1
	for i, f := range n.args[0].t.Fields {
		if f.Name == name {
			at = i
			break
		}
	}
	if at < 0 {
		return kernel{}, false
	}
	return kernel{safe: true, lazy: true, eval: func(f *frame, n *node) *vector {
		s := f.eval(n.args[0])
		v := load(n.t, s.arr.(*array.Struct).Field(at))
		v.konst = s.konst
		if s.valid != nil {
			v.valid = andBits(v.valid, s.valid)
			v.arr = nil
			if layoutOf(n.t.Kind) == layoutNested {
				return withNulls(v, s)
			}
		}
		return v
	}}, true
}

// withNulls makes the rows of a nested child NULL where its record is.
func withNulls(v, s *vector) *vector {
	list := make([]any, s.n)
	for i := range list {
		if !s.isNull(i) {
			list[i] = v.value(i)
		}
	}
	arr, err := ValuesArray(v.t, list)
	if err != nil { // values of the type itself
		panic(err)
	}
	out := load(v.t, arr)
	out.konst = v.konst
	return out
}

func arrayCat(r *row) (any, error) {
	switch {
	case r.isNull(0) && r.isNull(1):
		return nil, nil
	case r.isNull(0):
		return r.value(1), nil
	}
	return append(r.list(0), r.list(1)...), nil
}

// same is IS NOT DISTINCT FROM.
func same(t types.Type, a, b any) bool { return CompareValues(t, a, b) == 0 }

func arrayRemove(r *row) (any, error) {
	if r.isNull(0) {
		return nil, nil
	}
	out := []any{}
	for _, e := range r.list(0) {
		if !same(r.args[1].t, e, r.value(1)) {
			out = append(out, e)
		}
	}
	return out, nil
}

func arrayReplace(r *row) (any, error) {
	if r.isNull(0) {
		return nil, nil
	}
	out := r.list(0)
	for i, e := range out {
		if same(r.args[1].t, e, r.value(1)) {
			out[i] = r.value(2)
		}
	}
	return out, nil
}

func arrayPosition(r *row) (int32, error) {
	for i, e := range r.list(0) {
		if same(r.args[1].t, e, r.value(1)) {
			return int32(i) + 1, nil
		}
	}
	return 0, r.setNull()
}

func arrayPositions(r *row) (any, error) {
	if r.isNull(0) {
		return nil, nil
	}
	out := []any{}
	for i, e := range r.list(0) {
		if same(r.args[1].t, e, r.value(1)) {
			out = append(out, int64(i)+1)
		}
	}
	return out, nil
}

// arrayBound is NULL for an empty array and for a dimension that there is not.
func arrayBound(r *row, bound int32) (int32, error) {
	l, dim := r.list(0), r.int32(1)
	for t := r.args[0].t; dim > 1; dim-- {
		t = *t.Elem
		if t.Kind != types.Array || len(l) == 0 {
			return 0, r.setNull()
		}
		inner, _ := l[0].([]any)
		l = inner
		if bound != 1 {
			bound = int32(len(l))
		}
	}
	if dim < 1 || len(l) == 0 {
		return 0, r.setNull()
	}
	return bound, nil
}

func arrayDims(r *row) (int32, error) {
	if len(r.list(0)) == 0 {
		return 0, r.setNull()
	}
	dims := int32(0)
	for t := r.args[0].t; t.Kind == types.Array; t = *t.Elem {
		dims++
	}
	return dims, nil
}

func cardinality(r *row) (int32, error) { return int32(countElements(r.args[0].t, r.list(0))), nil }

func countElements(t types.Type, l []any) int {
	if t.Elem.Kind != types.Array {
		return len(l)
	}
	n := 0
	for _, e := range l {
		inner, _ := e.([]any)
		n += countElements(*t.Elem, inner)
	}
	return n
}

func arrayToString(r *row) error {
	if r.isNull(0) || r.isNull(1) {
		return r.setNull()
	}
	elem := *r.args[0].t.Elem
	wrote := false
	for _, e := range r.list(0) {
		if e == nil && (len(r.args) < 3 || r.isNull(2)) {
			continue
		}
		if wrote {
			r.out = append(r.out, r.text(1)...)
		}
		wrote = true
		if e == nil {
			r.out = append(r.out, r.text(2)...)
		} else {
			r.out = appendOutput(r.out, valueVector(elem, e), 0, r.f.p.env.zone())
		}
	}
	return r.room(0)
}

func countNulls(r *row) int32 {
	n := int32(0)
	for k := range r.args {
		if r.isNull(k) {
			n++
		}
	}
	return n
}

// quantified is x op ANY|ALL (array).
func quantified(c comparison, all bool) func(n *node) (kernel, bool) {
	return func(*node) (kernel, bool) {
		return boolFn(func(r *row) (bool, error) {
			sawNull := false
			for _, e := range r.list(1) {
				if e == nil {
					sawNull = true
					continue
				}
				if c.holds(CompareValues(r.args[0].t, r.value(0), e)) != all {
					return !all, nil
				}
			}
			if sawNull {
				return false, r.setNull()
			}
			return all, nil
		}), true
	}
}

// holds reports whether the comparison is true of an order.
func (c comparison) holds(order int) bool {
	if c.swap {
		order = -order
	}
	if c.less {
		return order < 0 != c.negate
	}
	return order == 0 != c.negate
}

// containment is @>, <@ and && of arrays.
func containment(name string) kernel {
	return boolFn(func(r *row) (bool, error) {
		elem := *r.args[0].t.Elem
		a, b := r.list(0), r.list(1)
		if name == "contained" {
			a, b = b, a
		}
		for _, e := range b {
			found := false
			for _, x := range a {
				found = found || e != nil && x != nil && same(elem, x, e)
			}
			if found == (name == "overlaps") {
				return found, nil
			}
		}
		return name != "overlaps", nil
	})
}

package function

import "laminardb/sql/types"

// CommonType returns the type that UNION, CASE, COALESCE, VALUES, ARRAY and
// GREATEST give their operands (PostgreSQL manual 10.5). Unknown operands take
// the others' type; text if there are no others. ok is false if the operands
// have no common type; the error to report is 42804.
func CommonType(list []types.Type) (t types.Type, ok bool) {
	for _, next := range list {
		if next.Kind == types.Unknown {
			continue
		}
		if t.Kind == types.Unknown {
			t = next
			continue
		}
		if t, ok = widen(t, next); !ok {
			return types.Type{}, false
		}
	}
	if t.Kind == types.Unknown {
		return types.Of(types.Text), len(list) > 0
	}
	for _, from := range list {
		if !CanCast(from, t, Implicit) {
			return types.Type{}, false
		}
	}
	return t, true
}

// widen picks the one of two types that the other casts to.
func widen(a, b types.Type) (t types.Type, ok bool) {
	switch {
	case a.Kind == types.Numeric && b.IsInteger():
		return commonNumeric(a, asNumeric(b)), true
	case b.Kind == types.Numeric && a.IsInteger():
		return commonNumeric(asNumeric(a), b), true
	case a.Kind == types.Numeric && b.Kind == types.Numeric:
		return commonNumeric(a, b), true
	case a.Kind == types.Text && b.Kind == types.Text:
		return types.Type{Kind: types.Text, Precision: commonLength(a.Precision, b.Precision)}, true
	case a.Kind == types.Array && b.Kind == types.Array:
		elem, ok := widen(*a.Elem, *b.Elem)
		return types.ArrayOf(elem), ok
	case sameType(a, b):
		return a, true
	case a.Category() != b.Category():
		return types.Type{}, false
	case preferred(a):
		return a, true
	case CanCast(a, b, Implicit) && !CanCast(b, a, Implicit):
		return b, true
	}
	return a, true
}

// commonLength is the length limit of two varchars' common type: none unless
// they agree.
func commonLength(a, b int32) int32 {
	if a == b {
		return a
	}
	return 0
}

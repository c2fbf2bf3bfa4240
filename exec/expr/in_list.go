package expr

import "laminardb/sql/types"

// smallList is up to how many constants a list is compared one by one.
const smallList = 8

// bindIn compiles Arg [NOT] IN (list): a set for a long list of constants, else
// a chain of equalities.
func (c *compiler) bindIn(n *node, not bool) error {
	t := n.args[0].t
	if s := constSet(t, n.args[1:]); s != nil {
		n.eval = s.eval
	} else {
		equal := compareKernel(comparisons["eq"], t)
		pairs := make([]*node, len(n.args)-1)
		for i, a := range n.args[1:] {
			pair := &node{t: types.Of(types.Bool), args: []*node{n.args[0], a}, column: -1, guarded: n.args[0].guarded || a.guarded}
			c.install(pair, equal)
			pair.slot = c.slots
			c.slots++
			pairs[i] = pair
		}
		n.eval = func(f *frame, n *node) *vector {
			return evalOr(f, &node{t: n.t, args: pairs, column: -1})
		}
	}
	if not {
		inner := *n
		inner.slot = c.slots
		c.slots++
		n.eval = func(f *frame, n *node) *vector {
			return evalNot(f, &node{t: n.t, args: []*node{&inner}, column: -1})
		}
	}
	return nil
}

// set is a list of constants.
type set struct {
	ints    map[int64]struct{}
	texts   map[string]struct{}
	hasNull bool
}

// constSet returns nil where a chain of equalities does as well.
func constSet(t types.Type, list []*node) *set {
	if len(list) <= smallList {
		return nil
	}
	isText := t.Kind == types.Text || t.Kind == types.Bytea
	isInt := layoutOf(t.Kind) == layoutFixed && (width(t.Kind) == 8 || width(t.Kind) == 4 || width(t.Kind) == 2) && !t.IsFloat()
	if !isText && !isInt {
		return nil
	}
	s := &set{ints: map[int64]struct{}{}, texts: map[string]struct{}{}}
	for _, a := range list {
		switch {
		case a.konst == nil:
			return nil
		case a.konst.isNull(0):
			s.hasNull = true
		case isText:
			s.texts[string(a.konst.bytes(0))] = struct{}{}
		default:
			s.ints[a.konst.value(0).(int64)] = struct{}{}
		}
	}
	return s
}

func (s *set) eval(f *frame, n *node) *vector {
	v := f.eval(n.args[0])
	if v.nullNow() {
		return nullConst(n.t)
	}
	rows := v.n
	out := &vector{t: n.t, n: rows, konst: v.konst, bits: newBits(rows), valid: v.valid}
	switch {
	case len(s.texts) > 0:
		for i := range rows {
			if _, hit := s.texts[v.str(i)]; hit {
				setBit(out.bits, i)
			}
		}
	case width(v.t.Kind) == 2:
		lookUp(s, values[int16](v), out.bits)
	case width(v.t.Kind) == 4:
		lookUp(s, values[int32](v), out.bits)
	default:
		lookUp(s, values[int64](v), out.bits)
	}
	if s.hasNull { // what is not found may be equal to the NULL
		out.valid = andBits(out.bits, v.valid)
	}
	return out
}

func lookUp[T integer](s *set, list []T, out []uint64) {
	for i, v := range list {
		if _, hit := s.ints[int64(v)]; hit {
			setBit(out, i)
		}
	}
}

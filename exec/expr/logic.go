package expr

import "laminardb/sql/types"

// boolParts returns the true and the NULL rows of a boolean over n rows.
func boolParts(v *vector, n int) (isTrue, isNull []uint64) {
	if v.konst {
		isTrue, isNull = newBits(n), newBits(n)
		switch {
		case v.isNull(0):
			isNull = fullBits(n)
		case v.isTrue(0):
			isTrue = fullBits(n)
		}
		return isTrue, isNull
	}
	isTrue = v.trueBits()
	if v.valid != nil {
		isNull = make([]uint64, len(v.valid))
		for i, w := range v.valid {
			isNull[i] = ^w
		}
	}
	return isTrue, isNull
}

// boolVector makes a boolean of its true and its NULL rows, nil for none.
func boolVector(n int, isTrue, isNull []uint64) *vector {
	v := &vector{t: types.Of(types.Bool), n: n, bits: isTrue}
	if anyNull(isNull, n) {
		v.valid = make([]uint64, len(isNull))
		for i, w := range isNull {
			v.valid[i] = ^w
		}
	}
	return v
}

func anyNull(isNull []uint64, n int) bool { return isNull != nil && anyBit(isNull, n) }

// evalAnd: a row is false as soon as one operand is, and later operands are not
// reached.
func evalAnd(f *frame, n *node) *vector { return evalLogic(f, n, false) }

func evalOr(f *frame, n *node) *vector { return evalLogic(f, n, true) }

// evalLogic is OR, or AND by De Morgan: with `decisive` the value that decides.
func evalLogic(f *frame, n *node, decisive bool) *vector {
	decided := newBits(f.n)  // rows with a decisive operand
	unknown := []uint64(nil) // rows with a NULL operand
	open := newBits(f.n)
	for i, arg := range n.args {
		g := f
		if i > 0 && arg.guarded {
			for k := range open {
				open[k] = ^decided[k]
				if f.mask != nil {
					open[k] &= f.mask[k]
				}
			}
			if !anyBit(open, f.n) {
				break
			}
			g = f.within(own(open))
		}
		isTrue, isNull := boolParts(g.eval(arg), f.n)
		for k := range decided {
			null := uint64(0)
			if isNull != nil {
				null = isNull[k]
			}
			if decisive {
				decided[k] |= isTrue[k] &^ null
			} else {
				decided[k] |= ^(isTrue[k] | null)
			}
			if null != 0 {
				if unknown == nil {
					unknown = newBits(f.n)
				}
				unknown[k] |= null
			}
		}
	}
	for k := range unknown {
		unknown[k] &^= decided[k]
	}
	if !decisive {
		for k := range decided {
			decided[k] = ^decided[k]
			if unknown != nil {
				decided[k] &^= unknown[k]
			}
		}
	}
	return boolVector(f.n, decided, unknown)
}

func evalNot(f *frame, n *node) *vector {
	v := f.eval(n.args[0])
	out := &vector{t: n.t, n: v.n, konst: v.konst, valid: v.valid, bits: make([]uint64, len(v.bits))}
	for i, w := range v.bits {
		out.bits[i] = ^w
	}
	return out
}

func evalIsNull(f *frame, n *node) *vector { return nullTest(f.eval(n.args[0]), true) }

func evalIsNotNull(f *frame, n *node) *vector { return nullTest(f.eval(n.args[0]), false) }

func nullTest(v *vector, wantNull bool) *vector {
	out := newBool(v.n)
	out.konst = v.konst
	for i := range out.bits {
		w := ^uint64(0)
		if v.valid != nil {
			w = v.valid[i]
		}
		if wantNull {
			w = ^w
		}
		out.bits[i] = w
	}
	return out
}

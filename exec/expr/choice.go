package expr

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/sql/types"
)

// evalCase evaluates each condition for the rows that no earlier one took, and
// each result for the rows that its condition took.
func evalCase(f *frame, n *node) *vector {
	open := f.mask
	whens := len(n.args) / 2
	branches := make([]branch, 0, whens+1)
	for i := range whens {
		if !anyBit(open, f.n) {
			break
		}
		cond, result := n.args[2*i], n.args[2*i+1]
		isTrue, isNull := boolParts(f.reaching(cond, open).eval(cond), f.n)
		taken := newBits(f.n)
		rest := newBits(f.n)
		for k := range taken {
			w := isTrue[k]
			if isNull != nil {
				w &^= isNull[k]
			}
			o := ^uint64(0)
			if open != nil {
				o = open[k]
			}
			taken[k], rest[k] = w&o, o&^w
		}
		open = rest
		if anyBit(taken, f.n) {
			branches = append(branches, branch{taken, f.reaching(result, taken).eval(result)})
		}
	}
	if anyBit(open, f.n) {
		last := n.args[len(n.args)-1]
		branches = append(branches, branch{open, f.reaching(last, open).eval(last)})
	}
	return blend(n.t, f.n, branches)
}

// reaching returns the frame for evaluating n for the rows of the mask: f itself
// if it does not matter.
func (f *frame) reaching(n *node, mask []uint64) *frame {
	if !n.guarded || mask == nil {
		return f
	}
	return f.within(mask)
}

// evalCoalesce evaluates each argument for the rows where the earlier ones are
// NULL.
func evalCoalesce(f *frame, n *node) *vector {
	open := f.mask
	branches := make([]branch, 0, len(n.args))
	for _, arg := range n.args {
		if !anyBit(open, f.n) {
			break
		}
		v := f.reaching(arg, open).eval(arg)
		if v.nullNow() {
			continue
		}
		taken, rest := newBits(f.n), newBits(f.n)
		for k := range taken {
			o, w := ^uint64(0), ^uint64(0)
			if open != nil {
				o = open[k]
			}
			if v.valid != nil && !v.konst {
				w = v.valid[k]
			}
			taken[k], rest[k] = o&w, o&^w
		}
		branches = append(branches, branch{taken, v})
		open = rest
	}
	return blend(n.t, f.n, branches)
}

// branch is the values for some of the rows.
type branch struct {
	rows []uint64 // nil for all
	v    *vector
}

// blend merges branches; rows in none of them are NULL.
func blend(t types.Type, n int, list []branch) *vector {
	if len(list) == 1 {
		if only := list[0]; only.rows == nil || popcount(only.rows, n) == n {
			return only.v
		}
	}
	switch layoutOf(t.Kind) {
	case layoutBits:
		return blendBits(t, n, list)
	case layoutFixed:
		switch width(t.Kind) {
		case 2:
			return blendFixed[uint16](t, n, list)
		case 4:
			return blendFixed[uint32](t, n, list)
		case 8:
			return blendFixed[uint64](t, n, list)
		}
		return blendFixed[[2]uint64](t, n, list)
	}
	return blendRows(t, n, list)
}

// blendValid returns the rows that have a value in their branch.
func blendValid(n int, list []branch) []uint64 {
	valid := newBits(n)
	for _, b := range list {
		for k := range valid {
			w := ^uint64(0)
			if b.rows != nil {
				w = b.rows[k]
			}
			switch {
			case b.v.konst && !bit(b.v.valid, 0):
				w = 0
			case !b.v.konst && b.v.valid != nil:
				w &= b.v.valid[k]
			}
			valid[k] |= w
		}
	}
	if popcount(valid, n) == n {
		return nil
	}
	return valid
}

func blendBits(t types.Type, n int, list []branch) *vector {
	out := &vector{t: t, n: n, bits: newBits(n), valid: blendValid(n, list)}
	for _, b := range list {
		for k := range out.bits {
			w := uint64(0)
			switch {
			case !b.v.konst:
				w = b.v.bits[k]
			case b.v.isTrue(0):
				w = ^uint64(0)
			}
			if b.rows != nil {
				w &= b.rows[k]
			}
			out.bits[k] |= w
		}
	}
	return out
}

func blendFixed[T any](t types.Type, n int, list []branch) *vector {
	out, dst := newFixed[T](t, n)
	out.valid = blendValid(n, list)
	for i, b := range list {
		src := values[T](b.v)
		switch {
		case i == 0 && b.v.konst:
			for k := range dst {
				dst[k] = src[0]
			}
		case i == 0:
			copy(dst, src)
		case b.v.konst:
			eachBit(b.rows, n, func(k int) { dst[k] = src[0] })
		default:
			eachBit(b.rows, n, func(k int) { dst[k] = src[k] })
		}
	}
	return out
}

// eachBit calls visit for the rows of a bitmap.
func eachBit(b []uint64, n int, visit func(i int)) {
	for i := range n {
		if bit(b, i) {
			visit(i)
		}
	}
}

// blendRows puts the branches' values one after the other and gathers them.
func blendRows(t types.Type, n int, list []branch) *vector {
	sel := make([]int32, n)
	for i := range sel {
		sel[i] = -1
	}
	parts := make([]arrow.Array, len(list))
	base := int32(0)
	for i, b := range list {
		parts[i] = b.v.plainArray()
		eachBit(b.rows, n, func(k int) {
			sel[k] = base
			if !b.v.konst {
				sel[k] += int32(k)
			}
		})
		base += int32(parts[i].Len())
	}
	if len(parts) == 0 {
		return nullConst(t)
	}
	all, err := array.Concatenate(parts, memory.DefaultAllocator)
	if err != nil { // only for arrays of different types, which would be our bug
		panic(err)
	}
	return load(t, TakeArray(all, sel))
}

package expr

import (
	"time"

	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// frame is one evaluation: the rows of a batch, and which of them count. The
// frames of CASE branches and the like are children of the root with a mask.
type frame struct {
	p      *Program
	b      *batch.Batch
	n      int
	errs   *RowErrors
	parent *frame
	mask   []uint64 // rows that count, nil for all
	cache  []*vector
	now    *time.Time
}

func newFrame(p *Program, b *batch.Batch, errs *RowErrors) *frame {
	return &frame{p: p, b: b, n: b.Rows, errs: errs, cache: make([]*vector, p.slots), now: new(time.Time)}
}

// within returns a frame in which only the masked rows count.
func (f *frame) within(mask []uint64) *frame {
	c := *f
	c.parent, c.mask, c.cache = f, mask, make([]*vector, f.p.slots)
	return &c
}

func (f *frame) eval(n *node) *vector {
	if n.konst != nil {
		return n.konst
	}
	home := f
	for g := f; g != nil; g = g.parent {
		if v := g.cache[n.slot]; v != nil {
			return v
		}
		if !n.guarded {
			home = g
		}
	}
	v := n.eval(home, n)
	home.cache[n.slot] = v
	return v
}

func (f *frame) args(n *node) []*vector {
	out := make([]*vector, len(n.args))
	for i, a := range n.args {
		out[i] = f.eval(a)
	}
	return out
}

func (f *frame) loadColumn(i int, t types.Type) *vector { return load(t, f.b.Cols[i]) }

// clock returns the time of this evaluation.
func (f *frame) clock() time.Time {
	if f.now.IsZero() {
		*f.now = f.p.env.Now()
	}
	return *f.now
}

// live reports whether row i counts and is valid in the bitmap.
func (f *frame) live(valid []uint64, i int) bool { return bit(f.mask, i) && bit(valid, i) }

// fail records a row's error and makes the row NULL in out, whose validity must
// not be shared.
func (f *frame) fail(out *vector, i int, err error) {
	if out.valid == nil {
		out.valid = fullBits(out.n)
	}
	clearBit(out.valid, i)
	f.errs.add(i, err)
}

// failAll records an error of a constant expression for every row that counts.
func (f *frame) failAll(t types.Type, err error) *vector {
	for i := range f.n {
		if bit(f.mask, i) {
			f.errs.add(i, err)
		}
	}
	return nullConst(t)
}

// own returns a bitmap that may be written to.
func own(b []uint64) []uint64 {
	if b == nil {
		return nil
	}
	return append([]uint64(nil), b...)
}

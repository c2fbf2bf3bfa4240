package expr

import "laminardb/sql/types"

func systemFunctions() map[string]kernel {
	uuid := fixedFn(func(r *row) ([16]byte, error) {
		return uuidBits(r.f.p.env.Random(), r.f.p.env.Random()), nil
	})
	uuid.volatile, uuid.lazy = true, true
	return map[string]kernel{
		"gen_random_uuid()": uuid,
		"pg_typeof(any)": textCalled(func(r *row) error {
			t := r.args[0].t
			if t.Kind == types.Numeric || t.Kind == types.Text {
				t = types.Of(t.Kind)
			}
			return r.put(t.String())
		}),
	}
}

// extreme is greatest() and least(): NULLs are left out.
func extreme(name string) func(n *node) (kernel, bool) {
	return func(n *node) (kernel, bool) {
		compare := orderOf(n.t)
		return kernel{lazy: true, eval: func(f *frame, n *node) *vector {
			args := f.args(n)
			which := make([]int8, f.n)
			for i := range which {
				best := -1
				for k, v := range args {
					if v.isNull(i) {
						continue
					}
					if best < 0 {
						best = k
						continue
					}
					c := compare(v, i, args[best], i)
					if c > 0 && name == "greatest" || c < 0 && name == "least" {
						best = k
					}
				}
				which[i] = int8(best)
			}
			branches := make([]branch, 0, len(args))
			for k, v := range args {
				rows := newBits(f.n)
				for i, w := range which {
					if int(w) == k {
						setBit(rows, i)
					}
				}
				branches = append(branches, branch{rows, v})
			}
			return blend(n.t, f.n, branches)
		}}, len(n.args) <= maxExtreme
	}
}

// maxExtreme is how many arguments greatest() and least() take: their numbers
// are kept in bytes. PostgreSQL's limit of any function is 100.
const maxExtreme = 100

// distinct is IS [NOT] DISTINCT FROM: equality in which NULLs are equal.
func distinct(negate bool) func(n *node) (kernel, bool) {
	return func(n *node) (kernel, bool) {
		compare := comparerOf(n.args[0].t)
		return kernel{safe: true, lazy: true, eval: func(f *frame, n *node) *vector {
			a, b := f.eval(n.args[0]), f.eval(n.args[1])
			out := newBool(f.n)
			if !a.nullNow() && !b.nullNow() {
				if a.konst && b.konst {
					a = a.spread(f.n)
				}
				compare(f.n, a, b, false, out.bits)
			}
			for i := range out.bits {
				x, y := validWord(a, i), validWord(b, i)
				equal := out.bits[i]&x&y | ^x&^y
				out.bits[i] = equal
				if !negate {
					out.bits[i] = ^equal
				}
			}
			return out
		}}, true
	}
}

func validWord(v *vector, i int) uint64 {
	switch {
	case v.valid == nil:
		return ^uint64(0)
	case !v.konst:
		return v.valid[i]
	case v.isNull(0):
		return 0
	}
	return ^uint64(0)
}

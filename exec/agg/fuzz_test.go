package agg

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"laminardb/exec/rowcodec"
	"laminardb/exec/rowcodec/rowtest"
	"laminardb/sql/types"
)

// fuzzSpecs has one of each kind of state.
func fuzzSpecs() []Spec {
	bigint, text, double := types.Of(types.Int64), types.Of(types.Text), types.Of(types.Float64)
	one := func(name string, arg, result types.Type) Spec {
		return Spec{Func: name, Args: []types.Type{arg}, Result: result}
	}
	retract, distinct := one("max", text, text), one("sum", bigint, bigint)
	retract.Retractable, distinct.Distinct = true, true
	pair := one("string_agg", text, text)
	pair.Args = append(pair.Args, text)
	return []Spec{
		one("count", text, bigint), one("sum", bigint, bigint), one("sum", double, double), one("sum", types.Of(types.Numeric), types.Of(types.Numeric)),
		one("max", text, text), one("min", types.Of(types.UUID), types.Of(types.UUID)), one("last_value", double, double), one("first_value", text, text),
		one("stddev", double, double), one("bit_and", bigint, bigint), one("median", double, double), one("mode", text, text),
		one("array_agg", bigint, types.ArrayOf(bigint)), retract, distinct, pair,
	}
}

func FuzzRestore(f *testing.F) {
	specs := fuzzSpecs()
	rng := rand.New(rand.NewPCG(9, 9))
	for i, s := range specs {
		a, err := New(s)
		if err != nil {
			f.Fatal(err)
		}
		a.Grow(3)
		in := &Input{IDs: []uint32{0, 2, 2, 0, 2}}
		for _, t := range s.Args {
			in.Args = append(in.Args, rowtest.Column(rng, t, 5, 3))
		}
		a.Update(in)
		f.Add(i, image(f, a))
	}
	f.Fuzz(func(t *testing.T, at int, state []byte) {
		s := specs[uint(at)%uint(len(specs))]
		a, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		if a.Restore(rowcodec.NewStateReader(bytes.NewReader(state))) != nil {
			return
		}
		a.Grow(4)
		in := &Input{IDs: []uint32{0, 2, 1}}
		for _, t := range s.Args {
			in.Args = append(in.Args, rowtest.Column(rand.New(rand.NewPCG(1, 1)), t, 3, 3))
		}
		a.Update(in)
		a.Merge(a, []uint32{0, 1}, []uint32{3, 2})
		if _, err := a.Result([]uint32{0, 1, 2, 3}); err != nil {
			t.Skip(err)
		}
		a.Clear([]uint32{0, 1, 2, 3})
	})
}

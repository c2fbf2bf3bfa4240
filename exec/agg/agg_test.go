package agg

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/rowcodec"
	"laminardb/exec/rowcodec/rowtest"
	"laminardb/sql/types"
)

// testRow is a row as the reference keeps it: one-row slices of each argument.
type testRow struct {
	args       []arrow.Array
	sort       []arrow.Array
	order, seq int64
}

// fixture drives an Accumulator and a row-at-a-time reference side by side.
type fixture struct {
	t       *testing.T
	rng     *rand.Rand
	spec    Spec
	acc     Accumulator
	groups  [][]testRow
	seq     int64
	ordered bool // rows have an event time
	finite  bool // floats are finite
	// expect computes the result of a group's rows: nil for NULL, a float64 to
	// compare with a tolerance, or a string to compare with rowtest.Value.
	expect func(rows []testRow) any
}

const testGroups = 6

func (f *fixture) run(batchRows, batches int) {
	f.acc = f.fresh()
	f.groups = make([][]testRow, testGroups)
	for range batches {
		f.update(batchRows)
		switch f.rng.IntN(8) {
		case 0:
			f.clear()
		case 1:
			f.merge()
		case 2:
			f.mergeOther()
		case 3:
			f.restore()
		}
		f.check()
	}
}

func (f *fixture) fresh() Accumulator {
	f.t.Helper()
	a, err := New(f.spec)
	if err != nil {
		f.t.Fatal(err)
	}
	a.Grow(2)
	a.Grow(testGroups)
	return a
}

func (f *fixture) column(t types.Type, n int) arrow.Array {
	if !f.finite || !t.IsFloat() {
		return rowtest.Column(f.rng, t, n, f.rng.IntN(4))
	}
	b := array.NewBuilder(memory.DefaultAllocator, t.Arrow())
	for range n + 1 {
		v := f.rng.Float64()*100 - 30
		switch b := b.(type) {
		case *array.Float64Builder:
			b.Append(v)
		case *array.Float32Builder:
			b.Append(float32(v))
		}
	}
	return array.NewSlice(b.NewArray(), 1, int64(n+1))
}

func (f *fixture) randomInput(n int) (*Input, []testRow) {
	in := &Input{}
	for _, t := range f.spec.Args {
		in.Args = append(in.Args, f.column(t, n))
	}
	for _, k := range f.spec.OrderBy {
		in.Sort = append(in.Sort, f.column(k.Type, n))
	}
	rows := make([]testRow, n)
	one := f.rng.IntN(4) == 0
	for i := range rows {
		id := uint32(f.rng.IntN(testGroups))
		if one && i > 0 {
			id = in.IDs[0]
		}
		in.IDs = append(in.IDs, id)
		if f.ordered {
			rows[i].order = int64(f.rng.IntN(4))
			in.Order = append(in.Order, rows[i].order)
		}
		for _, a := range in.Args {
			rows[i].args = append(rows[i].args, array.NewSlice(a, int64(i), int64(i+1)))
		}
		for _, a := range in.Sort {
			rows[i].sort = append(rows[i].sort, array.NewSlice(a, int64(i), int64(i+1)))
		}
	}
	return in, rows
}

func (f *fixture) update(n int) {
	in, rows := f.randomInput(n)
	if f.spec.Retractable && f.rng.IntN(3) > 0 {
		in, rows = f.withRetractions(in, rows)
	}
	f.acc.Update(in)
	if in.Diffs == nil {
		f.apply(in, rows)
	}
}

func (f *fixture) apply(in *Input, rows []testRow) {
	for i, id := range in.IDs {
		f.seq++
		rows[i].seq = f.seq
		f.groups[id] = append(f.groups[id], rows[i])
	}
}

// withRetractions puts retractions of existing rows before some of the rows, and
// applies them all to the reference.
func (f *fixture) withRetractions(in *Input, rows []testRow) (*Input, []testRow) {
	out, outRows := &Input{}, []testRow(nil)
	add := func(id uint32, diff int8, r testRow) {
		out.IDs, out.Diffs = append(out.IDs, id), append(out.Diffs, diff)
		if f.ordered {
			out.Order = append(out.Order, r.order)
		}
		outRows = append(outRows, r)
	}
	for i, id := range in.IDs {
		other := uint32(f.rng.IntN(testGroups))
		for len(f.groups[other]) > 0 && f.rng.IntN(2) == 0 {
			add(other, -1, f.retract(other))
		}
		add(id, 1, rows[i])
		f.apply(&Input{IDs: []uint32{id}}, rows[i:i+1])
	}
	out.Args = concat(outRows, len(in.Args), func(r testRow) []arrow.Array { return r.args })
	out.Sort = concat(outRows, len(in.Sort), func(r testRow) []arrow.Array { return r.sort })
	return out, outRows
}

// retract removes a random row. Of rows that look the same the latest goes.
func (f *fixture) retract(id uint32) testRow {
	rows := f.groups[id]
	r := rows[f.rng.IntN(len(rows))]
	last := -1
	for i, o := range rows {
		if o.order == r.order && spelt(o) == spelt(r) {
			if last < 0 || o.seq > rows[last].seq {
				last = i
			}
		}
	}
	r = rows[last]
	f.groups[id] = slices.Delete(slices.Clone(rows), last, last+1)
	return r
}

// spelt tells rows apart that are equal but not the same, such as 0.0 and -0.0.
func spelt(r testRow) string {
	s := ""
	for _, a := range slices.Concat(r.args, r.sort) {
		s += a.ValueStr(0) + "|"
	}
	return s
}

func concat(rows []testRow, n int, cols func(testRow) []arrow.Array) []arrow.Array {
	out := make([]arrow.Array, n)
	for c := range out {
		var parts []arrow.Array
		for _, r := range rows {
			parts = append(parts, cols(r)[c])
		}
		a, err := array.Concatenate(parts, memory.DefaultAllocator)
		if err != nil {
			panic(err)
		}
		out[c] = a
	}
	return out
}

func (f *fixture) clear() {
	id := uint32(f.rng.IntN(testGroups))
	f.acc.Clear([]uint32{id})
	f.groups[id] = nil
}

// merge adds one group to another of the same Accumulator and clears it.
func (f *fixture) merge() {
	from := uint32(f.rng.IntN(testGroups))
	to := (from + 1) % testGroups
	f.acc.Merge(f.acc, []uint32{from}, []uint32{to})
	f.acc.Clear([]uint32{from})
	f.groups[to] = append(f.groups[to], f.groups[from]...)
	f.groups[from] = nil
}

// mergeOther adds groups of an Accumulator of its own.
func (f *fixture) mergeOther() {
	other := f.fresh()
	in, rows := f.randomInput(5)
	other.Update(in)
	f.apply(in, rows)
	ids := slices.Clone(in.IDs)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	f.acc.Merge(other, ids, ids)
}

func image(t testing.TB, a Accumulator) []byte {
	var buf bytes.Buffer
	w := rowcodec.NewStateWriter(&buf)
	a.Snapshot(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func (f *fixture) restore() {
	next, err := New(f.spec)
	if err != nil {
		f.t.Fatal(err)
	}
	bytesBefore := image(f.t, f.acc)
	if err := next.Restore(rowcodec.NewStateReader(bytes.NewReader(bytesBefore))); err != nil {
		f.t.Fatal(err)
	}
	f.acc = next
	f.acc.Grow(testGroups)
}

func (f *fixture) check() {
	f.t.Helper()
	var ids []uint32
	for id := range testGroups {
		ids = append(ids, uint32(testGroups-1-id))
	}
	got, err := f.acc.Result(ids)
	if err != nil {
		f.t.Fatal(err)
	}
	if got.Len() != len(ids) || !arrow.TypeEqual(got.DataType(), f.spec.Result.Arrow()) {
		f.t.Fatalf("%d results of type %s", got.Len(), got.DataType())
	}
	for i, id := range ids {
		rows := slices.Clone(f.groups[id])
		slices.SortStableFunc(rows, func(a, b testRow) int { return int(a.seq - b.seq) })
		if want := f.expect(rows); !sameResult(want, got, i) {
			f.t.Fatalf("%s over %s: got %s, want %v", f.spec.Func, f.describe(rows), got.ValueStr(i), want)
		}
	}
}

func (f *fixture) describe(rows []testRow) string {
	s := ""
	for _, r := range rows {
		s += fmt.Sprintf("[%d,%d %s%s]", r.order, r.seq, rowtest.Row(r.args, 0), rowtest.Row(r.sort, 0))
	}
	return s
}

func sameResult(want any, got arrow.Array, i int) bool {
	switch want := want.(type) {
	case nil:
		return got.IsNull(i)
	case *big.Rat:
		v, ok := new(big.Rat).SetString(got.ValueStr(i))
		return ok && v.Cmp(want) == 0
	case float64:
		v, err := strconv.ParseFloat(got.ValueStr(i), 64)
		if got.IsNull(i) || err != nil {
			return false
		}
		return v == want || v != v && want != want || math.Abs(v-want) <= 1e-5*max(1, math.Abs(want))
	}
	return want == rowtest.Value(got, i)
}

// in makes an Input of group 0.
func in(arg arrow.Array, diffs ...int8) *Input {
	return &Input{IDs: make([]uint32, arg.Len()), Args: []arrow.Array{arg}, Diffs: diffs}
}

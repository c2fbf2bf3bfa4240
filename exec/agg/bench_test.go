package agg

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/exec/hashtable"
	"laminardb/sql/types"
)

const benchRows = 8192

// ticks makes batches of (symbol text, price double, volume bigint, time bigint).
func ticks(groups, batches int) [][]arrow.Array {
	rng := rand.New(rand.NewPCG(1, 1))
	out := make([][]arrow.Array, batches)
	now := int64(1_700_000_000_000)
	for b := range out {
		symbol, price := array.NewStringBuilder(memory.DefaultAllocator), array.NewFloat64Builder(memory.DefaultAllocator)
		volume, at := array.NewInt64Builder(memory.DefaultAllocator), array.NewInt64Builder(memory.DefaultAllocator)
		for range benchRows {
			symbol.Append(fmt.Sprintf("SYM%d", rng.IntN(groups)))
			price.Append(100 + rng.Float64())
			volume.Append(rng.Int64N(1000))
			now += rng.Int64N(3)
			at.Append(now)
		}
		out[b] = []arrow.Array{symbol.NewArray(), price.NewArray(), volume.NewArray(), at.NewArray()}
	}
	return out
}

func benchSpecs() ([]Spec, []int) {
	bigint, double := types.Of(types.Int64), types.Of(types.Float64)
	spec := func(name string, arg, result types.Type) Spec {
		return Spec{Func: name, Args: []types.Type{arg}, Result: result}
	}
	return []Spec{
		spec("first_value", double, double), spec("max", double, double), spec("min", double, double), spec("last_value", double, double),
		spec("sum", bigint, bigint),
		{Func: "count", Result: bigint},
		spec("avg", double, double), spec("stddev", double, double),
	}, []int{1, 1, 1, 1, 2, -1, 1, 1}
}

// BenchmarkOHLC groups by one text key and computes eight aggregates.
func BenchmarkOHLC(b *testing.B) {
	for _, groups := range []int{5, 1000, 1_000_000} {
		b.Run(fmt.Sprint(groups), func(b *testing.B) {
			batches := ticks(groups, 64)
			table := hashtable.New([]types.Type{types.Of(types.Text)})
			specs, cols := benchSpecs()
			accs := make([]Accumulator, len(specs))
			for i, s := range specs {
				accs[i], _ = New(s)
			}
			ids := make([]uint32, benchRows)
			b.ReportAllocs()
			at := 0
			for b.Loop() {
				batch := batches[at%len(batches)]
				at++
				table.Lookup(batch[:1], benchRows, nil, ids)
				in := Input{IDs: ids, Order: batch[3].(*array.Int64).Int64Values()}
				for i, a := range accs {
					in.Args = nil
					if cols[i] >= 0 {
						in.Args = batch[cols[i] : cols[i]+1]
					}
					a.Grow(table.Bound())
					a.Update(&in)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
		})
	}
}

// BenchmarkUpdate is each aggregate alone.
func BenchmarkUpdate(b *testing.B) {
	specs, cols := benchSpecs()
	for _, groups := range []int{1, 1000} {
		batch := ticks(groups, 1)[0]
		table, ids := hashtable.New([]types.Type{types.Of(types.Text)}), make([]uint32, benchRows)
		table.Lookup(batch[:1], benchRows, nil, ids)
		for i, s := range specs {
			for _, retractable := range []bool{false, true} {
				s.Retractable = retractable
				b.Run(fmt.Sprintf("%s/%d/%v", s.Func, groups, retractable), func(b *testing.B) {
					a, _ := New(s)
					a.Grow(table.Bound())
					in := Input{IDs: ids, Order: batch[3].(*array.Int64).Int64Values()}
					if cols[i] >= 0 {
						in.Args = batch[cols[i] : cols[i]+1]
					}
					for b.Loop() {
						a.Update(&in)
						if retractable { // keep the state's size
							b.StopTimer()
							a.Clear([]uint32{0})
							b.StartTimer()
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
				})
			}
		}
	}
}

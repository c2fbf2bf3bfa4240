package exec

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"laminardb/sql/batch"
)

// A view is a multiset: random changes against a map.
func TestView(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	v, want := newView(int64Schema("a", "b")), map[string]int{}
	var present [][]int64
	for range 300 {
		var a, b []int64
		var diffs []int8
		for range rng.IntN(20) {
			row, d := []int64{int64(rng.IntN(5)), int64(rng.IntN(3))}, int8(1)
			if row[1] == 2 {
				row[1] = null
			}
			if len(present) > 0 && rng.IntN(2) == 0 {
				i := rng.IntN(len(present))
				row, d = present[i], -1
				present = append(present[:i:i], present[i+1:]...)
			} else {
				present = append(present, row)
			}
			a, b, diffs = append(a, row[0]), append(b, row[1]), append(diffs, d)
			if want[fmt.Sprint(row)] += int(d); want[fmt.Sprint(row)] == 0 {
				delete(want, fmt.Sprint(row))
			}
		}
		in := int64Batch(a, b)
		in.Diffs = diffs
		v.apply(in)
		got := map[string]int{}
		for _, out := range v.batches() {
			for _, row := range int64Rows(out) {
				got[fmt.Sprint(row)]++
			}
		}
		if !maps.Equal(got, want) || v.rowCount() != len(present) {
			t.Fatalf("%v (%d rows), want %v", got, v.rowCount(), want)
		}
	}
}

// Rows that are replaced stay in their place in what a checkpoint saves, so that
// little is written of it again.
func TestViewStaysInPlace(t *testing.T) {
	const rows, changed, rowBytes = 10_000, 100, 1 + 2*8 // NULLs, then the columns
	v := newView(int64Schema("k", "v"))
	save := func() []byte {
		state, err := operatorState{v, "view"}.save()
		if err != nil {
			t.Fatal(err)
		}
		return state
	}
	var keys, values []int64
	for k := range int64(rows) {
		keys, values = append(keys, k), append(values, 0)
	}
	v.apply(int64Batch(keys, values))
	before := save()
	rng, current := rand.New(rand.NewPCG(2, 2)), make([]int64, rows)
	for round := range int64(5) {
		keys, values = nil, nil
		var diffs []int8
		for _, k := range rng.Perm(rows)[:changed] {
			keys, values, diffs = append(keys, int64(k), int64(k)), append(values, current[k], round+1), append(diffs, -1, 1)
			current[k] = round + 1
		}
		in := int64Batch(keys, values)
		in.Diffs = diffs
		v.apply(in)
		after := save()
		if len(after) != len(before) {
			t.Fatalf("%d bytes, %d before", len(after), len(before))
		}
		differ := 0
		for i := range after {
			if after[i] != before[i] {
				differ++
			}
		}
		if differ == 0 || differ > changed*rowBytes {
			t.Fatalf("%d bytes differ after %d changes", differ, changed)
		}
		before = after
	}
}

// The history gives the last rows, however they came, and keeps few more.
func TestHistory(t *testing.T) {
	for _, limit := range []int{0, 1, 5, 100} {
		h, next := newHistory(int64Schema("v"), limit), int64(0)
		for size := range 30 {
			var vs []int64
			for range size {
				vs = append(vs, next)
				next++
			}
			h.apply(int64Batch(vs))
			want := min(int(next), limit)
			got := int64(0)
			for _, b := range h.batches() {
				for _, row := range int64Rows(b) {
					if row[0] != next-int64(want)+got {
						t.Fatalf("limit %d: row %d is %d", limit, got, row[0])
					}
					got++
				}
			}
			if int(got) != want || h.rowCount() != want || h.rows >= limit+batch.MaxRows {
				t.Fatalf("limit %d after %d: %d rows, %d said, %d kept", limit, next, got, h.rowCount(), h.rows)
			}
		}
	}
}

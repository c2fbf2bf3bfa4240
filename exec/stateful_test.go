package exec

import (
	"errors"
	"fmt"
	"testing"

	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
)

// TestStateNames builds a plan twice: the states have the same names, and what one
// saved the other takes, but no more and no less than that.
func TestStateNames(t *testing.T) {
	build := func() []operatorState {
		b := &builder{faults: queryFaults{}, continuous: true}
		node := overNode(plan.OverFunc{Func: "lag", Offset: 2})
		if err := b.build(node, &gathered{}); err != nil {
			t.Fatal(err)
		}
		if err := b.ports[0].in.Batch(t.Context(), momentBatch(0, 330, 7)); err != nil {
			t.Fatal(err)
		}
		return b.states
	}
	first, second := build(), build()
	names := ""
	for i, s := range first {
		names += s.name + " "
		if s.name != second[i].name {
			t.Errorf("%s and %s", s.name, second[i].name)
		}
	}
	if names != "0/over " {
		t.Errorf("states %s", names)
	}
	state, err := first[0].save()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, len(state) - 1, len(state) + 1} {
		err := build()[0].load(append(state, 0)[:n])
		if !errors.Is(err, rowcodec.ErrCorrupt) {
			t.Errorf("%d bytes of %d gave %v", n, len(state), err)
		}
	}
	fresh := &builder{faults: queryFaults{}, continuous: true}
	if err := fresh.build(overNode(plan.OverFunc{Func: "lag", Offset: 2}), &gathered{}); err != nil {
		t.Fatal(err)
	}
	if err := fresh.states[0].load(state); err != nil {
		t.Fatal(err)
	}
	again, err := fresh.states[0].save()
	if err != nil || fmt.Sprint(again) != fmt.Sprint(state) {
		t.Errorf("saved again: %d bytes of %d, %v", len(again), len(state), err)
	}
}

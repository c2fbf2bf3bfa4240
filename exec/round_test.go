package exec

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// memberFlow is a dataflow that reads objects; it does not run.
func memberFlow(id uint64, reads ...uint64) *flow {
	d := &Dataflow{name: fmt.Sprint(id), done: make(chan struct{}), wake: make(chan struct{}, 1), aligner: &aligner{object: id}}
	for _, r := range reads {
		d.ports = append(d.ports, &port{scan: &plan.Scan{Object: r}})
	}
	return &flow{Dataflow: d}
}

// TestGone: what was removed or replaced while its state was being collected.
func TestGone(t *testing.T) {
	e := NewEngine(testEnv())
	stays, replaced, removed := memberFlow(4), memberFlow(5), memberFlow(6)
	e.flows[4], e.flows[5] = stays, memberFlow(5)
	r := &round{tables: []*Table{{spec: TableSpec{ID: 3}}}, flows: []*flow{stays, replaced, removed}}
	if got := fmt.Sprint(r.gone(e)); got != "map[3:true 4:false 5:true 6:true]" {
		t.Errorf("gone: %s", got)
	}
}

// TestRegions groups what depends on one another: sources (1, 2) divide, tables (3)
// join, and what has failed is apart from what it reads.
func TestRegions(t *testing.T) {
	failed := memberFlow(8, 4)
	err := errors.New("poisoned")
	failed.failure.Store(&failure{err: err})
	r := &round{
		tables: []*Table{{spec: TableSpec{ID: 3}}},
		flows: []*flow{
			memberFlow(4, 1), memberFlow(5, 2), memberFlow(6, 1, 3), memberFlow(7, 2, 3),
			failed, memberFlow(9, 8), memberFlow(10, 4, 1),
		},
	}
	want := "[[3 6 7] [4 10] [5] [8 9]]"
	if got := fmt.Sprint(r.regions()); got != want {
		t.Errorf("regions %s, want %s", got, want)
	}
}

// alignedFlow is a dataflow of two inputs that notes what it delivers and saves.
type alignedFlow struct {
	*Dataflow
	trace []string
}

func newAlignedFlow(t *testing.T) *alignedFlow {
	t.Helper()
	f := &alignedFlow{}
	f.Dataflow = &Dataflow{
		name: "f", root: &plan.Union{Base: plan.Base{Out: int64Schema("v")}}, env: testEnv(), stats: &OperatorStats{},
		wake: make(chan struct{}, 1), done: make(chan struct{}), out: rowsOut(nil),
	}
	f.aligner = &aligner{object: 1, first: 1, given: &atomic.Uint64{}, captured: func(c *capture) {
		f.trace = append(f.trace, fmt.Sprintf("saved %d", c.epoch))
	}}
	for i := range 2 {
		in := rowsOut(func(b *batch.Batch) error {
			f.trace = append(f.trace, fmt.Sprintf("in%d %v", i, int64Rows(b)[0][0]))
			return nil
		})
		p := &port{scan: &plan.Scan{Object: uint64(i)}, in: in, watermark: NoWatermark}
		p.consumer = &consumer{q: newQueue(queueBytes, f.wake)}
		f.ports = append(f.ports, p)
	}
	return f
}

// put queues a row for values above 0, a barrier for values below.
func (f *alignedFlow) put(port int, values ...int64) {
	for _, v := range values {
		m := message{kind: messageBatch, batch: int64Batch([]int64{v})}
		if v < 0 {
			m = message{kind: messageBarrier, epoch: uint64(-v)}
		}
		f.ports[port].consumer.q.put(m)
	}
}

// serveUntilIdle does what the dataflow's loop does while there is work.
func (f *alignedFlow) serveUntilIdle(t *testing.T) string {
	t.Helper()
	for {
		idle, err := f.serveAll(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		released, err := f.aligner.check(context.Background(), f.Dataflow)
		if err != nil {
			t.Fatal(err)
		}
		if idle && !released {
			out := fmt.Sprint(f.trace)
			f.trace = nil
			return out
		}
	}
}

func TestAlign(t *testing.T) {
	f := newAlignedFlow(t)
	check := func(what, want string) {
		t.Helper()
		if got := f.serveUntilIdle(t); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	f.put(0, 1, -1, 2)
	check("held behind the barrier", "[in0 1]")
	f.put(1, 3, -1, 4)
	check("all inputs stand at it", "[in1 3 saved 1 in0 2 in1 4]")
	f.put(0, -1, 5)
	check("the same barrier by another pass", "[in0 5]")
	f.put(0, -2, 6)
	check("held again", "[]")
	f.aligner.given.Store(2)
	check("given up", "[in0 6]")
	f.put(1, -2, 7)
	check("the barrier that came too late", "[in1 7]")
	f.put(0, -3, 8)
	f.put(1, -4, 9)
	check("another epoch on the other input", "[in0 8]")
	f.put(0, -4)
	check("the newer one counts", "[saved 4 in1 9]")
	f.ports[1].ended = true
	f.put(0, 10, -5, 11)
	check("an input that has ended is not waited for", "[in0 10 saved 5 in0 11]")
}

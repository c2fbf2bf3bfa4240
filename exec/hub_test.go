package exec

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"laminardb/planner/plan"
)

func one(v int64) message { return message{kind: messageBatch, batch: int64Batch([]int64{v})} }

// values returns the first column of all batches.
func values(list []message) (out []int64) {
	for _, m := range list {
		if m.kind == messageBatch {
			for _, row := range int64Rows(m.batch) {
				out = append(out, row[0])
			}
		}
	}
	return out
}

// H1: whoever attaches while rows are published sees each exactly once.
func TestHubAttach(t *testing.T) {
	const rows, readers = 2000, 20
	ctx := context.Background()
	for name, s := range map[string]store{"view": newView(int64Schema("v")), "history": newHistory(int64Schema("v"), rows)} {
		t.Run(name, func(t *testing.T) {
			h := newHub(int64Schema("v"), s, time.Now)
			var wg sync.WaitGroup
			go func() {
				for v := range int64(rows) {
					_ = h.publish(ctx, one(v)) // the context does not end
				}
				_ = h.publish(ctx, message{kind: messageEnd})
			}()
			for range readers {
				wg.Go(func() {
					c := newTaker()
					h.attach(c.consumer, true)
					got := values(c.take(t, nil))
					slices.Sort(got)
					for i, v := range got {
						if v != int64(i) {
							t.Errorf("row %d is %d", i, v)
							return
						}
					}
					if len(got) != rows {
						t.Errorf("%d rows, want %d", len(got), rows)
					}
				})
			}
			wg.Wait()
		})
	}
}

// H2: a full queue holds the publisher up, with the hub's lock free, until there
// is space, the consumer goes, or the context ends.
func TestHubBackPressure(t *testing.T) {
	for _, release := range []string{"take", "detach", "cancel"} {
		t.Run(release, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			h := newHub(int64Schema("v"), nil, time.Now)
			c := &consumer{q: newQueue(1, make(chan struct{}, 1))}
			h.attach(c, false) // its first message fills the queue
			done := make(chan error, 1)
			go func() { done <- h.publish(ctx, one(1)) }()
			other := newTaker()
			h.attach(other.consumer, false) // the lock is free
			if rows, _ := h.Snapshot(); rows != nil {
				t.Error("rows are stored where there is no store")
			}
			select {
			case err := <-done:
				t.Fatalf("the publisher did not wait: %v", err)
			default:
			}
			switch release {
			case "take":
				c.q.take(nil)
			case "detach":
				h.detach(c)
			case "cancel":
				cancel()
			}
			if err := <-done; (err != nil) != (release == "cancel") {
				t.Errorf("publish: %v", err)
			}
		})
	}
}

// A subscriber that lags is cut off, told why, and holds nobody up.
func TestHubLag(t *testing.T) {
	h := newHub(int64Schema("v"), nil, time.Now)
	lagged := 0
	c := &consumer{q: newQueue(1, make(chan struct{}, 1)), onLag: func() { lagged++ }}
	h.attach(c, false)
	for v := range int64(3) {
		if err := h.publish(context.Background(), one(v)); err != nil {
			t.Fatal(err)
		}
	}
	if lagged != 1 || h.consumerCount() != 0 {
		t.Errorf("told %d times, %d consumers left", lagged, h.consumerCount())
	}
}

// Who comes after a failure hears of it too.
func TestHubFailure(t *testing.T) {
	h := newHub(int64Schema("v"), nil, time.Now)
	before, after := newTaker(), newTaker()
	h.attach(before.consumer, false)
	want := errors.New("broken")
	h.fail(want)
	h.attach(after.consumer, false)
	for _, c := range []*taker{before, after} {
		select {
		case err := <-c.failed:
			if !errors.Is(err, want) {
				t.Error(err)
			}
		default:
			t.Error("a consumer was not told of the failure")
		}
	}
}

// Watermarks that wait collapse into the last; a closed queue takes nothing.
func TestQueue(t *testing.T) {
	q := newQueue(queueBytes, make(chan struct{}, 1))
	for _, w := range []int64{1, 2, 3} {
		q.put(message{kind: messageWatermark, watermark: w})
	}
	q.put(one(7))
	q.put(message{kind: messageWatermark, watermark: 4})
	got := q.take(nil)
	if len(got) != 3 || got[0].watermark != 3 || got[1].batch == nil || got[2].watermark != 4 {
		t.Errorf("%v", got)
	}
	if n, bytes := q.depth(); n != 0 || bytes != 0 {
		t.Errorf("%d messages of %d bytes are left", n, bytes)
	}
	q.put(one(1))
	q.close()
	q.put(one(2))
	if got := q.take(nil); len(got) != 0 {
		t.Errorf("a closed queue gave %v", got)
	}
	if err := q.await(context.Background()); err != nil {
		t.Error(err)
	}
}

// A dataflow that has failed does not hold up what it reads.
func TestFailedDataflowReadsOn(t *testing.T) {
	ctx := context.Background()
	up, down := newHub(int64Schema("v"), nil, time.Now), newHub(int64Schema("v"), nil, time.Now)
	scan := &plan.Scan{Object: 1, Name: "up", Columns: []int{0}}
	scan.Out = int64Schema("v")
	d, err := newDataflow("down", scan, hubReceiver{down}, testEnv(), OnErrorDeadLetter)
	if err != nil {
		t.Fatal(err)
	}
	d.ports[0].consumer.q.limit = 1
	up.attach(d.ports[0].consumer, false)
	watcher := newTaker()
	down.attach(watcher.consumer, false)
	d.start(ctx, func() {})
	d.fail(errors.New("poisoned"))
	if err := <-watcher.failed; err == nil || d.Failure() == nil {
		t.Error("nobody was told")
	}
	timed, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for v := range int64(10) {
		if err := up.publish(timed, one(v)); err != nil {
			t.Fatalf("message %d: %v", v, err)
		}
	}
	d.stop()
}

// TestLateRowsOfNoStream: late rows for a stream that does not come are dropped behind
// a bound, and said to be.
func TestLateRowsOfNoStream(t *testing.T) {
	h := newHub(int64Schema("v"), nil, time.Now)
	var told []int64
	h.onLateLost = func(rows int64) { told = append(told, rows) }
	for range maxLateHeld + 5 {
		if err := h.publishLate(t.Context(), int64Batch([]int64{1, 2})); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.lateHeld) != maxLateHeld || h.lateLost != 10 || !slices.Equal(told, []int64{2, 4, 8}) {
		t.Errorf("%d batches held, %d rows lost, told of %v", len(h.lateHeld), h.lateLost, told)
	}
}

package exec

import (
	"math"
	"testing"
	"time"

	"laminardb/connectors"
)

// The watermark is the least of the splits that are not idle, less the delay, and
// never falls.
func TestWatermarks(t *testing.T) {
	now := time.UnixMilli(0)
	w := newWatermarks(EventTime{Column: 0, DelayMillis: 10, IdleTimeout: time.Second}, func() time.Time { return now })
	status := []connectors.SplitStatus{{Split: 0}, {Split: 1}, {Split: 2, Empty: true}}
	rows := func(split int32, times ...int64) {
		c := &connectors.Chunk{Batch: int64Batch(times), Next: connectors.Positions{split: 0}}
		for range times {
			c.Splits = append(c.Splits, split)
		}
		w.observe(c)
	}
	expect := func(what string, moved bool, want int64) {
		t.Helper()
		if got, _ := w.advance(status); got != moved || w.current != want {
			t.Errorf("%s: moved %v to %d, want %v to %d", what, got, w.current, moved, want)
		}
	}
	expect("no rows", false, NoWatermark)
	rows(0, 100, 50)
	expect("split 1 has rows that nobody has seen", false, NoWatermark)
	rows(1, null)
	expect("a NULL is no time", false, NoWatermark)
	rows(1, 70, null)
	expect("the least of two; the empty split does not count", true, 60)
	rows(1, 20)
	expect("an old row", false, 60)
	now = now.Add(900 * time.Millisecond)
	rows(0, 500)
	expect("split 1 holds on", false, 60)
	now = now.Add(200 * time.Millisecond)
	expect("split 1 is idle", true, 490)
	rows(1, 80)
	expect("it wakes up and does not pull the watermark back", false, 490)
	rows(1, 501)
	expect("the other one is the least", false, 490)
	rows(0, 600)
	expect("now split 1 is", true, 491)
	rows(2, 495)
	status[2].Empty = false
	expect("the empty split has a row", false, 491)
	now = now.Add(time.Hour)
	if _, turned := w.advance(status); !turned || !w.idle {
		t.Error("all are idle, the source is not")
	}
}

// An event time at the beginning of time does not turn into one at its end.
func TestWatermarkOverflow(t *testing.T) {
	w := newWatermarks(EventTime{Column: 0, DelayMillis: 1000, IdleTimeout: time.Hour}, time.Now)
	w.observe(&connectors.Chunk{Batch: int64Batch([]int64{math.MinInt64 + 5}), Splits: []int32{0}})
	w.advance([]connectors.SplitStatus{{Split: 0}})
	if w.current > 0 {
		t.Errorf("the watermark is %d", w.current)
	}
}

func TestFloorDiv(t *testing.T) {
	for _, c := range [][3]int64{{7, 5, 1}, {-7, 5, -2}, {-5, 5, -1}, {0, 5, 0}, {-1, 1000, -1}, {-9, 1, -9}} {
		if got := floorDiv(c[0], c[1]); got != c[2] {
			t.Errorf("floorDiv(%d, %d) = %d, want %d", c[0], c[1], got, c[2])
		}
	}
}

package exec

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"laminardb/sql/batch"
)

// Percentiles are over the last minute, in four parts: what is shown is of the
// last 45 to 60 seconds.
const (
	latencyParts = 4
	latencyPart  = 15 * time.Second
)

// The histograms have microseconds up to an hour, which is what a longer time
// counts as, with two significant digits: 25 KiB for each part.
const (
	leastMicros   = 1
	mostMicros    = int64(time.Hour / time.Microsecond)
	latencyDigits = 2
)

// LatencyBounds are the upper bounds, in seconds, of the buckets that
// LatencyState counts since the start; one more counts what is above the last.
func LatencyBounds() []float64 {
	return []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}
}

// latency is how long rows took until they left a dataflow. It is recorded once
// for each batch, for all of its rows.
type latency struct {
	bounds []time.Duration

	mu     sync.Mutex
	window *hdrhistogram.WindowedHistogram // nil before the first row
	part   int64                           // the part of time that window's current one is for
	// Since the start:
	buckets []int64
	rows    int64
	sum     float64 // seconds
}

// LatencyState is how long the rows of a dataflow took.
type LatencyState struct {
	// Rows is how many rows of the last minute the percentiles are over; they mean
	// nothing where it is 0.
	Rows          int64
	P50, P99, Max time.Duration
	// Buckets counts rows since the start by LatencyBounds, each bucket for itself;
	// Total and SumSeconds are over all of them.
	Buckets    []int64
	Total      int64
	SumSeconds float64
}

func newLatency() *latency {
	l := &latency{}
	for _, s := range LatencyBounds() {
		l.bounds = append(l.bounds, time.Duration(s*float64(time.Second)))
	}
	l.buckets = make([]int64, len(l.bounds)+1)
	return l
}

// record notes that rows took so long. A clock that was set back makes it 0.
func (l *latency) record(now time.Time, took time.Duration, rows int) {
	took = max(0, took)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.window == nil {
		l.window = hdrhistogram.NewWindowed(latencyParts, leastMicros, mostMicros, latencyDigits)
		l.part = partOf(now)
	}
	l.rotate(now)
	// In its range by min: there is no error.
	_ = l.window.Current.RecordValues(min(took.Microseconds(), mostMicros), int64(rows))
	at := 0
	for at < len(l.bounds) && took > l.bounds[at] {
		at++
	}
	l.buckets[at] += int64(rows)
	l.rows += int64(rows)
	l.sum += took.Seconds() * float64(rows)
}

func partOf(t time.Time) int64 { return t.UnixNano() / int64(latencyPart) }

// rotate forgets what is older than the window.
func (l *latency) rotate(now time.Time) {
	part := partOf(now)
	for range min(max(0, part-l.part), latencyParts) {
		l.window.Rotate()
	}
	l.part = max(l.part, part)
}

// state is what was recorded.
func (l *latency) state(now time.Time) LatencyState {
	l.mu.Lock()
	defer l.mu.Unlock()
	st := LatencyState{Buckets: append([]int64(nil), l.buckets...), Total: l.rows, SumSeconds: l.sum}
	if l.window == nil {
		return st
	}
	l.rotate(now)
	h := l.window.Merge()
	if st.Rows = h.TotalCount(); st.Rows == 0 {
		return st
	}
	micros := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	st.P50, st.P99, st.Max = micros(h.ValueAtPercentile(50)), micros(h.ValueAtPercentile(99)), micros(h.Max())
	return st
}

// latencies are those of a dataflow: from the reading of a row, and from its
// production, to what the row leads to leaving the dataflow.
type latencies struct{ read, production *latency }

func newLatencies() latencies { return latencies{newLatency(), newLatency()} }

// emitted notes a batch that leaves.
func (l latencies) emitted(now time.Time, b *batch.Batch) {
	if b.ReadAtNanos > 0 {
		l.read.record(now, now.Sub(time.Unix(0, b.ReadAtNanos)), b.Rows)
	}
	if b.ProducedAtMillis > 0 {
		l.production.record(now, now.Sub(time.UnixMilli(b.ProducedAtMillis)), b.Rows)
	}
}

// timeless is a stored batch for one who comes later: how long its rows took was
// noted when they were new.
func timeless(b *batch.Batch) *batch.Batch {
	if b.ReadAtNanos == 0 && b.ProducedAtMillis == 0 {
		return b
	}
	c := *b
	c.ReadAtNanos, c.ProducedAtMillis = 0, 0
	return &c
}

package main

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/connectors"
	"laminardb/sql/batch"
)

// clocked are sinks that note how late each row is: its last column says when it was
// due, in microseconds; rows with 0 do not count.
type clocked struct {
	mu    sync.Mutex
	sinks map[string]*clockedSink
}

func newClocked() *clocked { return &clocked{sinks: map[string]*clockedSink{}} }

// NewSink implements connectors.SinkConnector.
func (c *clocked) NewSink(_ context.Context, spec connectors.SinkSpec) (connectors.Sink, error) {
	spec.Options.String("connector", "")
	s := &clockedSink{}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sinks[spec.Name] = s
	return s, nil
}

// percentile returns how late, in seconds, the given share of a sink's rows is at
// most, and of how many rows.
func (c *clocked) percentile(name string, share float64) (seconds float64, rows int) {
	c.mu.Lock()
	s := c.sinks[name]
	c.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.micros) == 0 {
		return math.NaN(), 0
	}
	slices.Sort(s.micros)
	return float64(s.micros[int(share*float64(len(s.micros)-1))]) / 1e6, len(s.micros)
}

type clockedSink struct {
	mu     sync.Mutex
	micros []int64
}

// Write implements connectors.Sink.
func (s *clockedSink) Write(ctx context.Context, b *batch.Batch) error {
	now := time.Now().UnixMicro()
	due := b.Cols[len(b.Cols)-1].(*array.Int64)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b.Rows {
		if at := due.Value(i); at > 0 && b.Diff(i) > 0 {
			s.micros = append(s.micros, now-at)
		}
	}
	return ctx.Err()
}

// Flush implements connectors.Sink.
func (s *clockedSink) Flush(ctx context.Context) error { return ctx.Err() }

// Close implements connectors.Sink.
func (s *clockedSink) Close() error { return nil }

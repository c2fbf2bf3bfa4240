// Package blackhole is a sink that drops its rows, for benchmarks and for queries
// of which only the metrics matter.
//
// Nouns: sink, Counted (what went in).
//
// Rule: it costs nothing per row, so what is measured with it is the dataflow.
package blackhole

import (
	"context"
	"sync/atomic"

	"laminardb/connectors"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// Counted is what all sinks of a connector have dropped. It may be read by any
// goroutine.
type Counted struct {
	Rows    atomic.Int64 // deletions of a changelog included
	Batches atomic.Int64
	Flushes atomic.Int64
}

// New returns the connector; its sinks add to counted, which may be nil.
func New(counted *Counted) connectors.SinkConnector {
	if counted == nil {
		counted = &Counted{}
	}
	return blackholes{counted}
}

type blackholes struct{ counted *Counted }

// NewSink implements connectors.SinkConnector. A changelog is dropped as well as
// plain rows.
func (b blackholes) NewSink(_ context.Context, spec connectors.SinkSpec) (connectors.Sink, error) {
	spec.Options.String("connector", "")
	return &sink{name: spec.Name, counted: b.counted}, nil
}

type sink struct {
	name    string
	counted *Counted
	closed  bool
}

// Write implements connectors.Sink.
func (s *sink) Write(ctx context.Context, b *batch.Batch) error {
	if s.closed {
		return pgerr.Newf(pgerr.Internal, "sink %q is closed", s.name)
	}
	s.counted.Rows.Add(int64(b.Rows))
	s.counted.Batches.Add(1)
	return ctx.Err()
}

// Flush implements connectors.Sink.
func (s *sink) Flush(ctx context.Context) error {
	s.counted.Flushes.Add(1)
	return ctx.Err()
}

// Close implements connectors.Sink.
func (s *sink) Close() error {
	s.closed = true
	return nil
}

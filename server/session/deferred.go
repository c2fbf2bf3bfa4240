package session

import (
	"context"
	"sync"
	"time"

	"laminardb/connectors"
	"laminardb/sql/batch"
)

// deferredSource is a source that could not be reached when the server started.
// Its readers try to connect whenever they are polled, and the engine backs off
// between attempts and shows the error.
type deferredSource struct {
	connect func(context.Context) (connectors.Source, error)

	mu     sync.Mutex
	source connectors.Source
}

func (d *deferredSource) get(ctx context.Context) (connectors.Source, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.source == nil {
		s, err := d.connect(ctx)
		if err != nil {
			return nil, err
		}
		d.source = s
	}
	return d.source, nil
}

// Open implements connectors.Source.
func (d *deferredSource) Open(_ context.Context, from connectors.Positions) (connectors.Reader, error) {
	return &deferredReader{source: d, from: from}, nil
}

// Bounded implements connectors.Source.
func (d *deferredSource) Bounded() bool { return false }

// Close implements connectors.Source.
func (d *deferredSource) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.source == nil {
		return nil
	}
	return d.source.Close()
}

type deferredReader struct {
	source *deferredSource
	from   connectors.Positions
	inner  connectors.Reader
}

// Poll implements connectors.Reader.
func (r *deferredReader) Poll(ctx context.Context, wait time.Duration) (*connectors.Chunk, error) {
	if r.inner == nil {
		s, err := r.source.get(ctx)
		if err != nil {
			return nil, err
		}
		if r.inner, err = s.Open(ctx, r.from); err != nil {
			return nil, err
		}
	}
	return r.inner.Poll(ctx, wait)
}

// Splits implements connectors.Reader.
func (r *deferredReader) Splits() []connectors.SplitStatus {
	if r.inner == nil {
		return nil
	}
	return r.inner.Splits()
}

// Health implements connectors.Healthy.
func (r *deferredReader) Health() string {
	if h, ok := r.inner.(connectors.Healthy); ok {
		return h.Health()
	}
	return ""
}

// Close implements connectors.Reader.
func (r *deferredReader) Close() error {
	if r.inner == nil {
		return nil
	}
	return r.inner.Close()
}

// deferredSink is a sink that could not be reached when the server started; it
// connects before its first row.
type deferredSink struct {
	connect func(context.Context) (connectors.Sink, error)
	sink    connectors.Sink // of the dataflow's goroutine

	mu      sync.Mutex
	shown   connectors.Sink // sink, for others
	trouble string
}

// sinkRetry is the pause between attempts to reach a sink.
const sinkRetry = time.Second

// Write implements connectors.Sink.
func (d *deferredSink) Write(ctx context.Context, b *batch.Batch) error {
	for d.sink == nil {
		s, err := d.connect(ctx)
		d.tried(s, err)
		if err == nil {
			break
		}
		timer := time.NewTimer(sinkRetry)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return d.sink.Write(ctx, b)
}

// tried notes an attempt to connect.
func (d *deferredSink) tried(s connectors.Sink, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.trouble = err.Error()
		return
	}
	d.sink, d.shown, d.trouble = s, s, ""
}

// Health implements connectors.Healthy.
func (d *deferredSink) Health() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if h, ok := d.shown.(connectors.Healthy); ok {
		return h.Health()
	}
	return d.trouble
}

// BytesWritten implements connectors.Counted.
func (d *deferredSink) BytesWritten() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.shown.(connectors.Counted); ok {
		return c.BytesWritten()
	}
	return 0
}

// Flush implements connectors.Sink.
func (d *deferredSink) Flush(ctx context.Context) error {
	if d.sink == nil {
		return nil
	}
	return d.sink.Flush(ctx)
}

// Close implements connectors.Sink.
func (d *deferredSink) Close() error {
	if d.sink == nil {
		return nil
	}
	return d.sink.Close()
}

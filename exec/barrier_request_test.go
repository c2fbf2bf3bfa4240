package exec

import (
	"context"
	"errors"
	"testing"
	"time"

	"laminardb/connectors"
)

// patientReader has no rows and waits for them as long as it may.
type patientReader struct {
	waits chan time.Duration // how long each poll may take
}

func (r *patientReader) Poll(ctx context.Context, wait time.Duration) (*connectors.Chunk, error) {
	r.waits <- wait
	if wait == 0 {
		return nil, nil
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (r *patientReader) Splits() []connectors.SplitStatus { return nil }
func (r *patientReader) Close() error                     { return nil }

// TestBarrierCutsPollShort checks that a barrier does not wait for rows.
func TestBarrierCutsPollShort(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, q, polled := &patientReader{waits: make(chan time.Duration, 1)}, &barrierRequest{}, make(chan error)
	poll := func() {
		_, err := q.poll(ctx, r)
		polled <- err
	}
	go poll()
	if wait := <-r.waits; wait != pollWait {
		t.Errorf("a poll waits for %v", wait)
	}
	q.ask(1)
	if err := <-polled; err != nil {
		t.Errorf("a poll that was cut short: %v", err)
	}
	go poll()
	if wait := <-r.waits; wait != 0 {
		t.Errorf("a poll waits for %v while a barrier is asked for", wait)
	}
	if err := <-polled; err != nil {
		t.Error(err)
	}
	q.sent.Store(1)
	go poll()
	<-r.waits
	cancel()
	if err := <-polled; !errors.Is(err, context.Canceled) {
		t.Errorf("a poll that was told to end: %v", err)
	}
}

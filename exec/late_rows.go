package exec

import (
	"context"
	"fmt"
	"log/slog"
	"math/bits"

	"laminardb/sql/batch"
)

// lateRows are the late rows of a dataflow's operators on their way to those who
// read them: LATE DATA TO. They have the columns of the operator's input, of a join
// those of both inputs with NULLs in the other one's place. The plan has one
// operator only that finds rows late.
type lateRows struct {
	hub     *Hub
	pending []*batch.Batch // of the message that is being delivered
}

// newLateRows returns nil for a dataflow whose late rows are only counted.
func newLateRows(out Receiver) *lateRows {
	if h, ok := out.(hubReceiver); ok && h.hub.sendsLate {
		return &lateRows{hub: h.hub}
	}
	return nil
}

// lateSender sends the late rows of a batch behind it, so that between two messages
// none is pending.
type lateSender struct {
	Receiver
	late *lateRows
}

// Batch implements Receiver.
func (s lateSender) Batch(ctx context.Context, b *batch.Batch) error {
	if err := s.Receiver.Batch(ctx, b); err != nil {
		return err
	}
	for _, rows := range s.late.pending {
		rows.ReadAtNanos, rows.ProducedAtMillis = b.ReadAtNanos, b.ProducedAtMillis
		if err := s.late.hub.publishLate(ctx, rows); err != nil {
			return err
		}
	}
	s.late.pending = s.late.pending[:0]
	return nil
}

// maxLateHeld bounds how many batches of late rows wait for a stream that does not
// come, since it could not be started: more are dropped, and an event says how many. They
// are counted in laminar.late_rows all the same.
const maxLateHeld = 1024

// holdLate keeps late rows for the stream, or drops them. The lock is held.
func (h *Hub) holdLate(b *batch.Batch) {
	if len(h.lateHeld) < maxLateHeld {
		h.lateHeld = append(h.lateHeld, b)
		return
	}
	before := h.lateLost
	h.lateLost += int64(b.Rows)
	if h.onLateLost != nil && bits.Len64(uint64(before)) != bits.Len64(uint64(h.lateLost)) {
		h.onLateLost(h.lateLost)
	}
}

// lateLost returns what tells how many late rows of a dataflow were dropped.
func (e *Env) lateLost(name string) func(rows int64) {
	return func(rows int64) {
		e.Report(slog.LevelWarn, EventLateDropped, name,
			fmt.Sprintf("%d late rows were dropped so far, since the stream that reads them could not be started", rows))
	}
}

// publishLate hands late rows to their consumers, waiting for those as publish does.
func (h *Hub) publishLate(ctx context.Context, b *batch.Batch) error {
	h.mu.Lock()
	consumers := h.consumers
	h.mu.Unlock()
	for _, c := range consumers {
		if c.late {
			if err := c.q.await(ctx); err != nil {
				return err
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.atMillis = max(h.atMillis, h.now().UnixMilli())
	if !h.lateRead {
		h.holdLate(b)
	}
	for _, c := range h.consumers {
		if c.late {
			c.q.put(message{kind: messageBatch, batch: b, atMillis: h.atMillis})
		}
	}
	return nil
}

package exec

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"laminardb/sql/batch"
)

// Hub is the output of one object: the consumers that read it and, depending on
// the object, its current rows (a view) or its recent ones (a stream).
//
// H1: a consumer that attaches sees the stored rows as of one instant and then
// every message behind that instant, none twice and none missing: the store is
// changed and the message is queued under one lock.
// H2: publishing never blocks while it holds that lock: it waits for space first,
// and since a hub has one publisher the space stays.
type Hub struct {
	schema *batch.Schema
	store  store // nil where nothing is kept
	now    func() time.Time

	// sendsLate says that the dataflow's late rows go to the consumers of late rows.
	sendsLate bool

	mu        sync.Mutex
	consumers []*consumer
	// lateHeld are the late rows until the first consumer of them attaches, which is
	// right after the dataflow was started; lateRead says that it has.
	lateHeld []*batch.Batch
	lateRead bool
	// lateLost counts rows that lateHeld had no room for; onLateLost, unless it is nil,
	// is told it when it has doubled.
	lateLost   int64
	onLateLost func(rows int64)
	watermark  int64
	atMillis   int64 // of the last message
	idle       bool
	ended      bool
	failure    error // of the dataflow that published here

	rows     atomic.Int64 // published so far
	pressure pressure
}

// store keeps rows of a hub for those who come later. Its methods are called
// with the hub's lock held.
type store interface {
	stateful
	apply(b *batch.Batch)
	// batches returns the stored rows as inserts. They may be shared.
	batches() []*batch.Batch
	rowCount() int
	sizeBytes() int64
}

// consumer is one reader of a hub.
type consumer struct {
	q *queue
	// late says that it gets the late rows in place of the result.
	late bool
	// onLag is what happens when the queue is full: nil blocks the publisher, else
	// it is called once and the consumer is detached.
	onLag func()
	// onFail is called once when the object's dataflow has failed, nil to ignore.
	onFail func(error)
}

func newHub(schema *batch.Schema, s store, now func() time.Time) *Hub {
	return &Hub{schema: schema, store: s, now: now, watermark: NoWatermark}
}

// attach adds a consumer. With snapshot, the stored rows are queued first.
func (h *Hub) attach(c *consumer, snapshot bool) {
	if err := h.enter(c, snapshot); err != nil && c.onFail != nil {
		c.onFail(err)
	}
}

// enter adds a consumer and returns why nothing will come, if that is so.
func (h *Hub) enter(c *consumer, snapshot bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.late {
		h.lateRead = true
		for _, b := range h.lateHeld {
			c.q.put(message{kind: messageBatch, batch: b, atMillis: h.atMillis})
		}
		h.lateHeld = nil
	} else if snapshot && h.store != nil {
		for _, b := range h.store.batches() {
			c.q.put(message{kind: messageBatch, batch: timeless(b), atMillis: h.atMillis})
		}
	}
	return h.enterBehind(c)
}

// enterBehind adds a consumer that has got the rows. The lock is held.
func (h *Hub) enterBehind(c *consumer) error {
	if h.watermark != NoWatermark {
		c.q.put(message{kind: messageWatermark, watermark: h.watermark, atMillis: h.atMillis})
	}
	// A consumer that comes from another pass may think otherwise.
	c.q.put(message{kind: messageIdle, idle: h.idle, atMillis: h.atMillis})
	if h.ended {
		c.q.put(message{kind: messageEnd})
		return nil
	}
	h.consumers = append(slices.Clip(h.consumers), c)
	return h.failure
}

// detach removes a consumer and closes its queue. The publisher may be waiting
// for that very queue, so the queue is closed before the lock is taken.
func (h *Hub) detach(c *consumer) {
	c.q.close()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.consumers = slices.DeleteFunc(slices.Clone(h.consumers), func(o *consumer) bool { return o == c })
}

func (h *Hub) consumerCount() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.consumers)
}

// publish hands a message to all consumers, waiting for those that may block.
func (h *Hub) publish(ctx context.Context, m message) error {
	h.mu.Lock()
	waitFor := h.consumers
	h.mu.Unlock()
	for _, c := range waitFor {
		if c.onLag != nil {
			if c.q.full() {
				h.detach(c)
				c.onLag()
			}
			continue
		}
		if err := h.pressure.await(ctx, c.q, h.now); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.atMillis = max(h.atMillis, h.now().UnixMilli())
	m.atMillis = h.atMillis
	switch m.kind {
	case messageBatch:
		h.rows.Add(int64(m.batch.Rows))
		if h.store != nil {
			h.store.apply(m.batch)
		}
	case messageWatermark:
		h.watermark = m.watermark
	case messageIdle:
		h.idle = m.idle
	case messageEnd:
		h.ended = true
	}
	for _, c := range h.consumers {
		if m.kind != messageBatch || !c.late {
			c.q.put(m)
		}
	}
	return nil
}

// fail tells the consumers that nothing more will come.
func (h *Hub) fail(err error) {
	h.mu.Lock()
	consumers := h.consumers
	h.failure = err
	h.mu.Unlock()
	for _, c := range consumers {
		if c.onFail != nil {
			c.onFail(err)
		}
	}
}

// Snapshot returns the stored rows as inserts, and whether anything is stored at
// all.
func (h *Hub) Snapshot() (rows []*batch.Batch, stored bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.store == nil {
		return nil, false
	}
	return h.store.batches(), true
}

// Watermark returns the last published watermark, NoWatermark before the first.
func (h *Hub) Watermark() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.watermark
}

// hubReceiver publishes a dataflow's output.
type hubReceiver struct{ hub *Hub }

// Batch implements Receiver.
func (r hubReceiver) Batch(ctx context.Context, b *batch.Batch) error {
	if b.Rows == 0 {
		return nil
	}
	return r.hub.publish(ctx, message{kind: messageBatch, batch: b})
}

// Watermark implements Receiver.
func (r hubReceiver) Watermark(ctx context.Context, millis int64) error {
	return r.hub.publish(ctx, message{kind: messageWatermark, watermark: millis})
}

// Idle implements Receiver.
func (r hubReceiver) Idle(ctx context.Context, idle bool) error {
	return r.hub.publish(ctx, message{kind: messageIdle, idle: idle})
}

// End implements Receiver.
func (r hubReceiver) End(ctx context.Context) error {
	return r.hub.publish(ctx, message{kind: messageEnd})
}

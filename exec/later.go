package exec

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/sql/batch"
)

// A join can make far more rows than it reads, of which a stream that nobody reads
// keeps only the newest. So what is copied only, not computed, is copied when
// somebody wants the rows: what can fail has been done by then.

// laterBatch is a batch some of whose columns are made when they are wanted. It
// belongs to one goroutine, or to a store under its hub's lock.
type laterBatch struct {
	// known is the batch, with nil where a column is still to be made.
	known *batch.Batch
	// make makes the column in that place, nil where nothing is left to do.
	make func(column int) arrow.Array
}

// heldRows is how many rows of the inputs a row that is still to be made may hold in
// memory. Of few pairs among many rows less is held when they are made at once.
const heldRows = 4

// batch returns the rows with all columns.
func (l *laterBatch) batch() *batch.Batch {
	if l.make == nil {
		return l.known
	}
	cols := slices.Clone(l.known.Cols)
	for i, c := range cols {
		if c == nil {
			cols[i] = l.make(i)
		}
	}
	l.known, l.make = l.known.With(cols), nil
	return l.known
}

// sizeBytes is the memory of what has been made. What is still to be made is in the
// batches that the rows came in, at most heldRows for each.
func (l *laterBatch) sizeBytes() int64 {
	if l.make == nil {
		return l.known.SizeBytes()
	}
	size := int64(0)
	for _, c := range l.known.Cols {
		if c != nil {
			size += int64(c.Data().SizeInBytes())
		}
	}
	return size
}

// laterReceiver also takes batches that may never be looked at.
type laterReceiver interface {
	Receiver
	Later(ctx context.Context, l *laterBatch) error
}

// passLater gives a batch to a receiver, as it is if that is possible.
func passLater(ctx context.Context, to Receiver, l *laterBatch) error {
	if r, ok := to.(laterReceiver); ok {
		return r.Later(ctx, l)
	}
	return to.Batch(ctx, l.batch())
}

// Later implements laterReceiver.
func (c countOut) Later(ctx context.Context, l *laterBatch) error {
	c.count(l.known)
	return passLater(ctx, c.Receiver, l)
}

// Later implements laterReceiver.
func (r hubReceiver) Later(ctx context.Context, l *laterBatch) error {
	if l.known.Rows == 0 || r.hub.keepLater(l) {
		return nil
	}
	return r.hub.publish(ctx, message{kind: messageBatch, batch: l.batch()})
}

// keepLater publishes a batch if nobody reads the hub: it is kept as it is. There is
// nobody to wait for then.
func (h *Hub) keepLater(l *laterBatch) (done bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	recent, ok := h.store.(*history)
	if len(h.consumers) > 0 || h.store != nil && !ok {
		return false
	}
	h.atMillis = max(h.atMillis, h.now().UnixMilli())
	h.rows.Add(int64(l.known.Rows))
	if ok {
		recent.add(l)
	}
	return true
}

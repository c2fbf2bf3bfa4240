package exec

import (
	"context"
	"time"
)

// sendBarrier saves the table, which is complete, and sends the barrier that was asked for.
func (t *Table) sendBarrier(ctx context.Context) error {
	if !t.barrier.isAsked() {
		return nil
	}
	epoch := t.barrier.asked.Load()
	begin := time.Now()
	c, err := t.capture(epoch)
	if err != nil {
		return err
	}
	c.pause = time.Since(begin)
	t.env.captured(c)
	err = t.hub.publish(ctx, message{kind: messageBarrier, epoch: epoch})
	t.barrier.sent.Store(epoch)
	t.env.checkpointMoved()
	return err
}

func (t *Table) capture(epoch uint64) (*capture, error) {
	c := newCapture(t.spec.ID, epoch)
	w := c.part("", "table")
	t.mu.Lock()
	at := &placement{positions: t.position.Clone(), watermark: NoWatermark, identity: t.identity}
	t.mu.Unlock()
	c.places = map[uint64]*placement{t.spec.ID: at}
	w.Byte(stateVersion)
	w.Uint64(epoch)
	at.snapshot(w)
	t.hub.mu.Lock()
	defer t.hub.mu.Unlock()
	t.store.Snapshot(c.part("", "rows"))
	return c, c.close()
}

// restore makes the table, which does not read yet, go on where a checkpoint left
// it.
func (t *Table) restore(s *saved) error {
	r, err := s.need("", "table")
	if err != nil {
		return err
	}
	if v := r.Byte(); v != stateVersion && r.Err() == nil {
		return errOtherPlan
	}
	epoch := r.Uint64()
	at := restorePlace(r)
	if err := r.Err(); err != nil {
		return err
	}
	if r, err = s.need("", "rows"); err != nil {
		return err
	}
	if err := t.store.Restore(r); err != nil {
		return err
	}
	if err := r.End(); err != nil {
		return err
	}
	s.saved = epoch
	t.position, t.identity, t.from = at.positions.Clone(), at.identity, at
	t.publishAll()
	return nil
}

package exec

import (
	"context"
	"sync/atomic"
	"time"
)

// aligner lets a dataflow save its state at a barrier: each input is held where
// the barrier was met until it was met on all of them, so that the state is that
// of exactly the rows before it.
//
// C1: what a dataflow saves for an epoch, and what its hub has published before
// that epoch's barrier, come from the same prefix of each of its inputs.
type aligner struct {
	object uint64
	// first is the first epoch that this dataflow takes part in: it was added while
	// an older one was on its way.
	first uint64
	// given is the last epoch that was given up; what is held for it is released.
	given *atomic.Uint64
	// captured takes the state; the dataflow stands still meanwhile.
	captured func(*capture)
	epoch    uint64 // being aligned, 0 for none
}

// meet notes that a port has met a barrier.
func (a *aligner) meet(p *port, m message) {
	if m.epoch <= p.barrier || m.epoch < a.first || m.epoch <= a.given.Load() {
		return // it came by another pass already, or nobody waits for it
	}
	p.barrier, p.place, p.held = m.epoch, m.place, true
	a.epoch = max(a.epoch, m.epoch)
}

// check saves the state if all inputs stand at the barrier, and lets inputs go on
// that are held for nothing. It reports whether any was.
func (a *aligner) check(ctx context.Context, d *Dataflow) (released bool, err error) {
	if a.epoch == 0 {
		return false, nil
	}
	abandoned := a.epoch <= a.given.Load()
	aligned := !abandoned
	for _, p := range d.ports {
		switch {
		case p.held && p.barrier < a.epoch: // of an epoch before, which was given up
			p.held, released, aligned = false, true, false
		case !p.held && !p.ended:
			aligned = false
		}
	}
	if !aligned && !abandoned {
		return released, nil
	}
	epoch := a.epoch
	a.epoch = 0
	if aligned {
		if err := a.save(ctx, d, epoch); err != nil {
			return false, err
		}
	}
	for _, p := range d.ports {
		p.held = false
	}
	return true, nil
}

// save captures the dataflow's state and passes the barrier on.
func (a *aligner) save(ctx context.Context, d *Dataflow, epoch uint64) error {
	begin := time.Now()
	c, err := d.capture(epoch)
	if err != nil {
		return err
	}
	c.pause = time.Since(begin)
	a.captured(c)
	if out, ok := d.out.(hubReceiver); ok {
		return out.hub.publish(ctx, message{kind: messageBarrier, epoch: epoch})
	}
	return nil
}

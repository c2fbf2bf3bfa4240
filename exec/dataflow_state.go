package exec

import (
	"errors"
	"fmt"
	"strconv"

	"laminardb/exec/rowcodec"
	"laminardb/sql/pgerr"
)

// stateVersion is the version of what a dataflow, a table and a source save.
const stateVersion = 1

// maxPorts is far more inputs than a plan has.
const maxPorts = 1 << 16

// capture saves the dataflow. It stands still meanwhile: at a barrier, or at its end.
func (d *Dataflow) capture(epoch uint64) (*capture, error) {
	c := newCapture(d.aligner.object, epoch)
	d.snapshot(epoch, c.part("", "dataflow"))
	c.places = d.places()
	for _, s := range d.states {
		s.Snapshot(c.part(s.name, "operator"))
	}
	switch out := d.out.(type) {
	case hubReceiver:
		out.hub.capture(c)
	case *outboxReceiver:
		out.capture(c)
	}
	return c, c.close()
}

// snapshot writes what belongs to no operator.
func (d *Dataflow) snapshot(epoch uint64, w *rowcodec.StateWriter) {
	w.Byte(stateVersion)
	w.Uint64(epoch)
	w.Bytes([]byte(d.definition()))
	for _, n := range d.stats.saved() {
		w.Uint64(uint64(n.Load()))
	}
	w.Uvarint(uint64(len(d.ports)))
	for _, p := range d.ports {
		w.Uint64(uint64(p.watermark))
		w.Byte(bit(p.idle))
		w.Byte(bit(p.ended))
		w.Byte(bit(p.place != nil))
		if p.place != nil {
			p.place.snapshot(w)
		}
	}
}

// definition is what a saved state is of. A replaced object must not take over the
// state of the one before, though it may compute the same.
func (d *Dataflow) definition() string {
	return strconv.FormatUint(d.version, 10) + ":" + fingerprint(d.root)
}

// places returns where the sources that the dataflow reads stood at the barrier, the
// furthest behind of each.
func (d *Dataflow) places() map[uint64]*placement {
	places := map[uint64]*placement{}
	for _, p := range d.ports {
		if p.place == nil {
			continue
		}
		if old := places[p.scan.Object]; old == nil || old.beyond(p.place) {
			places[p.scan.Object] = p.place
		}
	}
	return places
}

// errOtherPlan says that a saved state is of another statement.
var errOtherPlan = pgerr.Newf(pgerr.ObjectNotInPrerequisite, "the checkpoint holds the state of another definition")

// errOtherEpoch says that a saved state is older or newer than that of what the
// dataflow reads.
var errOtherEpoch = pgerr.Newf(pgerr.ObjectNotInPrerequisite, "the checkpoint holds another epoch's state of what it reads")

// restore makes the dataflow, which has not started, go on where a checkpoint left
// it. same says whether an epoch is that of what the dataflow reads. errOtherPlan and
// errOtherEpoch mean that it has to begin anew; after any other error it must
// be thrown away.
func (d *Dataflow) restore(s *saved, same func(epoch uint64) bool) error {
	r, err := s.need("", "dataflow")
	if err != nil {
		return err
	}
	if v := r.Byte(); v != stateVersion && r.Err() == nil {
		return errOtherPlan
	}
	s.saved = r.Uint64()
	if string(r.Bytes(nil)) != d.definition() && r.Err() == nil {
		return errOtherPlan
	}
	if r.Err() == nil && !same(s.saved) {
		return errOtherEpoch
	}
	if err := d.restorePorts(r); err != nil {
		return err
	}
	output := make(chan error, 1)
	go func() { output <- d.restoreOutput(s) }() // large states are read on two cores
	err = d.restoreOperators(s)
	d.restored = true
	return errors.Join(err, <-output)
}

func (d *Dataflow) restoreOutput(s *saved) error {
	switch out := d.out.(type) {
	case hubReceiver:
		return out.hub.restore(s)
	case *outboxReceiver:
		return out.restore(s)
	}
	return nil
}

func (d *Dataflow) restoreOperators(s *saved) error {
	for _, state := range d.states {
		r, err := s.need(state.name, "operator")
		if err != nil {
			return err
		}
		if err := state.Restore(r); err != nil {
			return fmt.Errorf("restoring %s of %q: %w", state.name, d.name, err)
		}
		if err := r.End(); err != nil {
			return fmt.Errorf("restoring %s of %q: %w", state.name, d.name, err)
		}
	}
	return nil
}

func (d *Dataflow) restorePorts(r *rowcodec.StateReader) error {
	for _, n := range d.stats.saved() {
		n.Store(int64(r.Uint64()))
	}
	if n := r.Count(maxPorts); n != len(d.ports) && r.Err() == nil {
		return r.Corrupt("%d inputs of %q, which has %d", n, d.name, len(d.ports))
	}
	for _, p := range d.ports {
		p.watermark, p.idle, p.ended = int64(r.Uint64()), r.Byte() != 0, r.Byte() != 0
		if r.Byte() != 0 {
			p.place = restorePlace(r)
		}
		if r.Err() != nil {
			break
		}
	}
	return r.Err()
}

// capture saves what the hub has published and what it keeps.
func (h *Hub) capture(c *capture) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := c.part("", "hub")
	w.Uint64(uint64(h.watermark))
	w.Uint64(uint64(h.atMillis))
	w.Uint64(uint64(h.rows.Load()))
	w.Byte(bit(h.idle))
	w.Byte(bit(h.ended))
	if h.store != nil {
		h.store.Snapshot(c.part("", "rows"))
	}
}

// restore makes a new hub stand where a checkpoint left one.
func (h *Hub) restore(s *saved) error {
	r, err := s.need("", "hub")
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watermark, h.atMillis = int64(r.Uint64()), int64(r.Uint64())
	h.rows.Store(int64(r.Uint64()))
	h.idle, h.ended = r.Byte() != 0, r.Byte() != 0
	if r.Err() != nil || h.store == nil {
		return r.Err()
	}
	if r, err = s.need("", "rows"); err != nil {
		return err
	}
	if err := h.store.Restore(r); err != nil {
		return err
	}
	return r.End()
}

package exec

import (
	"bytes"
	"fmt"

	"laminardb/exec/rowcodec"
)

// stateful is an operator that holds something between two messages.
//
// K1: Snapshot is called between two messages, writes all of it, in the same bytes
// for the same state, and changes nothing. What changes in place is written with a
// fixed width, so that it does not move what follows.
// K2: Restore is called once, on an operator of the same plan that has had no
// message and was not started. After it the operator goes on as the saved one
// would; in particular Start emits nothing that was emitted before. Bytes that no
// Snapshot can have written give an error wrapping rowcodec.ErrCorrupt, as far as
// that can be seen, and never a panic; after an error the operator must be thrown
// away.
type stateful interface {
	Snapshot(w *rowcodec.StateWriter)
	Restore(r *rowcodec.StateReader) error
}

// operatorState is a stateful operator of a dataflow. Its name holds its place in
// the plan, so it is the same whenever the same plan is built.
type operatorState struct {
	stateful
	name string
}

// keep notes an operator whose state is to be saved.
func (b *builder) keep(kind string, s stateful) {
	b.states = append(b.states, operatorState{s, fmt.Sprintf("%d/%s", len(b.states), kind)})
}

// save returns the state as bytes.
func (s operatorState) save() ([]byte, error) {
	var out bytes.Buffer
	w := rowcodec.NewStateWriter(&out)
	s.Snapshot(w)
	if err := w.Flush(); err != nil {
		return nil, fmt.Errorf("saving %s: %w", s.name, err)
	}
	return out.Bytes(), nil
}

// load restores the state from bytes that save returned.
func (s operatorState) load(state []byte) error {
	r := rowcodec.NewStateReader(bytes.NewReader(state))
	if err := s.Restore(r); err != nil {
		return fmt.Errorf("restoring %s: %w", s.name, err)
	}
	if err := r.End(); err != nil {
		return fmt.Errorf("restoring %s: %w", s.name, err)
	}
	return nil
}

package exec

import (
	"bytes"
	"context"
	"fmt"
)

// visit runs f between two messages of a dataflow and waits for it. It does
// nothing once the dataflow has ended.
func (d *Dataflow) visit(ctx context.Context, f func()) {
	ran := make(chan struct{})
	select {
	case d.visits <- func() { f(); close(ran) }:
	case <-d.done:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-ran:
	case <-d.done:
	}
}

// receive runs a visit that waits.
func (d *Dataflow) receive() {
	select {
	case visit := <-d.visits:
		visit()
	default:
	}
}

// Rebuild throws away the operators of a stream or view, and the rows it keeps,
// and makes them again from its plan and their saved state, between two messages:
// what a restart does to them, without the restart. exectest holds every query to
// account with it.
func (e *Engine) Rebuild(ctx context.Context, id uint64) error {
	e.mu.Lock()
	f := e.flows[id]
	e.mu.Unlock()
	if f == nil {
		return fmt.Errorf("rebuilding object %d: it does not run", id)
	}
	var err error
	f.visit(ctx, func() { err = f.rebuild(ctx) })
	return err
}

func (f *flow) rebuild(ctx context.Context) error {
	b, err := f.operators()
	if err != nil {
		return err
	}
	for i, s := range f.states {
		if err := s.moveTo(b.states[i]); err != nil {
			return err
		}
	}
	for i, p := range f.ports {
		p.in = b.ports[i].in
	}
	f.starters, f.tickers, f.states, f.size.sizers = b.starters, b.tickers, b.states, sizersOf(b.states)
	for _, s := range f.starters {
		if err := s.Start(ctx); err != nil {
			return err
		}
	}
	if f.hub == nil {
		return nil
	}
	return f.hub.rebuild()
}

// rebuild replaces the store by one with the same rows.
func (h *Hub) rebuild() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var fresh store
	switch s := h.store.(type) {
	case *view:
		fresh = newView(h.schema)
	case *history:
		fresh = newHistory(h.schema, s.limit)
	default:
		return nil
	}
	err := operatorState{h.store, "rows"}.moveTo(operatorState{fresh, "rows"})
	h.store = fresh
	return err
}

// moveTo restores a new operator, whose state must then be the same (K1).
func (s operatorState) moveTo(fresh operatorState) error {
	state, err := s.save()
	if err != nil {
		return err
	}
	if err := fresh.load(state); err != nil {
		return err
	}
	again, err := fresh.save()
	if err != nil {
		return err
	}
	if !bytes.Equal(state, again) {
		return fmt.Errorf("restoring %s: %d bytes became %d others", s.name, len(state), len(again))
	}
	return nil
}

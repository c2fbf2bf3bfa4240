package exectest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"time"

	"laminardb/exec"
	"laminardb/storage/checkpoint"
)

// gate lets a number of polls through.
type gate struct{ left atomic.Int64 }

// unlimited is more polls than any delivery has.
const unlimited = 1 << 40

// pass reports whether the next poll may return rows.
func (g *gate) pass() bool {
	if g.left.Add(-1) >= 0 {
		return true
	}
	g.left.Add(1)
	return false
}

// Recovered runs a query as Continuous does, but the engine is thrown away several
// times somewhere behind a checkpoint and built again from it. It returns what is
// stored at the end. dir is empty.
func (w *World) Recovered(ctx context.Context, name string, v Variant, dir string, rng *rand.Rand) (*Output, error) {
	store, err := checkpoint.Open(filepath.Join(dir, "checkpoints.db"), checkpoint.Options{Now: time.Now, ChunkBytes: 256})
	if err != nil {
		return nil, err
	}
	defer store.Close() //nolint:errcheck // only read from here on
	v.gate = &gate{}
	for range 3 {
		e := exec.NewEngine(w.env)
		if err := w.recover(ctx, e, name, v, store, dir); err != nil {
			return nil, fmt.Errorf("restoring: %w", err)
		}
		if err := v.gate.spend(ctx, 1+rng.Int64N(8)); err != nil {
			return nil, err
		}
		if _, err := e.Checkpoint(ctx, "test"); err != nil {
			return nil, err
		}
		if err := v.gate.spend(ctx, rng.Int64N(6)); err != nil { // lost with the engine
			return nil, err
		}
		if err := e.Close(); err != nil {
			return nil, err
		}
	}
	return w.finish(ctx, name, v, store, dir)
}

// spend lets so many polls through and waits, for a while, until they have come.
func (g *gate) spend(ctx context.Context, polls int64) error {
	g.left.Store(polls)
	for range 10 {
		if g.left.Load() == 0 {
			break
		}
		select {
		case <-time.After(time.Millisecond): // no more polls may come: the input is at its end
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	g.left.Store(0)
	return nil
}

// recover builds an engine from the newest checkpoint and starts it.
func (w *World) recover(ctx context.Context, e *exec.Engine, name string, v Variant, store *checkpoint.Store, dir string) error {
	if _, err := e.UseCheckpoints(store, filepath.Join(dir, "outbox")); err != nil {
		return err
	}
	if err := w.start(ctx, e, name, v, nil); err != nil {
		return err
	}
	return e.Start(ctx)
}

// finish runs to the end and returns what is stored.
func (w *World) finish(ctx context.Context, name string, v Variant, store *checkpoint.Store, dir string) (*Output, error) {
	e := exec.NewEngine(w.env)
	defer e.Close() //nolint:errcheck // deliveries close without error
	v.gate.left.Store(unlimited)
	if err := w.recover(ctx, e, name, v, store, dir); err != nil {
		return nil, fmt.Errorf("restoring: %w", err)
	}
	return w.rest(ctx, e, name)
}

// rest follows a query to its end and returns what is stored.
func (w *World) rest(ctx context.Context, e *exec.Engine, name string) (*Output, error) {
	scan := scanOf(w.queries[name])
	sub, err := e.Subscribe(ctx, scan, true)
	if err != nil {
		return nil, err
	}
	defer sub.Close()
	res, err := follow(ctx, sub, scan, nil)
	if err != nil {
		return nil, err
	}
	out := &Output{Result: res}
	for _, q := range w.upstream(name) {
		st, _ := e.FlowState(q.id)
		out.Late += st.Late
		out.DeadLetters += st.DeadLetters
	}
	return out, w.stored(ctx, e, scan, res)
}

// CheckRecovery runs a query once and continuously with crashes.
func (w *World) CheckRecovery(ctx context.Context, name string, v Variant, dir string, rng *rand.Rand) error {
	want, err := w.Once(name, v.Limit)
	if err != nil {
		return err
	}
	got, err := w.Recovered(ctx, name, v, dir, rng)
	if err != nil {
		return err
	}
	if got.Late > 0 {
		return fmt.Errorf("%d late rows", got.Late)
	}
	if d := difference(got.Result, want, false); d != "" {
		return fmt.Errorf("with crashes: %s", d)
	}
	return nil
}

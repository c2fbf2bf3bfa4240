package exectest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"time"

	"laminardb/exec"
	"laminardb/storage/checkpoint"
)

// restartTries is more than the failures of one run.
const restartTries = 100

// errInjected is what dataflows of a run with failures fail with.
var errInjected = errors.New("injected")

// faultPlan says which dataflow fails at its next message, "" for none.
type faultPlan struct {
	target atomic.Pointer[string]
	panics bool
	// hits are the failures, each of which leads to a restart.
	hits, restarts atomic.Int64
}

// failpoint is that of the environment.
func (p *faultPlan) failpoint(name string) error {
	t := p.target.Load()
	if t == nil || *t != name || !p.target.CompareAndSwap(t, nil) {
		return nil
	}
	p.hits.Add(1)
	if p.panics {
		panic("injected")
	}
	return errInjected
}

// Restarted runs a query as Continuous does, but its dataflows fail several times,
// before the first checkpoint and behind others, and go back to the last one while
// the rest goes on. It returns what is stored at the end and how often one failed.
func (w *World) Restarted(ctx context.Context, name string, v Variant, dir string, rng *rand.Rand) (out *Output, failures int64, err error) {
	store, err := checkpoint.Open(filepath.Join(dir, "checkpoints.db"), checkpoint.Options{Now: time.Now, ChunkBytes: 256})
	if err != nil {
		return nil, 0, err
	}
	defer store.Close() //nolint:errcheck // only read from here on
	v.gate = &gate{}
	faults := &faultPlan{panics: rng.IntN(2) == 0}
	e := exec.NewEngine(&exec.Env{Now: w.env.Now, Logger: w.env.Logger, DeadLetters: w.env.DeadLetters, Failpoint: faults.failpoint})
	defer e.Close() //nolint:errcheck // deliveries close without error
	e.UseRestarts(exec.RestartPolicy{Tries: restartTries})
	if err := w.recover(ctx, e, name, v, store, dir); err != nil {
		return nil, 0, err
	}
	supervised, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Supervise(supervised, func(_ context.Context, fn func()) error {
			fn()
			faults.restarts.Add(1)
			return nil
		})
	}()
	defer func() { cancel(); <-done }()
	flows := w.upstream(name)
	for range 4 {
		if err := v.gate.spend(ctx, 1+rng.Int64N(4)); err != nil {
			return nil, 0, err
		}
		target := "dataflow." + flows[rng.IntN(len(flows))].name
		faults.target.Store(&target)
		if err := v.gate.spend(ctx, 1+rng.Int64N(4)); err != nil {
			return nil, 0, err
		}
		faults.target.Store(nil)
		if err := w.allRun(ctx, e, name, faults); err != nil {
			return nil, 0, err
		}
		if _, err := e.Checkpoint(ctx, "test"); err != nil {
			return nil, 0, err
		}
	}
	v.gate.left.Store(unlimited)
	out, err = w.rest(ctx, e, name)
	return out, faults.hits.Load(), err
}

// allRun waits until no dataflow of a query is stopped.
func (w *World) allRun(ctx context.Context, e *exec.Engine, name string, faults *faultPlan) error {
	for {
		var failure error
		for _, q := range w.upstream(name) {
			st, _ := e.FlowState(q.id)
			if st.Failure != nil && st.Restart == nil {
				return fmt.Errorf("%s stays stopped: %w", q.name, st.Failure)
			}
			failure = errors.Join(failure, st.Failure)
		}
		if failure == nil && faults.restarts.Load() >= faults.hits.Load() {
			return nil
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), failure)
		}
	}
}

// CheckRestarts runs a query once, and continuously with failures.
func (w *World) CheckRestarts(ctx context.Context, name string, v Variant, dir string, rng *rand.Rand) error {
	want, err := w.Once(name, v.Limit)
	if err != nil {
		return err
	}
	got, failures, err := w.Restarted(ctx, name, v, dir, rng)
	if err != nil {
		return err
	}
	if got.Late > 0 {
		return fmt.Errorf("%d late rows", got.Late)
	}
	if d := difference(got.Result, want, false); d != "" {
		return fmt.Errorf("with %d failures: %s", failures, d)
	}
	return nil
}

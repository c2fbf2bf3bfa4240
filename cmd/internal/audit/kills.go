package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// failpoints are where the server can be told to die: the steps of a checkpoint and
// of a sink's transaction.
func failpoints() []string {
	return []string{
		"chunks.before", "chunks.after", "manifest.before", "manifest.after", "mark.before", "mark.after",
		"prune.before", "prune.after", "transaction.before", "transaction.after",
	}
}

// failpointWait is how long a server may run until it gets to its failpoint.
const failpointWait = 30 * time.Second

// kills ends the server by SIGKILL, again and again: at a random moment while it
// comes up, at a random moment after it is ready, and at each failpoint in turn.
func kills(ctx context.Context, a *auditor) (string, error) {
	r, err := newRig(ctx, a, func(*rig) {})
	if err != nil {
		return "", err
	}
	defer r.close()
	if err := r.progress(ctx); err != nil {
		return "", err
	}
	rng := rand.New(rand.NewPCG(a.seed, 99))
	var k killer
	for n := range a.kills {
		if err := k.kill(ctx, r, rng, n); err != nil {
			return k.String(), fmt.Errorf("kill %d: %w", n+1, err)
		}
	}
	if err := r.start(ctx, ""); err != nil {
		return k.String(), err
	}
	v, err := r.settle(ctx, whole())
	return k.String() + "; " + v.String(), err
}

// killer counts.
type killer struct {
	starting, running, atFailpoint, missed int
	last                                   string // what is tried next to die at
}

func (k *killer) String() string {
	return fmt.Sprintf("%d kills: %d while starting, %d while running, %d at failpoints (%d not reached)",
		k.starting+k.running+k.atFailpoint, k.starting, k.running, k.atFailpoint, k.missed)
}

// kill ends the server that runs, or that was left to die at a failpoint, and starts
// the next one.
func (k *killer) kill(ctx context.Context, r *rig, rng *rand.Rand, n int) error {
	if n > 0 || k.last != "" {
		failpoint := ""
		if n%3 == 2 {
			list := failpoints()
			failpoint = list[n/3%len(list)] + ":" + strconv.Itoa(1+rng.IntN(3))
		}
		k.last = failpoint
		if err := r.begin(failpoint); err != nil {
			return err
		}
	}
	moment := time.Duration(5+rng.IntN(496)) * time.Millisecond
	switch {
	case k.last != "":
		return k.awaitFailpoint(ctx, r)
	case n > 0 && rng.IntN(4) == 0: // while it comes up
		if err := sleep(ctx, moment); err != nil {
			return err
		}
		k.starting++
	default:
		if err := r.server.await(ctx); err != nil {
			return err
		}
		if rng.IntN(4) == 0 {
			moment += time.Duration(rng.IntN(2000)) * time.Millisecond
		}
		if err := sleep(ctx, moment); err != nil {
			return err
		}
		k.running++
	}
	if r.server.hasExited() {
		return fmt.Errorf("the server ended by itself: %v", r.server.cmd.ProcessState)
	}
	r.server.kill()
	r.a.say("%s", k)
	return nil
}

func (k *killer) awaitFailpoint(ctx context.Context, r *rig) error {
	timer := time.NewTimer(failpointWait)
	defer timer.Stop()
	select {
	case <-r.server.exited:
		if code := r.server.cmd.ProcessState.ExitCode(); code >= 0 {
			return fmt.Errorf("the server ended with exit code %d", code)
		}
		k.atFailpoint++
	case <-timer.C:
		r.a.say("%s was not reached", k.last)
		k.missed++
		k.running++
		r.server.kill()
	case <-ctx.Done():
		return ctx.Err()
	}
	r.a.say("%s", k)
	return nil
}

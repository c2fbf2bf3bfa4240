package exec

import (
	"context"
	"time"

	"laminardb/connectors"
	"laminardb/sql/pgerr"
)

// sendBarrier sends the barrier that was asked for, with the pass's place. The
// main pass's is also the source's own state.
func (p *pass) sendBarrier(ctx context.Context) error {
	epoch := p.asked.Load()
	if epoch <= p.sent.Load() {
		return nil
	}
	at := p.place()
	if p == p.source.mainPass() {
		begin := time.Now()
		c, err := p.source.capture(epoch, p, at)
		if err != nil {
			return err
		}
		c.pause = time.Since(begin)
		p.source.env.captured(c)
	}
	err := p.hub.publish(ctx, message{kind: messageBarrier, epoch: epoch, place: at})
	p.sent.Store(epoch)
	p.source.env.checkpointMoved()
	return err
}

// standStill keeps sending barriers and reads no more, since the engine is about to
// stop.
func (p *pass) standStill(ctx context.Context) error {
	if !p.source.env.halted.Load() {
		return nil
	}
	for {
		if err := p.sendBarrier(ctx); err != nil {
			return err
		}
		p.pauseIfAsked(ctx)
		if err := sleep(ctx, pollWait/10); err != nil {
			return err
		}
	}
}

// place returns where the pass stands. Only its own goroutine may call it, or one
// that knows it stands still.
func (p *pass) place() *placement {
	return &placement{
		positions: p.positions(), times: p.marks.save(), watermark: p.marks.current, idle: p.marks.idle,
		identity: p.identity,
	}
}

// open opens a reader where the pass begins. A place of another outside object
// than the one that is there now is an error: its positions mean nothing.
func (s *Source) open(ctx context.Context, from *placement) (r connectors.Reader, identity string, err error) {
	if known, ok := s.spec.Connector.(connectors.Identified); ok {
		if identity, err = known.Identity(ctx); err != nil {
			return nil, "", err
		}
		if from != nil && from.identity != "" && identity != from.identity {
			return nil, "", pgerr.Newf(pgerr.ObjectNotInPrerequisite, "what %q reads was deleted and created anew since the last checkpoint", s.spec.Name).
				WithDetail("It was %s and is %s.", from.identity, identity).
				WithHint("Drop the source and create it again to read the new one from its start.")
		}
	}
	var at connectors.Positions
	if from != nil {
		at = from.positions.Clone()
	}
	r, err = s.spec.Connector.Open(ctx, at)
	return r, identity, err
}

// openAgain opens a reader as open does, trying again while that fails. Barriers are
// sent meanwhile.
func (s *Source) openAgain(ctx context.Context, from *placement, sendBarrier func(context.Context) error) (r connectors.Reader, identity string, err error) {
	wait := retryFirst
	for {
		r, identity, err := s.open(ctx, from)
		if err == nil {
			s.problem(nil)
			return r, identity, nil
		}
		if ctx.Err() != nil {
			return nil, "", ctx.Err()
		}
		s.problem(err)
		for until := time.Now().Add(wait); time.Now().Before(until); {
			if err := sendBarrier(ctx); err != nil {
				return nil, "", err
			}
			if err := sleep(ctx, min(pollWait, wait)); err != nil {
				return nil, "", err
			}
		}
		wait = min(2*wait, retryMost)
	}
}

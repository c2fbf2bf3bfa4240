package exec

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"laminardb/connectors"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// pollWait is how long a reader waits for a first row: it bounds how late an
// idle split or a request to pause is noticed. A request for a barrier ends it.
const pollWait = 50 * time.Millisecond

// Back-off between attempts of a reader that fails.
const (
	retryFirst = 100 * time.Millisecond
	retryMost  = 5 * time.Second
)

// OnError is what happens to a record or a row that cannot be processed.
type OnError uint8

// The policies, DEAD_LETTER being the default.
const (
	OnErrorDeadLetter OnError = iota
	OnErrorSkip
	OnErrorFail
)

// SourceSpec describes a source to the engine.
type SourceSpec struct {
	ID uint64
	// Version is as in FlowSpec.
	Version   uint64
	Name      string
	Schema    *batch.Schema
	EventTime EventTime
	OnError   OnError
	// HistoryRows is how many recent rows SELECT can read.
	HistoryRows int
	// Always reads the source even while nobody uses it, so that SELECT finds its
	// recent rows.
	Always    bool
	Connector connectors.Source
}

// Source reads one external relation for all who use it. Its main pass is shared;
// a consumer that comes later gets a pass of its own from the start, which joins
// the main one when it has caught up (see pass.go).
type Source struct {
	spec SourceSpec
	env  *Env

	mu      sync.Mutex
	started bool
	closed  bool
	main    *pass
	passes  []*pass
	history *history
	// restored is where the history ends that a checkpoint brought back, nil once
	// the source reads.
	restored *placement
	wg       sync.WaitGroup

	stats SourceStats
	rates rates
}

// SourceStats counts what the main pass of a source has read.
type SourceStats struct {
	Records, Rows, Bytes, Rejected atomic.Int64
	// Problem is why the source is not reading at the moment, nil if it is.
	Problem atomic.Pointer[string]
	splits  splitCounts
}

func newSource(spec SourceSpec, env *Env) *Source {
	return &Source{spec: spec, env: env, history: newHistory(spec.Schema, spec.HistoryRows)}
}

// attach adds a consumer that is to see every row from the configured start.
func (s *Source) attach(ctx context.Context, c *consumer) error {
	return s.attachAt(ctx, c, nil, true)
}

// attachAt adds a consumer that is to see every row behind a place, nil for the
// configured start. With wait, that the source cannot be read now is an error.
func (s *Source) attachAt(ctx context.Context, c *consumer, from *placement, wait bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrStopped
	}
	for _, p := range s.passes {
		if !p.begun && (from == nil && p.from == nil || from.same(p.from)) {
			p.hub.attach(c, false)
			return nil
		}
	}
	p := s.addPass(from)
	p.hub.attach(c, false)
	if !s.started {
		return nil
	}
	err := s.launch(ctx, p, wait)
	if err != nil { // no checkpoint waits for it
		close(p.done)
		s.remove(p)
	}
	return err
}

// addPass makes a pass that does not read yet. The source's lock is held.
func (s *Source) addPass(from *placement) *pass {
	p := newPass(s, from)
	s.passes = append(s.passes, p)
	if s.main == nil && s.started {
		s.lead(p)
	}
	return p
}

// lead makes a pass the main one. The history starts anew with it, unless the pass
// goes on where the history ends: it may be about to read rows again that another
// main pass has read. The source's lock is held.
func (s *Source) lead(p *pass) {
	s.main = p
	if s.restored == nil || p.begun || !p.from.same(s.restored) {
		s.history = newHistory(s.spec.Schema, s.spec.HistoryRows)
	}
	s.restored = nil
	p.hub.mu.Lock()
	defer p.hub.mu.Unlock()
	p.hub.store = s.history
}

// furthest is the pass that the others can catch up with.
func (s *Source) furthest() *pass {
	var best *pass
	for _, p := range s.passes {
		switch {
		case best == nil || best.from == nil && p.from != nil:
			best = p
		case p.from != nil && p.from.beyond(best.from):
			best = p
		}
	}
	return best
}

// tail adds a consumer that sees rows from now on, the retained ones first.
func (s *Source) tail(ctx context.Context, c *consumer, snapshot bool) error {
	if err := s.awaitPushed(ctx); err != nil { // what was inserted before is not new
		return err
	}
	s.mu.Lock()
	if s.main != nil {
		s.main.hub.attach(c, snapshot)
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	return s.attach(ctx, c)
}

// detach removes a consumer; a pass that nobody reads any more ends.
func (s *Source) detach(c *consumer) {
	c.q.close()
	s.mu.Lock() // so that no pass hands the consumer to another meanwhile
	defer s.mu.Unlock()
	for _, p := range append([]*pass(nil), s.passes...) {
		p.hub.detach(c)
		s.removeUnused(p)
	}
}

// removeUnused ends a pass that nobody reads. The source's lock is held.
func (s *Source) removeUnused(p *pass) {
	if p.hub.consumerCount() == 0 && p.joiners == 0 && !(s.spec.Always && p == s.main) {
		s.remove(p)
	}
}

// remove ends a pass. The source's lock is held.
func (s *Source) remove(p *pass) {
	p.stop()
	for i, o := range s.passes {
		if o == p {
			s.passes = append(s.passes[:i:i], s.passes[i+1:]...)
			break
		}
	}
	if s.main == p {
		s.main = nil
		if len(s.passes) > 0 {
			s.lead(s.passes[0])
		}
	}
}

// start lets all passes read. Until then consumers attach to one pass that has
// not begun, so that a whole catalog is in place before its first row flows.
func (s *Source) start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spec.Always && len(s.passes) == 0 {
		s.addPass(s.restored)
	}
	s.started = true
	if p := s.furthest(); p != nil {
		s.lead(p)
	}
	for _, p := range s.passes {
		if err := s.launch(ctx, p, false); err != nil {
			return err
		}
	}
	return nil
}

// capture is the source's own state: where its main pass stands and the rows that
// SELECT finds.
func (s *Source) capture(epoch uint64, main *pass, at *placement) (*capture, error) {
	c := newCapture(s.spec.ID, epoch)
	c.places = map[uint64]*placement{s.spec.ID: at}
	w := c.part("", "place")
	w.Uint64(s.spec.Version)
	at.snapshot(w)
	main.hub.mu.Lock()
	defer main.hub.mu.Unlock()
	main.hub.store.Snapshot(c.part("", "rows")) // not s.history: another pass may lead by now
	return c, c.close()
}

// restore makes the source go on where a checkpoint left it.
func (s *Source) restore(saved *saved) error {
	r := saved.part("", "place")
	if r == nil {
		return nil
	}
	version := r.Uint64()
	at := restorePlace(r)
	if err := r.Err(); err != nil || version != s.spec.Version {
		return err // the place of another definition means nothing
	}
	if r := saved.part("", "rows"); r != nil {
		if err := s.history.Restore(r); err != nil {
			return err
		}
		if err := r.End(); err != nil {
			return err
		}
	}
	s.restored = at
	return nil
}

// launch lets a pass read. If its reader cannot be opened now, that is an error
// where the caller waits for it, and tried again otherwise.
func (s *Source) launch(ctx context.Context, p *pass, wait bool) error {
	var reader connectors.Reader
	if wait {
		var err error
		if reader, p.identity, err = s.open(ctx, p.from); err != nil {
			return err
		}
	}
	runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.cancel = cancel
	s.wg.Go(func() {
		defer s.env.checkpointMoved()
		defer close(p.done)
		defer cancel()
		if reader == nil {
			var err error
			if reader, p.identity, err = s.openAgain(runCtx, p.from, p.sendBarrier); err != nil {
				p.failure = err
				return
			}
		}
		defer func() {
			if err := reader.Close(); err != nil {
				s.env.Logger.Warn("reader could not be closed", slog.String("object", s.spec.Name), slog.Any("error", err))
			}
		}()
		p.run(runCtx, reader)
	})
	return nil
}

// fail tells all consumers that nothing more will come.
func (s *Source) fail(err error) {
	s.mu.Lock()
	passes := append([]*pass(nil), s.passes...)
	s.mu.Unlock()
	for _, p := range passes {
		p.hub.fail(err)
	}
}

// close ends all passes and waits for them.
func (s *Source) close() error {
	s.mu.Lock()
	s.closed = true
	for _, p := range s.passes {
		p.stop()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return s.spec.Connector.Close()
}

// Watermark returns the main pass's watermark, NoWatermark before the first.
func (s *Source) Watermark() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.main == nil {
		return NoWatermark
	}
	return s.main.hub.Watermark()
}

// pushedCheck is how often is looked whether pushed rows have been read: they are
// within a few polls.
const pushedCheck = time.Millisecond

// awaitPushed returns when the rows that were inserted so far have been read, so
// that who inserts finds them. It returns at once for any other source, and for
// one that cannot read at the moment.
func (s *Source) awaitPushed(ctx context.Context) error {
	pushed := s.pushed()
	if pushed == nil {
		return nil
	}
	_, end := pushed.log.Bounds()
	tick := time.NewTicker(pushedCheck)
	defer tick.Stop()
	for {
		main := s.mainPass()
		if main == nil || s.stats.Problem.Load() != nil || main.positions()[0] >= int64(end) {
			return nil
		}
		select {
		case <-tick.C:
		case <-main.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pushed returns the log that the source reads, nil for another connector.
func (s *Source) pushed() *Pushed {
	c := s.spec.Connector
	if v, ok := c.(versioned); ok {
		c = v.Source
	}
	p, _ := c.(*Pushed)
	return p
}

// Snapshot returns the retained recent rows.
func (s *Source) Snapshot() []*batch.Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.main == nil {
		return nil
	}
	rows, _ := s.main.hub.Snapshot()
	return rows
}

// problem records why the source is stuck, "" when it reads again.
func (s *Source) problem(err error) {
	if err == nil {
		if old := s.stats.Problem.Swap(nil); old != nil {
			s.env.Report(slog.LevelInfo, EventSourceRecovered, s.spec.Name, "it reads again; before: "+*old)
		}
		return
	}
	text := err.Error()
	if old := s.stats.Problem.Swap(&text); old == nil || *old != text {
		s.env.Report(slog.LevelError, EventSourceTrouble, s.spec.Name, text)
	}
}

// heed takes over what a reader that answers says of its health; where it has rows
// it is well.
func (s *Source) heed(r connectors.Reader, rows bool) {
	if h, ok := r.(connectors.Healthy); ok && !rows {
		if trouble := h.Health(); trouble != "" {
			// Its words change with every attempt: they are shown, not reported again.
			if s.stats.Problem.Swap(&trouble) == nil {
				s.env.Report(slog.LevelWarn, EventSourceTrouble, s.spec.Name, trouble)
			}
			return
		}
	}
	if s.stats.Problem.Load() != nil {
		s.problem(nil)
	}
}

// poll asks the reader until it answers, backing off while it fails. It returns
// io.EOF at the end of a bounded source, ctx's error when told to stop, and nothing
// while the reader fails and a barrier is asked for, or has just been.
func (s *Source) poll(ctx context.Context, r connectors.Reader, q *barrierRequest) (*connectors.Chunk, error) {
	wait := retryFirst
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, err := q.poll(ctx, r)
		if err == nil || errors.Is(err, io.EOF) {
			s.heed(r, c != nil)
			return c, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.problem(err)
		for until := time.Now().Add(wait); time.Now().Before(until); {
			if q.isAsked() {
				return nil, nil
			}
			if err := sleep(ctx, min(pollWait, wait)); err != nil {
				return nil, err
			}
		}
		wait = min(2*wait, retryMost)
	}
}

// reject applies the error policy to a chunk's rejects.
func (s *Source) reject(c *connectors.Chunk) error {
	s.stats.Rejected.Add(int64(len(c.Rejected)))
	for _, r := range c.Rejected {
		switch s.spec.OnError {
		case OnErrorFail:
			return pgerr.Newf(pgerr.DataCorrupted, "source %q: partition %d offset %d: %s", s.spec.Name, r.Split, r.Offset, r.Reason)
		case OnErrorDeadLetter:
			s.env.DeadLetters.add(DeadLetter{
				At: s.env.Now(), Object: s.spec.Name, Split: r.Split, Offset: r.Offset,
				Reason: r.Reason, Key: r.Key, Value: r.Value,
			})
		}
	}
	return nil
}

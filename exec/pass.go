package exec

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"laminardb/connectors"
	"laminardb/exec/expr"
)

// mergeRows is how near, in records over all splits, a catching-up pass must be
// to the main one before it asks it to pause: a pause is then a few polls.
const mergeRows = 65536

// pass is one reading of a source by one reader.
//
// P1: a catching-up pass never publishes a record that the main pass has not
// published, so it is never ahead in any split, and reaching the main pass's
// positions while that one pauses makes the two equal.
// P2: equal positions mean equal prefixes of every split; the consumers can then
// continue on the main pass without missing or repeating a record.
type pass struct {
	source *Source
	hub    *Hub
	marks  *watermarks
	// begun is set, under the source's lock, before the first row is published.
	begun  bool
	cancel context.CancelFunc
	// pauses holds the one request to stand still that may wait.
	pauses chan pause
	// done is closed when the pass reads no more; failure, set before, is why, nil
	// at the end of the source.
	done    chan struct{}
	failure error
	// joiners counts the passes that are joining this one, under the source's lock:
	// until they are through it is not removed.
	joiners int

	mu       sync.Mutex
	position connectors.Positions
	states   []SplitState

	// pending is what a catching-up pass has read but the main one has not.
	pending []*connectors.Chunk

	// from is where the pass begins, nil for the source's configured start;
	// identity is what it reads, known once it is open.
	from     *placement
	identity string
	barrierRequest
}

// maxPending bounds how many chunks a catching-up pass holds back: it reads all
// splits together and may be ahead of the main pass in one while it is behind in
// another.
const maxPending = 64

// pause asks a pass to stand still from the moment it closes held until resume
// is closed.
type pause struct{ held, resume chan struct{} }

func newPass(s *Source, from *placement) *pass {
	p := &pass{
		source: s, hub: newHub(s.spec.Schema, nil, s.env.Now), marks: newWatermarks(s.spec.EventTime, s.env.Now),
		pauses: make(chan pause, 1), done: make(chan struct{}), position: connectors.Positions{}, from: from,
	}
	if from != nil {
		p.position, p.identity = from.positions.Clone(), from.identity
		p.marks.restore(from)
		p.hub.watermark, p.hub.idle = from.watermark, from.idle
	}
	return p
}

func (p *pass) stop() {
	if p.cancel != nil {
		p.cancel()
	}
}

// run reads until ctx ends, the source ends, or the pass has joined the main one.
func (p *pass) run(ctx context.Context, r connectors.Reader) {
	p.source.mu.Lock()
	p.begun = true
	p.source.mu.Unlock()
	for ctx.Err() == nil {
		// Before a pause: who asks for it may be held at a barrier that this pass owes.
		if err := p.sendBarrier(ctx); err != nil {
			return // ctx has ended
		}
		if p.pauseIfAsked(ctx) {
			continue
		}
		if err := p.standStill(ctx); err != nil {
			return
		}
		p.commit(r, p.source.env.Logger, p.source.spec.Name)
		var err error
		main := p.source.mainPass()
		if main == nil {
			return // nobody reads the source any more
		}
		if main != p {
			var joined bool
			if joined, err = p.follow(ctx, r, main); joined {
				return
			}
		} else {
			err = p.rest(ctx, r)
		}
		if errors.Is(err, io.EOF) {
			p.end(ctx)
			return
		}
		if err != nil {
			p.failure = err
			if ctx.Err() == nil {
				p.source.problem(err)
			}
			return
		}
	}
}

// pauseIfAsked stands still while another pass joins, and reports whether one did.
func (p *pass) pauseIfAsked(ctx context.Context) bool {
	select {
	case req := <-p.pauses:
		close(req.held)
		select {
		case <-req.resume:
		case <-ctx.Done():
		}
		return true
	default:
		return false
	}
}

// step reads and publishes the next chunk.
func (p *pass) step(ctx context.Context, r connectors.Reader) error {
	c, err := p.source.poll(ctx, r, &p.barrierRequest)
	if err != nil {
		return err
	}
	if c != nil {
		if err := p.publish(ctx, c); err != nil {
			return err
		}
	}
	return p.advance(ctx, r, nil)
}

// stepBelow reads the next chunk and publishes what lies below the limits, with
// what was held back before. The rest is held back, or dropped where the main
// pass is about to deliver it.
func (p *pass) stepBelow(ctx context.Context, r connectors.Reader, limit connectors.Positions, drop bool) error {
	if len(p.pending) < maxPending {
		asked := &p.barrierRequest
		if drop { // the main pass stands still meanwhile and sends the barrier
			asked = &barrierRequest{}
		}
		c, err := p.source.poll(ctx, r, asked)
		if errors.Is(err, io.EOF) && len(p.pending) > 0 {
			err = sleep(ctx, pollWait) // the end comes behind what is held back
		}
		if err != nil {
			return err
		}
		if c != nil {
			p.pending = append(p.pending, c)
		}
	} else if err := sleep(ctx, pollWait); err != nil {
		return err
	}
	var rest []*connectors.Chunk
	for _, c := range p.pending {
		before, after := splitChunk(c, limit)
		if err := p.publish(ctx, before); err != nil {
			return err
		}
		if after != nil && !drop {
			rest = append(rest, after)
		}
	}
	p.pending = rest
	if !drop {
		limit = nil
	}
	return p.advance(ctx, r, limit)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// advance recomputes the watermark and what is shown of the splits. With a limit the
// reader may be beyond it, with records that were dropped: the pass is not.
func (p *pass) advance(ctx context.Context, r connectors.Reader, limit connectors.Positions) error {
	status := r.Splits()
	moved, turned := p.marks.advance(status)
	p.mu.Lock()
	p.states = p.marks.states(p.states[:0], status)
	if len(p.pending) == 0 {
		for _, s := range status {
			at := s.Position
			if to, ok := limit[s.Split]; ok {
				at = min(at, to)
			} else if limit != nil {
				continue
			}
			p.position[s.Split] = max(p.position[s.Split], at)
		}
	}
	p.mu.Unlock()
	if turned {
		if err := p.hub.publish(ctx, message{kind: messageIdle, idle: p.marks.idle}); err != nil {
			return err
		}
	}
	if moved {
		return p.hub.publish(ctx, message{kind: messageWatermark, watermark: p.marks.current})
	}
	return nil
}

func (p *pass) publish(ctx context.Context, c *connectors.Chunk) error {
	if p == p.source.mainPass() {
		st := &p.source.stats
		st.Records.Add(c.Records)
		st.Rows.Add(int64(c.Batch.Rows))
		st.Bytes.Add(c.Bytes)
		st.splits.add(c)
		if err := p.source.reject(c); err != nil {
			return err
		}
	}
	if v, ok := p.source.spec.Connector.(versioned); ok {
		v.endVersions(c, p.marks)
	}
	p.marks.observe(c)
	if c.Batch.Rows > 0 {
		if err := p.hub.publish(ctx, message{kind: messageBatch, batch: c.Batch}); err != nil {
			return err
		}
	}
	p.mu.Lock()
	for split, next := range c.Next {
		p.position[split] = max(p.position[split], next)
	}
	p.mu.Unlock()
	return nil
}

func (p *pass) end(ctx context.Context) {
	for _, m := range []message{{kind: messageWatermark, watermark: endOfTime}, {kind: messageEnd}} {
		if err := p.hub.publish(ctx, m); err != nil {
			return
		}
	}
}

func (p *pass) positions() connectors.Positions {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.position.Clone()
}

// follow takes one step behind the main pass, or joins it.
func (p *pass) follow(ctx context.Context, r connectors.Reader, main *pass) (joined bool, err error) {
	select {
	case <-main.done:
		return false, p.outlive(ctx, r, main)
	default:
	}
	limit, at := main.positions(), p.positions()
	if behind(limit, at) > 0 { // main has become so since, and is not as far
		return false, sleep(ctx, pollWait)
	}
	if behind(at, limit) > mergeRows {
		return false, p.stepBelow(ctx, r, limit, false)
	}
	if !p.source.hold(main) {
		return false, nil
	}
	defer p.source.release(main)
	req := pause{held: make(chan struct{}), resume: make(chan struct{})}
	defer close(req.resume)
	select {
	case main.pauses <- req:
	default: // another pass is joining
		return false, p.stepBelow(ctx, r, limit, false)
	}
	select {
	case <-req.held:
	case <-main.done:
		return false, p.outlive(ctx, r, main)
	case <-ctx.Done():
		return false, ctx.Err()
	}
	limit = main.positions()
	for behind(p.positions(), limit) > 0 {
		if err := p.stepBelow(ctx, r, limit, true); err != nil {
			return false, err
		}
	}
	if sent := main.sent.Load(); sent > p.sent.Load() {
		// The consumers would never get it from main.
		p.asked.Store(sent)
		if err := p.sendBarrier(ctx); err != nil {
			return false, err
		}
	}
	p.source.join(p, main)
	return true, nil
}

// outlive goes on without a main pass that reads no more: to the end of the
// source, or no further than where it failed.
func (p *pass) outlive(ctx context.Context, r connectors.Reader, main *pass) error {
	switch {
	case p.source.mainPass() != main:
		return nil
	case main.failure == nil:
		return p.rest(ctx, r)
	}
	limit := main.positions()
	if behind(p.positions(), limit) > 0 {
		return p.stepBelow(ctx, r, limit, false)
	}
	return main.failure
}

// rest publishes what was held back and reads on without a limit.
func (p *pass) rest(ctx context.Context, r connectors.Reader) error {
	for _, c := range p.pending {
		if err := p.publish(ctx, c); err != nil {
			return err
		}
	}
	p.pending = nil
	return p.step(ctx, r)
}

// hold keeps a pass from being removed; false if it is not the main one any more.
func (s *Source) hold(main *pass) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.main != main {
		return false
	}
	main.joiners++
	return true
}

func (s *Source) release(main *pass) {
	s.mu.Lock()
	defer s.mu.Unlock()
	main.joiners--
	s.removeUnused(main)
}

// join moves the consumers of p to the main pass, which stands still.
func (s *Source) join(p, main *pass) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.hub.mu.Lock()
	consumers := p.hub.consumers
	p.hub.consumers = nil
	p.hub.mu.Unlock()
	for _, c := range consumers {
		main.hub.attach(c, false)
	}
	s.remove(p)
	s.env.Logger.Debug("reader caught up", slog.String("object", s.spec.Name))
}

func (s *Source) mainPass() *pass {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.main
}

// behind counts the records up to limit that are still to be read.
func behind(at, limit connectors.Positions) int64 {
	var n int64
	for split, to := range limit {
		if from, ok := at[split]; ok {
			n += max(0, to-from)
		} else {
			n += max(1, to)
		}
	}
	return n
}

// splitChunk cuts a chunk at the limits: before holds the records below them and
// after the rest, nil if there is none. Splits without a limit are all rest.
func splitChunk(c *connectors.Chunk, limit connectors.Positions) (before, after *connectors.Chunk) {
	whole := true
	for split, next := range c.Next {
		if next > limit[split] {
			whole = false
		}
	}
	if whole {
		return c, nil
	}
	var low, high []int32
	for i, split := range c.Splits {
		if c.Offsets[i] < limit[split] {
			low = append(low, int32(i))
		} else {
			high = append(high, int32(i))
		}
	}
	before, after = takeChunk(c, low), takeChunk(c, high)
	for split, next := range c.Next {
		if to, ok := limit[split]; ok {
			before.Next[split] = min(next, to)
		}
		after.Next[split] = next
	}
	before.Records, before.Bytes, before.Rejected = c.Records, c.Bytes, c.Rejected
	return before, after
}

func takeChunk(c *connectors.Chunk, rows []int32) *connectors.Chunk {
	out := &connectors.Chunk{
		Batch: expr.Take(c.Batch, rows), Next: connectors.Positions{},
		Splits: make([]int32, len(rows)), Offsets: make([]int64, len(rows)),
	}
	for i, r := range rows {
		out.Splits[i], out.Offsets[i] = c.Splits[r], c.Offsets[r]
	}
	return out
}

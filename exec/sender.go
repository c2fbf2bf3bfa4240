package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"laminardb/connectors"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
	"laminardb/storage/outbox"
)

// flushBytes is how much is handed to a sink before it must acknowledge it: what
// is written again after a failure is at most about that.
const flushBytes = 8 << 20

// sender takes a sink's rows from its outbox and writes them outside, on a
// goroutine of its own.
//
// C3: a transactional sink gets the rows of an epoch in one transaction, marked
// with the epoch, and not before that epoch is durable. So what is outside is
// always of a state that can come back, and the mark tells which files are out. An
// epoch that began before the mark was known goes out with a later one: the mark
// could be of another history, when an old data directory was brought back.
type sender struct {
	name  string
	box   *outbox.Box
	types []types.Type
	env   *Env
	// connect makes the sink anew.
	connect func(ctx context.Context) (connectors.Sink, error)
	// aheadOf is told a mark from outside, which new epochs must exceed.
	aheadOf func(mark uint64)

	// fenced is called when another server has taken over.
	onFenced func(error)

	// since is the restored epoch, or an older one if that was taken by a server that
	// never knew the mark: what is behind it is of this history, whatever the mark of
	// another one says. It does not change once the sender runs.
	since uint64
	// sure is the first epoch that began when the mark was known, and exceeds it; 0 for
	// none. Only such a one is a mark, so that after a crash it is clear whose it is.
	sure atomic.Uint64

	// The goroutine's own. missing are files of the restored epoch that are gone and so
	// must be out; mark is the last committed epoch, first what it was when this server
	// came; fenced says that mark is known.
	sink        connectors.Sink // nil while there is none
	fenced      bool
	mark, first uint64
	missing     []outbox.File
	// Of a sink without transactions: what of a file is acknowledged.
	ackedSeq uint64
	ackedAt  int64

	durable atomic.Uint64 // the newest epoch that will come back after a crash
	wake    chan struct{}
	cancel  context.CancelFunc
	done    chan struct{}
	ending  atomic.Bool
	asked   atomic.Bool // it is known where a transactional sink stands
	awaited atomic.Bool // a checkpoint has waited for that

	sent, sentBytes, committed atomic.Int64

	mu       sync.Mutex
	problems map[string]string
	shown    connectors.Healthy // the sink's own knowledge, nil while there is none
}

func newSender(name string, box *outbox.Box, ts []types.Type, env *Env) *sender {
	return &sender{name: name, box: box, types: ts, env: env, wake: make(chan struct{}, 1), done: make(chan struct{}), problems: map[string]string{}}
}

// restored says what the checkpoint named that is not there, and since when the mark
// was not known.
func (s *sender) restored(epoch, since uint64, missing []outbox.File) {
	s.since, s.missing = since, missing
	s.durable.Store(epoch)
}

// seal ends an epoch's file and reports whether the epoch is sure.
func (s *sender) seal(epoch uint64) bool {
	s.box.Seal(epoch)
	if s.sure.Load() == 0 && s.asked.Load() && epoch > uint64(s.committed.Load()) {
		s.sure.Store(epoch)
	}
	return s.sure.Load() != 0
}

// setDurable says that an epoch will come back after a crash.
func (s *sender) setDurable(epoch uint64) {
	for old := s.durable.Load(); epoch > old && !s.durable.CompareAndSwap(old, epoch); {
		old = s.durable.Load()
	}
	token(s.wake)
}

// problem records what keeps the sink from getting its rows, nil for nothing.
func (s *sender) problem(where string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.problems, where)
		return
	}
	text := err.Error()
	s.problems[where] = text
}

// health is what the sink itself knows to be wrong. The lock is held.
func (s *sender) health() string {
	if s.shown == nil {
		return ""
	}
	return s.shown.Health()
}

// show makes the sink's own knowledge visible, or hides it.
func (s *sender) show(sink connectors.Sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown, _ = sink.(connectors.Healthy)
}

// trouble is why rows do not get out at the moment, "" if they do.
func (s *sender) trouble() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range s.problems {
		return text
	}
	return s.health()
}

// state is how the sink stands.
func (s *sender) state() *SinkState {
	st := &SinkState{Outbox: true, Bytes: s.sentBytes.Load(), Problem: s.trouble(), Committed: s.committed.Load()}
	files, _ := s.box.State()
	for _, f := range files {
		st.PendingRows += f.Rows
		st.PendingBytes += f.Bytes
	}
	return st
}

// start runs the sender until stop.
func (s *sender) start(ctx context.Context) {
	ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(s.done)
		defer s.drop()
		s.run(ctx)
	}()
}

// stop ends the sender, after it has sent what it may if that is possible within
// the grace.
func (s *sender) stop(grace time.Duration) {
	if s.cancel == nil {
		s.drop() // it was never started
		return
	}
	s.ending.Store(true)
	token(s.wake)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-s.done:
	case <-timer.C:
	}
	s.cancel()
	<-s.done
}

// stopGrace is how long a sink may take to acknowledge what it has.
const stopGrace = 5 * time.Second

// finishAll sends everything that is there, as of the epoch, since the sink is
// removed for good; the outbox is deleted.
func (s *sender) finishAll(epoch uint64) {
	s.seal(epoch)
	s.sure.CompareAndSwap(0, epoch) // nothing comes back that could mistake it
	s.setDurable(epoch)
	s.stop(stopGrace)
	files, _ := s.box.State()
	for _, f := range files {
		if err := s.box.Remove(f.Seq); err != nil {
			s.env.Logger.Warn("deleting an outbox", slog.String("sink", s.name), slog.Any("error", err))
		}
	}
}

// end stops the sender, which may go on after a restart.
func (s *sender) end() {
	s.stop(stopGrace)
	if err := s.box.Close(); err != nil {
		s.env.Logger.Warn("closing an outbox", slog.String("sink", s.name), slog.Any("error", err))
	}
}

// drop closes the sink; what it has not acknowledged is sent again.
func (s *sender) drop() {
	if s.sink == nil {
		return
	}
	s.show(nil)
	if err := s.sink.Close(); err != nil {
		s.env.Logger.Warn("closing a sink", slog.String("sink", s.name), slog.Any("error", err))
	}
	s.sink, s.fenced = nil, false
}

func (s *sender) run(ctx context.Context) {
	wait := retryFirst
	for ctx.Err() == nil {
		changed := s.box.Changed()
		worked, err := s.step(ctx)
		switch {
		case errors.Is(err, connectors.ErrFenced):
			s.problem("sink", err)
			s.onFenced(err)
			return
		case err != nil && ctx.Err() == nil:
			s.problem("sink", err)
			_ = sleep(ctx, wait) // the loop looks at ctx
			wait = min(2*wait, retryMost)
			continue
		case err != nil:
			return
		}
		s.problem("sink", nil)
		wait = retryFirst
		if worked {
			continue
		}
		if s.ending.Load() {
			return
		}
		select {
		case <-changed:
		case <-s.wake:
		case <-ctx.Done():
		}
	}
}

// step sends one file, or what there is of the growing one, and reports whether
// there was anything to do.
func (s *sender) step(ctx context.Context) (worked bool, err error) {
	if s.sink == nil {
		if s.sink, err = s.connect(ctx); err != nil {
			return false, err
		}
	}
	s.show(s.sink)
	if t, ok := s.sink.(connectors.Transactional); ok {
		return s.transact(ctx, t)
	}
	s.asked.Store(true)
	return s.follow(ctx)
}

// transact sends the oldest durable epoch in one transaction.
func (s *sender) transact(ctx context.Context, t connectors.Transactional) (worked bool, err error) {
	if !s.fenced {
		if err := s.fence(ctx, t); err != nil {
			return false, err
		}
	}
	files, _ := s.box.State()
	list, epoch := s.due(files)
	if len(list) == 0 {
		return false, nil
	}
	if epoch > s.mark {
		if err := s.commit(ctx, t, list, epoch); err != nil {
			s.fenced = false // what became of it is to be asked
			return false, err
		}
	}
	for _, f := range list {
		if err := s.box.Remove(f.Seq); err != nil {
			return false, err
		}
	}
	return true, nil
}

// due returns the files of the next transaction and its epoch, or files that are
// out already with an epoch that was committed.
func (s *sender) due(files []outbox.File) (list []outbox.File, epoch uint64) {
	durable := s.durable.Load()
	for _, f := range files {
		if f.Epoch == 0 || f.Epoch > durable {
			break
		}
		if f.Epoch <= s.mark && (f.Epoch <= s.since || s.mark > s.first) {
			return []outbox.File{f}, f.Epoch
		}
		if epoch != 0 && f.Epoch != epoch {
			return list, epoch
		}
		list = append(list, f)
		if s.marks(f.Epoch) { // else it goes out with the next one that does
			epoch = f.Epoch
		}
	}
	switch {
	case len(list) == 0 || epoch == 0 && !s.marks(durable):
		return nil, 0
	case epoch == 0: // nothing was made since the mark was passed
		return list, durable
	}
	return list, epoch
}

// marks reports whether an epoch may be the next mark: it exceeds that of before,
// which after a backup was brought back may be far, and whose it is will be clear.
func (s *sender) marks(epoch uint64) bool {
	sure := s.sure.Load()
	return epoch > s.mark && (epoch <= s.since || sure != 0 && epoch >= sure)
}

func (s *sender) commit(ctx context.Context, t connectors.Transactional, list []outbox.File, epoch uint64) error {
	var rows, bytes int64
	for _, f := range list {
		if err := s.write(ctx, f.Seq); err != nil {
			return err
		}
		rows, bytes = rows+f.Rows, bytes+f.Bytes
	}
	if err := s.env.fail("transaction.before"); err != nil {
		return err
	}
	if err := t.Commit(ctx, epoch); err != nil {
		return fmt.Errorf("committing epoch %d: %w", epoch, err)
	}
	s.mark = epoch
	s.committed.Store(int64(epoch))
	s.sent.Add(rows)
	s.sentBytes.Add(bytes)
	return s.env.fail("transaction.after")
}

// fence asks which epoch is out, and shuts out whoever else writes.
func (s *sender) fence(ctx context.Context, t connectors.Transactional) error {
	mark, err := t.Fence(ctx)
	if err != nil {
		return err
	}
	if s.aheadOf != nil {
		s.aheadOf(mark)
	}
	for _, f := range s.missing {
		if f.Epoch > mark {
			err := pgerr.Newf(pgerr.DataCorrupted, "%d rows of epoch %d are lost: their outbox file is gone and they were not committed", f.Rows, f.Epoch)
			s.env.Report(slog.LevelError, EventSinkTrouble, s.name, err.Error())
		}
	}
	s.committed.Store(int64(mark)) // before asked: seal looks at both
	if !s.asked.Swap(true) {
		s.first = mark
		if mark > s.since && s.since > 0 {
			s.env.Report(slog.LevelError, EventSinkTrouble, s.name,
				fmt.Sprintf("epoch %d is out, but checkpoint %d was restored: rows since then are written again", mark, s.since))
		}
	}
	s.missing, s.mark, s.fenced = nil, mark, true
	return nil
}

// write hands a sealed file to the sink.
func (s *sender) write(ctx context.Context, seq uint64) error {
	r, err := s.box.Read(seq, 0)
	if err != nil {
		return err
	}
	defer r.Close()
	reader := newBatchReader(s.types)
	for {
		payload, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		b, err := reader.read(payload)
		if err != nil {
			return err
		}
		if err := s.sink.Write(ctx, b); err != nil {
			return err
		}
	}
}

// follow writes the oldest file as it grows, and removes it when it is complete
// and acknowledged.
func (s *sender) follow(ctx context.Context) (worked bool, err error) {
	files, _ := s.box.State()
	if len(files) == 0 {
		return false, nil
	}
	f := files[0]
	if s.ackedSeq != f.Seq {
		s.ackedSeq, s.ackedAt = f.Seq, 0
	}
	r, err := s.box.Read(f.Seq, s.ackedAt)
	if err != nil {
		return false, err
	}
	defer r.Close()
	reader := newBatchReader(s.types)
	for {
		changed := s.box.Changed()
		payload, err := r.Next()
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		atEnd := err != nil
		if n := r.Position() - s.ackedAt; n > 0 && (atEnd || n >= flushBytes) {
			if err := s.sink.Flush(ctx); err != nil {
				s.drop() // librdkafka may have given the records up: a new producer sends them again
				return false, err
			}
			s.sentBytes.Add(n)
			s.ackedAt = r.Position()
			s.problem("sink", nil)
		}
		if !atEnd {
			b, err := reader.read(payload)
			if err == nil {
				err = s.sink.Write(ctx, b)
			}
			if err != nil {
				s.drop()
				return false, err
			}
			s.sent.Add(int64(b.Rows))
			continue
		}
		if done, err := s.finish(f.Seq, r.Position()); done || err != nil {
			return true, err
		}
		if s.ending.Load() {
			return false, nil
		}
		select {
		case <-changed:
		case <-s.wake:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// finish removes a file that is sealed and was read to its end.
func (s *sender) finish(seq uint64, at int64) (done bool, err error) {
	files, _ := s.box.State()
	for _, f := range files {
		if f.Seq == seq && (f.Epoch == 0 || at < f.Bytes) {
			return false, nil
		}
	}
	return true, s.box.Remove(seq)
}

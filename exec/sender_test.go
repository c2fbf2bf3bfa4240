package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/connectors"
	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
	"laminardb/sql/types"
	"laminardb/storage/outbox"
)

// errOutside is what a sink that fails says.
var errOutside = errors.New("the outside is away")

// ledger is what readers of committed records see.
type ledger struct {
	rows  []int64
	mark  uint64
	owner int // who may write
}

// fakeSink writes to a ledger in transactions.
type fakeSink struct {
	*ledger
	id   int
	open []int64
	// outcome decides about a commit: whether it happens, and whether it is answered.
	outcome func() (happens, answered bool)
}

func (f *fakeSink) Fence(context.Context) (uint64, error) {
	if f.owner > f.id {
		return 0, fmt.Errorf("sink: %w", connectors.ErrFenced)
	}
	f.owner, f.open = f.id, nil
	return f.mark, nil
}

func (f *fakeSink) Write(_ context.Context, b *batch.Batch) error {
	f.open = append(f.open, b.Cols[0].(*array.Int64).Int64Values()...)
	return nil
}

func (f *fakeSink) Commit(_ context.Context, mark uint64) error {
	if f.owner != f.id {
		return errOutside // as a broker says it; Fence tells why
	}
	happens, answered := true, true
	if f.outcome != nil {
		happens, answered = f.outcome()
	}
	if happens {
		f.rows, f.mark = append(f.rows, f.open...), mark
	}
	f.open = nil
	if !answered {
		return errOutside
	}
	return nil
}

func (*fakeSink) Flush(context.Context) error { return nil }
func (*fakeSink) Close() error                { return nil }

// sending is a sender with its outbox and what it writes to.
type sending struct {
	*sender
	out    *outboxReceiver
	dir    string
	ledger *ledger
	sinks  int
	ahead  uint64 // what the sender said that new epochs must exceed
	// saved is the last durable checkpoint, its parts by name.
	saved struct {
		epoch uint64
		parts map[string][]byte
	}
	outcome func() (happens, answered bool)
}

func newSending(t *testing.T) *sending {
	t.Helper()
	g := &sending{dir: t.TempDir(), ledger: &ledger{}}
	g.open(t)
	g.steps(t) // the mark is known
	return g
}

// open is what a server does that starts.
func (g *sending) open(t *testing.T) {
	t.Helper()
	box, err := outbox.Open(g.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() }) // a crash closes nothing
	ts := []types.Type{types.Of(types.Int64)}
	s := newSender("s", box, ts, testEnv())
	s.connect = func(context.Context) (connectors.Sink, error) {
		g.sinks++
		return &fakeSink{ledger: g.ledger, id: g.sinks, outcome: g.outcome}, nil
	}
	s.aheadOf = func(mark uint64) { g.ahead = mark }
	g.sender = s
	g.out = &outboxReceiver{box: box, visible: []int{0}, encoder: rowcodec.NewEncoder(ts), sender: s}
	if g.saved.epoch == 0 {
		_, err = box.Keep(nil, 1)
	} else {
		parts := g.saved.parts
		err = g.out.restore(&saved{epoch: g.saved.epoch, open: func(_, name string) io.Reader {
			if content, ok := parts[name]; ok {
				return bytes.NewReader(content)
			}
			return nil
		}})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (g *sending) put(t *testing.T, values ...int64) {
	t.Helper()
	if err := g.out.Batch(t.Context(), int64Batch(values)); err != nil {
		t.Fatal(err)
	}
}

// checkpoint saves the outbox in an epoch that becomes durable.
func (g *sending) checkpoint(t *testing.T, epoch uint64) {
	t.Helper()
	c := newCapture(1, epoch)
	g.out.capture(c)
	if err := errors.Join(c.close(), c.sync()); err != nil {
		t.Fatal(err)
	}
	g.saved.epoch, g.saved.parts = epoch, map[string][]byte{}
	for _, p := range c.parts {
		content, err := io.ReadAll(&p.content)
		if err != nil {
			t.Fatal(err)
		}
		g.saved.parts[p.name] = content
	}
	g.setDurable(epoch)
}

// steps lets the sender do all there is, over errors of the outside too.
func (g *sending) steps(t *testing.T) {
	t.Helper()
	for {
		worked, err := g.step(t.Context())
		if err != nil && !errors.Is(err, errOutside) {
			t.Fatal(err)
		}
		if !worked && err == nil {
			return
		}
	}
}

func (g *sending) want(t *testing.T, mark uint64, files int, rows ...int64) {
	t.Helper()
	left, _ := g.box.State()
	if !slices.Equal(g.ledger.rows, rows) || g.ledger.mark != mark || len(left) != files {
		t.Errorf("rows %v at mark %d, %d files left; want %v at %d, %d", g.ledger.rows, g.ledger.mark, len(left), rows, mark, files)
	}
}

func (g *sending) events() (out string) {
	for _, e := range g.env.Events.Recent() {
		out += e.Message + "\n"
	}
	return out
}

func TestSenderWaitsForEpoch(t *testing.T) {
	g := newSending(t)
	g.put(t, 1, 2)
	g.steps(t)
	g.want(t, 0, 1)
	g.seal(1)
	g.put(t, 3)
	g.steps(t)
	g.want(t, 0, 2)
	g.setDurable(1)
	g.steps(t)
	g.want(t, 1, 1, 1, 2)
	g.checkpoint(t, 2)
	g.steps(t)
	g.want(t, 2, 0, 1, 2, 3)
}

func TestSenderUnknownOutcome(t *testing.T) {
	for _, happens := range []bool{false, true} {
		g := newSending(t)
		failures := 3
		g.outcome = func() (bool, bool) {
			failures--
			return happens || failures < 0, failures < 0
		}
		g.put(t, 1, 2)
		g.checkpoint(t, 1)
		g.put(t, 3)
		g.checkpoint(t, 2)
		g.steps(t)
		g.want(t, 2, 0, 1, 2, 3)
	}
}

func TestSenderFenced(t *testing.T) {
	g := newSending(t)
	g.put(t, 1)
	g.checkpoint(t, 1)
	g.steps(t)
	other := &fakeSink{ledger: g.ledger, id: 100}
	if _, err := other.Fence(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1)
	g.onFenced = func(err error) { told <- err }
	g.put(t, 2)
	g.checkpoint(t, 2)
	g.start(t.Context())
	if err := <-told; !errors.Is(err, connectors.ErrFenced) {
		t.Error(err)
	}
	<-g.done
	if trouble := g.trouble(); !strings.Contains(trouble, "another server") {
		t.Errorf("the trouble is %q", trouble)
	}
	g.want(t, 1, 1, 1)
}

func TestSenderRestart(t *testing.T) {
	for _, crash := range []string{"before", "after"} {
		g := newSending(t)
		g.put(t, 1)
		g.checkpoint(t, 1)
		g.put(t, 2) // behind the checkpoint: made again after the crash
		g.env.Failpoint = func(name string) error {
			if name == "transaction."+crash {
				return errOutside
			}
			return nil
		}
		if _, err := g.step(t.Context()); !errors.Is(err, errOutside) {
			t.Fatal(err)
		}
		g.open(t)
		g.put(t, 2)
		g.steps(t)
		g.want(t, 1, 1, 1)
		g.checkpoint(t, 2)
		g.steps(t)
		g.want(t, 2, 0, 1, 2)
		g.open(t) // the files that the checkpoint names are gone, and out
		g.steps(t)
		g.want(t, 2, 0, 1, 2)
		if e := g.events(); e != "" {
			t.Errorf("events %s", e)
		}
	}
}

func TestSenderLostFile(t *testing.T) {
	g := newSending(t)
	g.put(t, 1, 2)
	g.checkpoint(t, 1)
	files, _ := g.box.State()
	if err := g.box.Remove(files[0].Seq); err != nil {
		t.Fatal(err)
	}
	g.open(t)
	g.steps(t)
	if e := g.events(); !strings.Contains(e, "2 rows of epoch 1 are lost") {
		t.Errorf("events %q", e)
	}
}

// TestSenderBackup restores an old checkpoint: what is outside is ahead of it.
func TestSenderBackup(t *testing.T) {
	g := newSending(t)
	g.put(t, 1)
	g.checkpoint(t, 1)
	backup := g.saved
	g.steps(t)
	g.put(t, 2)
	g.checkpoint(t, 10)
	g.steps(t)
	g.saved = backup
	g.open(t)
	// A checkpoint is taken before it is known how far the outside is.
	g.put(t, 2)
	g.checkpoint(t, 2)
	g.steps(t)
	g.want(t, 10, 1, 1, 2)
	if g.ahead != 10 {
		t.Errorf("new epochs must exceed %d", g.ahead)
	}
	if e := g.events(); !strings.Contains(e, "epoch 10 is out, but checkpoint 1 was restored") {
		t.Errorf("events %q", e)
	}
	g.put(t, 3)
	g.checkpoint(t, 11)
	g.steps(t)
	g.want(t, 11, 0, 1, 2, 2, 3)
}

// TestSenderBackupCrash crashes again after an old checkpoint came back, before it is
// known how far the outside is: what was made since is not taken for what is out.
func TestSenderBackupCrash(t *testing.T) {
	for _, mark := range []uint64{2, 3, 10} {
		g := newSending(t)
		g.put(t, 1)
		g.checkpoint(t, 1)
		backup := g.saved
		g.steps(t)
		g.put(t, 2)
		g.checkpoint(t, mark)
		g.steps(t)
		g.saved = backup
		g.open(t)
		g.put(t, 3) // another history
		g.checkpoint(t, 2)
		g.open(t)
		g.put(t, 4)
		g.checkpoint(t, 3)
		g.open(t)
		g.steps(t)
		g.want(t, mark, 2, 1, 2)
		g.put(t, 5)
		g.checkpoint(t, mark+3)
		g.steps(t)
		g.want(t, mark+3, 0, 1, 2, 3, 4, 5)
		g.open(t) // now it is known
		g.steps(t)
		g.want(t, mark+3, 0, 1, 2, 3, 4, 5)
	}
}

// TestSenderUnsureEpoch crashes when the outside answered between a checkpoint's
// barrier and its end: its rows come out once.
func TestSenderUnsureEpoch(t *testing.T) {
	g := newSending(t)
	g.put(t, 1)
	g.checkpoint(t, 1)
	g.steps(t)
	g.open(t)
	g.put(t, 2)
	g.checkpoint(t, 2) // before the mark is known
	g.steps(t)
	g.want(t, 1, 1, 1)
	g.open(t)
	g.steps(t)
	g.want(t, 1, 1, 1)
	g.checkpoint(t, 3)
	g.steps(t)
	g.want(t, 3, 0, 1, 2)
	g.open(t)
	g.steps(t)
	g.want(t, 3, 0, 1, 2)
	if e := g.events(); e != "" {
		t.Errorf("events %s", e)
	}
}

// TestSenderRandom crashes at random between and in the steps. Rows are made again
// from the last checkpoint on; each must come out once, in order.
func TestSenderRandom(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		g := newSending(t)
		g.outcome = func() (bool, bool) {
			happens := rng.IntN(3) > 0
			return happens, happens && rng.IntN(2) > 0
		}
		next, saved, epoch := int64(1), int64(1), uint64(0)
		for range 60 {
			switch rng.IntN(6) {
			case 0, 1:
				g.put(t, next)
				next++
			case 2:
				epoch++
				g.checkpoint(t, epoch)
				saved = next
			case 3, 4:
				if _, err := g.step(t.Context()); err != nil && !errors.Is(err, errOutside) {
					t.Fatal(err)
				}
			default:
				if rng.IntN(2) == 0 { // on the way to a checkpoint that does not become durable
					epoch++
					g.seal(epoch)
				}
				g.open(t)
				next = saved
			}
		}
		g.outcome = func() (bool, bool) { return true, true }
		g.open(t)
		g.steps(t)
		epoch++
		g.checkpoint(t, epoch)
		g.steps(t)
		var want []int64
		for v := range saved - 1 {
			want = append(want, v+1)
		}
		if !slices.Equal(g.ledger.rows, want) {
			t.Fatalf("seed %d: rows %v, want %v", seed, g.ledger.rows, want)
		}
	}
}

// plainSink acknowledges in Flush.
type plainSink struct {
	held, out []int64
	fail      int // so many times
}

func (p *plainSink) Write(_ context.Context, b *batch.Batch) error {
	p.held = append(p.held, b.Cols[0].(*array.Int64).Int64Values()...)
	return nil
}

func (p *plainSink) Flush(context.Context) error {
	p.out = append(p.out, p.held...)
	p.held = nil
	if p.fail > 0 {
		p.fail--
		return errOutside
	}
	return nil
}

func (*plainSink) Close() error { return nil }

// TestSenderAtLeastOnce writes again what was not acknowledged, and only that.
func TestSenderAtLeastOnce(t *testing.T) {
	g := newSending(t)
	sink := &plainSink{}
	g.sink, g.connect = nil, func(context.Context) (connectors.Sink, error) { return sink, nil }
	g.ending.Store(true) // a step does not wait for more
	g.put(t, 1, 2)
	g.steps(t) // no epoch is waited for
	if !slices.Equal(sink.out, []int64{1, 2}) {
		t.Errorf("out is %v", sink.out)
	}
	sink.fail = 2
	g.put(t, 3)
	for range 2 {
		if _, err := g.step(t.Context()); !errors.Is(err, errOutside) {
			t.Fatal(err)
		}
	}
	g.steps(t)
	if !slices.Equal(sink.out, []int64{1, 2, 3, 3, 3}) {
		t.Errorf("out is %v", sink.out)
	}
	if files, _ := g.box.State(); len(files) != 1 {
		t.Errorf("the growing file is not there: %v", files)
	}
	g.checkpoint(t, 1)
	g.put(t, 4)
	g.steps(t)
	if files, _ := g.box.State(); len(files) != 1 || !slices.Equal(sink.out, []int64{1, 2, 3, 3, 3, 4}) {
		t.Errorf("out is %v, files %v", sink.out, files)
	}
}

// TestOutboxRecords reads back what an outbox's record says, and refuses others.
func TestOutboxRecords(t *testing.T) {
	ts := []types.Type{types.Of(types.Int64)}
	var scratch rowcodec.Rows
	b := int64Batch([]int64{1, null, 3})
	b.Diffs = []int8{1, -1, 1}
	record := appendBatch(nil, rowcodec.NewEncoder(ts), &scratch, b)
	got, err := newBatchReader(ts).read(record)
	if err != nil || fmt.Sprint(int64Rows(got), got.Diffs) != fmt.Sprint(int64Rows(b), b.Diffs) {
		t.Errorf("got %v, %v", got, err)
	}
	for n := range record {
		if _, err := newBatchReader(ts).read(record[:n]); err == nil {
			t.Errorf("%d of %d bytes are read", n, len(record))
		}
	}
	if _, err := newBatchReader(ts).read(append(record, 0)); err == nil {
		t.Error("a byte too many is read")
	}
}

// What a backup's epochs hold waits until the mark is passed, but not for more rows.
func TestDueBelowMark(t *testing.T) {
	files := []outbox.File{{Seq: 1, Epoch: 2}, {Seq: 2, Epoch: 4}, {Seq: 3, Epoch: 5}}
	s := newSender("s", nil, nil, testEnv())
	s.since, s.first, s.mark = 3, 8, 8
	s.sure.Store(9)
	for _, step := range []struct {
		durable uint64
		files   []outbox.File
		want    string
	}{
		{5, files, "[1] 2"}, // it is out
		{5, files[1:], "[] 0"},
		{8, files[1:], "[] 0"},
		{9, files[1:], "[2 3] 9"},
		{10, append(files[1:], outbox.File{Seq: 4, Epoch: 9}, outbox.File{Seq: 5, Epoch: 10}), "[2 3 4] 9"},
	} {
		s.setDurable(step.durable)
		list, epoch := s.due(step.files)
		seqs := []uint64{}
		for _, f := range list {
			seqs = append(seqs, f.Seq)
		}
		if got := fmt.Sprint(seqs, epoch); got != step.want {
			t.Errorf("durable %d: %s, want %s", step.durable, got, step.want)
		}
	}
	if s.setDurable(7); s.durable.Load() != 10 {
		t.Errorf("durable has gone back to %d", s.durable.Load())
	}
}

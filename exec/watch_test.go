package exec

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"laminardb/connectors"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func (c *clock) pass(d time.Duration) { c.at = c.at.Add(d) }

func equalWatch[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestRates(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	var r rates
	equalWatch(t, "without samples", r.perSecond(0), 0)
	r.take(c.at, 100, 7)
	equalWatch(t, "with one sample", r.perSecond(0), 0)
	for i := range int64(20) {
		c.pass(time.Second)
		r.take(c.at, 100+10*(i+1), 7)
	}
	equalWatch(t, "a steady counter", r.perSecond(0), 10)
	equalWatch(t, "a counter that stands still", r.perSecond(1), 0)
	equalWatch(t, "a counter that there is not", r.perSecond(2), 0)
	c.pass(time.Second)
	r.take(c.at, 1300, 7) // 1000 more in a second, over five of them
	equalWatch(t, "a jump", r.perSecond(0), (1000.0+4*10)/5)
	c.pass(time.Second)
	r.take(c.at, 0, 7)
	equalWatch(t, "a counter that began anew", r.perSecond(0), 0)
}

func TestLatency(t *testing.T) {
	c := &clock{time.Unix(10_000, 0)}
	l := newLatency()
	equalWatch(t, "rows of none", l.state(c.at).Rows, 0)
	l.record(c.at, time.Millisecond, 98)
	l.record(c.at, 100*time.Millisecond, 2)
	l.record(c.at, -time.Second, 0)
	st := l.state(c.at)
	equalWatch(t, "rows", st.Rows, 100)
	near(t, "p50", st.P50, time.Millisecond)
	near(t, "p99", st.P99, 100*time.Millisecond)
	near(t, "max", st.Max, 100*time.Millisecond)
	c.pass(30 * time.Second)
	l.record(c.at, 2*time.Hour, 1)
	near(t, "the most", l.state(c.at).Max, time.Hour)
	c.pass(latencyParts * latencyPart)
	st = l.state(c.at)
	equalWatch(t, "rows after the window", st.Rows, 0)
	equalWatch(t, "rows since the start", st.Total, 101)
	equalWatch(t, "buckets", fmt.Sprint(st.Buckets), "[98 0 0 0 0 0 2 0 0 0 0 0 0 0 0 1]")
	equalWatch(t, "sum", st.SumSeconds, 0.098+0.2+7200)
}

// near allows for a histogram's two digits.
func near(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if got < want*98/100 || got > want*102/100 {
		t.Errorf("%s: got %s, want %s", what, got, want)
	}
}

// TestStoredRowsAreNotMeasured checks that who comes later does not see when old
// rows were read.
func TestStoredRowsAreNotMeasured(t *testing.T) {
	c := &clock{time.Unix(10, 0)}
	h := newHub(batch.NewSchema(), newHistory(int64Schema("v"), 10), c.now)
	b := &batch.Batch{Rows: 1, ReadAtNanos: 5, ProducedAtMillis: 6}
	if err := h.publish(t.Context(), message{kind: messageBatch, batch: b}); err != nil {
		t.Fatal(err)
	}
	late := &consumer{q: newQueue(1000, make(chan struct{}, 1))}
	h.attach(late, true)
	got := late.q.take(nil)[0].batch
	equalWatch(t, "read", got.ReadAtNanos, 0)
	equalWatch(t, "produced", got.ProducedAtMillis, 0)
	equalWatch(t, "the stored batch", b.ReadAtNanos, 5)
}

// TestPressure checks that a publisher's wait is counted, also while it goes on.
func TestPressure(t *testing.T) {
	c := &clock{time.Unix(10, 0)}
	var p pressure
	q := newQueue(1, make(chan struct{}, 1))
	if err := p.await(t.Context(), q, c.now); err != nil {
		t.Fatal(err)
	}
	equalWatch(t, "without a wait", p.total(c.at), 0)
	q.put(message{kind: messageBatch})
	entered := make(chan struct{})
	at := c.at
	waited := make(chan error)
	calls := 0
	now := func() time.Time { // of the waiting goroutine alone
		if calls++; calls == 1 {
			close(entered)
			return at
		}
		return at.Add(3 * time.Second)
	}
	go func() { waited <- p.await(t.Context(), q, now) }()
	<-entered
	for p.total(at.Add(time.Second)) == 0 { // until the wait has been noted
	}
	equalWatch(t, "during the wait", p.total(at.Add(2*time.Second)), 2*time.Second)
	q.take(nil)
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	equalWatch(t, "after it", p.total(at.Add(time.Hour)), 3*time.Second)
}

func TestSplitCounts(t *testing.T) {
	var s splitCounts
	s.add(&connectors.Chunk{
		Splits: []int32{0, 0, 1, 0}, Next: connectors.Positions{0: 4, 1: 2}, Bytes: 70, SplitBytes: map[int32]int64{0: 60, 1: 10},
		Rejected: []connectors.Rejected{{Split: 1}},
	})
	s.add(&connectors.Chunk{Splits: []int32{1, 1}, Next: connectors.Positions{1: 4}, Bytes: 5})
	states := []SplitState{{SplitStatus: connectors.SplitStatus{Split: 0}}, {SplitStatus: connectors.SplitStatus{Split: 1}}, {SplitStatus: connectors.SplitStatus{Split: 2}}}
	s.fill(states)
	got := ""
	for _, st := range states {
		got += fmt.Sprintf("%d: %d rows, %d bytes, %d rejected\n", st.Split, st.Rows, st.Bytes, st.Rejected)
	}
	equalWatch(t, "counts", got, "0: 3 rows, 60 bytes, 0 rejected\n1: 3 rows, 15 bytes, 1 rejected\n2: 0 rows, 0 bytes, 0 rejected\n")
}

// fixedSize is an operator whose state the test sets.
type fixedSizer struct{ bytes, n int }

func (f *fixedSizer) sizeBytes() int64 { return int64(f.bytes) }
func (f *fixedSizer) entries() int     { return f.n }

func TestMeasure(t *testing.T) {
	c := &clock{time.Unix(10, 0)}
	a, b := &fixedSizer{10, 1}, &fixedSizer{5, 2}
	m := measure{sizers: []sizer{a, b}}
	if due := m.take(false, c.now, time.Time{}); !due.IsZero() || m.bytes.Load() != 0 {
		t.Errorf("measured without work: %v, %d", due, m.bytes.Load())
	}
	m.take(true, c.now, time.Time{})
	equalWatch(t, "bytes", m.bytes.Load(), 15)
	equalWatch(t, "keys", m.keys.Load(), 3)
	a.bytes = 100
	c.pass(measureEvery / 4)
	soon := c.at.Add(3 * measureEvery / 4)
	equalWatch(t, "when to wake up", m.take(true, c.now, time.Time{}), soon)
	equalWatch(t, "when there is something earlier to do", m.take(false, c.now, c.at), c.at)
	equalWatch(t, "bytes before it is time", m.bytes.Load(), 15)
	c.at = soon
	if due := m.take(false, c.now, time.Time{}); !due.IsZero() {
		t.Errorf("wakes up at %v without work", due)
	}
	equalWatch(t, "bytes after it", m.bytes.Load(), 105)
}

func TestEvents(t *testing.T) {
	var log bytes.Buffer
	c := &clock{time.Unix(10, 0).UTC()}
	env := &Env{Now: c.now, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))}
	env.Report(slog.LevelError, EventDataflowFailed, "bars", "division by zero")
	env.Report(slog.LevelInfo, EventServerStarted, "", "1.0")
	equalWatch(t, "log", log.String(), "level=ERROR msg=\"dataflow failed\" object=bars detail=\"division by zero\"\nlevel=INFO msg=\"server started\" detail=1.0\n")
	for i := range eventsKept {
		env.Report(slog.LevelDebug, EventTableReady, "t", fmt.Sprint(i))
	}
	got := env.Events.Recent()
	equalWatch(t, "kept", len(got), eventsKept)
	equalWatch(t, "the oldest", got[0].Message, "0")
	equalWatch(t, "the newest", got[len(got)-1].Message, fmt.Sprint(eventsKept-1))
}

// troubled is a sink whose health the test sets.
type troubled struct {
	connectors.Sink
	health string
}

func (s *troubled) Health() string { return s.health }

// TestSinkTrouble checks that a sink's trouble is reported once, and its end.
func TestSinkTrouble(t *testing.T) {
	env := testEnv()
	e := NewEngine(env)
	s := &troubled{}
	d, err := newDataflow("out", &plan.Scan{Name: "in"}, nil, env, OnErrorSkip)
	if err != nil {
		t.Fatal(err)
	}
	e.flows[1] = &flow{Dataflow: d, sink: s}
	for _, health := range []string{"", "no broker", "still no broker", ""} {
		s.health = health
		e.sample(env.Now())
	}
	got := ""
	for _, ev := range env.Events.Recent() {
		got += fmt.Sprintf("%s %s %s: %s\n", ev.Level, ev.Kind, ev.Object, ev.Message)
	}
	equalWatch(t, "events", got, "WARN sink_trouble out: no broker\nINFO sink_recovered out: it writes again; before: still no broker\n")
}

// sickReader answers polls as the test says.
type sickReader struct {
	health string
	rows   bool
}

func (r *sickReader) Poll(context.Context, time.Duration) (*connectors.Chunk, error) {
	if r.rows {
		return &connectors.Chunk{}, nil
	}
	return nil, nil
}

func (r *sickReader) Health() string                   { return r.health }
func (r *sickReader) Splits() []connectors.SplitStatus { return nil }
func (r *sickReader) Close() error                     { return nil }

// TestReaderHealth checks that a reader that answers but is not well shows so.
func TestReaderHealth(t *testing.T) {
	env := testEnv()
	s := newSource(SourceSpec{Name: "s", Schema: batch.NewSchema()}, env)
	r := &sickReader{}
	poll := func() string {
		if _, err := s.poll(t.Context(), r, &barrierRequest{}); err != nil {
			t.Fatal(err)
		}
		if p := s.stats.Problem.Load(); p != nil {
			return *p
		}
		return ""
	}
	equalWatch(t, "well", poll(), "")
	r.health = "no broker"
	equalWatch(t, "sick", poll(), "no broker")
	r.health = "no broker at all"
	equalWatch(t, "sicker", poll(), "no broker at all")
	r.rows = true
	equalWatch(t, "with rows", poll(), "")
	equalWatch(t, "events", len(env.Events.Recent()), 2)
}

// BenchmarkEmitted is what measuring costs for each batch that leaves a dataflow:
// about 0.1 ns a row of a full batch.
func BenchmarkEmitted(b *testing.B) {
	l := newLatencies()
	out := &batch.Batch{Rows: batch.MaxRows, ReadAtNanos: time.Now().UnixNano(), ProducedAtMillis: time.Now().UnixMilli()}
	b.ReportAllocs()
	for b.Loop() {
		l.emitted(time.Now(), out)
	}
}

// BenchmarkSplitCounts is what counting by split costs for a chunk of two splits
// with runs of 512 rows.
func BenchmarkSplitCounts(b *testing.B) {
	var s splitCounts
	c := &connectors.Chunk{Next: connectors.Positions{0: 1, 1: 1}, Splits: make([]int32, batch.MaxRows)}
	for i := range c.Splits {
		c.Splits[i] = int32(i / 512 % 2)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.add(c)
	}
}

// TestSizeOfOver checks that functions without an accumulator have a size too.
func TestSizeOfOver(t *testing.T) {
	b := &builder{faults: queryFaults{}, continuous: true}
	if err := b.build(overNode(plan.OverFunc{Func: "lag", Offset: 2}), &gathered{}); err != nil {
		t.Fatal(err)
	}
	if err := b.ports[0].in.Batch(t.Context(), momentBatch(0, 330, 7)); err != nil {
		t.Fatal(err)
	}
	m := measure{sizers: sizersOf(b.states)}
	m.take(true, time.Now, time.Time{})
	equalWatch(t, "rows that wait", m.keys.Load(), 330)
	if m.bytes.Load() < 330*8 {
		t.Errorf("%d bytes for 330 rows", m.bytes.Load())
	}
}

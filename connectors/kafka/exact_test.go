package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"laminardb/connectors"
	"laminardb/sql/pgerr"
)

// exactly is one sink with delivery = 'exactly_once' and where it writes.
type exactly struct {
	addr, topic, progress, id string
}

func newExactly(t testing.TB) exactly {
	addr, topic := testTopic(t, 1)
	return exactly{addr: addr, topic: topic, progress: unique(t), id: unique(t)}
}

// sink makes one more sink with the id: another server, or this one after a crash.
func (e exactly) sink(t testing.TB, kv ...string) connectors.Transactional {
	t.Helper()
	spec := sinkSpec(false, nil, append([]string{
		"brokers", e.addr, "topic", e.topic, "format", "numbers", "delivery", "exactly_once", "progress_topic", e.progress,
	}, kv...)...)
	spec.ID = e.id
	return newSink(t, spec).(connectors.Transactional)
}

// committed returns the values that readers of committed records see, with those of
// a last record that is written now: what was committed before lies before it.
func (e exactly) committed(t testing.TB) []string {
	t.Helper()
	cl := kafkaClient(t, e.addr, kgo.ConsumeTopics(e.topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	produce(t, cl, &kgo.Record{Topic: e.topic, Value: []byte("last")})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out []string
	for {
		fs := cl.PollFetches(ctx)
		if err := fs.Err(); err != nil {
			t.Fatalf("%v after %v", err, out)
		}
		last := false
		fs.EachRecord(func(r *kgo.Record) {
			if last = string(r.Value) == "last"; !last || r.Offset == 0 {
				out = append(out, string(r.Value))
			}
		})
		if last {
			return without(out, "last")
		}
	}
}

func without(list []string, what string) (out []string) {
	for _, s := range list {
		if s != what {
			out = append(out, s)
		}
	}
	return out
}

func fence(t testing.TB, s connectors.Transactional, want uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	mark, err := s.Fence(ctx)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "mark", mark, want)
}

func put(t testing.TB, s connectors.Transactional, lines ...string) {
	t.Helper()
	if err := s.Write(context.Background(), rows(lines...)); err != nil {
		t.Fatal(err)
	}
}

func commit(t testing.TB, s connectors.Transactional, mark uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Commit(ctx, mark); err != nil {
		t.Fatal(err)
	}
}

func wantFenced(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, connectors.ErrFenced) {
		t.Fatalf("error %v, want %v", err, connectors.ErrFenced)
	}
	wantCode(t, err, pgerr.ObjectNotInPrerequisite, "another server has taken over")
}

func TestExactlyOnce(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	s := e.sink(t)
	if err := s.Write(context.Background(), rows("A 1")); err == nil {
		t.Fatal("a sink is written to before Fence")
	}
	fence(t, s, 0)
	put(t, s, "A 1", "B 2")
	put(t, s, "C 3")
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	equal(t, "before the commit", len(readUncommitted(t, e)), 3)
	commit(t, s, 7)
	commit(t, s, 8) // without rows
	put(t, s, "D 4")
	commit(t, s, 12)
	if err := s.Commit(context.Background(), 12); err == nil {
		t.Fatal("a mark was committed twice")
	}
	equal(t, "committed", e.committed(t), []string{"A|1", "B|2", "C|3", "D|4"})
	fence(t, s, 12)
	put(t, s, "E 5")
	commit(t, s, 13)
	fence(t, e.sink(t), 13)
	equal(t, "committed", e.committed(t), []string{"A|1", "B|2", "C|3", "D|4", "E|5"})
	other := e
	other.id = unique(t)
	fence(t, other.sink(t), 0)
}

// readUncommitted returns all records of the topic, those of open and aborted
// transactions too.
func readUncommitted(t testing.TB, e exactly) []string {
	t.Helper()
	ends, err := admin(t, e.addr).ListEndOffsets(context.Background(), e.topic)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := ends.Lookup(e.topic, 0)
	return topicRecords(t, e.addr, e.topic, int(o.Offset))
}

func TestAbortedRowsAreInvisible(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	first := e.sink(t)
	fence(t, first, 0)
	put(t, first, "A 1")
	commit(t, first, 1)
	put(t, first, "lost 1")
	if err := first.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	fence(t, first, 1) // drops them
	put(t, first, "lost 2")
	if err := first.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil { // and so does this
		t.Fatal(err)
	}
	equal(t, "committed", e.committed(t), []string{"A|1"})
}

func TestTwoServersWithOneID(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	old, young := e.sink(t), e.sink(t)
	fence(t, old, 0)
	put(t, old, "A 1")
	commit(t, old, 1)
	put(t, old, "lost 1")
	if err := old.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	fence(t, young, 1)
	put(t, young, "B 2")
	commit(t, young, 2)

	// The old one learns it at its commit, and for ever at the next Fence.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := old.Commit(ctx, 2)
	wantCode(t, err, pgerr.IOError, "committing a transaction")
	for range 2 {
		_, err = old.Fence(ctx)
		wantFenced(t, err)
	}
	wantFenced(t, old.Write(ctx, rows("lost 2")))
	wantFenced(t, old.Commit(ctx, 3))

	// And the new one was not disturbed by that.
	put(t, young, "C 3")
	commit(t, young, 3)
	equal(t, "committed", e.committed(t), []string{"A|1", "B|2", "C|3"})
}

// Who has taken over is the owner before it has written anything.
func TestTakenOverWithoutWriting(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	old, young := e.sink(t), e.sink(t)
	fence(t, old, 0)
	fence(t, young, 0)
	put(t, old, "lost 1")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	wantCode(t, old.Commit(ctx, 1), pgerr.IOError, "committing a transaction")
	_, err := old.Fence(ctx)
	wantFenced(t, err)
	put(t, young, "A 1")
	commit(t, young, 1)
	equal(t, "committed", e.committed(t), []string{"A|1"})
}

// A fenced producer whose owner is still the same goes on: its transaction took
// too long, or somebody made a producer with its id and did not take over.
func TestFencedByNobody(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	s := e.sink(t)
	fence(t, s, 0)
	put(t, s, "A 1")
	commit(t, s, 1)
	put(t, s, "lost 1")
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	stranger := kafkaClient(t, e.addr, kgo.TransactionalID("laminardb-"+e.id))
	if err := stranger.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, stranger, &kgo.Record{Topic: e.topic, Value: []byte("stranger")})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	wantCode(t, s.Commit(ctx, 2), pgerr.IOError, "committing a transaction")
	fence(t, s, 1)
	put(t, s, "B 2")
	commit(t, s, 2)
	equal(t, "committed", e.committed(t), []string{"A|1", "B|2"})
}

func TestCrashAfterCommit(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	s := e.sink(t)
	fence(t, s, 0)
	put(t, s, "A 1")
	commit(t, s, 5)
	// Nobody has noted that 5 is committed: the next server learns it here.
	again := e.sink(t)
	fence(t, again, 5)
	put(t, again, "B 2")
	commit(t, again, 6)
	equal(t, "committed", e.committed(t), []string{"A|1", "B|2"})
}

// Several sinks share the progress topic; an open transaction of one that died must
// not hide what another one has committed behind it.
func TestOpenTransactionInProgressTopic(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	s := e.sink(t)
	fence(t, s, 0)
	dead := kafkaClient(t, e.addr, kgo.TransactionalID(unique(t)))
	if err := dead.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, dead, &kgo.Record{Topic: e.progress, Key: []byte("other"), Value: []byte("{}")})
	put(t, s, "A 1")
	commit(t, s, 1)

	again := e.sink(t)
	short, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if mark, err := again.Fence(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("mark %d, error %v behind an open transaction", mark, err)
	}
	long, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := again.Fence(long)
	wantCode(t, err, pgerr.IOError, "nothing was read")
	if err := dead.EndTransaction(context.Background(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	fence(t, again, 1)
}

func TestProgressTopicThatForgets(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	e.progress = addTopic(t, e.addr, 1)
	spec := sinkSpec(false, nil, "brokers", e.addr, "topic", e.topic, "format", "numbers", "delivery", "exactly_once", "progress_topic", e.progress)
	spec.ID = e.id
	_, err := newSinks(t).NewSink(context.Background(), spec)
	wantCode(t, err, pgerr.ObjectNotInPrerequisite, "cleanup.policy = delete")
}

func TestLostProgress(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	s := e.sink(t)
	fence(t, s, 0)
	put(t, s, "A 1")
	commit(t, s, 1)
	deleteTopic(t, e.addr, e.progress)
	createConfigured(t, e.addr, e.progress, 1, "cleanup.policy", "compact")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := s.Fence(ctx)
	wantCode(t, err, pgerr.ObjectNotInPrerequisite, "has lost the record")
}

// An older record is back, as after an election of a broker that had fallen behind.
func TestOlderProgress(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	s := e.sink(t)
	fence(t, s, 0)
	put(t, s, "A 1")
	commit(t, s, 1)
	cl := kafkaClient(t, e.addr, kgo.ConsumeTopics(e.progress))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	fs := cl.PollFetches(ctx)
	if err := fs.Err(); err != nil {
		t.Fatal(err)
	}
	first := fs.Records()[0]
	produce(t, cl, &kgo.Record{Topic: e.progress, Key: first.Key, Value: first.Value})
	_, err := s.Fence(ctx)
	wantCode(t, err, pgerr.ObjectNotInPrerequisite, "has lost the record")
}

func TestExactlyOnceInParts(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	s := e.sink(t, "transaction_timeout", "60s", "kafka.linger.ms", "1")
	fence(t, s, 0)
	var want []string
	for mark := range 20 {
		var lines []string
		for i := range 1500 {
			lines = append(lines, fmt.Sprintf("S%d %d", mark, i))
			want = append(want, fmt.Sprintf("S%d|%d", mark, i))
		}
		put(t, s, lines...)
		commit(t, s, uint64(mark+1))
	}
	equal(t, "committed", strings.Join(e.committed(t), " "), strings.Join(want, " "))
}

func TestExactlyOnceUpsert(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	spec := sinkSpec(true, []int{1}, "brokers", e.addr, "topic", e.topic, "format", "numbers", "envelope", "upsert",
		"delivery", "exactly_once", "progress_topic", e.progress)
	spec.ID = e.id
	s := newSink(t, spec).(connectors.Transactional)
	fence(t, s, 0)
	put(t, s, "A 1", "B 1")
	commit(t, s, 1)
	put(t, s, "-A 1", "A 2", "-B 1")
	commit(t, s, 2)
	// A marker lies between the transactions.
	equal(t, "records", topicRecords(t, e.addr, e.topic, 4), []string{"A=A|1", "B=B|1", "A=A|2", "B=∅"})
}

// TestDeletedSinkTopic finds that a sink says so when its topic is gone, rather than
// wait as long as a transaction or a record may take.
func TestDeletedSinkTopic(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	e := newExactly(t)
	exact := e.sink(t)
	plain := newSink(t, sinkSpec(false, nil, "brokers", e.addr, "topic", e.topic, "format", "numbers"))
	fence(t, exact, 0)
	put(t, exact, "A 1")
	commit(t, exact, 1)
	deleteTopic(t, e.addr, e.topic)
	put(t, exact, "A 2")
	want := fmt.Sprintf("topic %q does not exist any more", e.topic)
	if err := exact.Commit(ctx, 2); err == nil || !strings.Contains(err.Error(), "nknown topic") && !strings.Contains(err.Error(), want) {
		t.Fatal(err) // the broker or the sink itself notices first
	}
	if err := plain.Write(ctx, rows("A 3")); err != nil {
		t.Fatal(err)
	}
	wantCode(t, plain.Flush(ctx), pgerr.UndefinedObject, want)
	createTopic(t, e.addr, e.topic, 1)
	fence(t, exact, 1)
	put(t, exact, "A 4")
	commit(t, exact, 2)
}

package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"laminardb/connectors"
	"laminardb/sql/pgerr"
)

// deliver writes and commits the lines as often as it takes, as an engine does that
// keeps them until Fence has told their mark.
func deliver(t testing.TB, s connectors.Transactional, mark uint64, lines ...string) (tries int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	for tries = 1; ; tries++ {
		err := s.Write(ctx, rows(lines...))
		if err == nil {
			err = s.Commit(ctx, mark)
		}
		if err == nil {
			return tries
		}
		t.Logf("mark %d: %v", mark, err)
		if refence(ctx, t, s) == mark {
			return tries
		}
	}
}

func refence(ctx context.Context, t testing.TB, s connectors.Transactional) uint64 {
	t.Helper()
	for {
		mark, err := s.Fence(ctx)
		if err == nil {
			return mark
		}
		if t.Logf("fence: %v", err); ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// restartable is a broker of one test that can go away and come back.
type restartable struct {
	addr        string
	stop, start func()
}

func newRestartable(t *testing.T) restartable {
	t.Helper()
	if os.Getenv(brokerVariable) == "" {
		return restartableFake(t)
	}
	dir := t.TempDir()
	script := func(command string) string {
		out, err := exec.Command("../../scripts/kafka.sh", command, dir).Output()
		if err != nil {
			t.Fatalf("kafka.sh %s: %v", command, err)
		}
		return strings.TrimSpace(string(out))
	}
	t.Cleanup(func() { script("kill") })
	return restartable{addr: script("start"), stop: func() { script("kill") }, start: func() { script("start") }}
}

func restartableFake(t *testing.T) restartable {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	opts := []kfake.Opt{kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(t.TempDir())}
	var c *kfake.Cluster
	start := func() {
		if c, err = kfake.NewCluster(opts...); err != nil {
			t.Fatal(err)
		}
	}
	start()
	t.Cleanup(func() { c.Close() })
	return restartable{addr: "127.0.0.1:" + strconv.Itoa(port), stop: func() { c.Close() }, start: start}
}

func TestBrokerRestartInTransaction(t *testing.T) {
	t.Parallel()
	b := newRestartable(t)
	e := exactly{addr: b.addr, topic: addTopic(t, b.addr, 1), progress: unique(t), id: unique(t)}
	s := e.sink(t, "kafka.reconnect.backoff.max.ms", "200")
	fence(t, s, 0)
	put(t, s, "A 1")
	commit(t, s, 1)
	put(t, s, "B 2")
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.stop()
	short, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.Commit(short, 2); err == nil {
		t.Fatal("committed without a broker")
	}
	b.start()
	if refence(context.Background(), t, s) != 2 {
		deliver(t, s, 2, "B 2")
	}
	put(t, s, "C 3")
	b.stop()
	b.start()
	if err := s.Commit(context.Background(), 3); err != nil && refence(context.Background(), t, s) != 3 {
		deliver(t, s, 3, "C 3")
	}
	deliver(t, s, 4, "D 4")
	equal(t, "committed", e.committed(t), []string{"A|1", "B|2", "C|3", "D|4"})
}

// Whenever a commit is given up, Fence knows its outcome.
func TestCommitGivenUp(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	s := e.sink(t)
	fence(t, s, 0)
	var want []string
	done, tries := 0, 12
	for mark := 1; mark <= tries; mark++ {
		line := fmt.Sprintf("S %d", mark)
		put(t, s, line)
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(10000))*time.Microsecond)
		err := s.Commit(ctx, uint64(mark))
		cancel()
		committed := err == nil
		if err != nil {
			committed = refence(context.Background(), t, s) == uint64(mark)
		}
		if committed {
			done++
			want = append(want, fmt.Sprintf("S|%d", mark))
		}
	}
	t.Logf("%d of %d were committed", done, tries)
	equal(t, "committed", e.committed(t), want)
}

// fakeExactly is newExactly with the embedded broker.
func fakeExactly(t *testing.T, opts ...kfake.Opt) (exactly, *kfake.Cluster) {
	c, addr := cluster(t, 1, "out", opts...)
	return exactly{addr: addr, topic: "out", progress: "progress", id: "id"}, c
}

// muted is a listener whose connections swallow what the broker answers, while on.
type muted struct {
	net.Listener
	on *atomic.Bool
}

func (m muted) Accept() (net.Conn, error) {
	c, err := m.Listener.Accept()
	return mutedConn{c, m.on}, err
}

type mutedConn struct {
	net.Conn
	on *atomic.Bool
}

func (c mutedConn) Write(b []byte) (int, error) {
	if c.on.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func TestFakeUnansweredCommit(t *testing.T) {
	t.Parallel()
	var mute, arm atomic.Bool
	e, c := fakeExactly(t, kfake.ListenFn(func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		return muted{l, &mute}, err
	}))
	s := e.sink(t)
	fence(t, s, 0)
	put(t, s, "A 1")
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, Observe: true, Count: -1, When: func(kmsg.Request) bool {
		mute.Store(arm.Load())
		return true
	}})
	arm.Store(true)
	short, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.Commit(short, 1); err == nil {
		t.Fatal("an answer came through")
	}
	arm.Store(false)
	mute.Store(false)
	fence(t, s, 1)
	deliver(t, s, 2, "B 2")
	equal(t, "committed", e.committed(t), []string{"A|1", "B|2"})
}

func TestFakeBrokerErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key   kmsg.Key
		err   *kerr.Error
		tries int
	}{
		{kmsg.Produce, kerr.MessageTooLarge, 2},
		{kmsg.Produce, kerr.NotLeaderForPartition, 1},
		{kmsg.Produce, kerr.InvalidProducerEpoch, 2},
		{kmsg.AddPartitionsToTxn, kerr.CoordinatorLoadInProgress, 1},
		{kmsg.AddPartitionsToTxn, kerr.ConcurrentTransactions, 1},
		{kmsg.AddPartitionsToTxn, kerr.TopicAuthorizationFailed, 2},
		{kmsg.AddPartitionsToTxn, kerr.InvalidProducerEpoch, 2},
		{kmsg.EndTxn, kerr.CoordinatorNotAvailable, 1},
		{kmsg.EndTxn, kerr.NotCoordinator, 1},
		{kmsg.EndTxn, kerr.ProducerFenced, 2},
		{kmsg.EndTxn, kerr.InvalidProducerEpoch, 2},
		{kmsg.EndTxn, kerr.InvalidTxnState, 2},
		{kmsg.EndTxn, kerr.UnknownServerError, 2},
	} {
		t.Run(fmt.Sprintf("%s %s", c.key.Name(), c.err.Message), func(t *testing.T) {
			t.Parallel()
			e, fake := fakeExactly(t)
			s := e.sink(t)
			fence(t, s, 0)
			deliver(t, s, 1, "A 1")
			fake.Fault(kfake.Fault{Keys: []kmsg.Key{c.key}, Err: c.err, Count: 1})
			equal(t, "tries", deliver(t, s, 2, "B 2", "C 3"), c.tries)
			deliver(t, s, 3, "D 4")
			equal(t, "committed", e.committed(t), []string{"A|1", "B|2", "C|3", "D|4"})
		})
	}
}

func TestFakeFenceErrors(t *testing.T) {
	t.Parallel()
	e, fake := fakeExactly(t)
	s := e.sink(t)
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.CoordinatorNotAvailable, Count: 2})
	fence(t, s, 0)
	deliver(t, s, 1, "A 1")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.TransactionalIDAuthorizationFailed, Count: 1})
	_, err := s.Fence(ctx)
	wantCode(t, err, pgerr.IOError, "initializing transactions")
	if err := s.Write(ctx, rows("B 2")); err == nil {
		t.Fatal("written after a failed Fence")
	}
	fence(t, s, 1)
	deliver(t, s, 2, "B 2")
	equal(t, "committed", e.committed(t), []string{"A|1", "B|2"})
}

// A transaction that outlives its timeout is aborted by the broker; nobody took
// over, so that the next try succeeds.
func TestTransactionTimeout(t *testing.T) {
	t.Parallel()
	e := newExactly(t)
	s := e.sink(t, "transaction_timeout", "1s")
	fence(t, s, 0)
	put(t, s, "A 1")
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	// The abort is seen by its end: the reader of committed records gets on.
	equal(t, "committed", e.committed(t), []string(nil))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	wantCode(t, s.Commit(ctx, 1), pgerr.IOError, "committing a transaction")
	fence(t, s, 0)
	deliver(t, s, 1, "A 1")
	equal(t, "committed", e.committed(t), []string{"A|1"})
}

// A commit that was sent twice and then confirmed: the first request may still be
// under way and must meet another epoch when it comes.
func TestFakeRepeatedCommitRenewsTheProducer(t *testing.T) {
	t.Parallel()
	e, fake := fakeExactly(t)
	s := e.sink(t)
	fence(t, s, 0)
	deliver(t, s, 1, "A 1")
	inits := fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Observe: true, Count: -1})
	deliver(t, s, 2, "B 2")
	equal(t, "producers after a commit", inits.Hits(), 0)
	fake.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
		return nil, errors.New("the connection breaks"), true
	})
	equal(t, "tries", deliver(t, s, 3, "C 3"), 1)
	equal(t, "producers after a repeated commit", inits.Hits(), 0)
	equal(t, "tries", deliver(t, s, 4, "D 4"), 1)
	equal(t, "producers after the next one", inits.Hits(), 1)
	equal(t, "committed", e.committed(t), []string{"A|1", "B|2", "C|3", "D|4"})
}

package kafka_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"

	"laminardb/connectors"
	"laminardb/sql/pgerr"
)

// quickly makes the reader look for new partitions often.
var quickly = []string{"kafka.topic.metadata.refresh.interval.ms", "50"}

// pollError polls until an error comes.
func pollError(t *testing.T, r connectors.Reader) error {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if _, err := r.Poll(context.Background(), 100*time.Millisecond); err != nil {
			return err
		}
	}
	t.Fatal("no error came")
	return nil
}

func TestFakeBrokerRestart(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	addr := "127.0.0.1:" + strconv.Itoa(port)
	opts := []kfake.Opt{kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(t.TempDir()), kfake.SeedTopics(1, "t")}
	first, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	cl := kafkaClient(t, addr)
	produce(t, cl, numbered("t", 0, 0, 10)...)
	r := open(t, newSource(t, addr, "t", append(quickly, "kafka.reconnect.backoff.max.ms", "200")...), nil)
	read(t, r, 10)

	first.Close()
	health := r.(interface{ Health() string }).Health
	for deadline := time.Now().Add(patience); health() == "" && time.Now().Before(deadline); {
		if c, err := r.Poll(context.Background(), 50*time.Millisecond); c != nil || err != nil {
			t.Fatalf("an unreachable broker ended the reader: %v %v", c, err)
		}
	}
	if health() == "" {
		t.Fatal("an unreachable broker does not show")
	}

	second, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Close)
	produce(t, kafkaClient(t, addr), numbered("t", 0, 10, 20)...)
	equal(t, "rows", read(t, r, 10).rows[0], wants(10, 20, 0))
	equal(t, "health", health(), "")
}

func TestNewPartition(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	cl := kafkaClient(t, addr)
	produce(t, cl, numbered(topic, 0, 0, 3)...)
	r := open(t, newSource(t, addr, topic, append(quickly, "offset_reset", "latest")...), nil)
	if _, err := kadm.NewClient(cl).CreatePartitions(context.Background(), 2, topic); err != nil {
		t.Fatal(err)
	}
	awaitTopic(t, addr, topic, 3)
	fresh := kafkaClient(t, addr)
	produce(t, fresh, numbered(topic, 1, 0, 5)...)
	produce(t, fresh, numbered(topic, 2, 0, 5)...)
	produce(t, fresh, numbered(topic, 0, 3, 6)...)
	got := read(t, r, 13)
	equal(t, "rows", got.rows, map[int32][]string{0: wants(3, 6, 0), 1: wants(0, 5, 0), 2: wants(0, 5, 0)})
	equal(t, "splits", len(r.Splits()), 3)
}

func TestTruncatedTopic(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	produce(t, kafkaClient(t, addr), numbered(topic, 0, 0, 10)...)
	deleteBefore(t, addr, topic, 0, 5)
	s := newSource(t, addr, topic)
	equal(t, "rows", read(t, open(t, s, nil), 5).rows[0], wants(5, 10, 0))
	for _, at := range []int64{4, 11} {
		_, err := s.Open(context.Background(), connectors.Positions{0: at})
		wantCode(t, err, pgerr.ObjectNotInPrerequisite, "has no position "+strconv.FormatInt(at, 10))
	}
	_, err := s.Open(context.Background(), connectors.Positions{0: 7, 1: 3})
	wantCode(t, err, pgerr.ObjectNotInPrerequisite, "created anew")
}

func TestTruncatedUnderReader(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	produce(t, kafkaClient(t, addr), numbered(topic, 0, 0, 10)...)
	// The reader stands at 10 when the topic is created anew with fewer records.
	r := open(t, newSource(t, addr, topic), connectors.Positions{0: 10})
	deleteTopic(t, addr, topic)
	createTopic(t, addr, topic, 1)
	err := pollError(t, r)
	wantCode(t, err, pgerr.ObjectNotInPrerequisite, "")
	_, again := r.Poll(context.Background(), 0)
	equal(t, "the error stays", again, err)
}

func TestDeletedTopic(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	r := open(t, newSource(t, addr, topic, quickly...), nil)
	deleteTopic(t, addr, topic)
	wantCode(t, pollError(t, r), pgerr.UndefinedObject, fmt.Sprintf("topic %q does not exist any more", topic))
}

func TestCommit(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 2)
	group := unique(t)
	produce(t, kafkaClient(t, addr), numbered(topic, 0, 0, 10)...)
	r := open(t, newSource(t, addr, topic, "group_id", group), nil)
	got := read(t, r, 10)
	if err := r.(connectors.Committer).Commit(got.next); err != nil {
		t.Fatal(err)
	}
	adm := admin(t, addr)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		// A coordinator that is just being made answers with an error.
		all, err := adm.FetchOffsets(ctx, group)
		if o, ok := all.Lookup(topic, 0); err == nil && ok && o.Err == nil {
			equal(t, "committed", o.At, 10)
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("%v %v", all, err)
		}
	}
	groups, err := adm.DescribeGroups(ctx, group)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "members", len(groups[group].Members), 0)
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	s := newSource(t, addr, topic)
	ask := func() string {
		id, err := s.(connectors.Identified).Identity(context.Background())
		if err != nil || id == "" {
			t.Fatalf("id %q, error %v", id, err)
		}
		return id
	}
	id := ask()
	equal(t, "id", ask(), id)
	recreate(t, addr, topic)
	if again := ask(); again == id {
		t.Fatalf("a new topic has the id %q of the old one", id)
	}
	deleteTopic(t, addr, topic)
	_, err := s.(connectors.Identified).Identity(context.Background())
	wantCode(t, err, pgerr.UndefinedObject, "does not exist")
}

// recreate deletes the topic and makes one with its name.
func recreate(t *testing.T, addr, topic string) {
	t.Helper()
	deleteTopic(t, addr, topic)
	createTopic(t, addr, topic, 1)
}

// The new topic has what the positions of the old one ask for: only its id tells.
func TestRecreatedUnderReader(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	produce(t, kafkaClient(t, addr), numbered(topic, 0, 0, 10)...)
	r := open(t, newSource(t, addr, topic, quickly...), nil)
	read(t, r, 10)
	recreate(t, addr, topic)
	produce(t, kafkaClient(t, addr), numbered(topic, 0, 100, 120)...)
	var err error
	for deadline := time.Now().Add(patience); err == nil && time.Now().Before(deadline); {
		var c *connectors.Chunk
		if c, err = r.Poll(context.Background(), 100*time.Millisecond); c != nil {
			t.Logf("rows at %v", c.Offsets)
		}
	}
	wantCode(t, err, pgerr.ObjectNotInPrerequisite, "created anew")
}

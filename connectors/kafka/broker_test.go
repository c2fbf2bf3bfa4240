package kafka_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// brokerVariable names the environment variable with the address of an Apache
// Kafka, on which the tests then run (make test-kafka). Without it each test has an
// embedded broker; those whose name begins with TestFake always have.
const brokerVariable = "LAMINARDB_TEST_KAFKA"

// testBroker returns the address of the broker under test.
func testBroker(t testing.TB) string {
	t.Helper()
	if addr := os.Getenv(brokerVariable); addr != "" {
		return addr
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}

// testTopic returns the broker under test with a new topic of this test alone.
func testTopic(t testing.TB, partitions int32) (addr, topic string) {
	t.Helper()
	addr = testBroker(t)
	return addr, addTopic(t, addr, partitions)
}

// addTopic makes a topic with a name that no other test uses. Old timestamps must
// not make the broker delete its records.
func addTopic(t testing.TB, addr string, partitions int32) string {
	t.Helper()
	topic := unique(t)
	createTopic(t, addr, topic, partitions)
	return topic
}

func createTopic(t testing.TB, addr, topic string, partitions int32) {
	t.Helper()
	createConfigured(t, addr, topic, partitions, "retention.ms", "-1")
}

// createConfigured returns when the broker answers questions about the topic.
func createConfigured(t testing.TB, addr, topic string, partitions int32, name, value string) {
	t.Helper()
	if _, err := admin(t, addr).CreateTopic(context.Background(), partitions, 1, map[string]*string{name: &value}, topic); err != nil {
		t.Fatal(err)
	}
	awaitTopic(t, addr, topic, partitions)
}

// awaitTopic waits for the broker to know all partitions.
func awaitTopic(t testing.TB, addr, topic string, partitions int32) {
	t.Helper()
	adm := admin(t, addr)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		ends, err := adm.ListEndOffsets(ctx, topic)
		if err == nil && ends.Error() == nil && len(ends[topic]) == int(partitions) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("topic %s does not come: %v %v", topic, ends, err)
		}
	}
}

// unique returns a name for a topic or a group.
func unique(t testing.TB) string {
	name := strings.NewReplacer("/", "-", "=", "-", " ", "-", ":", "-", ",", "-", ".", "-").Replace(strings.TrimPrefix(t.Name(), "Test"))
	return strings.ToLower(name[:min(len(name), 40)]) + "-" + strings.ToLower(rand.Text()[:10])
}

func admin(t testing.TB, addr string) *kadm.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return kadm.NewClient(cl)
}

// deleteTopic returns when the broker does not know the topic any more.
func deleteTopic(t testing.TB, addr, topic string) {
	t.Helper()
	adm := admin(t, addr)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := adm.DeleteTopic(ctx, topic); err != nil {
		t.Fatal(err)
	}
	for {
		topics, err := adm.ListTopics(ctx)
		if err == nil && !topics.Has(topic) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("topic %s does not go: %v", topic, err)
		}
	}
}

// deleteBefore truncates a partition.
func deleteBefore(t testing.TB, addr, topic string, partition int32, offset int64) {
	t.Helper()
	at := kadm.Offsets{}
	at.AddOffset(topic, partition, offset, -1)
	got, err := admin(t, addr).DeleteRecords(context.Background(), at)
	if err == nil {
		err = got.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

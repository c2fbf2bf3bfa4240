package main

import (
	"cmp"
	"context"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"laminardb/cmd/internal/devbroker"
)

// These name environment variables with the address of an Apache Kafka and the URL
// of a registry, which the tests then use one after another (make test-kafka).
// Without them each test has embedded ones.
const (
	brokerVariable   = "LAMINARDB_TEST_KAFKA"
	registryVariable = "LAMINARDB_TEST_REGISTRY"
)

// brokers is a Kafka broker and a schema registry.
type brokers interface {
	KafkaAddr() string
	RegistryURL() string
}

// outside is a broker and a registry that run somewhere else.
type outside struct{ kafka, registry string }

func (o outside) KafkaAddr() string { return o.kafka }

func (o outside) RegistryURL() string { return o.registry }

// newTestBroker starts a Kafka broker and a registry in memory, or takes an Apache
// Kafka and deletes its topics.
func newTestBroker(t *testing.T) brokers {
	t.Helper()
	b, err := devbroker.Start(t.Context(), devbroker.Options{KafkaAddr: "127.0.0.1:0", RegistryAddr: "127.0.0.1:0", Logger: testLogger()})
	if err != nil {
		t.Fatalf("starting the broker: %v", err)
	}
	t.Cleanup(func() {
		if err := closeBroker(b); err != nil {
			t.Errorf("closing the broker: %v", err)
		}
	})
	addr := os.Getenv(brokerVariable)
	if addr == "" {
		return b
	}
	deleteTopics(t, addr)
	return outside{addr, cmp.Or(os.Getenv(registryVariable), b.RegistryURL())}
}

func deleteTopics(t *testing.T, addr string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), testDeadline)
	defer cancel()
	for {
		topics, err := kadm.NewClient(client).ListTopics(ctx) // without internal ones
		if err != nil {
			t.Fatalf("the topics of %s: %v", addr, err)
		}
		if len(topics) == 0 {
			return
		}
		if _, err := kadm.NewClient(client).DeleteTopics(ctx, topics.Names()...); err != nil {
			t.Fatalf("deleting the topics of %s: %v", addr, err)
		}
	}
}

func brokerVars(b brokers) variables {
	return variables{"KAFKA_BROKERS": b.KafkaAddr(), "SCHEMA_REGISTRY_URL": b.RegistryURL(), "GROUP_ID": "market-analytics"}
}

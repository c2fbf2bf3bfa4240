package marketdata

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	example "laminardb/examples/market-data"
)

// connectTimeout is how long an address may stay silent before it counts as
// unreachable: a person is waiting.
const connectTimeout = 5 * time.Second

// schemaIDs are the registry's ids of the three record types.
type schemaIDs struct{ tick, order, reference uint32 }

// createTopics makes the topics of the example that are missing. Those that
// exist are left as they are.
func createTopics(ctx context.Context, client *kgo.Client) error {
	admin := kadm.NewClient(client)
	for _, t := range Topics() {
		cleanup := "delete"
		if t.Compact {
			cleanup = "compact"
		}
		// -1: as many replicas as the broker's default says.
		made, err := admin.CreateTopic(ctx, t.Partitions, -1, map[string]*string{"cleanup.policy": &cleanup}, t.Name)
		if errors.Is(err, kerr.TopicAlreadyExists) {
			continue
		}
		if err != nil {
			return fmt.Errorf("creating topic %s: %w %s", t.Name, err, made.ErrMessage)
		}
	}
	return nil
}

// registerSchemas registers each record type as <topic>-value.
func registerSchemas(ctx context.Context, url string) (schemaIDs, error) {
	client, err := sr.NewClient(sr.URLs(url), sr.HTTPClient(&http.Client{Timeout: connectTimeout}))
	if err != nil {
		return schemaIDs{}, fmt.Errorf("making a client of the schema registry %s: %w", url, err)
	}
	var ids schemaIDs
	for _, s := range []struct {
		topic, schema string
		id            *uint32
	}{
		{TicksTopic, "market_tick", &ids.tick},
		{OrdersTopic, "order_event", &ids.order},
		{ReferenceTopic, "reference_data", &ids.reference},
	} {
		made, err := client.CreateSchema(ctx, s.topic+"-value", sr.Schema{Schema: example.Schema(s.schema), Type: sr.TypeAvro})
		if err != nil {
			return schemaIDs{}, fmt.Errorf("registering %s-value in the schema registry %s: %w", s.topic, url, err)
		}
		*s.id = uint32(made.ID)
	}
	return ids, nil
}

// ping checks that a broker answers.
func ping(ctx context.Context, client *kgo.Client, brokers []string) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := client.Ping(ctx); err != nil {
		return fmt.Errorf("no Kafka broker answers at %s: %w", strings.Join(brokers, ","), err)
	}
	return nil
}

// sendReferences publishes the reference table and waits until it is there.
func sendReferences(ctx context.Context, client *kgo.Client, schemaID uint32) error {
	var records []*kgo.Record
	for _, r := range References() {
		records = append(records, &kgo.Record{
			Topic: ReferenceTopic,
			Key:   []byte(r.Symbol),
			Value: AppendReference(nil, schemaID, &r),
		})
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("publishing the reference data: %w", err)
	}
	return nil
}

// partitionOf puts the symbols on partitions of their own, as far as there are
// enough. A hash of the key would leave partitions empty with so few keys, and
// readers wait for an empty one before they let time pass.
func partitionOf(key []byte, partitions int) int {
	switch string(key) {
	case "AAPL":
		return 0
	case "GOOGL":
		return 1 % partitions
	case "MSFT":
		return 2 % partitions
	case "TSLA":
		return 3 % partitions
	default:
		return 4 % partitions
	}
}

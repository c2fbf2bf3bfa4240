package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/connectors/format/json"
	"laminardb/connectors/kafka"
)

// deliveryPartitions is how many partitions the sink's topic has.
const deliveryPartitions = 6

// deliveryInterval is the time between checkpoints while delivery is measured.
const deliveryInterval = time.Second

// createTopic makes the topic of a sink.
func createTopic(ctx context.Context, addr, topic string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = kadm.NewClient(client).CreateTopic(ctx, deliveryPartitions, 1, nil, topic)
	return err
}

// deliver measures how many rows a second a Kafka sink writes, until all are
// acknowledged, or committed.
func (t *partTask) deliver(ctx context.Context) (_ any, err error) {
	if err := createTopic(ctx, t.Kafka, t.Topic); err != nil {
		return nil, err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	f := &feed{keys: t.Rows}
	sinks := map[string]connectors.SinkConnector{
		"kafka": kafka.NewSinks(format.Registry{"json": json.New()}, logger, time.Now),
	}
	e, end, err := tempEngine(ctx, fed(f, sinks), nil, deliveryInterval)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	delivery := "at_least_once"
	if t.Exactly {
		delivery = "exactly_once"
	}
	err = e.exec(ctx, feedSQL, "CREATE SINK s FROM f WITH (connector = 'kafka', brokers = '"+t.Kafka+"', topic = '"+t.Topic+
		"', format = 'json', delivery = '"+delivery+"')")
	if err != nil {
		return nil, err
	}
	// The first row makes the sink connect, and a transactional one fence.
	f.release(1)
	if err := e.sent(ctx, 1); err != nil {
		return nil, err
	}
	began := time.Now()
	f.release(t.Rows)
	if err := e.sent(ctx, t.Rows+1); err != nil {
		return nil, err
	}
	return float64(t.Rows) / time.Since(began).Seconds(), nil
}

// sent returns when a sink has so many rows out.
func (e *engine) sent(ctx context.Context, rows int64) error {
	if err := e.taken(ctx, "s", rows); err != nil {
		return err
	}
	if err := e.exec(ctx, "CHECKPOINT"); err != nil {
		return err
	}
	return e.until(ctx, "SELECT rows >= $1 AND pending_rows = 0 FROM laminar.sinks WHERE name = 's'", rows)
}

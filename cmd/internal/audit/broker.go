package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// broker is the Kafka and the schema registry of a rig: the development broker as a
// child, whose registry is used with other brokers, too.
type broker struct {
	a        *auditor
	dev      *process
	kafka    string // address
	registry string // URL
	log      string
}

// brokerReady is what the development broker prints.
var brokerReady = regexp.MustCompile(`^ready: Kafka (\S+), schema registry (\S+)$`)

func startBroker(ctx context.Context, a *auditor) (*broker, error) {
	b := &broker{a: a, log: filepath.Join(a.dir, "broker.log")}
	if err := b.startDev(ctx, "127.0.0.1:0", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	b.kafka, b.registry = b.dev.found[1], b.dev.found[2]
	switch a.kafka {
	case "dev":
		return b, nil
	case "apache":
		at, err := startApache(a.kafkaDir)
		if err != nil {
			b.close()
			return nil, err
		}
		b.kafka = at
	default:
		b.kafka = a.kafka
	}
	if err := b.empty(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *broker) startDev(ctx context.Context, kafka, registry string) error {
	var err error
	b.dev, err = launch(b.a.server, b.log, brokerReady, nil, "devbroker", "--kafka", kafka, "--registry", registry,
		"--data-dir", filepath.Join(b.a.dir, "broker"))
	if err != nil {
		return err
	}
	if err := b.dev.await(ctx); err != nil {
		b.dev.kill()
		return err
	}
	return nil
}

// kill ends the broker at once; restart brings it back where it was.
func (b *broker) kill() error {
	switch b.a.kafka {
	case "dev":
		b.dev.kill()
	case "apache":
		return kafkaScript("kill", b.a.kafkaDir)
	default:
		return fmt.Errorf("%w: the broker is not ours", errSkipped)
	}
	return nil
}

func (b *broker) restart(ctx context.Context) error {
	if b.a.kafka == "apache" {
		_, err := startApache(b.a.kafkaDir)
		return err
	}
	u, err := url.Parse(b.registry)
	if err != nil {
		return err
	}
	return b.startDev(ctx, b.kafka, u.Host)
}

// signal sends one to the broker: "STOP" or "CONT".
func (b *broker) signal(name string) error {
	switch {
	case b.a.kafka == "dev" && name == "STOP":
		return b.dev.freeze()
	case b.a.kafka == "dev":
		return b.dev.thaw()
	case b.a.kafka == "apache":
		return exec.Command("sh", "-c", `kill -"$1" "$(cat "$2/pid")"`, "sh", name, b.a.kafkaDir).Run()
	}
	return fmt.Errorf("%w: the broker is not ours", errSkipped)
}

func (b *broker) close() { b.dev.kill() }

// empty deletes every topic that is not Kafka's own.
func (b *broker) empty(ctx context.Context) error {
	return b.admin(func(admin *kadm.Client) error {
		topics, err := admin.ListTopics(ctx)
		if err != nil {
			return err
		}
		if names := topics.Names(); len(names) > 0 {
			if _, err := admin.DeleteTopics(ctx, names...); err != nil {
				return err
			}
		}
		// Deletion goes on in the background.
		for {
			topics, err := admin.ListTopics(ctx)
			if err != nil || len(topics) == 0 {
				return err
			}
			if err := sleep(ctx, 50*time.Millisecond); err != nil {
				return err
			}
		}
	})
}

func (b *broker) admin(fn func(*kadm.Client) error) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.kafka))
	if err != nil {
		return err
	}
	defer client.Close()
	return fn(kadm.NewClient(client))
}

// createTopic makes a topic.
func (b *broker) createTopic(ctx context.Context, name string, partitions int32, cleanup string) error {
	return b.admin(func(admin *kadm.Client) error {
		var err error
		for range 100 { // one that was just deleted may be in the way
			if _, err = admin.CreateTopic(ctx, partitions, -1, map[string]*string{"cleanup.policy": &cleanup}, name); err == nil {
				return nil
			}
			if sleep(ctx, 100*time.Millisecond) != nil {
				break
			}
		}
		return fmt.Errorf("creating topic %s: %w", name, err)
	})
}

func (b *broker) deleteTopic(ctx context.Context, name string) error {
	return b.admin(func(admin *kadm.Client) error {
		got, err := admin.DeleteTopics(ctx, name)
		if err == nil {
			err = got.Error()
		}
		if err != nil {
			return fmt.Errorf("deleting topic %s: %w", name, err)
		}
		return nil
	})
}

// growTopic makes the topic have so many partitions.
func (b *broker) growTopic(ctx context.Context, name string, partitions int) error {
	return b.admin(func(admin *kadm.Client) error {
		got, err := admin.UpdatePartitions(ctx, partitions, name)
		if err == nil {
			err = got.Error()
		}
		if err != nil {
			return fmt.Errorf("adding partitions to topic %s: %w", name, err)
		}
		return nil
	})
}

// write writes records to the partitions that they name, as a client that does not
// know what was there before.
func (b *broker) write(ctx context.Context, records []*kgo.Record) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.kafka), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	return client.ProduceSync(ctx, records...).FirstErr()
}

// startApache starts an Apache Kafka, or finds it running, and returns its address.
func startApache(dir string) (string, error) {
	out, err := exec.Command("scripts/kafka.sh", "start", dir).Output()
	if err != nil {
		return "", fmt.Errorf("scripts/kafka.sh start: %w", err)
	}
	return strings.TrimSpace(string(bytes.TrimSpace(out))), nil
}

func stopApache(dir string) error { return kafkaScript("kill", dir) }

func kafkaScript(command, dir string) error {
	if err := exec.Command("scripts/kafka.sh", command, dir).Run(); err != nil {
		return fmt.Errorf("scripts/kafka.sh %s: %w", command, err)
	}
	return nil
}

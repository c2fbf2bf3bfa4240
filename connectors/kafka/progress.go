package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	ckafka "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// defaultProgressTopic holds the progress of all sinks of a cluster.
const defaultProgressTopic = "laminardb-progress"

// progressPartition holds every record, whatever number of partitions somebody
// gave the topic later: a key must not move.
const progressPartition = 0

const progressVersion = 1

// progressSegmentBytes bounds what Fence reads: the newest segment of a compacted
// topic is never compacted.
const progressSegmentBytes = "16777216"

// progress is the record that tells what a sink has committed, as JSON under the
// sink's id. docs/format/progress.md describes it.
type progress struct {
	Version int       `json:"version"`
	Mark    uint64    `json:"mark"`
	Owner   string    `json:"owner"` // a nonce of who wrote it
	At      time.Time `json:"at"`    // only for people
}

func (p progress) encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // there is nothing in it that could fail
	}
	return b
}

// progressLog is the compacted topic with one sink's progress.
type progressLog struct {
	brokers, topic string
	id             string
	user           []property
}

// silenceWait is how long the log may give nothing that is waited for, until the
// sink says so and asks anew: a transaction of another sink takes less.
const silenceWait = 10 * time.Second

// properties are those of a client that reads the log.
func (l *progressLog) properties(isolation string) []property {
	p := append(connection(l.brokers), l.user...)
	return append(p,
		property{"group.id", "laminardb-progress"},
		property{"isolation.level", isolation},
		property{"enable.auto.commit", "false"},
		property{"enable.partition.eof", "true"},
		property{"auto.offset.reset", "error"},
		property{"allow.auto.create.topics", "false"},
		property{"fetch.queue.backoff.ms", "1"},
		property{"fetch.wait.max.ms", "10"}, // the end is reported by an empty answer
	)
}

// read returns the last committed record of the id, the zero one where there is
// none. all says that it waits for transactions of other sinks that are still open
// in the log: one of ours may lie behind them. Else it takes what is there. What
// passes shows in h; it goes on until ctx ends or nothing comes any more.
func (l *progressLog) read(ctx context.Context, h *health, all bool) (progress, error) {
	end := int64(0)
	if all {
		var err error
		if end, err = l.end(ctx, h); err != nil {
			return progress{}, err
		}
	}
	c, err := newClient(consumer, l.properties("read_committed"), l.topic)
	if err != nil {
		return progress{}, err
	}
	defer c.close()
	// A plain offset: librdkafka takes half a second to look a logical one up.
	begin, err := l.lookUp(ctx, h, c, offsetBeginning)
	if err != nil {
		return progress{}, err
	}
	if err := c.assign(map[int32]int64{progressPartition: begin}, true); err != nil {
		return progress{}, pgerr.Newf(pgerr.ConnectionFailure, "reading topic %q: %w", l.topic, err)
	}
	d := newDrained(batch.MaxRows, false)
	defer d.close()
	var last progress
	heard := h.now()
	for at, ended := int64(-1), false; !ended || at < end; {
		if h.now().Sub(heard) > silenceWait {
			return progress{}, l.silence(at, end)
		}
		c.drain(d, txnSlice)
		if e := h.observe(c, l.topic, func(int32) int64 { return at }); e != nil {
			return progress{}, e
		}
		if err := ctx.Err(); err != nil {
			return progress{}, fmt.Errorf("reading topic %q: %w", l.topic, err)
		}
		for i := range d.records.N {
			at = max(at, d.offsets[i]+1)
			if string(d.records.Key(i)) != l.id {
				continue
			}
			if last, err = l.decode(d.records.Value(i), d.offsets[i]); err != nil {
				return progress{}, err
			}
		}
		before := at
		for i := range d.endPartitions {
			at, ended = max(at, d.endOffsets[i]), true
		}
		if d.records.N > 0 || at > before {
			heard = h.now()
		}
	}
	return last, nil
}

// silence is the error of a log that does not give what is waited for.
func (l *progressLog) silence(at, end int64) error {
	err := pgerr.Newf(pgerr.IOError, "topic %q: nothing was read between positions %d and %d for %v", l.topic, at, end, silenceWait)
	return err.WithHint("A transaction of another sink may be open there, until its transaction_timeout at the latest.")
}

func (l *progressLog) decode(value []byte, offset int64) (progress, error) {
	var p progress
	err := json.Unmarshal(value, &p)
	if err == nil && (p.Version != progressVersion || p.Owner == "") {
		err = fmt.Errorf("version %d, owner %q", p.Version, p.Owner)
	}
	if err != nil {
		return p, pgerr.Newf(pgerr.DataCorrupted, "topic %q holds a record at offset %d that is not a sink's progress: %w", l.topic, offset, err).
			WithHint("Nothing else may write to that topic. The option progress_topic names another one.")
	}
	return p, nil
}

// end returns the position behind the log's last record, committed or not.
func (l *progressLog) end(ctx context.Context, h *health) (int64, error) {
	c, err := newClient(consumer, l.properties("read_uncommitted"), l.topic)
	if err != nil {
		return 0, err
	}
	defer c.close()
	return l.lookUp(ctx, h, c, offsetEnd)
}

// lookUp asks for one offset of the log until ctx ends.
func (l *progressLog) lookUp(ctx context.Context, h *health, c *client, what int64) (int64, error) {
	for {
		at, err := c.offsets([]int32{progressPartition}, what, txnSlice)
		if err == nil {
			return at[0], nil
		}
		var kerr ckafka.Error
		if !errors.As(err, &kerr) || !transient[kerr.Code()] {
			return 0, faultError(l.topic, event{code: kerr.Code(), partition: progressPartition, text: err.Error()})
		}
		h.set(fmt.Sprintf("reading topic %q: %v", l.topic, err), 0)
		if pause(ctx, txnPause); ctx.Err() != nil {
			return 0, fmt.Errorf("reading topic %q: %w", l.topic, ctx.Err())
		}
	}
}

// ensure creates the topic where it is missing. One that forgets records is an
// error.
func (l *progressLog) ensure(ctx context.Context, logger *slog.Logger) error {
	conf := ckafka.ConfigMap{"log_level": 0}
	for _, p := range append(connection(l.brokers), l.user...) {
		conf[p.name] = p.value
	}
	admin, err := ckafka.NewAdminClient(&conf)
	if err != nil {
		return pgerr.Newf(pgerr.CannotConnect, "topic %q: %w", l.topic, err)
	}
	defer admin.Close()
	wait := ckafka.SetAdminRequestTimeout(metadataTimeout)
	policy, err := l.policy(ctx, admin, wait)
	var kerr ckafka.Error
	if errors.As(err, &kerr) && topicMissing(kerr.Code()) {
		return l.create(ctx, admin)
	}
	if err != nil {
		// Tools may do more than the sink needs to be allowed: a failure says little.
		logger.Warn("kafka topic cannot be described", slog.String("topic", l.topic), slog.Any("error", err))
		return nil
	}
	if policy != "compact" {
		return pgerr.Newf(pgerr.ObjectNotInPrerequisite, "topic %q has cleanup.policy = %s, which would forget what sinks have written", l.topic, policy).
			WithHint("Set it to compact, or name another topic with the option progress_topic.")
	}
	return nil
}

func (l *progressLog) policy(ctx context.Context, admin *ckafka.AdminClient, wait ckafka.DescribeConfigsAdminOption) (string, error) {
	got, err := admin.DescribeConfigs(ctx, []ckafka.ConfigResource{{Type: ckafka.ResourceTopic, Name: l.topic}}, wait)
	if err != nil {
		return "", err
	}
	for _, r := range got {
		if r.Error.Code() != ckafka.ErrNoError {
			return "", r.Error
		}
		if e, ok := r.Config["cleanup.policy"]; ok {
			return strings.ToLower(e.Value), nil
		}
	}
	return "", errors.New("no answer about cleanup.policy")
}

func (l *progressLog) create(ctx context.Context, admin *ckafka.AdminClient) error {
	// The default replication factor is the brokers'.
	got, err := admin.CreateTopics(ctx, []ckafka.TopicSpecification{{
		Topic: l.topic, NumPartitions: 1,
		Config: map[string]string{"cleanup.policy": "compact", "segment.bytes": progressSegmentBytes},
	}}, ckafka.SetAdminOperationTimeout(metadataTimeout))
	for _, r := range got {
		if err == nil && r.Error.Code() != ckafka.ErrNoError && r.Error.Code() != ckafka.ErrTopicAlreadyExists {
			err = r.Error
		}
	}
	if err != nil {
		return pgerr.Newf(pgerr.IOError, "could not create topic %q: %w", l.topic, err).
			WithHint("Create it with one partition and cleanup.policy = compact, or name another one with the option progress_topic.")
	}
	return l.appear(ctx)
}

// appear waits until the brokers know the topic that was just created.
func (l *progressLog) appear(ctx context.Context) error {
	c, err := newClient(consumer, l.properties("read_uncommitted"), l.topic)
	if err != nil {
		return err
	}
	defer c.close()
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	for {
		if _, err = c.offsets([]int32{progressPartition}, offsetEnd, txnSlice); err == nil {
			return nil
		}
		if pause(ctx, txnPause); ctx.Err() != nil {
			return pgerr.Newf(pgerr.IOError, "topic %q was created and cannot be read: %w", l.topic, err)
		}
	}
}

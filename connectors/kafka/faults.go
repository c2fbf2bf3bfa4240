package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	ckafka "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"laminardb/sql/pgerr"
)

// logEvery is the least time between two log lines of one client about the same
// trouble: librdkafka reports each reconnect attempt to each broker.
const logEvery = 10 * time.Second

// syslogWarning is the level from which librdkafka's own lines are shown.
const syslogWarning = 4

// transient are the conditions that pass by themselves; librdkafka goes on trying.
var transient = map[ckafka.ErrorCode]bool{
	ckafka.ErrTransport: true, ckafka.ErrAllBrokersDown: true, ckafka.ErrResolve: true, ckafka.ErrTimedOut: true,
	ckafka.ErrTimedOutQueue: true, ckafka.ErrWaitCoord: true, ckafka.ErrInProgress: true,
	ckafka.ErrAuthentication: true, ckafka.ErrSsl: true, ckafka.ErrLeaderNotAvailable: true, ckafka.ErrWaitCache: true,
	ckafka.ErrNotLeaderForPartition: true, ckafka.ErrRequestTimedOut: true, ckafka.ErrBrokerNotAvailable: true,
	ckafka.ErrReplicaNotAvailable: true, ckafka.ErrNetworkException: true, ckafka.ErrCoordinatorLoadInProgress: true,
	ckafka.ErrCoordinatorNotAvailable: true, ckafka.ErrNotCoordinator: true, ckafka.ErrNotEnoughReplicas: true,
	ckafka.ErrFencedLeaderEpoch: true, ckafka.ErrUnknownLeaderEpoch: true, ckafka.ErrOffsetNotAvailable: true,
	ckafka.ErrKafkaStorageError: true, ckafka.ErrPreferredLeaderNotAvailable: true, ckafka.ErrDestroyBroker: true,
	ckafka.ErrFetchSessionIDNotFound: true, ckafka.ErrInvalidFetchSessionEpoch: true, ckafka.ErrUnknown: true,
	ckafka.ErrGroupAuthorizationFailed: true, // only the informational commit needs it
}

// topicMissing reports whether the code says that the topic does not exist.
func topicMissing(code ckafka.ErrorCode) bool {
	return code == ckafka.ErrUnknownTopicOrPart || code == ckafka.ErrUnknownTopic || code == ckafka.ErrUnknownPartition
}

// faultError returns what a lasting error of the topic means to the user.
func faultError(topic string, e event) *pgerr.Error {
	where := fmt.Sprintf("topic %q", topic)
	if e.partition >= 0 {
		where = fmt.Sprintf("topic %q, partition %d", topic, e.partition)
	}
	switch e.code {
	case ckafka.ErrAutoOffsetReset, ckafka.ErrOffsetOutOfRange, ckafka.ErrLogTruncation:
		return goneError(where, e.offset).WithDetail("%s", e.text)
	case ckafka.ErrUnknownTopicOrPart, ckafka.ErrUnknownTopic, ckafka.ErrUnknownPartition:
		return pgerr.Newf(pgerr.UndefinedObject, "%s does not exist any more", where).WithDetail("%s", e.text)
	case ckafka.ErrTopicAuthorizationFailed, ckafka.ErrClusterAuthorizationFailed:
		return pgerr.Newf(pgerr.InsufficientPrivilege, "not permitted on %s", where).WithDetail("%s", e.text)
	case ckafka.ErrBadMsg, ckafka.ErrInvalidMsg, ckafka.ErrBadCompression:
		return pgerr.Newf(pgerr.DataCorrupted, "%s: unreadable messages at offset %d", where, e.offset).WithDetail("%s", e.text)
	}
	return pgerr.Newf(pgerr.ConnectionFailure, "%s: %s", where, e.code).WithDetail("%s", e.text)
}

func goneError(where string, position int64) *pgerr.Error {
	return pgerr.Newf(pgerr.ObjectNotInPrerequisite, "%s has no position %d", where, position).
		WithHint("The topic was truncated or created anew since that position was read. Create the source again, or choose a start with offset_reset.")
}

// unreachable says why the brokers could not be asked.
func unreachable(brokers string, err error, reason string) *pgerr.Error {
	if reason == "" {
		reason = err.Error()
	}
	return pgerr.Newf(pgerr.CannotConnect, "could not connect to Kafka at %s: %s", brokers, reason).
		WithHint("Check the option brokers, that a broker listens there, and the kafka.* security options.")
}

// topicError is the answer to a topic that is not there.
func topicError(topic, brokers string) *pgerr.Error {
	return pgerr.Newf(pgerr.UndefinedObject, "topic %q does not exist at %s", topic, brokers).
		WithHint("Create the topic first; it is not created automatically.")
}

// countPartitions returns the topic's number of partitions, or the *pgerr.Error
// for a broker that cannot be reached or a topic that does not exist.
func countPartitions(ctx context.Context, c *client, brokers, topic string) (int32, error) {
	var reason string
	const slice = time.Second
	for left := metadataTimeout; ; left -= slice {
		n, err := c.partitions(slice)
		if err == nil && n > 0 {
			return n, nil
		}
		var kerr ckafka.Error
		if err == nil || errors.As(err, &kerr) && topicMissing(kerr.Code()) {
			return 0, topicError(topic, brokers)
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		c.serve()
		down := false
		events, _ := c.events()
		for _, e := range events {
			if e.kind == eventError && e.code != ckafka.ErrAllBrokersDown {
				reason = e.text
			}
			down = down || e.code == ckafka.ErrAllBrokersDown
		}
		if !transient[kerr.Code()] {
			return 0, faultError(topic, event{code: kerr.Code(), partition: -1, text: kerr.Error()})
		}
		if down || left <= slice {
			return 0, unreachable(brokers, err, reason)
		}
	}
}

// health is what is wrong with a client at the moment. It may be used by several
// goroutines.
type health struct {
	logger *slog.Logger
	now    func() time.Time

	mu         sync.Mutex
	trouble    string
	observed   int64 // events, log lines too
	logged     time.Time
	suppressed int64
}

// set records the trouble and logs it, unless something was logged just now.
func (h *health) set(trouble string, more int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trouble = trouble
	at := h.now()
	if !h.logged.IsZero() && at.Sub(h.logged) < logEvery {
		h.suppressed += 1 + more
		return
	}
	h.logger.Warn("kafka is in trouble", slog.String("error", trouble), slog.Int64("suppressed", h.suppressed+more))
	h.logged, h.suppressed = at, 0
}

// clear says that the outside answers again.
func (h *health) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.trouble != "" {
		h.logger.Info("kafka works again", slog.String("after", h.trouble))
	}
	h.trouble = ""
}

func (h *health) text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.trouble
}

// events returns how many events observe has seen.
func (h *health) events() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.observed
}

// observe sorts a client's events: transient ones go to health and the log, the
// first lasting one is returned. position says where a partition's reading stands.
func (h *health) observe(c *client, topic string, position func(partition int32) int64) *pgerr.Error {
	events, lost := c.events()
	h.mu.Lock()
	h.observed += int64(len(events)) + lost
	h.mu.Unlock()
	var first *pgerr.Error
	for _, e := range events {
		switch {
		case e.kind == eventLog && e.code > syslogWarning:
			h.logger.Debug("librdkafka says", slog.String("text", e.text))
		case e.kind == eventLog:
			// Trouble that matters comes as an error event too.
			h.logger.Debug("librdkafka says", slog.String("text", e.text), slog.Int("severity", int(e.code)))
		case e.kind == eventCommit:
			h.set("committing offsets to the group: "+e.text, lost)
		case e.kind == eventError && transient[e.code]:
			h.set(e.text, lost)
		case first == nil:
			if e.partition >= 0 {
				e.offset = position(e.partition)
			}
			first = faultError(topic, e)
		}
	}
	return first
}

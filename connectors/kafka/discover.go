package kafka

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	ckafka "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"laminardb/sql/pgerr"
)

// watchInterval is how often the topic is looked at, at the least: a topic that is
// created anew in less time has given some of its records to the reader before that
// is noticed. It costs one small request.
const watchInterval = time.Second

// discoverTimeout bounds one look, and with it how long Close waits.
const discoverTimeout = 500 * time.Millisecond

// missesToFail is how often in a row the topic must be unknown: a broker that has
// just started may not know its topics yet.
const missesToFail = 3

// discovery is what the looking goroutine hands to the polling one.
type discovery struct {
	mu     sync.Mutex
	splits []split
	failed error
	misses int // in a row; of the looking goroutine alone
}

// startDiscovery looks at the topic, of which n partitions are known, until Close.
func (r *reader) startDiscovery(n int32, every time.Duration) {
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.discovers.Add(1)
	go func() {
		defer r.discovers.Done()
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				before := n
				if n = r.look(n); n != before || r.found.ended() {
					r.client.yield() // a waiting poll takes it up
				}
			}
		}
	}()
}

// look asks for the topic's id and partitions once and returns how many are known now.
func (r *reader) look(known int32) int32 {
	id, n, err := r.client.describe(discoverTimeout)
	var kerr ckafka.Error
	switch {
	case errors.As(err, &kerr) && topicMissing(kerr.Code()):
		if r.found.misses++; r.found.misses >= missesToFail {
			r.found.fail(faultError(r.src.topic, event{code: kerr.Code(), partition: -1, text: kerr.Error()}))
		}
		return known
	case err != nil:
		return known // the reader's own events say what is wrong
	case id != r.identity:
		r.found.fail(recreatedError(r.src.topic))
		return known
	case n < known: // of brokers without ids
		r.found.fail(recreatedError(r.src.topic).WithDetail("It has %d partitions, but had %d before.", n, known))
		return known
	}
	r.found.misses = 0
	r.health.clear()
	var parts []int32
	for _, p := range r.src.assigned(n) {
		if p >= known {
			parts = append(parts, p)
		}
	}
	low, err := r.client.offsets(parts, offsetBeginning, discoverTimeout)
	if err != nil {
		return known // try again at the next tick
	}
	r.found.mu.Lock()
	defer r.found.mu.Unlock()
	for i, p := range parts {
		r.found.splits = append(r.found.splits, split{number: p, position: low[i], high: low[i], empty: true})
	}
	return n
}

func (d *discovery) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = err
}

func (d *discovery) ended() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed != nil
}

// adopt starts to read what was discovered; a new partition is read from its
// beginning, since all of it is younger than the reader.
func (r *reader) adopt() error {
	r.found.mu.Lock()
	splits, err := r.found.splits, r.found.failed
	r.found.splits = nil
	r.found.mu.Unlock()
	if err != nil || len(splits) == 0 {
		return err
	}
	at := map[int32]int64{}
	for _, s := range splits {
		at[s.number] = s.position
		r.add(s)
	}
	if err := r.client.assign(at, false); err != nil {
		return pgerr.Newf(pgerr.ConnectionFailure, "assigning new partitions of topic %q: %w", r.src.topic, err)
	}
	r.src.logger.Info("kafka topic has new partitions", slog.String("topic", r.src.topic), slog.Int("partitions", len(splits)))
	return nil
}

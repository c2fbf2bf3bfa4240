package kafka

import (
	"context"
	"fmt"
	"time"

	"laminardb/sql/batch"
)

// Drained is what Drain measured.
type Drained struct {
	Messages, Bytes int64 // Bytes counts keys and values
	Elapsed         time.Duration
}

// Drain reads the first n messages of the topic, all partitions at once, into
// batches that it drops: what the binding alone can do, for benchmarks to compare
// with. The clock starts at the first message.
func Drain(ctx context.Context, brokers, topic string, n int64, now func() time.Time) (Drained, error) {
	c, err := newClient(consumer, consumerProperties(brokers, "laminardb-drain", nil), topic)
	if err != nil {
		return Drained{}, fmt.Errorf("draining %s: %w", topic, err)
	}
	defer c.close()
	parts, err := c.partitions(metadataTimeout)
	if err != nil {
		return Drained{}, fmt.Errorf("draining %s: %w", topic, err)
	}
	at := map[int32]int64{}
	for p := range parts {
		at[p] = offsetBeginning
	}
	if err := c.assign(at, true); err != nil {
		return Drained{}, fmt.Errorf("draining %s: %w", topic, err)
	}
	d := newDrained(batch.MaxRows, false)
	defer d.close()
	var out Drained
	var start time.Time
	for out.Messages < n {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		c.drain(d, maxWait)
		if start.IsZero() && d.records.N > 0 {
			start = now()
		}
		out.Messages += int64(d.records.N)
		out.Bytes += int64(len(d.records.Values) + len(d.records.Keys))
	}
	out.Elapsed = now().Sub(start)
	return out, nil
}

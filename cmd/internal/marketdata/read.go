package marketdata

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

// RecordedTick is a tick as a topic holds it.
type RecordedTick struct {
	Tick
	Partition int32
	Offset    int64
}

// RecordedOrder is an order as a topic holds it.
type RecordedOrder struct {
	Order
	Partition int32
	Offset    int64
}

// ReadTicks reads all committed ticks that topic holds now, in the order of
// (partition, offset). A record that cannot be decoded is an error.
func ReadTicks(ctx context.Context, brokers []string, registryURL, topic string) (out []RecordedTick, err error) {
	err = eachValue(ctx, brokers, registryURL, topic, func(r *kgo.Record, t *Tick) {
		out = append(out, RecordedTick{*t, r.Partition, r.Offset})
	})
	return out, err
}

// ReadOrders reads orders as ReadTicks does ticks.
func ReadOrders(ctx context.Context, brokers []string, registryURL, topic string) (out []RecordedOrder, err error) {
	err = eachValue(ctx, brokers, registryURL, topic, func(r *kgo.Record, o *Order) {
		out = append(out, RecordedOrder{*o, r.Partition, r.Offset})
	})
	return out, err
}

// ReadReference reads the rows of a compacted topic by their keys: the last
// record of a key counts, and a record without a value removes the key.
func ReadReference(ctx context.Context, brokers []string, registryURL, topic string) (map[string]Reference, error) {
	out := map[string]Reference{}
	err := eachValue(ctx, brokers, registryURL, topic, func(r *kgo.Record, ref *Reference) {
		if ref == nil {
			delete(out, string(r.Key))
			return
		}
		out[string(r.Key)] = *ref
	})
	return out, err
}

// RecordedRow is a record of any schema as a topic holds it.
type RecordedRow struct {
	Key string
	// Fields are the values by name, nil for a record without a value.
	Fields    map[string]any
	Partition int32
	Offset    int64
}

// ReadRows reads records as ReadTicks does ticks, with whatever schema they have.
func ReadRows(ctx context.Context, brokers []string, registryURL, topic string) (out []RecordedRow, err error) {
	err = eachValue(ctx, brokers, registryURL, topic, func(r *kgo.Record, fields *map[string]any) {
		row := RecordedRow{Key: string(r.Key), Partition: r.Partition, Offset: r.Offset}
		if fields != nil {
			row.Fields = *fields
		}
		out = append(out, row)
	})
	return out, err
}

// eachValue gives fn the decoded values of topic, nil for a record without one,
// in the order of (partition, offset).
func eachValue[T any](ctx context.Context, brokers []string, registryURL, topic string, fn func(*kgo.Record, *T)) error {
	registry, err := sr.NewClient(sr.URLs(registryURL))
	if err != nil {
		return fmt.Errorf("making a client of the schema registry %s: %w", registryURL, err)
	}
	var records []*kgo.Record
	err = eachRecord(ctx, brokers, topic, func(r *kgo.Record) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(records, func(a, b *kgo.Record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	dec := decoder{registry: registry, schemas: map[int]*avro.Schema{}}
	for _, r := range records {
		if r.Value == nil {
			fn(r, nil)
			continue
		}
		var v T
		if err := dec.decode(ctx, r.Value, &v); err != nil {
			return fmt.Errorf("decoding %s partition %d offset %d: %w", topic, r.Partition, r.Offset, err)
		}
		fn(r, &v)
	}
	return nil
}

// Watermark is the event time, in epoch milliseconds, that a reader of all of
// ticks has passed when it allows boundMillis of disorder: the least, over the
// partitions with ticks, of the newest ts less the bound. ok is false without
// ticks.
func Watermark(ticks []RecordedTick, boundMillis int64) (millis int64, ok bool) {
	newest := map[int32]int64{}
	for _, t := range ticks {
		if ts, seen := newest[t.Partition]; !seen || t.TS > ts {
			newest[t.Partition] = t.TS
		}
	}
	for _, ts := range newest {
		if !ok || ts-boundMillis < millis {
			millis, ok = ts-boundMillis, true
		}
	}
	return millis, ok
}

// eachRecord gives fn every committed record that topic holds now.
func eachRecord(ctx context.Context, brokers []string, topic string, fn func(*kgo.Record) error) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // a partition may end in one
	)
	if err != nil {
		return fmt.Errorf("making a Kafka client: %w", err)
	}
	defer client.Close()
	last, err := lastOffsets(ctx, kadm.NewClient(client), topic)
	if err != nil {
		return err
	}
	from := map[int32]kgo.Offset{}
	for p := range last {
		from[p] = kgo.NewOffset().AtStart()
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	for len(last) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("reading %s: %w", topic, err)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			end, wanted := last[r.Partition]
			if wanted && r.Offset >= end {
				delete(last, r.Partition)
			}
			if !wanted || r.Offset > end || r.Attrs.IsControl() {
				continue
			}
			if err := fn(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// lastOffsets returns the last stable offset of each partition that has
// records.
func lastOffsets(ctx context.Context, admin *kadm.Client, topic string) (map[int32]int64, error) {
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("listing the start offsets of %s: %w", topic, err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("listing the end offsets of %s: %w", topic, err)
	}
	last := map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if start, ok := starts.Lookup(topic, end.Partition); ok && start.Offset < end.Offset {
			last[end.Partition] = end.Offset - 1
		}
	})
	return last, nil
}

// decoder reads records of the registry's wire format with the schema that
// wrote them.
type decoder struct {
	registry *sr.Client
	schemas  map[int]*avro.Schema // by id; grows with the schemas of one topic
}

// decode reads one record into a struct with avro tags.
func (d *decoder) decode(ctx context.Context, record []byte, into any) error {
	if len(record) < 5 || record[0] != 0 {
		return fmt.Errorf("no schema header in the %d bytes of the value", len(record))
	}
	id := int(binary.BigEndian.Uint32(record[1:5]))
	schema, ok := d.schemas[id]
	if !ok {
		text, err := d.registry.SchemaByID(ctx, id)
		if err != nil {
			return fmt.Errorf("asking the registry for schema %d: %w", id, err)
		}
		if schema, err = avro.Parse(text.Schema); err != nil {
			return fmt.Errorf("parsing schema %d: %w", id, err)
		}
		d.schemas[id] = schema
	}
	rest, err := schema.Decode(record[5:], into)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes are left after the record", len(rest))
	}
	return nil
}

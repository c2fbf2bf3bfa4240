package kafka_test

import (
	"context"
	"encoding/binary"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	ckafka "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/connectors/kafka"
)

// first is a format of one column, the first eight bytes of the value.
type first struct{ numbers }

func (first) NewDecoder(context.Context, connectors.Relation) (format.Decoder, error) {
	return first{}, nil
}

func (first) Decode(_ context.Context, r *format.Records) (*format.Decoded, error) {
	values := make([]int64, r.N)
	for i := range values {
		values[i] = int64(binary.LittleEndian.Uint64(r.Values[r.ValueEnds[i]:]))
	}
	data := array.NewData(arrow.PrimitiveTypes.Int64, r.N,
		[]*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(values))}, nil, 0, 0)
	return &format.Decoded{Cols: []arrow.Array{array.NewInt64Data(data)}, Rows: r.N}, nil
}

const benchRecords = 1_000_000

// filled returns a broker whose topic holds benchRecords of 100 bytes.
func filled(b *testing.B) string {
	b.Helper()
	_, addr := cluster(b, 4, "bench", kfake.BrokerConfigs(map[string]string{"message.max.bytes": "10000000"}))
	cl := kafkaClient(b, addr, kgo.MaxBufferedRecords(benchRecords))
	value := make([]byte, 100)
	for i := range benchRecords {
		cl.Produce(context.Background(), &kgo.Record{Topic: "bench", Partition: int32(i % 4), Value: value}, nil)
	}
	if err := cl.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	return addr
}

func perSecond(b *testing.B, messages int64, elapsed time.Duration) {
	b.ReportMetric(float64(messages)/elapsed.Seconds()/1e6, "Mmsg/s")
}

// BenchmarkRead compares the ways to read the same topic in one process: the bare
// binding, the source with a trivial decoder, and confluent-kafka-go's own Poll.
func BenchmarkRead(b *testing.B) {
	addr := filled(b)
	b.Run("drain", func(b *testing.B) {
		var total kafka.Drained
		for range b.N {
			d, err := kafka.Drain(context.Background(), addr, "bench", benchRecords, time.Now)
			if err != nil {
				b.Fatal(err)
			}
			total.Messages += d.Messages
			total.Elapsed += d.Elapsed
		}
		perSecond(b, total.Messages, total.Elapsed)
	})
	b.Run("source", func(b *testing.B) {
		rel := relation(nil, nil, "brokers", addr, "topic", "bench", "format", "numbers")
		s, err := connector(b, first{}).NewSource(context.Background(), rel)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		var elapsed time.Duration
		for range b.N {
			elapsed += pollAll(b, s)
		}
		perSecond(b, int64(b.N)*benchRecords, elapsed)
	})
	b.Run("consumer-poll", func(b *testing.B) {
		var elapsed time.Duration
		for range b.N {
			elapsed += confluentPoll(b, addr)
		}
		perSecond(b, int64(b.N)*benchRecords, elapsed)
	})
}

func pollAll(b *testing.B, s connectors.Source) time.Duration {
	r := open(b, s, nil)
	defer r.Close()
	var start time.Time
	for n := int64(0); n < benchRecords; {
		c, err := r.Poll(context.Background(), time.Second)
		if err != nil {
			b.Fatal(err)
		}
		if c == nil {
			continue
		}
		if n == 0 {
			start = time.Now()
		}
		n += c.Records
	}
	return time.Since(start)
}

func confluentPoll(b *testing.B, addr string) time.Duration {
	c, err := ckafka.NewConsumer(&ckafka.ConfigMap{
		"bootstrap.servers": addr, "group.id": "poll", "auto.offset.reset": "earliest", "enable.auto.commit": false,
		"enable.metrics.push": false, "fetch.queue.backoff.ms": 1, "queued.min.messages": 500000,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	topic := "bench"
	var parts []ckafka.TopicPartition
	for p := range int32(4) {
		parts = append(parts, ckafka.TopicPartition{Topic: &topic, Partition: p, Offset: ckafka.OffsetBeginning})
	}
	if err := c.Assign(parts); err != nil {
		b.Fatal(err)
	}
	var start time.Time
	for n := 0; n < benchRecords; {
		if _, ok := c.Poll(1000).(*ckafka.Message); ok {
			if n == 0 {
				start = time.Now()
			}
			n++
		}
	}
	return time.Since(start)
}

// BenchmarkSink writes batches of 1000 keyed rows to a broker that drops them.
func BenchmarkSink(b *testing.B) {
	_, addr := cluster(b, 4, "out", kfake.BlackholeProduce())
	s := newSink(b, sinkSpec(false, nil, "brokers", addr, "topic", "out", "format", "numbers", "key", "symbol"))
	var lines []string
	for i := range 1000 {
		lines = append(lines, "SYM"+strconv.Itoa(i%50)+" "+strconv.Itoa(i))
	}
	data := rows(lines...)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if err := s.Write(context.Background(), data); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	perSecond(b, int64(b.N)*1000, b.Elapsed())
}

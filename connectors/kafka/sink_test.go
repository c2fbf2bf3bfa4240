package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/connectors/kafka"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

func sinkSpec(changelog bool, key []int, kv ...string) connectors.SinkSpec {
	schema := batch.NewSchema(
		batch.Field{Name: "hidden", Type: types.Of(types.Int64), Hidden: true},
		batch.Field{Name: "symbol", Type: types.Of(types.Text)},
		batch.Field{Name: "n", Type: types.Of(types.Int64)},
	)
	return connectors.SinkSpec{Name: "s", Schema: schema, Changelog: changelog, Key: key, Options: options(kv...)}
}

// rows makes a batch of "symbol n" lines; one that starts with - is a deletion,
// and the symbol ∅ is NULL.
func rows(lines ...string) *batch.Batch {
	hidden := array.NewInt64Builder(memory.DefaultAllocator)
	symbols := array.NewStringBuilder(memory.DefaultAllocator)
	ns := array.NewInt64Builder(memory.DefaultAllocator)
	var diffs []int8
	deletes := false
	for _, line := range lines {
		rest, deleted := strings.CutPrefix(line, "-")
		var symbol string
		var n int64
		if _, err := fmt.Sscan(rest, &symbol, &n); err != nil {
			panic(err)
		}
		hidden.Append(0)
		ns.Append(n)
		if symbol == "∅" {
			symbols.AppendNull()
		} else {
			symbols.Append(symbol)
		}
		diffs = append(diffs, 1)
		if deleted {
			diffs[len(diffs)-1], deletes = -1, true
		}
	}
	b := batch.New([]arrow.Array{hidden.NewArray(), symbols.NewArray(), ns.NewArray()}, len(lines))
	if deletes {
		b.Diffs = diffs
	}
	return b
}

func newSinks(t testing.TB) connectors.SinkConnector {
	return kafka.NewSinks(format.Registry{"numbers": numbers{}, "json": numbers{}}, quiet(t), time.Now)
}

func newSink(t testing.TB, spec connectors.SinkSpec) connectors.Sink {
	t.Helper()
	s, err := newSinks(t).NewSink(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Options.Unused(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func write(t testing.TB, s connectors.Sink, b *batch.Batch) {
	t.Helper()
	if err := s.Write(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// topicRecords reads n records as "key=value"; ∅ stands for null.
func topicRecords(t testing.TB, addr, topic string, n int) []string {
	t.Helper()
	cl := kafkaClient(t, addr, kgo.ConsumeTopics(topic))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out []string
	text := func(b []byte) string {
		if b == nil {
			return "∅"
		}
		return string(b)
	}
	for len(out) < n {
		fs := cl.PollFetches(ctx)
		if err := fs.Err(); err != nil {
			t.Fatalf("%v after %d of %d: %v", err, len(out), n, out)
		}
		fs.EachRecord(func(r *kgo.Record) { out = append(out, text(r.Key)+"="+text(r.Value)) })
	}
	return out
}

func TestSinkRoundTrip(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	s := newSink(t, sinkSpec(false, nil, "brokers", addr, "topic", topic, "format", "numbers", "key", "symbol", "kafka.linger.ms", "1"))
	write(t, s, rows("AAPL 1", "MSFT 2", "∅ 3"))
	equal(t, "records", topicRecords(t, addr, topic, 3), []string{"AAPL=AAPL|1", "MSFT=MSFT|2", "∅=(null)|3"})
	equal(t, "bytes", s.(connectors.Counted).BytesWritten(), int64(len("AAPLAAPL|1MSFTMSFT|2(null)|3")))

	var lines []string
	for i := range 5000 {
		lines = append(lines, fmt.Sprintf("S%d %d", i%7, i))
	}
	write(t, s, rows(lines...))
	got := topicRecords(t, addr, topic, 5003)[3:]
	for i, g := range got {
		equal(t, "record", g, fmt.Sprintf("S%d=S%d|%d", i%7, i%7, i))
	}
}

func TestSinkWithoutKeyAndWithFormatKey(t *testing.T) {
	t.Parallel()
	addr, plain := testTopic(t, 1)
	write(t, newSink(t, sinkSpec(false, nil, "brokers", addr, "topic", plain, "format", "numbers")), rows("A 1"))
	equal(t, "plain", topicRecords(t, addr, plain, 1), []string{"∅=A|1"})
	keyed := addTopic(t, addr, 1)
	write(t, newSink(t, sinkSpec(false, nil, "brokers", addr, "topic", keyed, "format", "numbers", "key", "n, symbol")), rows("A 1"))
	equal(t, "keyed", topicRecords(t, addr, keyed, 1), []string{"1|A=A|1"})
}

func TestUpsertSink(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	s := newSink(t, sinkSpec(true, []int{1}, "brokers", addr, "topic", topic, "format", "numbers", "envelope", "upsert"))
	write(t, s, rows("A 1", "B 1", "C 1"))
	write(t, s, rows("-A 1", "A 2", "-B 1", "D 1", "-D 1", "C 1", "-A 2", "A 3"))
	equal(t, "records", topicRecords(t, addr, topic, 7),
		[]string{"A=A|1", "B=B|1", "C=C|1", "B=∅", "D=∅", "C=C|1", "A=A|3"})
	err := s.Write(context.Background(), rows("∅ 1"))
	wantCode(t, err, pgerr.NullNotAllowed, "key is NULL")
}

// The places that Java's DefaultPartitioner gives these keys, from murmur2 with
// its seed: clients that look a key up rely on them.
func TestPartitionerMatchesJava(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 12)
	s := newSink(t, sinkSpec(false, nil, "brokers", addr, "topic", topic, "format", "numbers", "key", "symbol"))
	write(t, s, rows("AAPL 1", "MSFT 2", "GOOGL 3", "TSLA 4", "AMZN 5"))
	cl := kafkaClient(t, addr, kgo.ConsumeTopics(topic))
	var got, want []string
	java := kgo.StickyKeyPartitioner(nil).ForTopic(topic) // franz-go's copy of Java's
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for len(got) < 5 {
		fs := cl.PollFetches(ctx)
		if err := fs.Err(); err != nil {
			t.Fatal(err)
		}
		fs.EachRecord(func(r *kgo.Record) {
			got = append(got, fmt.Sprintf("%s@%d", r.Key, r.Partition))
			want = append(want, fmt.Sprintf("%s@%d", r.Key, java.Partition(&kgo.Record{Key: r.Key}, 12)))
		})
	}
	sort.Strings(got)
	sort.Strings(want)
	equal(t, "partitions", got, want)
}

func TestFakeSinkDeliveryFailure(t *testing.T) {
	t.Parallel()
	c, addr := cluster(t, 1, "out")
	s := newSink(t, sinkSpec(false, nil, "brokers", addr, "topic", "out", "format", "numbers"))
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: kerr.MessageTooLarge, Count: 1})
	if err := s.Write(context.Background(), rows("A 1")); err != nil {
		t.Fatal(err)
	}
	wantCode(t, s.Flush(context.Background()), pgerr.IOError, `1 records were not delivered to topic "out"`)
}

func TestFakeSinkFlushCanBeCancelled(t *testing.T) {
	t.Parallel()
	c, addr := cluster(t, 1, "out")
	s := newSink(t, sinkSpec(false, nil, "brokers", addr, "topic", "out", "format", "numbers"))
	f := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: kerr.NotLeaderForPartition, Count: -1})
	if err := s.Write(context.Background(), rows("A 1")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	f.Remove()
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	equal(t, "records", topicRecords(t, addr, "out", 1), []string{"∅=A|1"})
}

func TestNewSinkErrors(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	base := []string{"brokers", addr, "format", "numbers"}
	for _, c := range []struct {
		what      string
		changelog bool
		key       []int
		kv        []string
		code      pgerr.Code
		text      string
	}{
		{"no topic", false, nil, nil, pgerr.InvalidParameterValue, `option "topic" is required`},
		{"missing topic", false, nil, []string{"topic", "gone"}, pgerr.UndefinedObject, `topic "gone" does not exist`},
		{"exactly once", false, nil, []string{"topic", topic, "delivery", "exactly_once"}, pgerr.FeatureNotSupported, "not supported yet"},
		{"progress", false, nil, []string{"topic", topic, "progress_topic", "p"}, pgerr.InvalidParameterValue, "needs delivery"},
		{"changelog", true, nil, []string{"topic", topic}, pgerr.FeatureNotSupported, "updates and deletions"},
		{"debezium", true, nil, []string{"topic", topic, "envelope", "debezium"}, pgerr.FeatureNotSupported, "debezium"},
		{"no key", true, nil, []string{"topic", topic, "envelope", "upsert"}, pgerr.InvalidParameterValue, "what identifies a row"},
		{"other key", true, []int{1, 2}, []string{"topic", topic, "envelope", "upsert", "key", "symbol"}, pgerr.InvalidParameterValue, "must be the columns"},
		{"unknown key", false, nil, []string{"topic", topic, "key", "x"}, pgerr.InvalidParameterValue, "there is no column x"},
		{"raw number", false, nil, []string{"topic", topic, "key", "n", "key_format", "raw"}, pgerr.InvalidParameterValue, "raw takes"},
		{"partitioner", false, nil, []string{"topic", topic, "partitioner", "best"}, pgerr.InvalidParameterValue, "murmur2_random"},
		{"property", false, nil, []string{"topic", topic, "kafka.nope", "1"}, pgerr.InvalidParameterValue, `No such configuration property: "nope"`},
		{"owned", false, nil, []string{"topic", topic, "kafka.acks", "0"}, pgerr.InvalidParameterValue, "cannot be set"},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := newSinks(t).NewSink(context.Background(), sinkSpec(c.changelog, c.key, append(c.kv, base...)...))
			wantCode(t, err, c.code, c.text)
		})
	}
}

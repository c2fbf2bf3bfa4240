package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"laminardb/connectors"
	"laminardb/connectors/kafka"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

func TestReadAndReopen(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 3)
	cl := kafkaClient(t, addr)
	produce(t, cl, numbered(topic, 0, 0, 20000)...)
	produce(t, cl, numbered(topic, 1, 500, 700)...)
	s := newSource(t, addr, topic)

	r := open(t, s, nil)
	got := read(t, r, 20200)
	equal(t, "partition 0", got.rows[0], wants(0, 20000, 0))
	equal(t, "partition 1", got.rows[1], wants(0, 200, 500))
	equal(t, "next", got.next, connectors.Positions{0: 20000, 1: 200})
	equal(t, "splits", r.Splits(), []connectors.SplitStatus{
		{Split: 0, Position: 20000, High: 20000},
		{Split: 1, Position: 200, High: 200},
		{Split: 2, Position: 0, High: 0, Empty: true},
	})

	produce(t, cl, numbered(topic, 0, 20000, 20003)...)
	produce(t, cl, numbered(topic, 2, 0, 1)...)
	got = read(t, r, 4)
	equal(t, "more", got.rows, map[int32][]string{0: wants(20000, 20003, 0), 2: wants(0, 1, 0)})
	if r.Splits()[2].Empty {
		t.Fatal("a split that got a record is still empty")
	}

	got = read(t, open(t, s, connectors.Positions{0: 19990, 1: 199, 2: 1}), 14)
	equal(t, "reopened", got.rows, map[int32][]string{0: wants(19990, 20003, 0), 1: wants(199, 200, 500)})
}

func TestIdlePollAndCancel(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	r := open(t, newSource(t, addr, topic), nil)
	if c, err := r.Poll(context.Background(), 10*time.Millisecond); c != nil || err != nil {
		t.Fatal(c, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	polled := make(chan error)
	go func() {
		_, err := r.Poll(ctx, time.Hour)
		polled <- err
	}()
	cancel()
	select {
	case err := <-polled:
		equal(t, "error", err, context.Canceled)
	case <-time.After(patience):
		t.Fatal("a cancelled poll did not return")
	}
}

func TestOffsetReset(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reset string
		rows  map[int32][]string
	}{
		{"earliest", map[int32][]string{0: wants(0, 11, 0), 1: wants(0, 11, 0)}},
		{"latest", map[int32][]string{0: wants(10, 11, 0), 1: wants(10, 11, 0)}},
		{"timestamp:1055", map[int32][]string{0: wants(6, 11, 0), 1: wants(6, 11, 0)}},
		{"timestamp:99000", map[int32][]string{0: wants(10, 11, 0), 1: wants(10, 11, 0)}},
		{"0:7", map[int32][]string{0: wants(7, 11, 0), 1: wants(0, 11, 0)}},
		{"1:9, 0:10", map[int32][]string{0: wants(10, 11, 0), 1: wants(9, 11, 0)}},
	} {
		t.Run(c.reset, func(t *testing.T) {
			addr, topic := testTopic(t, 2)
			cl := kafkaClient(t, addr)
			for p := range int32(2) {
				recs := numbered(topic, p, 0, 10)
				for i, r := range recs {
					r.Timestamp = time.UnixMilli(int64(1000 + i*10))
				}
				produce(t, cl, recs...)
			}
			r := open(t, newSource(t, addr, topic, "offset_reset", c.reset), nil)
			produce(t, cl, numbered(topic, 0, 10, 11)...)
			produce(t, cl, numbered(topic, 1, 10, 11)...)
			got := read(t, r, len(c.rows[0])+len(c.rows[1]))
			equal(t, "rows", got.rows, c.rows)
		})
	}
}

func TestMetadataAndRejects(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	at := time.UnixMilli(1700000000123)
	produce(t, kafkaClient(t, addr),
		&kgo.Record{Topic: topic, Key: []byte("a"), Value: []byte("1"), Timestamp: at, Headers: []kgo.RecordHeader{
			{Key: "x", Value: []byte("1")}, {Key: "y", Value: []byte{0xff}}, {Key: "x", Value: nil},
		}},
		&kgo.Record{Topic: topic, Key: []byte("bad"), Value: []byte("oops"), Timestamp: at},
		&kgo.Record{Topic: topic, Key: []byte{0xfe}, Value: nil, Timestamp: at.Add(-time.Second)},
		&kgo.Record{Topic: topic, Key: nil, Value: []byte("4"), Timestamp: at},
		&kgo.Record{Topic: topic, Key: nil, Value: []byte{}, Timestamp: at},
	)
	rel := relation(
		includes("key", "key", "partition", "offset", "timestamp", "timestamp", "headers"),
		[]batch.Field{
			{Name: "k", Type: types.Of(types.Text)},
			{Name: "kb", Type: types.Of(types.Bytea)},
			{Name: "p", Type: types.Of(types.Int32)},
			{Name: "o", Type: types.Of(types.Int64)},
			{Name: "ts", Type: types.Of(types.TimestampTZ)},
			{Name: "ms", Type: types.Of(types.Int64)},
			{Name: "h", Type: types.Of(types.JSONB)},
		},
		"brokers", addr, "topic", topic, "format", "numbers", "on_error", "skip", "idle_timeout", "1s", "retain_history", "5")
	s, err := connector(t, numbers{}).NewSource(context.Background(), rel)
	if err != nil {
		t.Fatal(err)
	}
	if err := rel.Options.Unused(); err != nil {
		t.Fatal(err)
	}
	r := open(t, s, nil)
	var c *connectors.Chunk
	for c == nil {
		if c, err = r.Poll(context.Background(), patience); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "offsets", c.Offsets, []int64{0, 2, 3})
	equal(t, "next", c.Next, connectors.Positions{0: 5})
	equal(t, "rejects", len(c.Rejected), 2)
	equal(t, "reject", c.Rejected[0], connectors.Rejected{Offset: 1, Reason: "not a number", Key: []byte("bad"), Value: []byte("oops")})
	if c.Rejected[1].Key != nil || c.Rejected[1].Value == nil {
		t.Fatal("no key and an empty value must stay apart")
	}
	equal(t, "produced at", c.Batch.ProducedAtMillis, at.UnixMilli()-1000)
	want := []string{
		"[1 (null) 4]", `["a" "\\xfe" (null)]`, `["a" "\xfe" (null)]`, "[0 0 0]", "[0 2 3]",
		"[1700000000123000 1699999999123000 1700000000123000]", "[1700000000123 1699999999123 1700000000123]",
		`["{\"x\": [\"1\", null], \"y\": \"\\\\xff\"}" (null) (null)]`,
	}
	for i, w := range want {
		equal(t, rel.Schema.Fields[i].Name, c.Batch.Cols[i], w)
	}
}

func TestFakeDecoderAwayIsRetried(t *testing.T) {
	t.Parallel()
	c, addr := cluster(t, 1, "t")
	produce(t, kafkaClient(t, addr), numbered("t", 0, 0, 5)...)
	fetches := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Observe: true, Count: -1})
	away := true
	rel := relation(nil, nil, "brokers", addr, "topic", "t", "format", "numbers")
	s, err := connector(t, numbers{&away}).NewSource(context.Background(), rel)
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, s, nil)
	// With the third fetch the records and the partition's end, which the second one
	// found, lie in the same drain: the position must not be the end's.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := fetches.Wait(ctx, 3); err != nil {
		t.Fatal(err)
	}
	for r.(interface{ Health() string }).Health() == "" {
		if c, err := r.Poll(context.Background(), time.Second); c != nil || err != nil {
			t.Fatal(c, err)
		}
	}
	equal(t, "position", r.Splits()[0].Position, 0)
	away = false
	equal(t, "rows", read(t, r, 5).rows[0], wants(0, 5, 0))
	equal(t, "health", r.(interface{ Health() string }).Health(), "")
}

func TestReadCommitted(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	cl := kafkaClient(t, addr, kgo.TransactionalID(unique(t)))
	transaction := func(from, to int, end kgo.TransactionEndTry) {
		t.Helper()
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		produce(t, cl, numbered(topic, 0, from, to)...)
		if err := cl.EndTransaction(context.Background(), end); err != nil {
			t.Fatal(err)
		}
	}
	transaction(0, 3, kgo.TryCommit) // offsets 0-2, marker 3
	transaction(100, 103, kgo.TryAbort)
	transaction(8, 10, kgo.TryCommit) // offsets 8, 9, marker 10
	r := open(t, newSource(t, addr, topic), nil)
	equal(t, "rows", read(t, r, 5).rows[0], append(wants(0, 3, 0), wants(8, 10, 0)...))
	// The end of the partition lies behind the last marker: a reader that waits to
	// have read everything must get there.
	deadline := time.Now().Add(patience)
	for r.Splits()[0].Position < 11 && time.Now().Before(deadline) {
		if c, err := r.Poll(context.Background(), 100*time.Millisecond); c != nil || err != nil {
			t.Fatal(c, err)
		}
	}
	equal(t, "splits", r.Splits(), []connectors.SplitStatus{{Split: 0, Position: 11, High: 11}})

	// An open transaction is behind the end of what can be read.
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, cl, numbered(topic, 0, 11, 14)...)
	late := open(t, newSource(t, addr, topic), connectors.Positions{0: 8})
	read(t, late, 2)
	want := connectors.SplitStatus{Split: 0, Position: 11, High: 11}
	for deadline := time.Now().Add(patience); late.Splits()[0] != want && time.Now().Before(deadline); {
		if c, err := late.Poll(context.Background(), 100*time.Millisecond); c != nil || err != nil {
			t.Fatal(c, err)
		}
	}
	equal(t, "open transaction", late.Splits()[0], want)
	if err := cl.EndTransaction(context.Background(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}

	all := open(t, newSource(t, addr, topic, "kafka.isolation.level", "read_uncommitted"), nil)
	equal(t, "uncommitted", len(read(t, all, 11).rows[0]), 11)
}

func TestNewSourceErrors(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 2)
	base := map[string]string{"brokers": addr, "topic": topic, "format": "numbers"}
	for _, c := range []struct {
		name, value string
		code        pgerr.Code
		text        string
	}{
		{"brokers", "", pgerr.InvalidParameterValue, `option "brokers" is required`},
		{"topic", "", pgerr.InvalidParameterValue, `option "topic" is required`},
		{"format", "", pgerr.InvalidParameterValue, `option "format" is required`},
		{"format", "xml", pgerr.InvalidParameterValue, "must be one of: json, numbers"},
		{"topic", "nowhere", pgerr.UndefinedObject, `topic "nowhere" does not exist`},
		{"brokers", "127.0.0.1:1", pgerr.CannotConnect, "127.0.0.1:1"},
		{"brokers", "127.0.0.1:1", pgerr.CannotConnect, "Connection refused"},
		{"offset_reset", "newest", pgerr.InvalidParameterValue, "must be earliest, latest"},
		{"offset_reset", "5:0", pgerr.InvalidParameterValue, "2 partitions"},
		{"partitions", "0,2", pgerr.InvalidParameterValue, "2 partitions"},
		{"flavour", "odd", pgerr.InvalidParameterValue, "must be plain"},
		{"kafka.no.such.thing", "1", pgerr.InvalidParameterValue, `No such configuration property: "no.such.thing"`},
		{"kafka.fetch.wait.max.ms", "abc", pgerr.InvalidParameterValue, "fetch.wait.max.ms"},
		{"kafka.auto.offset.reset", "latest", pgerr.InvalidParameterValue, "cannot be set"},
		{"dead_letter_topic", "nowhere", pgerr.UndefinedObject, `topic "nowhere" does not exist`},
		{"dead_letter_topic", topic, pgerr.InvalidParameterValue, "must be another topic"},
		{"kafka.plugin.library.paths", "/tmp/x.so", pgerr.InsufficientPrivilege, "cannot be set from SQL"},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			var kv []string
			for k, v := range base {
				if k != c.name {
					kv = append(kv, k, v)
				}
			}
			rel := relation(nil, nil, append(kv, c.name, c.value)...)
			_, err := connector(t, numbers{}).NewSource(context.Background(), rel)
			wantCode(t, err, c.code, c.text)
		})
	}
	rel := relation(includes("offset"), []batch.Field{{Name: "o", Type: types.Of(types.Text)}},
		"brokers", addr, "topic", topic, "format", "numbers")
	_, err := connector(t, numbers{}).NewSource(context.Background(), rel)
	wantCode(t, err, pgerr.DatatypeMismatch, "INCLUDE offset cannot be a column of type text")
}

func TestPartitionSubset(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 3)
	cl := kafkaClient(t, addr)
	for p := range int32(3) {
		produce(t, cl, numbered(topic, p, 0, 2)...)
	}
	r := open(t, newSource(t, addr, topic, "partitions", "1, 2"), nil)
	got := read(t, r, 4)
	equal(t, "rows", got.rows, map[int32][]string{1: wants(0, 2, 0), 2: wants(0, 2, 0)})
	equal(t, "splits", len(r.Splits()), 2)
}

func TestLargeRecordsEndABatchEarly(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	cl := kafkaClient(t, addr)
	const size, count = 200_000, 150
	for range count {
		produce(t, cl, &kgo.Record{Topic: topic, Value: make([]byte, size)})
	}
	r := open(t, newSource(t, addr, topic), nil)
	for n := 0; n < count; {
		c, err := r.Poll(context.Background(), patience)
		if err != nil {
			t.Fatal(err)
		}
		if c.Bytes > 8<<20+size {
			t.Fatalf("a chunk of %d bytes", c.Bytes)
		}
		for i, rej := range c.Rejected {
			if rej.Offset != int64(n+i) || len(rej.Value) != size {
				t.Fatalf("record %d has offset %d and %d bytes", n+i, rej.Offset, len(rej.Value))
			}
		}
		n += len(c.Rejected)
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 2)
	cl := kafkaClient(t, addr)
	produce(t, cl, numbered(topic, 0, 10, 60)...)
	produce(t, cl, numbered(topic, 1, 10, 60)...)
	d, err := kafka.Drain(context.Background(), addr, topic, 100, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "drained", []int64{d.Messages, d.Bytes}, []int64{100, 200})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := kafka.Drain(ctx, addr, topic, 101, time.Now); err == nil {
		t.Fatal("a cancelled drain succeeds")
	}
}

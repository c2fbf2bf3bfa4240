package kafka_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// letters reads n records of a dead letter topic with their headers.
func letters(t testing.TB, addr, topic string, n int) (out []string) {
	t.Helper()
	cl := kafkaClient(t, addr, kgo.ConsumeTopics(topic))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for len(out) < n {
		fs := cl.PollFetches(ctx)
		if err := fs.Err(); err != nil {
			t.Fatalf("%v after %q", err, out)
		}
		fs.EachRecord(func(r *kgo.Record) {
			text := fmt.Sprintf("%q=%q", r.Key, r.Value)
			for _, h := range r.Headers {
				text += fmt.Sprintf(" %s=%s", h.Key, h.Value)
			}
			out = append(out, text)
		})
	}
	return out
}

func TestDeadLetterTopic(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 2)
	dead := addTopic(t, addr, 1)
	produce(t, kafkaClient(t, addr),
		&kgo.Record{Topic: topic, Partition: 1, Key: []byte("k"), Value: []byte("bad")},
		&kgo.Record{Topic: topic, Partition: 1, Value: []byte("1")},
		&kgo.Record{Topic: topic, Partition: 1, Value: []byte("")},
		&kgo.Record{Topic: topic, Partition: 1, Value: []byte("2")})
	got := read(t, open(t, newSource(t, addr, topic, "dead_letter_topic", dead), nil), 4)
	equal(t, "rows", got.rows[1], []string{"1:1", "3:2"})
	equal(t, "rejected", len(got.rejected), 2)
	equal(t, "letters", letters(t, addr, dead, 2), []string{
		`"k"="bad" laminardb.topic=` + topic + ` laminardb.partition=1 laminardb.offset=0 laminardb.reason=not a number`,
		`""="" laminardb.topic=` + topic + ` laminardb.partition=1 laminardb.offset=2 laminardb.reason=not a number`,
	})
}

// A reader does not get past a record that the topic has not taken.
func TestFakeDeadLetterTopicAway(t *testing.T) {
	t.Parallel()
	c, addr := cluster(t, 1, "t", kfake.SeedTopics(1, "dead"))
	produce(t, kafkaClient(t, addr), &kgo.Record{Topic: "t", Value: []byte("bad")}, &kgo.Record{Topic: "t", Value: []byte("1")})
	away := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "dead", Err: kerr.NotLeaderForPartition, Count: -1})
	r := open(t, newSource(t, addr, "t", "dead_letter_topic", "dead"), nil)
	health := r.(interface{ Health() string }).Health
	for deadline := time.Now().Add(patience); health() == "" && time.Now().Before(deadline); {
		if c, err := r.Poll(context.Background(), 100*time.Millisecond); c != nil || err != nil {
			t.Fatal(c, err)
		}
	}
	equal(t, "position", r.Splits()[0].Position, 0)
	away.Remove()
	// Refused for good: it is sent again.
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "dead", Err: kerr.MessageTooLarge, Count: 1})
	equal(t, "rows", read(t, r, 2).rows[0], []string{"1:1"})
	equal(t, "health", health(), "")
	equal(t, "letters", len(letters(t, addr, "dead", 1)), 1)
}

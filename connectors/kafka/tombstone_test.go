package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/twmb/franz-go/pkg/kgo"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/connectors/kafka"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// pairs is a format of two columns: "k:v", with a bigint and a text. Like every
// format it rejects tombstones.
type pairs struct{}

func (f pairs) NewDecoder(context.Context, connectors.Relation) (format.Decoder, error) {
	return f, nil
}

func (pairs) Decode(_ context.Context, r *format.Records) (*format.Decoded, error) {
	out := &format.Decoded{}
	k, v := array.NewInt64Builder(memory.DefaultAllocator), array.NewStringBuilder(memory.DefaultAllocator)
	for i := range r.N {
		key, value, ok := strings.Cut(string(r.Value(i)), ":")
		n, err := strconv.ParseInt(key, 10, 64)
		if !ok || err != nil {
			out.Rejects = append(out.Rejects, format.Reject{Record: i, Reason: "not a pair"})
			continue
		}
		k.Append(n)
		v.Append(value)
		out.Record = append(out.Record, int32(i))
		out.Rows++
	}
	out.Cols = []arrow.Array{k.NewArray(), v.NewArray()}
	return out, nil
}

func (pairs) NewEncoder(context.Context, connectors.SinkSpec, string, []int) (format.Encoder, error) {
	return nil, errors.New("pairs are only read")
}

// table is a relation (k, v) with a primary key.
func table(key []int, kv ...string) connectors.Relation {
	return connectors.Relation{
		Name: "table", Declared: 2, PrimaryKey: key, Options: options(kv...),
		Schema: batch.NewSchema(
			batch.Field{Name: "k", Type: types.Of(types.Int64), NotNull: true},
			batch.Field{Name: "v", Type: types.Of(types.Text)},
		),
	}
}

func tableReader(t *testing.T, rel connectors.Relation) connectors.Reader {
	t.Helper()
	s, err := kafka.New(format.Registry{"pair": pairs{}}, quiet(t), time.Now).NewSource(context.Background(), rel)
	if err != nil {
		t.Fatal(err)
	}
	if err := rel.Options.Unused(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return open(t, s, nil)
}

// changes polls for so many records and shows each row and delete in its order.
func changes(t *testing.T, r connectors.Reader, records int) (out []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for n := int64(0); n < int64(records); {
		c, err := r.Poll(ctx, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if c == nil {
			continue
		}
		n += c.Records
		gone := 0
		for row := 0; row <= c.Batch.Rows; row++ {
			for ; gone < len(c.DeleteAt) && int(c.DeleteAt[gone]) == row; gone++ {
				text := "-"
				for _, col := range c.Deletes.Cols {
					text += " " + col.ValueStr(gone)
				}
				out = append(out, text)
			}
			if row < c.Batch.Rows {
				out = append(out, fmt.Sprintf("+ %s %s", c.Batch.Cols[0].ValueStr(row), c.Batch.Cols[1].ValueStr(row)))
			}
		}
		for _, rej := range c.Rejected {
			out = append(out, fmt.Sprintf("! %d %s", rej.Offset, rej.Reason))
		}
	}
	return out
}

func TestTombstonesDelete(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	cl := kafkaClient(t, addr)
	record := func(key, value string) *kgo.Record {
		r := &kgo.Record{Topic: topic}
		if key != "" {
			r.Key = []byte(key)
		}
		if value != "" {
			r.Value = []byte(value)
		}
		return r
	}
	produce(t, cl,
		record("9", ""), record("1", "1:a"), record("1", ""), record("", ""), record("1", "1:b"),
		record("x", ""), record("2", "no key"), record("2", ""))
	got := changes(t, tableReader(t, table([]int{0}, "brokers", addr, "topic", topic, "format", "pair")), 8)
	equal(t, "changes", got, []string{
		"- 9", "+ 1 a", "- 1", "+ 1 b", "- 2",
		"! 3 a tombstone without a key",
		"! 6 not a pair",
		`! 5 the key of a tombstone: invalid input syntax for type bigint: "x"`,
	})
}

func TestTombstonesWithAKeyFormat(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	produce(t, kafkaClient(t, addr),
		&kgo.Record{Topic: topic, Key: []byte("4:a")}, &kgo.Record{Topic: topic, Key: []byte("a")})
	got := changes(t, tableReader(t, table([]int{0, 1}, "brokers", addr, "topic", topic, "format", "pair", "key_format", "pair")), 2)
	equal(t, "changes", got[0], "- 4 a")
	equal(t, "number of changes", len(got), 2)

	got = changes(t, tableReader(t, table([]int{0, 1}, "brokers", addr, "topic", topic, "format", "pair")), 2)
	equal(t, "without key_format", len(got), 2)
	equal(t, "without key_format", got[0][:5], "! 0 a")
}

func TestTombstonesOfASourceAreRejects(t *testing.T) {
	t.Parallel()
	addr, topic := testTopic(t, 1)
	produce(t, kafkaClient(t, addr), &kgo.Record{Topic: topic, Key: []byte("1")})
	got := changes(t, tableReader(t, table(nil, "brokers", addr, "topic", topic, "format", "pair")), 1)
	equal(t, "changes", got, []string{"! 0 not a pair"})

	rel := table([]int{0, 1}, "brokers", addr, "topic", topic, "format", "pair", "key_format", "raw")
	_, err := kafka.New(format.Registry{"pair": pairs{}}, quiet(t), time.Now).NewSource(context.Background(), rel)
	wantCode(t, err, pgerr.InvalidParameterValue, "key_format")
}

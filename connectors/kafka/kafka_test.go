package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/connectors/kafka"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// patience bounds what should happen at once; it is only reached by a failure.
const patience = 20 * time.Second

// numbers is a format of one column: a decimal bigint. A tombstone is NULL, and
// "away" means that the registry cannot be reached, as long as away is set.
type numbers struct{ away *bool }

func (f numbers) NewDecoder(_ context.Context, rel connectors.Relation) (format.Decoder, error) {
	if rel.Options.String("flavour", "plain") != "plain" {
		return nil, rel.Options.Invalid("flavour", "must be plain")
	}
	return f, nil
}

func (f numbers) Decode(_ context.Context, r *format.Records) (*format.Decoded, error) {
	if f.away != nil && *f.away {
		return nil, errors.New("registry is away")
	}
	out := &format.Decoded{}
	b := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range r.N {
		v := r.Value(i)
		n, err := strconv.ParseInt(string(v), 10, 64)
		switch {
		case v == nil:
			b.AppendNull()
		case err != nil:
			out.Rejects = append(out.Rejects, format.Reject{Record: i, Reason: "not a number"})
			continue
		default:
			b.Append(n)
		}
		out.Record = append(out.Record, int32(i))
		out.Rows++
	}
	if len(out.Rejects) == 0 {
		out.Record = nil
	}
	out.Cols = []arrow.Array{b.NewArray()}
	return out, nil
}

func (numbers) NewEncoder(_ context.Context, _ connectors.SinkSpec, subject string, cols []int) (format.Encoder, error) {
	return encoder{subject, cols}, nil
}

// encoder writes the columns' texts with a | between, behind the subject for keys.
type encoder struct {
	subject string
	cols    []int
}

func (e encoder) Append(dst []byte, ends []int32, b *batch.Batch, from, to int) ([]byte, []int32, error) {
	for i := from; i < to; i++ {
		for n, c := range e.cols {
			if n > 0 {
				dst = append(dst, '|')
			}
			dst = append(dst, b.Cols[c].ValueStr(i)...)
		}
		ends = append(ends, int32(len(dst)))
	}
	return dst, ends, nil
}

func options(kv ...string) connectors.Options {
	var list []ast.Option
	for i := 0; i < len(kv); i += 2 {
		list = append(list, ast.Option{Name: kv[i], Value: kv[i+1]})
	}
	return connectors.NewOptions(list)
}

func relation(includes []connectors.Include, extra []batch.Field, kv ...string) connectors.Relation {
	fields := append([]batch.Field{{Name: "n", Type: types.Of(types.Int64)}}, extra...)
	return connectors.Relation{
		Name: "numbers", Schema: batch.NewSchema(fields...), Declared: 1, Includes: includes, Options: options(kv...),
	}
}

// includes returns the metadata columns behind the one declared column.
func includes(what ...string) []connectors.Include {
	var out []connectors.Include
	for i, w := range what {
		out = append(out, connectors.Include{What: w, Column: i + 1})
	}
	return out
}

func connector(t testing.TB, f format.Format) connectors.SourceConnector {
	return kafka.New(format.Registry{"numbers": f, "json": f}, quiet(t), time.Now)
}

func quiet(t testing.TB) *slog.Logger {
	var log bytes.Buffer
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return slog.New(slog.NewTextHandler(&log, nil))
}

func cluster(t testing.TB, partitions int32, topic string, opts ...kfake.Opt) (*kfake.Cluster, string) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(partitions, topic)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, c.ListenAddrs()[0]
}

func kafkaClient(t testing.TB, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	opts = append([]kgo.Opt{kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func produce(t testing.TB, cl *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	if err := cl.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// numbered returns records with the values [from, to) for one partition.
func numbered(topic string, partition int32, from, to int) []*kgo.Record {
	var out []*kgo.Record
	for i := from; i < to; i++ {
		out = append(out, &kgo.Record{Topic: topic, Partition: partition, Value: []byte(strconv.Itoa(i))})
	}
	return out
}

func newSource(t testing.TB, addr, topic string, kv ...string) connectors.Source {
	t.Helper()
	rel := relation(nil, nil, append([]string{"brokers", addr, "topic", topic, "format", "numbers"}, kv...)...)
	s, err := connector(t, numbers{}).NewSource(context.Background(), rel)
	if err != nil {
		t.Fatal(err)
	}
	if err := rel.Options.Unused(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func open(t testing.TB, s connectors.Source, from connectors.Positions) connectors.Reader {
	t.Helper()
	r, err := s.Open(context.Background(), from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// taken is what read collected.
type taken struct {
	rows     map[int32][]string // "offset:value" by split
	rejected []connectors.Rejected
	next     connectors.Positions
	records  int
}

// read polls until so many records have come.
func read(t testing.TB, r connectors.Reader, records int) taken {
	t.Helper()
	out := taken{rows: map[int32][]string{}, next: connectors.Positions{}}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for out.records < records {
		c, err := r.Poll(ctx, time.Second)
		if err != nil {
			t.Fatalf("poll after %d of %d records: %v", out.records, records, err)
		}
		if c == nil {
			continue
		}
		col := c.Batch.Cols[0].(*array.Int64)
		for i := range c.Batch.Rows {
			out.rows[c.Splits[i]] = append(out.rows[c.Splits[i]], fmt.Sprintf("%d:%s", c.Offsets[i], col.ValueStr(i)))
		}
		for p, at := range c.Next {
			out.next[p] = at
		}
		out.rejected = append(out.rejected, c.Rejected...)
		var bytes int64
		for _, n := range c.SplitBytes {
			bytes += n
		}
		equal(t, "bytes of all splits", bytes, c.Bytes)
		out.records += int(c.Records)
	}
	if out.records > records {
		t.Fatalf("%d records, want %d", out.records, records)
	}
	return out
}

// wants returns "offset:value" for values equal to offsets plus shift.
func wants(from, to, shift int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("%d:%d", i, i+shift))
	}
	return out
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func wantCode(t testing.TB, err error, code pgerr.Code, text string) {
	t.Helper()
	if !pgerr.Is(err, code) || !bytes.Contains([]byte(err.Error()), []byte(text)) {
		t.Fatalf("error %v, want %s with %q", err, code.SQLSTATE(), text)
	}
}

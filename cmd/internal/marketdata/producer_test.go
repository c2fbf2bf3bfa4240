package marketdata

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"laminardb/cmd/internal/devbroker"
)

func startBroker(t *testing.T) *devbroker.Broker {
	t.Helper()
	b, err := devbroker.Start(t.Context(), devbroker.Options{KafkaAddr: "127.0.0.1:0", RegistryAddr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(context.Background()) })
	return b
}

// options send ticks of a clock that stands still.
func options(b *devbroker.Broker, count int64) ProducerOptions {
	return ProducerOptions{
		Brokers: []string{b.KafkaAddr()}, RegistryURL: b.RegistryURL(),
		Seed: 5, Count: count, Now: func() time.Time { return time.UnixMilli(start) },
	}
}

func produce(t *testing.T, opts ProducerOptions) Counts {
	t.Helper()
	p, err := NewProducer(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := p.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTopicHoldsWhatTheGeneratorMade(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	const n = 3_000
	counts := produce(t, options(b, n))

	want := map[string][]Tick{}
	g := NewGenerator(5)
	orders := int64(0)
	for range n {
		tick := g.Tick(start)
		want[tick.Symbol] = append(want[tick.Symbol], tick)
		if _, ok := g.Order(start); ok {
			orders++
		}
	}
	if counts.Ticks != n || counts.Orders != orders || counts.References != 5 {
		t.Errorf("counts are %+v, want %d ticks and %d orders", counts, n, orders)
	}
	read, err := ReadTicks(t.Context(), []string{b.KafkaAddr()}, b.RegistryURL(), TicksTopic)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]Tick{}
	home := map[string]int32{}
	for _, r := range read {
		got[r.Symbol] = append(got[r.Symbol], r.Tick)
		if p, ok := home[r.Symbol]; ok && p != r.Partition {
			t.Fatalf("%s is on the partitions %d and %d", r.Symbol, p, r.Partition)
		}
		home[r.Symbol] = r.Partition
	}
	for symbol, ticks := range want {
		if !slices.Equal(got[symbol], ticks) {
			t.Errorf("%s: the topic has %d ticks, the generator made %d, or they differ", symbol, len(got[symbol]), len(ticks))
		}
	}
}

func TestOrdersAndReferencesAreKeyedBySymbol(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	counts := produce(t, options(b, 500))
	registry, err := sr.NewClient(sr.URLs(b.RegistryURL()))
	if err != nil {
		t.Fatal(err)
	}
	dec := decoder{registry: registry, schemas: map[int]*avro.Schema{}}
	var references []Reference
	err = eachRecord(t.Context(), []string{b.KafkaAddr()}, ReferenceTopic, func(r *kgo.Record) error {
		var ref Reference
		if err := dec.decode(t.Context(), r.Value, &ref); err != nil {
			return err
		}
		if string(r.Key) != ref.Symbol {
			t.Errorf("key %q of %+v", r.Key, ref)
		}
		references = append(references, ref)
		return nil
	})
	if err != nil || !slices.Equal(references, References()) {
		t.Errorf("references are %+v: %v", references, err)
	}
	var orders int64
	err = eachRecord(t.Context(), []string{b.KafkaAddr()}, OrdersTopic, func(r *kgo.Record) error {
		var o Order
		if err := dec.decode(t.Context(), r.Value, &o); err != nil {
			return err
		}
		if string(r.Key) != o.Symbol || o.TS != start {
			t.Errorf("key %q of %+v", r.Key, o)
		}
		orders++
		return nil
	})
	if err != nil || orders != counts.Orders || orders == 0 {
		t.Errorf("%d orders, counted %d: %v", orders, counts.Orders, err)
	}
}

func TestTopicsAreCreatedOnce(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.KafkaAddr()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	// One that is there with other partitions stays as it is.
	if _, err := admin.CreateTopic(t.Context(), 2, -1, nil, TicksTopic); err != nil {
		t.Fatal(err)
	}
	produce(t, options(b, 10))
	produce(t, options(b, 10))
	topics, err := admin.ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range Topics() {
		partitions := int(want.Partitions)
		if want.Name == TicksTopic {
			partitions = 2
		}
		if got := len(topics[want.Name].Partitions); got != partitions {
			t.Errorf("%s has %d partitions, want %d", want.Name, got, partitions)
		}
	}
	configs, err := admin.DescribeTopicConfigs(t.Context(), ReferenceTopic)
	if err != nil {
		t.Fatal(err)
	}
	compacts := func(c kadm.Config) bool { return c.Key == "cleanup.policy" && c.MaybeValue() == "compact" }
	if !slices.ContainsFunc(configs[0].Configs, compacts) {
		t.Errorf("%s isn't compacted: %+v", ReferenceTopic, configs[0].Configs)
	}
	read, err := ReadTicks(t.Context(), []string{b.KafkaAddr()}, b.RegistryURL(), TicksTopic)
	if err != nil || len(read) != 20 {
		t.Errorf("%d ticks: %v", len(read), err)
	}
}

// The clock alone says how many ticks are due.
func TestDueFollowsTheClock(t *testing.T) {
	p := &Producer{opts: ProducerOptions{TPS: 1000, Count: 600}}
	for _, c := range []struct {
		elapsed time.Duration
		sent    int64
		want    int64
	}{
		{0, 0, 0},
		{5 * time.Millisecond, 0, 5},
		{5 * time.Millisecond, 5, 0},
		{time.Second, 0, maxBurst},
		{time.Second, 590, 10}, // the count ends it
	} {
		p.ticks.sent = c.sent
		if got := p.due(c.elapsed); got != c.want {
			t.Errorf("after %v with %d sent %d are due, want %d", c.elapsed, c.sent, got, c.want)
		}
	}
}

func TestUnreachableServersAreNamed(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	opts := options(b, 1)
	opts.Brokers = []string{"127.0.0.1:1"}
	if _, err := NewProducer(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "no Kafka broker answers at 127.0.0.1:1") {
		t.Errorf("error is %v", err)
	}
	opts = options(b, 1)
	opts.RegistryURL = "http://127.0.0.1:1"
	if _, err := NewProducer(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "schema registry http://127.0.0.1:1") {
		t.Errorf("error is %v", err)
	}
}

func TestUndecodableRecordIsAnError(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	produce(t, options(b, 10))
	client, err := kgo.NewClient(kgo.SeedBrokers(b.KafkaAddr()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	tick := Tick{Symbol: "AAPL"}
	for name, value := range map[string][]byte{
		"no schema header":     []byte("text"),
		"asking the registry":  AppendTick(nil, 99, &tick),
		"bytes are left after": append(AppendTick(nil, 1, &tick), 0),
	} {
		topic := strings.ReplaceAll(name, " ", "-")
		if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, -1, nil, topic); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		_, err := ReadTicks(t.Context(), []string{b.KafkaAddr()}, b.RegistryURL(), topic)
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "offset 0") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

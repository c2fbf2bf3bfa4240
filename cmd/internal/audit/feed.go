package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"laminardb/cmd/internal/marketdata"
)

// The feed in event time.
const (
	boundMillis  = 5_000 // of the sources' watermarks
	stepMillis   = 200   // of one step; times are multiples, so that ties are frequent
	ticksAStep   = 5
	disorder     = boundMillis/stepMillis - 1 // in steps; more would be late
	silenceEvery = 1_500                      // steps
	silence      = 45_000
	endMillis    = 120_000 // how far the last rows push the watermark: every window closes
)

// metadataAge is how soon the feed learns of a partition.
const metadataAge = 300 * time.Millisecond

// feed writes ticks and orders to Kafka. Each tick has a number of its own, which is
// its volume, and each order its id. The rows are those of the seed; only how many
// there are by when depends on the clock. No row is late.
type feed struct {
	client  *kgo.Client
	tickID  uint32
	orderID uint32
	refID   uint32
	gen     *marketdata.Generator
	rng     *rand.Rand
	pause   time.Duration // between steps

	cancel context.CancelFunc
	done   chan error
	failed atomic.Pointer[error] // why it has ended by itself

	mu      sync.Mutex // guards what a step uses
	now     int64      // event time
	step    int
	ticks   int64
	orders  int64
	symbols []string // each in a partition of its own
	noOrder bool     // writes no orders
}

// newFeed makes the topics of the example, its schemas and its reference rows.
func newFeed(ctx context.Context, b *broker, seed uint64, rate int) (*feed, error) {
	start := time.Date(2026, 1, 5, 14, 30, 0, 0, time.UTC)
	producer, err := marketdata.NewProducer(ctx, marketdata.ProducerOptions{
		Brokers: []string{b.kafka}, RegistryURL: b.registry, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	producer.Close()
	f := &feed{
		gen: marketdata.NewGenerator(seed), rng: rand.New(rand.NewPCG(seed, 7)), now: start.UnixMilli(),
		pause: time.Second * ticksAStep / time.Duration(rate),
	}
	registry, err := sr.NewClient(sr.URLs(b.registry))
	if err != nil {
		return nil, err
	}
	for topic, id := range map[string]*uint32{
		marketdata.TicksTopic: &f.tickID, marketdata.OrdersTopic: &f.orderID, marketdata.ReferenceTopic: &f.refID,
	} {
		const latest = -1
		schema, err := registry.SchemaByVersion(ctx, topic+"-value", latest)
		if err != nil {
			return nil, fmt.Errorf("looking up the schema of %s: %w", topic, err)
		}
		*id = uint32(schema.ID)
	}
	for _, r := range marketdata.References() {
		f.symbols = append(f.symbols, r.Symbol)
	}
	f.client, err = kgo.NewClient(kgo.SeedBrokers(b.kafka), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(metadataAge), kgo.MetadataMaxAge(metadataAge))
	if err != nil {
		return nil, err
	}
	// A partition without rows would not hold the watermark back.
	records := f.everywhere(f.now)
	return f, f.client.ProduceSync(ctx, records...).FirstErr()
}

// start writes steps until stop.
func (f *feed) start(ctx context.Context) {
	ctx, f.cancel = context.WithCancel(ctx)
	f.done = make(chan error, 1)
	go func() { f.done <- f.run(ctx) }()
}

// stop ends the feed; every record is acknowledged.
func (f *feed) stop() error {
	if f.cancel == nil {
		return nil
	}
	f.cancel()
	f.cancel = nil
	return <-f.done
}

func (f *feed) run(ctx context.Context) error {
	tick := time.NewTicker(f.pause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		// The broker may be away for a while; what was begun is brought to its end.
		writing, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
		err := f.client.ProduceSync(writing, f.next()...).FirstErr()
		stop()
		if err != nil {
			err = fmt.Errorf("writing to Kafka: %w", err)
			f.failed.Store(&err)
			return err
		}
	}
}

// next makes the records of one step.
func (f *feed) next() []*kgo.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.step++
	f.now += stepMillis
	if f.step%silenceEvery == 0 {
		f.now += silence
	}
	var out []*kgo.Record
	for range ticksAStep {
		out = append(out, f.tick(f.gen.Tick(f.time())))
		if o, ok := f.gen.Order(f.time()); ok && !f.noOrder {
			out = append(out, f.order(o))
		}
	}
	if len(f.symbols) > len(marketdata.References()) { // a partition was added
		t := f.gen.Tick(f.time())
		t.Symbol = f.symbols[len(f.symbols)-1-f.step%(len(f.symbols)-len(marketdata.References()))]
		out = append(out, f.tick(t))
	}
	if f.step%20 == 0 {
		out = append(out, f.reference())
	}
	return out
}

// everywhere is a tick and an order in each partition.
func (f *feed) everywhere(ts int64) []*kgo.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []*kgo.Record
	for _, s := range f.symbols {
		t := f.gen.Tick(ts)
		t.Symbol = s
		out = append(out, f.tick(t))
	}
	for _, r := range marketdata.References() {
		if f.noOrder {
			break
		}
		out = append(out, f.order(marketdata.Order{Symbol: r.Symbol, Side: marketdata.Buy, Quantity: 10, Price: 100, TS: ts}))
	}
	return out
}

// finish writes the rows that push the watermark past everything.
func (f *feed) finish(ctx context.Context) error {
	f.mu.Lock()
	f.now += endMillis
	ts := f.now
	f.mu.Unlock()
	return f.client.ProduceSync(ctx, f.everywhere(ts)...).FirstErr()
}

// addSymbol gives rows to a partition that was added.
func (f *feed) addSymbol(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.symbols = append(f.symbols, name)
}

// dropOrders ends the orders: their topic is another one now.
func (f *feed) dropOrders() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noOrder = true
}

func (f *feed) count() (ticks, orders int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ticks, f.orders
}

// time is now or, once in five times, one before it.
func (f *feed) time() int64 {
	if f.rng.IntN(5) > 0 {
		return f.now
	}
	return f.now - stepMillis*int64(f.rng.IntN(disorder+1))
}

func (f *feed) tick(t marketdata.Tick) *kgo.Record {
	f.ticks++
	t.Volume = f.ticks
	return f.record(marketdata.TicksTopic, t.Symbol, marketdata.AppendTick(nil, f.tickID, &t))
}

func (f *feed) order(o marketdata.Order) *kgo.Record {
	f.orders++
	o.OrderID = "order-" + strconv.FormatInt(f.orders, 10)
	return f.record(marketdata.OrdersTopic, o.Symbol, marketdata.AppendOrder(nil, f.orderID, &o))
}

// reference changes or deletes a row of the reference table that nothing joins.
func (f *feed) reference() *kgo.Record {
	r := marketdata.Reference{Symbol: "REF-" + strconv.Itoa(f.rng.IntN(20)), CompanyName: strconv.Itoa(f.step), Sector: "None"}
	value := marketdata.AppendReference(nil, f.refID, &r)
	if f.rng.IntN(3) == 0 {
		value = nil
	}
	return &kgo.Record{Topic: marketdata.ReferenceTopic, Key: []byte(r.Symbol), Value: value}
}

// record is one for the partition of its symbol.
func (f *feed) record(topic, symbol string, value []byte) *kgo.Record {
	r := &kgo.Record{Topic: topic, Key: []byte(symbol), Value: value}
	for i, s := range f.symbols {
		if s == symbol {
			r.Partition = int32(i)
		}
	}
	return r
}

// foreignOrders are orders that only a topic that was created anew holds.
func (f *feed) foreignOrders() []*kgo.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []*kgo.Record
	for i := range 1000 {
		o := marketdata.Order{OrderID: "foreign-" + strconv.Itoa(i), Symbol: f.symbols[i%5], Side: marketdata.Buy, Quantity: 10, Price: 100, TS: f.now}
		out = append(out, f.record(marketdata.OrdersTopic, o.Symbol, marketdata.AppendOrder(nil, f.orderID, &o)))
	}
	return out
}

package marketdata

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// pace is how often the producer looks how many ticks are due: short enough
	// that events come as a stream, long enough to send a few at a time.
	pace = 5 * time.Millisecond
	// maxBurst limits the ticks that share one reading of the clock and one
	// allocation.
	maxBurst = 512
	// maxBuffered limits the records that wait for the broker: about 20 MB, a
	// fraction of a second at full speed.
	maxBuffered = 1 << 16
	// deliveryTimeout is how long the broker may be away before a record fails.
	deliveryTimeout = 30 * time.Second
	// flushTimeout is how long the producer waits at its end.
	flushTimeout = 10 * time.Second
	// linger lets a batch fill; it adds as much latency.
	linger = 2 * time.Millisecond
)

// ProducerOptions says where events go and how fast.
type ProducerOptions struct {
	Brokers     []string
	RegistryURL string
	// TPS is ticks a second; 0 is as fast as the broker takes them.
	TPS  int
	Seed uint64
	// Count ends the run after that many ticks, Duration after that long; 0
	// stands for no end.
	Count    int64
	Duration time.Duration
	// Now is the clock that gives events their time.
	Now func() time.Time
}

// Counts is what Kafka has acknowledged.
type Counts struct {
	Ticks, Orders, References int64
	Elapsed                   time.Duration
}

// Producer sends the events of a Generator to Kafka. Run it once.
type Producer struct {
	opts   ProducerOptions
	client *kgo.Client
	ids    schemaIDs
	gen    *Generator

	ticks, orders delivery
	failure       atomic.Pointer[error] // the first failed delivery
}

// delivery counts the records of a topic.
type delivery struct {
	topic string
	sent  int64 // of Run's goroutine
	acked atomic.Int64
	done  func(*kgo.Record, error) // the client's goroutine calls it
}

// NewProducer connects, creates the missing topics, registers the schemas and
// publishes the reference data. When it returns, the example's SQL can be run.
func NewProducer(ctx context.Context, opts ProducerOptions) (*Producer, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(opts.Brokers...),
		kgo.ProducerLinger(linger),
		kgo.MaxBufferedRecords(maxBuffered),
		kgo.RecordDeliveryTimeout(deliveryTimeout),
		kgo.ProducerBatchCompression(kgo.NoCompression()), // loopback is cheaper than compressing
		kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int {
			return func(r *kgo.Record, n int) int { return partitionOf(r.Key, n) }
		})),
	)
	if err != nil {
		return nil, fmt.Errorf("making a Kafka client: %w", err)
	}
	p := &Producer{opts: opts, client: client, gen: NewGenerator(opts.Seed)}
	p.ticks.topic, p.orders.topic = TicksTopic, OrdersTopic
	p.ticks.done, p.orders.done = p.count(&p.ticks), p.count(&p.orders)
	if err := p.prepare(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return p, nil
}

func (p *Producer) prepare(ctx context.Context) error {
	if err := ping(ctx, p.client, p.opts.Brokers); err != nil {
		return err
	}
	var err error
	if p.ids, err = registerSchemas(ctx, p.opts.RegistryURL); err != nil {
		return err
	}
	if err := createTopics(ctx, p.client); err != nil {
		return err
	}
	return sendReferences(ctx, p.client, p.ids.reference)
}

// Close ends the connection. Records that Run did not flush are lost.
func (p *Producer) Close() { p.client.Close() }

// Run sends events until ctx ends, the count or the duration is reached, or a
// delivery fails; then it waits for what is under way. Only a failed delivery
// is an error. The counts are right in either case.
func (p *Producer) Run(ctx context.Context) (Counts, error) {
	// Records outlive ctx by flushTimeout: its end is the normal end.
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(flushTimeout, stop) })()

	start := p.opts.Now()
	p.send(ctx, sending, start)
	elapsed := p.opts.Now().Sub(start)
	err := p.flush(sending)
	counts := Counts{
		Ticks: p.ticks.acked.Load(), Orders: p.orders.acked.Load(),
		References: int64(len(References())), Elapsed: elapsed,
	}
	if err != nil {
		lost := p.ticks.sent + p.orders.sent - counts.Ticks - counts.Orders
		return counts, fmt.Errorf("delivering to Kafka (%d records are not acknowledged): %w", lost, err)
	}
	return counts, nil
}

// flush waits for the broker's answers. After a failed delivery it doesn't: the
// broker is away, and the rest would fail in the same way.
func (p *Producer) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	var late error
	if p.failure.Load() == nil {
		late = p.client.Flush(ctx)
	}
	if first := p.failure.Load(); first != nil {
		return *first
	}
	if late != nil {
		return fmt.Errorf("no answer within %v: %w", flushTimeout, late)
	}
	return nil
}

// send makes the ticks that are due, at the pace of opts.TPS.
func (p *Producer) send(ctx, sending context.Context, start time.Time) {
	timer := time.NewTicker(pace)
	defer timer.Stop()
	for ctx.Err() == nil && p.failure.Load() == nil {
		now := p.opts.Now()
		elapsed, over := now.Sub(start), false
		if p.opts.Duration > 0 && elapsed >= p.opts.Duration {
			elapsed, over = p.opts.Duration, true // a late look doesn't change how many
		}
		n := p.due(elapsed)
		if over && (n <= 0 || p.opts.TPS == 0) {
			return
		}
		if n > 0 {
			p.burst(sending, int(n), now.UnixMilli())
		}
		if p.opts.Count > 0 && p.ticks.sent >= p.opts.Count {
			return
		}
		if n == maxBurst || over {
			continue // there may be more
		}
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}

// due returns how many ticks to send now, at most maxBurst.
func (p *Producer) due(elapsed time.Duration) int64 {
	n := int64(maxBurst)
	if p.opts.TPS > 0 {
		n = min(n, int64(elapsed.Seconds()*float64(p.opts.TPS))-p.ticks.sent)
	}
	if p.opts.Count > 0 {
		n = min(n, p.opts.Count-p.ticks.sent)
	}
	return n
}

// burst sends n ticks of one moment and the orders among them.
func (p *Producer) burst(ctx context.Context, n int, ts int64) {
	// One allocation each for records and bytes; the client keeps both until
	// they are delivered. Longer bytes just move to a new array.
	const bytesPerTick = 80
	arena := make([]byte, 0, n*bytesPerTick)
	records := make([]kgo.Record, 0, n)
	for range n {
		t := p.gen.Tick(ts)
		from := len(arena)
		arena = append(arena, t.Symbol...)
		keyEnd := len(arena)
		arena = AppendTick(arena, p.ids.tick, &t)
		records = append(records, kgo.Record{Topic: TicksTopic, Key: arena[from:keyEnd:keyEnd], Value: arena[keyEnd:len(arena):len(arena)]})
		p.client.Produce(ctx, &records[len(records)-1], p.ticks.done)
		p.ticks.sent++
		if o, ok := p.gen.Order(ts); ok {
			p.client.Produce(ctx, &kgo.Record{
				Topic: OrdersTopic,
				Key:   []byte(o.Symbol),
				Value: AppendOrder(nil, p.ids.order, &o),
			}, p.orders.done)
			p.orders.sent++
		}
	}
}

// count returns what the client calls for each record of d.
func (p *Producer) count(d *delivery) func(*kgo.Record, error) {
	return func(_ *kgo.Record, err error) {
		switch {
		case err == nil:
			d.acked.Add(1)
		case !errors.Is(err, context.Canceled):
			err = fmt.Errorf("topic %s: %w", d.topic, err)
			p.failure.CompareAndSwap(nil, &err)
		}
	}
}

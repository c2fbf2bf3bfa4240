package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"laminardb/cmd/internal/marketdata"
)

// The rough market in event time: bursts of trading with silence between them.
const (
	gridMillis  = 100 // times are multiples of it, so that ties are frequent
	bursts      = 3
	burstSteps  = 1000 // of one grid step: 100 seconds
	silence     = 45_000
	ticksAStep  = 4
	maxDisorder = watermarkBoundMillis/gridMillis - 1 // in grid steps; more would be late
)

// roughMarket writes what the producer never does: ticks and orders out of order,
// many of one time, silences that end sessions, a symbol that the reference data
// does not know, and orders of one that is not traded.
type roughMarket struct {
	client  *kgo.Client
	tickID  uint32
	orderID uint32
	gen     *marketdata.Generator
	rng     *rand.Rand
	now     int64 // event time
	orders  int
	records []*kgo.Record
}

// newRoughMarket makes the topics, the reference data, and one tick and one order
// in each partition: a partition without any would not hold the watermark.
func newRoughMarket(t *testing.T, tp *topic) *roughMarket {
	t.Helper()
	producer, err := marketdata.NewProducer(t.Context(), marketdata.ProducerOptions{
		Brokers: tp.brokers, RegistryURL: tp.registry, Now: fastClock(0),
	})
	if err != nil {
		t.Fatal(err)
	}
	producer.Close() // the topics, the schemas and the reference data are there
	client, err := kgo.NewClient(kgo.SeedBrokers(tp.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	m := &roughMarket{
		client: client, gen: marketdata.NewGenerator(42), rng: rand.New(rand.NewPCG(1, 2)),
		tickID: schemaID(t, tp, marketdata.TicksTopic), orderID: schemaID(t, tp, marketdata.OrdersTopic),
		now: time.Date(2026, 1, 5, 14, 30, 0, 0, time.UTC).UnixMilli(),
	}
	for _, r := range marketdata.References() {
		m.order(marketdata.Order{OrderID: "early-" + r.Symbol, Symbol: r.Symbol, Side: marketdata.Buy, Quantity: 10, Price: 100, TS: m.now - gridMillis})
		first := m.gen.Tick(m.now)
		for first.Symbol != r.Symbol {
			first = m.gen.Tick(m.now)
		}
		m.tick(first)
	}
	m.flush(t)
	return m
}

func schemaID(t *testing.T, tp *topic, name string) uint32 {
	t.Helper()
	registry, err := sr.NewClient(sr.URLs(tp.registry))
	if err != nil {
		t.Fatal(err)
	}
	const latest = -1
	s, err := registry.SchemaByVersion(t.Context(), name+"-value", latest)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(s.ID)
}

// trade writes all bursts.
func (m *roughMarket) trade(t *testing.T) {
	t.Helper()
	for range bursts {
		for step := range burstSteps {
			m.now += gridMillis
			for range ticksAStep {
				m.tick(m.gen.Tick(m.time()))
				if o, ok := m.gen.Order(m.time()); ok {
					if m.orders++; m.orders%40 == 0 {
						o.Symbol = "IBM" // is not traded
					}
					m.order(o)
				}
			}
			switch step { // 29.9 seconds of silence do not end a session, 30 do
			case 0, 299, 599, 898:
				unknown := m.gen.Tick(m.now)
				unknown.Symbol = "NVDA"
				m.tick(unknown)
			}
		}
		m.now += silence
	}
	m.flush(t)
}

// time is now or, once in five times, one before it.
func (m *roughMarket) time() int64 {
	if m.rng.IntN(5) > 0 {
		return m.now
	}
	return m.now - gridMillis*int64(m.rng.IntN(maxDisorder+1))
}

func (m *roughMarket) tick(t marketdata.Tick) {
	m.add(marketdata.TicksTopic, t.Symbol, marketdata.AppendTick(nil, m.tickID, &t))
}

func (m *roughMarket) order(o marketdata.Order) {
	m.add(marketdata.OrdersTopic, o.Symbol, marketdata.AppendOrder(nil, m.orderID, &o))
}

// add queues a record for the partition of its symbol.
func (m *roughMarket) add(name, symbol string, value []byte) {
	r := &kgo.Record{Topic: name, Key: []byte(symbol), Value: value}
	for i, ref := range marketdata.References() {
		if ref.Symbol == symbol {
			r.Partition = int32(i)
		}
	}
	m.records = append(m.records, r)
}

func (m *roughMarket) flush(t *testing.T) {
	t.Helper()
	if err := m.client.ProduceSync(t.Context(), m.records...).FirstErr(); err != nil {
		t.Fatalf("writing the market: %v", err)
	}
	m.records = nil
}

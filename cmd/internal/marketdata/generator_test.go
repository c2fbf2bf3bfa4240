package marketdata

import (
	"math"
	"slices"
	"testing"
)

// start is 2026-02-06 00:00:00 UTC.
const start = 1_770_336_000_000

// draw makes n ticks, a millisecond apart, and the orders among them.
func draw(seed uint64, n int) (ticks []Tick, orders []Order) {
	g := NewGenerator(seed)
	for i := range n {
		ts := start + int64(i)
		ticks = append(ticks, g.Tick(ts))
		if o, ok := g.Order(ts); ok {
			orders = append(orders, o)
		}
	}
	return ticks, orders
}

func TestSameSeedSameMarket(t *testing.T) {
	ticks, orders := draw(7, 1000)
	again, ordersAgain := draw(7, 1000)
	if !slices.Equal(ticks, again) || !slices.Equal(orders, ordersAgain) {
		t.Error("one seed gave two markets")
	}
	if other, _ := draw(8, 1000); slices.Equal(ticks, other) {
		t.Error("two seeds gave one market")
	}
}

func TestPricesWalkFromTheirOpen(t *testing.T) {
	open := map[string]float64{"AAPL": 150, "GOOGL": 175, "MSFT": 420, "TSLA": 250, "AMZN": 185}
	g := NewGenerator(1)
	count := map[string]int{}
	last := map[string]float64{}
	for i := range 50_000 {
		tick := g.Tick(int64(i))
		from, seen := last[tick.Symbol]
		if !seen {
			from = open[tick.Symbol]
		}
		if move := math.Abs(tick.Price-from) / from; move > 6*stepSigma+0.01/from {
			t.Fatalf("%s moved by %g from %g to %g", tick.Symbol, move, from, tick.Price)
		}
		if tick.Price < open[tick.Symbol]/2-0.01 || tick.Price > open[tick.Symbol]*2+0.01 {
			t.Fatalf("%s left its band: %g", tick.Symbol, tick.Price)
		}
		if tick.Bid >= tick.Price || tick.Ask <= tick.Price {
			t.Fatalf("quote %g, %g isn't around %g", tick.Bid, tick.Ask, tick.Price)
		}
		last[tick.Symbol] = tick.Price
		count[tick.Symbol]++
	}
	for symbol := range open {
		if n := count[symbol]; n < 9_500 || n > 10_500 {
			t.Errorf("%s has %d of 50000 ticks", symbol, n)
		}
		if last[symbol] == open[symbol] {
			t.Errorf("%s hasn't moved", symbol)
		}
	}
}

// Spreads return to their mean and are widened by about 5 % of the ticks.
func TestSpreadsWidenAndRevert(t *testing.T) {
	g := NewGenerator(2)
	const n = 50_000
	before := map[string]float64{}
	widened, below := 0, 0
	for i := range n {
		symbol := g.Tick(int64(i)).Symbol
		for _, b := range g.books {
			if b.symbol != symbol {
				continue
			}
			if b.spread > before[symbol]+meanSpread {
				widened++
			}
			if b.spread < 2*meanSpread {
				below++
			}
			before[symbol] = b.spread
		}
	}
	if share := float64(widened) / n; share < 0.035 || share > 0.06 {
		t.Errorf("%.3f of the ticks widened the spread", share)
	}
	if share := float64(below) / n; share < 0.5 {
		t.Errorf("only %.3f of the spreads are near the mean", share)
	}
}

func TestVolumesSidesAndOrders(t *testing.T) {
	const n = 50_000
	ticks, orders := draw(3, n)
	var sum, spikes, buys int64
	for _, tick := range ticks {
		if tick.Volume < baseVolume {
			t.Fatalf("volume %d", tick.Volume)
		}
		sum += tick.Volume
		if tick.Volume > 1_000 {
			spikes++
		}
		switch tick.Side {
		case "buy":
			buys++
		case "sell":
		default:
			t.Fatalf("side %q", tick.Side)
		}
	}
	if mean := sum / n; mean < 80 || mean > 160 {
		t.Errorf("mean volume is %d", mean)
	}
	if spikes < n/400 || spikes > n/50 {
		t.Errorf("%d of %d ticks are spikes", spikes, n)
	}
	if buys < n*45/100 || buys > n*55/100 {
		t.Errorf("%d of %d ticks are buys", buys, n)
	}
	if len(orders) < n*9/100 || len(orders) > n*11/100 {
		t.Errorf("%d orders for %d ticks", len(orders), n)
	}
	ids := map[string]bool{}
	g := NewGenerator(4)
	for range 100 { // of one moment: busy producers make many in a millisecond
		if o, ok := g.Order(start); ok {
			orders = append(orders, o)
		}
	}
	for _, o := range orders {
		if ids[o.OrderID] || o.Quantity <= 0 || o.Price <= 0 || (o.Side != Buy && o.Side != Sell) || o.TS < start {
			t.Fatalf("order %+v", o)
		}
		ids[o.OrderID] = true
	}
}

func TestTopicsAreThoseOfTheExample(t *testing.T) {
	partitions := map[string]int32{}
	for _, topic := range Topics() {
		partitions[topic.Name] = topic.Partitions
		if topic.Compact != (topic.Name == "reference-data") {
			t.Errorf("%s: compact is %v", topic.Name, topic.Compact)
		}
	}
	if len(partitions) != 7 || partitions["market-ticks"] != 5 || partitions["reference-data"] != 1 {
		t.Errorf("topics are %v", partitions)
	}
}

func TestEachSymbolHasItsPartition(t *testing.T) {
	seen := map[int]bool{}
	for _, r := range References() {
		seen[partitionOf([]byte(r.Symbol), 5)] = true
		for n := 1; n < 7; n++ {
			if p := partitionOf([]byte(r.Symbol), n); p < 0 || p >= n {
				t.Errorf("%s of %d partitions is on %d", r.Symbol, n, p)
			}
		}
	}
	if len(seen) != 5 {
		t.Errorf("five symbols are on the partitions %v", seen)
	}
}

func BenchmarkTick(b *testing.B) {
	g := NewGenerator(1)
	buf := make([]byte, 0, 128)
	b.ReportAllocs()
	for i := range b.N {
		t := g.Tick(start + int64(i))
		buf = AppendTick(buf[:0], 1, &t)
	}
	b.SetBytes(int64(len(buf)))
}

package marketdata

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// The shape of the market. Fractions are of the price, chances per tick.
const (
	stepSigma       = 0.0003 // random walk, one standard deviation
	priceBand       = 2.0    // the walk turns back at open/2 and open*2
	meanSpread      = 0.0003
	spreadReversion = 0.2  // share of the way back to the mean
	widenChance     = 0.05 // a shock: the spread grows by 2 to 5 means
	widenMin        = 2.0
	widenRange      = 3.0
	baseVolume      = 10
	meanExtraVolume = 90.0
	spikeChance     = 0.02 // a block trade: 5 to 20 times the volume
	spikeMin        = 5.0
	spikeRange      = 15.0
	trendBias       = 0.1 // buyers are that much likelier after a rise
	orderChance     = 0.1
	orderOffset     = 0.001 // limit prices around the market, one deviation
	lot             = 10    // shares
	maxLots         = 50
	minHalfSpread   = 0.005 // dollars
)

// generatorStream separates the generator's random numbers from those of other
// users of the same seed.
const generatorStream = 0x6d61726b6574

// Generator makes ticks and orders. The same seed and the same timestamps give
// the same events. It is for one goroutine.
type Generator struct {
	rng    *rand.Rand
	books  []book
	orders uint64 // made so far
}

// book is the market in one symbol.
type book struct {
	symbol string
	open   float64
	price  float64 // not rounded
	spread float64 // fraction of the price
}

// NewGenerator returns a generator whose symbols stand at their opening prices.
func NewGenerator(seed uint64) *Generator {
	g := &Generator{rng: rand.New(rand.NewPCG(seed, generatorStream))}
	for _, in := range instruments() {
		g.books = append(g.books, book{in.reference.Symbol, in.open, in.open, meanSpread})
	}
	return g
}

// Tick makes the next trade, in a symbol of its choice. ts is its event time
// in epoch milliseconds.
func (g *Generator) Tick(ts int64) Tick {
	b := &g.books[g.rng.IntN(len(g.books))]
	before := b.price
	b.walk(g.rng.NormFloat64())
	g.quote(b)
	price := cents(b.price)
	half := max(price*b.spread/2, minHalfSpread)
	t := Tick{
		Symbol: b.symbol,
		Price:  price,
		Bid:    math.Floor((price-half)*100) / 100,
		Ask:    math.Ceil((price+half)*100) / 100,
		Volume: g.volume(),
		Side:   Sell,
		TS:     ts,
	}
	chance := 0.5 - trendBias
	if b.price > before {
		chance = 0.5 + trendBias
	}
	if g.rng.Float64() < chance {
		t.Side = Buy
	}
	return t
}

// Order makes an order, after about every tenth call; else ok is false. Its id
// is unique within the generator, and among those that started at other times.
func (g *Generator) Order(ts int64) (o Order, ok bool) {
	if g.rng.Float64() >= orderChance {
		return Order{}, false
	}
	b := &g.books[g.rng.IntN(len(g.books))]
	g.orders++
	o = Order{
		OrderID:  strconv.FormatInt(ts, 10) + "-" + strconv.FormatUint(g.orders, 10),
		Symbol:   b.symbol,
		Side:     Sell,
		Quantity: int64(1+g.rng.IntN(maxLots)) * lot,
		Price:    cents(b.price * (1 + orderOffset*g.rng.NormFloat64())),
		TS:       ts,
	}
	if g.rng.IntN(2) == 0 {
		o.Side = Buy
	}
	return o, true
}

// walk moves the price by z standard deviations and keeps it in its band.
func (b *book) walk(z float64) {
	b.price *= 1 + stepSigma*z
	b.price = min(max(b.price, b.open/priceBand), b.open*priceBand)
}

// quote moves the spread towards its mean, or widens it.
func (g *Generator) quote(b *book) {
	b.spread += spreadReversion * (meanSpread - b.spread)
	if g.rng.Float64() < widenChance {
		b.spread += meanSpread * (widenMin + widenRange*g.rng.Float64())
	}
}

// volume draws the shares of a trade.
func (g *Generator) volume() int64 {
	v := baseVolume + meanExtraVolume*g.rng.ExpFloat64()
	if g.rng.Float64() < spikeChance {
		v *= spikeMin + spikeRange*g.rng.Float64()
	}
	return int64(v)
}

// cents rounds dollars to a price that can be quoted.
func cents(dollars float64) float64 { return math.Round(dollars*100) / 100 }

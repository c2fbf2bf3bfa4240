// Package marketdata makes the events of the market-data example, puts them on
// Kafka, and works out from the topic what the pipelines ought to say.
//
// Nouns: Tick, Order, Reference (the three record types), Generator (events
// from a seed), Producer (Generator to Kafka at a rate), RecordedTick (a tick
// as a topic holds it), and the row types of the pipelines from OHLCBar to
// SectorAverage (results).
//
// Rule: the two halves share no code but the record types. What the generator
// writes by hand is read back with a general Avro library, and the results are
// computed from the meaning of the SQL, so that a fault of the engine or of the
// encoder cannot cancel itself out.
package marketdata

// Sides of a tick or an order.
const (
	Buy  = "buy"
	Sell = "sell"
)

// Topic names.
const (
	TicksTopic     = "market-ticks"
	OrdersTopic    = "order-events"
	ReferenceTopic = "reference-data"
)

// Tick is one trade with the quote around it.
type Tick struct {
	Symbol string  `avro:"symbol"`
	Price  float64 `avro:"price"`
	Bid    float64 `avro:"bid"`
	Ask    float64 `avro:"ask"`
	Volume int64   `avro:"volume"` // shares
	Side   string  `avro:"side"`
	TS     int64   `avro:"ts"` // epoch milliseconds
}

// Order is one order as it was placed.
type Order struct {
	OrderID  string  `avro:"order_id"`
	Symbol   string  `avro:"symbol"`
	Side     string  `avro:"side"`
	Quantity int64   `avro:"quantity"` // shares
	Price    float64 `avro:"price"`
	TS       int64   `avro:"ts"` // epoch milliseconds
}

// Reference is what is known about a symbol.
type Reference struct {
	Symbol            string `avro:"symbol"`
	CompanyName       string `avro:"company_name"`
	Sector            string `avro:"sector"`
	MarketCapCategory string `avro:"market_cap_category"`
	Exchange          string `avro:"exchange"`
	Currency          string `avro:"currency"`
}

// instrument is a symbol with the price it opens at, in dollars.
type instrument struct {
	reference Reference
	open      float64
}

// instruments returns the five symbols of the example.
func instruments() []instrument {
	of := func(symbol, company, sector string, open float64) instrument {
		return instrument{Reference{symbol, company, sector, "Large Cap", "NASDAQ", "USD"}, open}
	}
	return []instrument{
		of("AAPL", "Apple Inc.", "Technology", 150),
		of("GOOGL", "Alphabet Inc.", "Communication Services", 175),
		of("MSFT", "Microsoft Corporation", "Technology", 420),
		of("TSLA", "Tesla, Inc.", "Consumer Discretionary", 250),
		of("AMZN", "Amazon.com, Inc.", "Consumer Discretionary", 185),
	}
}

// References returns the rows of the reference table, one per symbol.
func References() []Reference {
	all := instruments()
	out := make([]Reference, len(all))
	for i, in := range all {
		out[i] = in.reference
	}
	return out
}

// Topic is a Kafka topic of the example.
type Topic struct {
	Name       string
	Partitions int32
	Compact    bool // cleanup.policy=compact, else delete
}

// Topics returns every topic that the example reads or writes.
func Topics() []Topic {
	return []Topic{
		{Name: TicksTopic, Partitions: 5},
		{Name: OrdersTopic, Partitions: 5},
		{Name: ReferenceTopic, Partitions: 1, Compact: true},
		{Name: "ohlc-bars", Partitions: 5},
		{Name: "enriched-orders", Partitions: 5},
		{Name: "volume-alerts", Partitions: 1},
		{Name: "sector-analytics", Partitions: 1},
	}
}

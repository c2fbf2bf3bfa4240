package marketdata

import (
	"database/sql"
	"math"
)

// matchReach is how far in milliseconds a tick may be from the order that it
// matches.
const matchReach = 2_000

// EnrichedOrder is a row of enriched_orders, with its event time.
type EnrichedOrder struct {
	OrderID, Symbol, Side string
	Quantity              int64
	OrderPrice            float64
	// MarketPrice, Bid, Ask and Slippage are those of the tick, NULL without one.
	MarketPrice, Bid, Ask, Slippage sql.Null[float64]
	TS                              int64 // epoch milliseconds
}

// EnrichedTick is a row of enriched_ticks, with its event time.
type EnrichedTick struct {
	Symbol                              string
	Price                               float64
	Volume                              int64
	Sector, MarketCapCategory, Exchange string
	TS                                  int64 // epoch milliseconds
}

// OrderTickMatch is a row of order_tick_matches, with its event time.
type OrderTickMatch struct {
	OrderID, Symbol, Side                      string
	OrderPrice, TickPrice, Bid, Ask, PriceDiff float64
	TS                                         int64 // of the order, epoch milliseconds
}

// EnrichedOrders returns every order with the latest tick of its symbol that is
// not after it; of ticks with one ts, the last to arrive.
func EnrichedOrders(orders []RecordedOrder, ticks []RecordedTick) []EnrichedOrder {
	symbols := bySymbol(ticks)
	var out []EnrichedOrder
	for _, o := range orders {
		row := EnrichedOrder{
			OrderID: o.OrderID, Symbol: o.Symbol, Side: o.Side, Quantity: o.Quantity, OrderPrice: o.Price, TS: o.TS,
		}
		for _, t := range symbols[o.Symbol] {
			if t.TS > o.TS {
				break
			}
			row.MarketPrice, row.Bid, row.Ask = known(t.Price), known(t.Bid), known(t.Ask)
			row.Slippage = known(o.Price - t.Price)
		}
		out = append(out, row)
	}
	return out
}

// known is a value that is not NULL.
func known(v float64) sql.Null[float64] { return sql.Null[float64]{V: v, Valid: true} }

// EnrichedTicks returns the ticks of the symbols that the reference data knows.
func EnrichedTicks(ticks []RecordedTick, references map[string]Reference) []EnrichedTick {
	var out []EnrichedTick
	for _, t := range ticks {
		if r, ok := references[t.Symbol]; ok {
			out = append(out, EnrichedTick{t.Symbol, t.Price, t.Volume, r.Sector, r.MarketCapCategory, r.Exchange, t.TS})
		}
	}
	return out
}

// OrderTickMatches returns each order with each tick of its symbol that is at most
// two seconds before or after it.
func OrderTickMatches(orders []RecordedOrder, ticks []RecordedTick) []OrderTickMatch {
	symbols := bySymbol(ticks)
	var out []OrderTickMatch
	for _, o := range orders {
		for _, t := range symbols[o.Symbol] {
			if t.TS < o.TS-matchReach || t.TS > o.TS+matchReach {
				continue
			}
			out = append(out, OrderTickMatch{
				o.OrderID, o.Symbol, o.Side, o.Price, t.Price, t.Bid, t.Ask, math.Abs(o.Price - t.Price), o.TS,
			})
		}
	}
	return out
}

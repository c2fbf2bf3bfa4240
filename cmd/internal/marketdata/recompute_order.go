package marketdata

import (
	"cmp"
	"database/sql"
	"slices"
)

// moversShown is how many rows top_movers shows.
const moversShown = 3

// Momentum is a row of price_momentum.
type Momentum struct {
	Symbol                                  string
	Price, PrevPrice, PriceDelta, NextPrice float64
	TS                                      int64 // epoch milliseconds
}

// TopMover is a row of top_movers.
type TopMover struct {
	Symbol     string
	PriceRange float64
	// Volatility is to be compared as SymbolStats says.
	Volatility sql.Null[float64]
	TradeCount int64
	Rank       int64
}

// PriceMomentum returns the ticks whose neighbours are known for good when the
// watermark stands at until: they and the next tick of their symbol are before it.
// Ticks of one ts are in the order of arrival.
func PriceMomentum(ticks []RecordedTick, until int64) []Momentum {
	var out []Momentum
	for symbol, all := range bySymbol(ticks) {
		for i := 0; i+1 < len(all) && all[i+1].TS < until; i++ {
			price, before := all[i].Price, all[i].Price
			if i > 0 {
				before = all[i-1].Price
			}
			out = append(out, Momentum{symbol, price, before, price - before, all[i+1].Price, all[i].TS})
		}
	}
	return out
}

// TopMovers returns the windows with the widest ranges. Of equal ranges the
// earlier window counts first, and in a window the order of the symbols.
func TopMovers(stats []SymbolStats) []TopMover {
	ordered := slices.Clone(stats)
	slices.SortFunc(ordered, func(a, b SymbolStats) int {
		return cmp.Or(cmp.Compare(b.PriceRange, a.PriceRange),
			cmp.Compare(a.WindowStart, b.WindowStart), cmp.Compare(a.Symbol, b.Symbol))
	})
	var out []TopMover
	for i, s := range ordered[:min(moversShown, len(ordered))] {
		m := TopMover{Symbol: s.Symbol, PriceRange: s.PriceRange, TradeCount: s.TradeCount, Rank: int64(i) + 1}
		if s.Volatility != nil {
			m.Volatility = known(*s.Volatility)
		}
		out = append(out, m)
	}
	return out
}

package marketdata

import (
	"cmp"
	"math"
	"slices"
)

// Window sizes of the pipelines that are recomputed, in milliseconds.
const (
	ohlcWindow  = 5_000
	alertWindow = 5_000
	statsWindow = 10_000
)

// alertVolume is the volume that a window must exceed to be an alert.
const alertVolume = 5_000

// OHLCBar is a row of ohlc_bars.
type OHLCBar struct {
	Symbol                 string
	WindowStart            int64 // epoch milliseconds
	Open, High, Low, Close float64
	TradeCount             int64
	TotalVolume            int64
	VWAP                   float64
}

// VolumeAlert is a row of volume_alerts.
type VolumeAlert struct {
	Symbol                  string
	WindowStart             int64 // epoch milliseconds
	TotalVolume, TradeCount int64
	BuyVolume, SellVolume   int64
}

// SymbolStats is a row of symbol_stats.
type SymbolStats struct {
	Symbol      string
	WindowStart int64 // epoch milliseconds
	PriceRange  float64
	// Volatility is the sample standard deviation; nil of a single trade. It is
	// computed in two passes, so compare it with a tolerance.
	Volatility *float64
	TradeCount int64
}

// OHLCBars returns the candles of all windows, open ones included, by window
// and symbol. Open and close are the prices of the first and the last tick by
// (ts, offset): of ticks with one ts, the first to arrive opens and the last to
// arrive closes. The sums under vwap are taken in offset order.
func OHLCBars(ticks []RecordedTick) []OHLCBar {
	var out []OHLCBar
	for _, w := range windows(ticks, ohlcWindow) {
		bar := OHLCBar{Symbol: w.symbol, WindowStart: w.start, TradeCount: int64(len(w.ticks))}
		var sumPriceVolume float64
		for _, t := range w.ticks {
			// The conversion keeps the compiler from fusing product and sum,
			// which would round once instead of twice.
			sumPriceVolume += float64(t.Price * float64(t.Volume))
			bar.TotalVolume += t.Volume
		}
		bar.VWAP = sumPriceVolume / float64(bar.TotalVolume)
		bar.Low, bar.High = priceRange(w.ticks)
		byTime := slices.Clone(w.ticks)
		slices.SortStableFunc(byTime, func(a, b Tick) int { return cmp.Compare(a.TS, b.TS) })
		bar.Open, bar.Close = byTime[0].Price, byTime[len(byTime)-1].Price
		out = append(out, bar)
	}
	return out
}

// VolumeAlerts returns the windows with more than 5000 shares, by window and
// symbol.
func VolumeAlerts(ticks []RecordedTick) []VolumeAlert {
	var out []VolumeAlert
	for _, w := range windows(ticks, alertWindow) {
		a := VolumeAlert{Symbol: w.symbol, WindowStart: w.start, TradeCount: int64(len(w.ticks))}
		for _, t := range w.ticks {
			a.TotalVolume += t.Volume
			switch t.Side {
			case "buy":
				a.BuyVolume += t.Volume
			case "sell":
				a.SellVolume += t.Volume
			}
		}
		if a.TotalVolume > alertVolume {
			out = append(out, a)
		}
	}
	return out
}

// AllSymbolStats returns range and volatility of all windows, by window and
// symbol.
func AllSymbolStats(ticks []RecordedTick) []SymbolStats {
	var out []SymbolStats
	for _, w := range windows(ticks, statsWindow) {
		low, high := priceRange(w.ticks)
		out = append(out, SymbolStats{
			Symbol: w.symbol, WindowStart: w.start, PriceRange: high - low,
			Volatility: sampleDeviation(w.ticks), TradeCount: int64(len(w.ticks)),
		})
	}
	return out
}

// window is the ticks of one symbol in one tumbling window, in offset order.
type window struct {
	symbol string
	start  int64
	ticks  []Tick
}

// windows groups ticks by symbol and window of size milliseconds. A symbol is
// in one partition, so offsets order its ticks.
func windows(ticks []RecordedTick, size int64) []window {
	type key struct {
		symbol string
		start  int64
	}
	groups := map[key][]Tick{}
	for _, t := range inOrder(ticks) {
		k := key{t.Symbol, t.TS - floorMod(t.TS, size)}
		groups[k] = append(groups[k], t.Tick)
	}
	var out []window
	for k, g := range groups {
		out = append(out, window{k.symbol, k.start, g})
	}
	slices.SortFunc(out, func(a, b window) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.symbol, b.symbol))
	})
	return out
}

// floorMod is the remainder that is never negative, so that windows before 1970
// start where they should.
func floorMod(a, b int64) int64 { return (a%b + b) % b }

func priceRange(ticks []Tick) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, t := range ticks {
		low, high = math.Min(low, t.Price), math.Max(high, t.Price)
	}
	return low, high
}

func sampleDeviation(ticks []Tick) *float64 {
	if len(ticks) < 2 {
		return nil
	}
	var sum, squares float64
	for _, t := range ticks {
		sum += t.Price
	}
	mean := sum / float64(len(ticks))
	for _, t := range ticks {
		squares += (t.Price - mean) * (t.Price - mean)
	}
	d := math.Sqrt(squares / float64(len(ticks)-1))
	return &d
}

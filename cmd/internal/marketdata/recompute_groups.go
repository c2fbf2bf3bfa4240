package marketdata

import (
	"cmp"
	"math"
	"slices"
)

// Windows of the pipelines in milliseconds.
const (
	spreadSlide  = 1_000
	spreadWindow = 10_000
	sessionGap   = 30_000
	sectorWindow = 10_000
)

// RollingSpread is a row of rolling_spread.
type RollingSpread struct {
	Symbol      string
	WindowStart int64 // epoch milliseconds
	// AvgSpread depends on the order of the sum, so compare it with a tolerance.
	AvgSpread, MinSpread, MaxSpread float64
	TickCount                       int64
}

// Session is a row of session_activity.
type Session struct {
	Symbol                  string
	WindowStart, WindowEnd  int64 // epoch milliseconds
	TradeCount, Volume      int64
	SessionLow, SessionHigh float64
}

// SectorAverage is a row of sector_analytics.
type SectorAverage struct {
	Sector      string
	WindowStart int64 // epoch milliseconds
	// AvgPrice depends on how the partitions' ticks interleave, so compare it with
	// a tolerance.
	AvgPrice               float64
	TotalVolume, TickCount int64
}

// RollingSpreads returns all windows of ten seconds that begin at a full second
// and have ticks, open ones included.
func RollingSpreads(ticks []RecordedTick) []RollingSpread {
	type key struct {
		symbol string
		start  int64
	}
	groups := map[key][]float64{}
	for _, t := range inOrder(ticks) {
		last := t.TS - floorMod(t.TS, spreadSlide)
		for start := last; start > t.TS-spreadWindow; start -= spreadSlide {
			k := key{t.Symbol, start}
			groups[k] = append(groups[k], t.Ask-t.Bid)
		}
	}
	var out []RollingSpread
	for k, spreads := range groups {
		var sum float64
		for _, s := range spreads {
			sum += s
		}
		n := int64(len(spreads))
		out = append(out, RollingSpread{k.symbol, k.start, sum / float64(n), slices.Min(spreads), slices.Max(spreads), n})
	}
	return out
}

// Sessions returns all sessions, open ones included. A session goes on as long as
// the next tick of its symbol comes within less than 30 seconds of event time, and
// ends 30 seconds after its last tick.
func Sessions(ticks []RecordedTick) []Session {
	var out []Session
	for symbol, all := range bySymbol(ticks) {
		var s Session
		for i, t := range all {
			if i > 0 && t.TS >= s.WindowEnd {
				out = append(out, s)
			}
			if i == 0 || t.TS >= s.WindowEnd {
				s = Session{Symbol: symbol, WindowStart: t.TS, SessionLow: t.Price, SessionHigh: t.Price}
			}
			s.WindowEnd = t.TS + sessionGap
			s.TradeCount++
			s.Volume += t.Volume
			s.SessionLow, s.SessionHigh = math.Min(s.SessionLow, t.Price), math.Max(s.SessionHigh, t.Price)
		}
		out = append(out, s)
	}
	return out
}

// SectorAnalytics returns all windows of the enriched ticks, open ones included.
func SectorAnalytics(ticks []EnrichedTick) []SectorAverage {
	type key struct {
		sector string
		start  int64
	}
	groups := map[key][]EnrichedTick{}
	for _, t := range ticks {
		k := key{t.Sector, t.TS - floorMod(t.TS, sectorWindow)}
		groups[k] = append(groups[k], t)
	}
	var out []SectorAverage
	for k, group := range groups {
		row := SectorAverage{Sector: k.sector, WindowStart: k.start, TickCount: int64(len(group))}
		var sum float64
		for _, t := range group {
			sum += t.Price
			row.TotalVolume += t.Volume
		}
		row.AvgPrice = sum / float64(row.TickCount)
		out = append(out, row)
	}
	return out
}

// inOrder returns the ticks in the order of (partition, offset), which is that of
// arrival within a symbol.
func inOrder(ticks []RecordedTick) []RecordedTick {
	out := slices.Clone(ticks)
	slices.SortFunc(out, func(a, b RecordedTick) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return out
}

// bySymbol returns the ticks of each symbol by event time, those of one time in
// the order of arrival.
func bySymbol(ticks []RecordedTick) map[string][]RecordedTick {
	out := map[string][]RecordedTick{}
	for _, t := range inOrder(ticks) {
		out[t.Symbol] = append(out[t.Symbol], t)
	}
	for _, all := range out {
		slices.SortStableFunc(all, func(a, b RecordedTick) int { return cmp.Compare(a.TS, b.TS) })
	}
	return out
}

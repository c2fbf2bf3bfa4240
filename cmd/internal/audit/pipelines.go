package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"laminardb/cmd/internal/marketdata"
	example "laminardb/examples/market-data"
)

// streams are those of the example that are run.
func streams() []string {
	return []string{
		"ohlc_bars", "session_activity", "enriched_orders", "enriched_ticks", "order_tick_matches", "price_momentum",
		"symbol_stats", "top_movers",
	}
}

// views keep what only a state that was restored well can say.
const views = `
CREATE MATERIALIZED VIEW totals AS
  SELECT symbol, count(*) AS n, sum(volume) AS v, min(price) AS lo, max(price) AS hi FROM market_ticks GROUP BY symbol;
CREATE MATERIALIZED VIEW by_sector AS
  SELECT sector, count(*) AS n, sum(volume) AS v FROM enriched_ticks GROUP BY sector;
CREATE MATERIALIZED VIEW matches AS
  SELECT symbol, count(*) AS n FROM order_tick_matches GROUP BY symbol;
CREATE SOURCE pushed (id BIGINT NOT NULL, v BIGINT NOT NULL);
CREATE MATERIALIZED VIEW pushed_counts AS SELECT id, count(*) AS n, sum(v) AS v FROM pushed GROUP BY id;
CREATE TABLE kept (id BIGINT PRIMARY KEY, v BIGINT)`

// sink is one that writes exactly once.
type sink struct {
	stream, topic string
	columns       []string // in the order of wanted's rows
	wanted        func(m *market) []string
}

// options of a sink's key and changes.
func (s sink) options() string {
	switch s.stream {
	case "totals":
		return ", key = 'symbol', envelope = 'upsert'"
	case "enriched_orders":
		return ", key = 'order_id'"
	}
	return ", key = 'symbol'"
}

func sinks() []sink {
	return []sink{
		{"ohlc_bars", "ohlc-bars", []string{"symbol", "open", "high", "low", "close", "trade_count", "total_volume", "vwap"}, (*market).bars},
		{"enriched_orders", "enriched-orders", []string{
			"order_id", "symbol", "side", "quantity", "order_price", "market_price", "bid", "ask", "slippage",
		}, (*market).enriched},
		{"price_momentum", "price-momentum", []string{"symbol", "price", "prev_price", "price_delta", "next_price", "ts"}, (*market).momentum},
		{"totals", "totals", []string{"symbol", "n", "v", "lo", "hi"}, (*market).totals},
	}
}

// statements create everything but the sinks.
func statements() []string {
	var out []string
	for _, s := range example.Sources() {
		out = append(out, s.SQL)
	}
	for _, s := range example.Streams() {
		if slices.Contains(streams(), s.Name) {
			out = append(out, s.SQL)
		}
	}
	return append(out, strings.Split(views, ";")...)
}

// market is what the source topics hold.
type market struct {
	ticks      []marketdata.RecordedTick
	orders     []marketdata.RecordedOrder
	references map[string]marketdata.Reference
	watermark  int64
}

func readMarket(ctx context.Context, b *broker, withOrders bool) (*market, error) {
	m, at := &market{}, []string{b.kafka}
	var err error
	if m.ticks, err = marketdata.ReadTicks(ctx, at, b.registry, marketdata.TicksTopic); err != nil {
		return nil, err
	}
	if withOrders {
		if m.orders, err = marketdata.ReadOrders(ctx, at, b.registry, marketdata.OrdersTopic); err != nil {
			return nil, err
		}
	}
	if m.references, err = marketdata.ReadReference(ctx, at, b.registry, marketdata.ReferenceTopic); err != nil {
		return nil, err
	}
	m.watermark, _ = marketdata.Watermark(m.ticks, boundMillis)
	return m, nil
}

func lines[T any](rows []T, closed func(T) bool, values func(T) []any) []string {
	var out []string
	for _, r := range rows {
		if closed(r) {
			out = append(out, line(values(r)...))
		}
	}
	return out
}

func (m *market) bars() []string {
	return lines(marketdata.OHLCBars(m.ticks), func(b marketdata.OHLCBar) bool { return b.WindowStart+5_000 <= m.watermark },
		func(b marketdata.OHLCBar) []any {
			return []any{b.Symbol, b.Open, b.High, b.Low, b.Close, b.TradeCount, b.TotalVolume, b.VWAP}
		})
}

func (m *market) enriched() []string {
	return lines(marketdata.EnrichedOrders(m.orders, m.ticks), func(o marketdata.EnrichedOrder) bool { return o.TS < m.watermark },
		func(o marketdata.EnrichedOrder) []any {
			return []any{o.OrderID, o.Symbol, o.Side, o.Quantity, o.OrderPrice, known(o.MarketPrice), known(o.Bid), known(o.Ask), known(o.Slippage)}
		})
}

func known(v sql.Null[float64]) any {
	if !v.Valid {
		return nil
	}
	return v.V
}

func (m *market) momentum() []string {
	return lines(marketdata.PriceMomentum(m.ticks, m.watermark), func(marketdata.Momentum) bool { return true },
		func(r marketdata.Momentum) []any {
			return []any{r.Symbol, r.Price, r.PrevPrice, r.PriceDelta, r.NextPrice, r.TS}
		})
}

func (m *market) sessions() []string {
	return lines(marketdata.Sessions(m.ticks), func(s marketdata.Session) bool { return s.WindowEnd <= m.watermark },
		func(s marketdata.Session) []any {
			return []any{s.Symbol, s.TradeCount, s.Volume, s.SessionLow, s.SessionHigh}
		})
}

func (m *market) movers() []string {
	stats := slices.DeleteFunc(marketdata.AllSymbolStats(m.ticks), func(s marketdata.SymbolStats) bool { return s.WindowStart+10_000 > m.watermark })
	return lines(marketdata.TopMovers(stats), func(marketdata.TopMover) bool { return true },
		func(t marketdata.TopMover) []any { return []any{t.Symbol, t.PriceRange, t.TradeCount, t.Rank} })
}

func (m *market) totals() []string {
	type total struct {
		n, v   int64
		lo, hi float64
	}
	by := map[string]*total{}
	for _, t := range m.ticks {
		g := by[t.Symbol]
		if g == nil {
			g = &total{lo: t.Price, hi: t.Price}
			by[t.Symbol] = g
		}
		g.n, g.v, g.lo, g.hi = g.n+1, g.v+t.Volume, min(g.lo, t.Price), max(g.hi, t.Price)
	}
	var out []string
	for symbol, g := range by {
		out = append(out, line(symbol, g.n, g.v, g.lo, g.hi))
	}
	return out
}

func (m *market) bySector() []string {
	n, v := map[string]int64{}, map[string]int64{}
	for _, t := range marketdata.EnrichedTicks(m.ticks, m.references) {
		n[t.Sector]++
		v[t.Sector] += t.Volume
	}
	var out []string
	for sector := range n {
		out = append(out, line(sector, n[sector], v[sector]))
	}
	return out
}

func (m *market) matches() []string {
	n := map[string]int64{}
	for _, r := range marketdata.OrderTickMatches(m.orders, m.ticks) {
		n[r.Symbol]++
	}
	var out []string
	for symbol := range n {
		out = append(out, line(symbol, n[symbol]))
	}
	return out
}

func (m *market) referenceRows() []string {
	var out []string
	for _, r := range m.references {
		out = append(out, line(r.Symbol, r.CompanyName, r.Sector))
	}
	return out
}

// queries are the views with what they must say. reads says what else than the
// ticks a query needs.
func queries() []struct {
	name, sql string
	orders    bool
	wanted    func(m *market) []string
} {
	return []struct {
		name, sql string
		orders    bool
		wanted    func(m *market) []string
	}{
		{"session_activity", "SELECT symbol, trade_count, session_volume, session_low, session_high FROM session_activity", false, (*market).sessions},
		{"top_movers", "SELECT symbol, price_range, trade_count, rn FROM top_movers", false, (*market).movers},
		{"totals", "SELECT symbol, n, v, lo, hi FROM totals", false, (*market).totals},
		{"by_sector", "SELECT sector, n, v FROM by_sector", false, (*market).bySector},
		{"matches", "SELECT symbol, n FROM matches", true, (*market).matches},
		{"reference_data", "SELECT symbol, company_name, sector FROM reference_data", false, (*market).referenceRows},
	}
}

// readSink returns the rows of a sink's topic as lines: of one with keys that are
// changed, what is left at the end.
func readSink(ctx context.Context, b *broker, s sink) ([]string, error) {
	rows, err := marketdata.ReadRows(ctx, []string{b.kafka}, b.registry, s.topic)
	if err != nil {
		return nil, fmt.Errorf("reading the topic of sink %s: %w", s.stream, err)
	}
	var out []string
	last := map[string]string{}
	for _, r := range rows {
		values := make([]any, len(s.columns))
		for i, c := range s.columns {
			values[i] = r.Fields[c]
		}
		switch {
		case s.stream != "totals":
			out = append(out, line(values...))
		case r.Fields == nil:
			delete(last, r.Key)
		default:
			last[r.Key] = line(values...)
		}
	}
	for _, l := range last {
		out = append(out, l)
	}
	return out, nil
}

// compareViews compares the queries with the topics.
func compareViews(ctx context.Context, conn *pgx.Conn, m *market, withOrders bool) ([]tally, error) {
	var out []tally
	for _, q := range queries() {
		if q.orders && !withOrders {
			continue
		}
		got, err := query(ctx, conn, q.sql)
		if err != nil {
			return nil, err
		}
		out = append(out, compare(cmp.Or(q.name, q.sql), got, q.wanted(m)))
	}
	return out, nil
}

package dashboard

import (
	"math"
	"slices"
	"sort"

	"laminardb/cmd/internal/dashboard/canvas"
	"laminardb/cmd/internal/dashboard/feed"
)

// Limits of what is kept for the screen: no terminal shows more.
const (
	maxBars    = 600 // of a symbol
	maxPoints  = 600 // of a line
	maxRows    = 300 // of a list
	maxSymbols = 200
)

// sample is a value at a time, in epoch milliseconds.
type sample struct {
	at int64
	v  float64
}

// line is a series of samples in the order of time, one for each time.
type line []sample

// set adds a sample or replaces that of the same time.
func (l line) set(at int64, v float64) line {
	i := sort.Search(len(l), func(i int) bool { return l[i].at >= at })
	if i < len(l) && l[i].at == at {
		l[i].v = v
		return l
	}
	l = slices.Insert(l, i, sample{at, v})
	return l[max(0, len(l)-maxPoints):]
}

func (l line) last() float64 {
	if len(l) == 0 {
		return math.NaN()
	}
	return l[len(l)-1].v
}

// relative is the change of each value from the first one that is not zero, in
// percent.
func (l line) relative() line {
	var out line
	base := 0.0
	for _, s := range l {
		if base == 0 {
			base = s.v
		}
		if base != 0 {
			out = append(out, sample{s.at, (s.v - base) / math.Abs(base) * 100})
		}
	}
	return out
}

func (l line) values() []float64 {
	out := make([]float64, len(l))
	for i, s := range l {
		out[i] = s.v
	}
	return out
}

// bar is an OHLC bar.
type bar struct {
	canvas.Candle
	start                int64
	trades, volume, vwap float64
}

// spread is one row of rolling_spread.
type spread struct{ mean, low, high, ticks line }

// order is an order with its market price.
type order struct {
	id, symbol, side                           string
	quantity, price, market, bid, ask, slipped float64
}

// slippage sums the orders of a symbol, as a cost: positive is worse than the market.
type slippage struct {
	orders, quantity, cost, absolute float64
	recent                           []float64
}

// momentum is what price_momentum says of a symbol's latest second and ten.
type momentum struct {
	delta, ups, downs float64
	recent            line // change of price by second
}

// session is a session window.
type session struct {
	symbol                    string
	start, end                int64
	trades, volume, low, high float64
	closed                    bool
}

// mover is one row of top_movers.
type mover struct {
	symbol                         string
	rank, width, volatility, count float64
}

// alert is one row of volume_alerts.
type alert struct {
	symbol                       string
	start                        int64
	volume, trades, bought, sold float64
}

// sector is what sector_analytics says of a sector, by window.
type sector struct{ price, volume, ticks line }

// match sums the order-to-tick matches of a symbol.
type match struct {
	symbol                  string
	count, mean, low, worst float64
}

// holding is the enriched ticks of a symbol: the lookup join.
type holding struct {
	symbol, sector, exchange string
	ticks, price, volume     float64
}

// market is what the demo's streams say.
type market struct {
	symbols  []string
	bars     map[string][]bar
	spreads  map[string]*spread
	prices   map[string]line
	slippage map[string]*slippage
	momentum map[string]*momentum
	sectors  map[string]*sector
	orders   []order   // the newest first
	sessions []session // the newest first
	open     []session // not ended, by symbol
	movers   map[int]mover
	alerts   []alert // the newest first
	matches  []match
	pairs    []order // matches, the newest first; market is the tick's price
	holdings []holding
	errors   map[string]string // of a stream's query or tail
}

func newMarket() *market {
	return &market{
		bars: map[string][]bar{}, spreads: map[string]*spread{}, prices: map[string]line{}, slippage: map[string]*slippage{},
		momentum: map[string]*momentum{}, sectors: map[string]*sector{}, movers: map[int]mover{}, errors: map[string]string{},
	}
}

// of returns the element of a map, made if it is not there.
func of[T any](m map[string]*T, key string) *T {
	if m[key] == nil {
		m[key] = new(T)
	}
	return m[key]
}

// know adds a symbol to the list.
func (m *market) know(symbol string) {
	if i, ok := slices.BinarySearch(m.symbols, symbol); !ok && len(m.symbols) < maxSymbols && symbol != "" {
		m.symbols = slices.Insert(m.symbols, i, symbol)
	}
}

// applyChunk takes what a tail brought.
func (m *market) applyChunk(c feed.Chunk, columns []feed.Column) {
	if c.Err != "" {
		m.errors[c.Tail] = c.Err
	} else if c.Reset || len(c.Rows) > 0 {
		delete(m.errors, c.Tail)
	}
	if c.Reset {
		m.reset(c.Tail)
	}
	take := map[string]func(record){
		"ohlc_bars": m.takeBar, "rolling_spread": m.takeSpread, "enriched_orders": m.takeOrder, "session_activity": m.takeSession,
		"top_movers": m.takeMover, "volume_alerts": m.takeAlert, "sector_analytics": m.takeSector,
	}[c.Tail]
	if take == nil {
		return
	}
	for _, r := range records(columns, c.Rows) {
		take(r)
	}
}

// reset forgets the lists whose rows come again when a tail begins anew. What is
// kept by time is replaced in place.
func (m *market) reset(tail string) {
	switch tail {
	case "enriched_orders":
		m.orders, m.slippage = nil, map[string]*slippage{}
	case "session_activity":
		m.sessions = nil
	case "top_movers":
		m.movers = map[int]mover{}
	case "volume_alerts":
		m.alerts = nil
	}
}

func (m *market) takeBar(r record) {
	symbol := r.text("symbol")
	m.know(symbol)
	b := bar{
		Candle: canvas.Candle{Open: r.number("open"), High: r.number("high"), Low: r.number("low"), Close: r.number("close")},
		start:  r.millis("window_at"), trades: r.number("trade_count"), volume: r.number("total_volume"), vwap: r.number("vwap"),
	}
	bars := m.bars[symbol]
	i := sort.Search(len(bars), func(i int) bool { return bars[i].start >= b.start })
	if i < len(bars) && bars[i].start == b.start {
		bars[i] = b
		return
	}
	bars = slices.Insert(bars, i, b)
	m.bars[symbol] = bars[max(0, len(bars)-maxBars):]
}

func (m *market) takeSpread(r record) {
	symbol, at := r.text("symbol"), r.millis("window_until")
	m.know(symbol)
	s := of(m.spreads, symbol)
	s.mean, s.low = s.mean.set(at, r.number("avg_spread")), s.low.set(at, r.number("min_spread"))
	s.high, s.ticks = s.high.set(at, r.number("max_spread")), s.ticks.set(at, r.number("tick_count"))
}

func (m *market) takeOrder(r record) {
	o := order{
		id: r.text("order_id"), symbol: r.text("symbol"), side: r.text("side"), quantity: r.number("quantity"),
		price: r.number("order_price"), market: r.number("market_price"), bid: r.number("bid"), ask: r.number("ask"), slipped: r.number("slippage"),
	}
	m.know(o.symbol)
	m.orders = prepend(m.orders, o)
	if math.IsNaN(o.slipped) {
		return // placed before the first tick
	}
	s, cost := of(m.slippage, o.symbol), o.cost()
	s.orders, s.quantity, s.cost, s.absolute = s.orders+1, s.quantity+o.quantity, s.cost+cost, s.absolute+math.Abs(cost)
	s.recent = append(s.recent, cost)
	s.recent = s.recent[max(0, len(s.recent)-maxRows):]
}

// cost is the slippage as the one who ordered feels it: positive for buying above
// the market or selling below it.
func (o order) cost() float64 {
	if o.side == "sell" {
		return -o.slipped
	}
	return o.slipped
}

func prepend[T any](list []T, v T) []T {
	list = slices.Insert(list, 0, v)
	return list[:min(len(list), maxRows)]
}

func (m *market) takeSession(r record) {
	m.know(r.text("symbol"))
	m.sessions = prepend(m.sessions, readSession(r, true))
}

func readSession(r record, closed bool) session {
	return session{
		symbol: r.text("symbol"), start: r.millis("window_at"), end: r.millis("window_until"), trades: r.number("trade_count"),
		volume: r.number("session_volume"), low: r.number("session_low"), high: r.number("session_high"), closed: closed,
	}
}

func (m *market) takeMover(r record) {
	v := mover{r.text("symbol"), r.number("rn"), r.number("price_range"), r.number("volatility"), r.number("trade_count")}
	rank := int(v.rank)
	switch {
	case r.diff() > 0:
		m.movers[rank] = v
	case m.movers[rank] == v:
		delete(m.movers, rank)
	}
}

func (m *market) takeAlert(r record) {
	m.alerts = prepend(m.alerts, alert{
		r.text("symbol"), r.millis("window_at"), r.number("total_volume"), r.number("trade_count"), r.number("buy_volume"), r.number("sell_volume"),
	})
}

func (m *market) takeSector(r record) {
	s, at := of(m.sectors, r.text("sector")), r.millis("window_at")
	s.price, s.volume, s.ticks = s.price.set(at, r.number("avg_price")), s.volume.set(at, r.number("total_volume")), s.ticks.set(at, r.number("tick_count"))
}

// applyTables takes the results of the market's queries.
func (m *market) applyTables(tables map[string]feed.Table) {
	for name, take := range map[string]func([]record){
		"prices": m.takePrices, "price_momentum": m.takeMomentum, "order_tick_matches": m.takeMatches,
		"order_tick_pairs": m.takePairs, "open_sessions": m.takeOpen, "enriched_ticks": m.takeHoldings,
	} {
		t, ok := tables[name]
		if !ok {
			continue
		}
		delete(m.errors, name)
		if t.Err != "" {
			m.errors[name] = t.Err
			continue
		}
		take(records(t.Columns, t.Rows))
	}
}

func (m *market) takePrices(rows []record) {
	for _, r := range rows {
		symbol := r.text("symbol")
		m.know(symbol)
		m.prices[symbol] = m.prices[symbol].set(r.millis("window_at"), r.number("price"))
	}
}

func (m *market) takeMomentum(rows []record) {
	for _, p := range m.momentum {
		p.delta, p.ups, p.downs = 0, 0, 0
	}
	for _, r := range rows {
		p := of(m.momentum, r.text("symbol"))
		p.recent = p.recent.set(r.millis("window_at"), r.number("delta"))
		p.delta, p.ups, p.downs = p.delta+r.number("delta"), p.ups+r.number("ups"), p.downs+r.number("downs")
	}
}

func (m *market) takeMatches(rows []record) {
	m.matches = nil
	for _, r := range rows {
		m.matches = append(m.matches, match{r.text("symbol"), r.number("n"), r.number("mean"), r.number("low"), r.number("worst")})
	}
}

func (m *market) takePairs(rows []record) {
	m.pairs = nil
	for _, r := range rows {
		m.pairs = append(m.pairs, order{
			id: r.text("order_id"), symbol: r.text("symbol"), side: r.text("side"), price: r.number("order_price"), market: r.number("tick_price"),
			slipped: r.number("price_diff"),
		})
	}
}

func (m *market) takeOpen(rows []record) {
	m.open = nil
	for _, r := range rows {
		m.open = append(m.open, readSession(r, false))
	}
}

func (m *market) takeHoldings(rows []record) {
	m.holdings = nil
	for _, r := range rows {
		m.holdings = append(m.holdings, holding{
			r.text("symbol"), r.text("sector"), r.text("exchange"), r.number("n"), r.number("price"), r.number("volume"),
		})
	}
}

// rankedMovers are the movers by rank.
func (m *market) rankedMovers() []mover {
	var out []mover
	for _, v := range m.movers {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b mover) int { return int(a.rank - b.rank) })
	return out
}

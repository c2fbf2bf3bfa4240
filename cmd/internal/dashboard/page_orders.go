package dashboard

import (
	"fmt"
	"math"

	"laminardb/cmd/internal/dashboard/canvas"
)

// drawCandlePage has the symbol's bars over the whole page, beside them the last
// bars as numbers.
func (m *Model) drawCandlePage(a canvas.Area) {
	if a.W < 100 {
		m.candlePanel(a)
		return
	}
	cols := a.Cols(1, -1, 48)
	m.candlePanel(cols[0])
	bars := m.market.bars[m.symbol]
	in, ok := m.panel(cols[1], "ohlc_bars", "Bars", plural(len(bars), "bar"), len(bars) > 0)
	if !ok {
		return
	}
	head(in, left(8, 0, "window"), right(7, 0, "open"), right(7, 0, "close"), right(7, 0, "change"), right(6, 0, "volume"), right(6, 0, "trades"))
	in = below(in)
	first := m.list().offset(len(bars), in.H)
	for y := range min(in.H, len(bars)-first) {
		b := bars[len(bars)-1-first-y]
		role, _ := trend(b.Close - b.Open)
		row(in, y, left(8, canvas.Muted, clock(b.start)), right(7, canvas.Plain, price(b.Open)), right(7, canvas.Plain, price(b.Close)),
			right(7, role, signed(b.Close-b.Open, 2)), right(6, canvas.Plain, count(b.volume)), right(6, canvas.Muted, count(b.trades)))
	}
}

// drawOrderPage has the order flow, its slippage, and the matches of orders with
// the ticks around them.
func (m *Model) drawOrderPage(a canvas.Area) {
	n := len(m.market.symbols)
	flow := -1
	if !m.wide() {
		flow = 44 // as wide as its columns
	}
	cols := a.Cols(1, flow, -1)
	m.orderPanel(cols[0])
	border := pick(m.wide(), 3, 2)
	right := cols[1].Rows(max(3, n)+border, max(3, n)+border, -1)
	m.slippagePanel(right[0])
	m.matchPanel(right[1])
	m.pairPanel(right[2])
}

// orderPanel lists orders with their market price, the newest first.
func (m *Model) orderPanel(a canvas.Area) {
	orders := m.market.orders
	detail := ""
	if o := m.db.find("enriched_orders"); o != nil {
		detail = "ASOF join, " + rate(o.rowsOut.perSecond)
	}
	in, ok := m.panel(a, "enriched_orders", "Order flow", detail, len(orders) > 0)
	if !ok {
		return
	}
	full := in.W >= 62
	headings := []cell{left(6, 0, "symbol"), left(4, 0, "side"), right(5, 0, "qty"), right(8, 0, "order"), right(8, 0, "market"), right(8, 0, "slippage")}
	if full {
		headings = append(headings, right(12, 0, "bid/ask"))
	}
	head(in, headings...)
	in = below(in)
	first := 0
	if m.view == viewOrders {
		first = m.list().offset(len(orders), in.H)
	}
	for y := range min(in.H, len(orders)-first) {
		o := orders[first+y]
		side, slip := canvas.Up, canvas.Muted
		if o.side == "sell" {
			side = canvas.Down
		}
		switch cost := o.cost(); {
		case cost > 0:
			slip = canvas.Down
		case cost < 0:
			slip = canvas.Up
		}
		name := canvas.Plain
		if o.symbol == m.symbol {
			name = canvas.Accent
		}
		cells := []cell{
			left(6, name, o.symbol), left(4, side, o.side), right(5, canvas.Plain, count(o.quantity)), right(8, canvas.Plain, price(o.price)),
			right(8, canvas.Plain, price(o.market)), right(8, slip, signed(o.slipped, 2)),
		}
		if full {
			cells = append(cells, right(15, canvas.Muted, price(o.bid)+"/"+price(o.ask)))
		}
		row(in, y, cells...)
	}
}

// slippagePanel has for each symbol what its orders lost against the market.
func (m *Model) slippagePanel(a canvas.Area) {
	in, ok := m.panel(a, "enriched_orders", "Slippage", "+ is worse than the market", len(m.market.slippage) > 0)
	if !ok {
		return
	}
	head(in, left(6, 0, "symbol"), right(6, 0, "orders"), right(7, 0, "mean"), right(6, 0, "|mean|"))
	in = below(in)
	for y, symbol := range m.market.symbols {
		s := m.market.slippage[symbol]
		if s == nil {
			continue
		}
		mean := s.cost / s.orders
		role := canvas.Up
		if mean > 0 {
			role = canvas.Down
		}
		x := row(in, y, left(6, pick(symbol == m.symbol, canvas.Accent, canvas.Plain), symbol), right(6, canvas.Plain, count(s.orders)),
			right(7, role, signed(mean, 3)), right(6, canvas.Muted, fmt.Sprintf("%.3f", s.absolute/s.orders)))
		m.histogram(in.Sub(x, y, in.W-x, 1), s.recent)
	}
}

// histogram draws how values are spread around zero, in one line.
func (m *Model) histogram(a canvas.Area, values []float64) {
	bins := a.W
	if bins < 5 {
		return
	}
	bins -= 1 - bins%2 // zero is in the middle
	far := 1e-9
	for _, v := range values {
		far = max(far, math.Abs(v))
	}
	counts := make([]float64, bins)
	for _, v := range values {
		counts[min(bins-1, int((v/far+1)/2*float64(bins)))]++
	}
	r, _ := canvas.Span(counts...)
	r.Min = 0
	a.Sub(0, 0, bins, 1).Columns(r, counts, func(i int) canvas.Style {
		switch {
		case i > bins/2:
			return canvas.Of(canvas.Down)
		case i < bins/2:
			return canvas.Of(canvas.Up)
		}
		return canvas.Of(canvas.Muted)
	})
}

// matchPanel has for each symbol the ticks within two seconds of its orders.
func (m *Model) matchPanel(a canvas.Area) {
	detail := ""
	if o := m.db.find("order_tick_matches"); o != nil {
		detail = rate(o.rowsOut.perSecond)
		if a.W >= 44 {
			detail = "interval join, " + detail
		}
	}
	in, ok := m.panel(a, "order_tick_matches", "Order-tick matches", detail, len(m.market.matches) > 0)
	if !ok {
		return
	}
	head(in, left(6, 0, "symbol"), right(6, 0, "newest"), right(7, 0, "mean Δ"), right(7, 0, "most Δ"))
	in = below(in)
	most := 1e-9
	for _, v := range m.market.matches {
		most = max(most, v.mean)
	}
	for y, v := range m.market.matches {
		if y >= in.H {
			break
		}
		x := row(in, y, left(6, pick(v.symbol == m.symbol, canvas.Accent, canvas.Plain), v.symbol), right(6, canvas.Plain, count(v.count)),
			right(7, canvas.Title, fmt.Sprintf("%.3f", v.mean)), right(7, canvas.Muted, price(v.worst)))
		in.Sub(x+1, y, in.W-x-1, 1).Bar(v.mean/most, canvas.Of(canvas.SeriesRole(2)))
	}
}

// pairPanel lists the newest matches.
func (m *Model) pairPanel(a canvas.Area) {
	in, ok := m.panel(a, "order_tick_matches", "Newest matches", "", len(m.market.pairs) > 0)
	if !ok {
		return
	}
	wide := in.W >= 58
	headings := []cell{left(6, 0, "symbol"), left(4, 0, "side"), right(8, 0, "order"), right(8, 0, "tick"), right(6, 0, "Δ")}
	if wide {
		headings = append([]cell{left(20, 0, "order id")}, headings...)
	}
	head(in, headings...)
	in = below(in)
	for y, o := range m.market.pairs {
		if y >= in.H {
			break
		}
		side := canvas.Up
		if o.side == "sell" {
			side = canvas.Down
		}
		cells := []cell{
			left(6, pick(o.symbol == m.symbol, canvas.Accent, canvas.Plain), o.symbol), left(4, side, o.side),
			right(8, canvas.Plain, price(o.price)), right(8, canvas.Plain, price(o.market)), right(6, canvas.Title, price(o.slipped)),
		}
		if wide {
			cells = append([]cell{left(20, canvas.Muted, o.id)}, cells...)
		}
		row(in, y, cells...)
	}
}

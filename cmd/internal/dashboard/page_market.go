package dashboard

import (
	"fmt"
	"math"
	"strings"

	"laminardb/cmd/internal/dashboard/canvas"
)

// drawMarket is the page with all panels.
func (m *Model) drawMarket(a canvas.Area) {
	n := len(m.market.symbols)
	if !m.wide() {
		cols := a.Cols(1, -3, -2)
		left := cols[0].Rows(-3, -2)
		m.candlePanel(left[0])
		m.orderPanel(left[1])
		right := cols[1].Rows(max(2, min(n, 5))+1, max(2, min(n, 5))+1, 4, -1)
		m.pricePanel(right[0])
		m.momentumPanel(right[1])
		m.moverPanel(right[2])
		m.alertPanel(right[3])
		return
	}
	rows := max(3, min(n, 6))
	cols := a.Cols(1, -3, -2)
	left := cols[0].Rows(-5, -3, rows+3)
	m.candlePanel(left[0])
	flow := left[1].Cols(1, -3, -2)
	m.orderPanel(flow[0])
	m.alertPanel(flow[1])
	bottom := left[2].Cols(1, -1, -1)
	m.sessionPanel(bottom[0])
	m.matchPanel(bottom[1])
	right := cols[1].Rows(rows*pick(a.H >= 44, 2, 1)+2, -1, rows+2, 6, 6)
	m.pricePanel(right[0])
	m.spreadPanel(right[1])
	m.momentumPanel(right[2])
	m.moverPanel(right[3])
	m.sectorPanel(right[4])
}

// candlePanel draws the symbol's OHLC bars.
func (m *Model) candlePanel(a canvas.Area) {
	bars := m.market.bars[m.symbol]
	title := strings.TrimSpace("OHLC " + m.symbol)
	if s := barSeconds(bars); s > 0 {
		title += fmt.Sprintf(" %ds", s)
	}
	detail := ""
	if len(bars) > 0 {
		b := bars[len(bars)-1]
		detail = fmt.Sprintf("O %.2f H %.2f L %.2f C %.2f", b.Open, b.High, b.Low, b.Close)
	}
	in, ok := m.panel(a, "ohlc_bars", title, detail, len(bars) > 0)
	if !ok {
		return
	}
	if in.H >= 14 {
		parts := in.Rows(-1, 3)
		plot, shown := m.candles(parts[0], bars)
		m.volumes(parts[1].Sub(0, 0, plot.W, parts[1].H), shown, parts[1])
		return
	}
	m.candles(in, bars)
}

// candleWidth is how wide a candle is drawn.
func candleWidth(a canvas.Area) int { return pick(a.W >= 56, 3, 1) }

// candles draws bars with their scales and returns the area of the candles and
// the bars that fit.
func (m *Model) candles(a canvas.Area, bars []bar) (canvas.Area, []bar) {
	width := candleWidth(a)
	fit := a.Sub(0, 0, a.W-8, a.H).CandleCount(width)
	bars = bars[max(0, len(bars)-fit):]
	var values []float64
	list := make([]canvas.Candle, len(bars))
	vwap := make([]canvas.Point, len(bars))
	for i, b := range bars {
		list[i] = b.Candle
		values = append(values, b.High, b.Low, b.vwap)
		vwap[i] = canvas.Point{X: float64(i), Y: b.vwap}
	}
	y, ok := canvas.Span(values...)
	if !ok {
		return a, bars
	}
	last := bars[len(bars)-1]
	plot, y := m.scale(a, y.Padded(0.04), max(6, canvas.Width(price(last.Close))))
	used := len(bars)*(width+1) - 1
	if width > 1 {
		line := plot.Sub(plot.W-used+width/2, 0, used-width+1, plot.H)
		line.Plot(canvas.Range{Min: 0, Max: float64(max(1, len(bars)-1))}, y, canvas.Line{Points: vwap, Style: canvas.Of(canvas.Warn)})
	}
	plot.Candles(y, list, width, canvas.Of(canvas.Up), canvas.Of(canvas.Down), !m.theme.HasColor())
	role, _ := trend(last.Close - last.Open)
	a.Right(a.W, plot.Row(y, last.Close), canvas.Style{Fg: role, Bold: true, Reverse: true}, price(last.Close))
	m.times(a.Sub(max(0, plot.W-used), a.H-1, min(used, plot.W), 1), canvas.Range{Min: float64(bars[0].start), Max: float64(last.start)})
	if width > 1 && plot.W-used >= 8 {
		a.Text(0, a.H-1, canvas.Of(canvas.Warn), "⠤⠤ VWAP")
	}
	return plot, bars
}

// volumes draws columns under the candles.
func (m *Model) volumes(a canvas.Area, bars []bar, labels canvas.Area) {
	width := candleWidth(labels)
	most := 0.0
	for _, b := range bars {
		most = max(most, b.volume)
	}
	r := canvas.Range{Min: 0, Max: most}
	x := a.W - len(bars)*(width+1) + 1
	for _, b := range bars {
		role, _ := trend(b.Close - b.Open)
		for i := range width {
			a.Sub(x+i, 0, 1, a.H).Columns(r, []float64{b.volume}, func(int) canvas.Style { return canvas.Of(role) })
		}
		x += width + 1
	}
	labels.Right(labels.W, 0, canvas.Of(canvas.Muted), count(most))
	labels.Right(labels.W, labels.H-1, canvas.Of(canvas.Muted), "volume")
}

// pricePanel draws a sparkline of the last minute's price for each symbol.
func (m *Model) pricePanel(a canvas.Area) {
	in, ok := m.panel(a, "market_ticks", "Prices", "by second", len(m.market.prices) > 0)
	if !ok {
		return
	}
	each := max(1, in.H/max(1, len(m.market.symbols)))
	for i, symbol := range m.market.symbols {
		part := in.Sub(0, i*each, in.W, each)
		l := m.market.prices[symbol]
		width := part.W - 24
		values := l.newest(max(2, width)).values()
		change := math.NaN()
		if len(values) > 0 {
			change = values[len(values)-1] - values[0]
		}
		role, mark := trend(change)
		m.symbolName(part, 0, symbol)
		part.Right(14, 0, canvas.Strong(role), price(l.last()))
		part.Right(24, 0, canvas.Of(role), mark+price(math.Abs(change)))
		if r, ok := canvas.Span(values...); ok {
			part.Sub(25, 0, part.W-25, each).Columns(r.Padded(0.1), values, func(int) canvas.Style { return canvas.Of(role) })
		}
	}
}

// symbolName draws a symbol, the selected one marked.
func (m *Model) symbolName(a canvas.Area, y int, symbol string) {
	if symbol == m.symbol {
		a.Fit(0, y, 6, canvas.Strong(canvas.Accent), "›"+symbol)
		return
	}
	a.Fit(1, y, 6, canvas.Of(canvas.Plain), symbol)
}

// momentumPanel draws how prices have moved, and how often up and down.
func (m *Model) momentumPanel(a canvas.Area) {
	in, ok := m.panel(a, "price_momentum", "Momentum", "LAG: sum of price_delta", len(m.market.momentum) > 0)
	if !ok {
		return
	}
	most := 1e-9
	for _, p := range m.market.momentum {
		most = max(most, math.Abs(p.delta))
	}
	for y, symbol := range m.market.symbols {
		p := m.market.momentum[symbol]
		if p == nil || y >= in.H {
			continue
		}
		role, _ := trend(p.delta)
		m.symbolName(in, y, symbol)
		in.Right(14, y, canvas.Strong(role), signed(p.delta, 2))
		bar := in.Sub(16, y, in.W-16, 1)
		if in.W >= 50 {
			bar = in.Sub(16, y, in.W-32, 1)
			in.Right(in.W, y, canvas.Of(canvas.Muted), fmt.Sprintf("▲%s ▼%s", pad(count(p.ups), 5), count(p.downs)))
		}
		bar.Balance(p.delta/most, canvas.Of(canvas.Up), canvas.Of(canvas.Down), canvas.Of(canvas.Frame))
	}
}

// moverPanel lists the widest ranges.
func (m *Model) moverPanel(a canvas.Area) {
	movers := m.market.rankedMovers()
	in, ok := m.panel(a, "top_movers", "Top movers", "ROW_NUMBER: widest range", len(movers) > 0)
	if !ok {
		return
	}
	if in.H > 3 {
		head(in, right(2, 0, "#"), left(6, 0, "symbol"), right(7, 0, "range"), right(7, 0, "stddev"), right(6, 0, "trades"))
		in = below(in)
	}
	most := 1e-9
	for _, v := range movers {
		most = max(most, v.width)
	}
	for y, v := range movers {
		x := row(in, y, right(2, canvas.Muted, count(v.rank)), left(6, canvas.Plain, v.symbol), right(7, canvas.Title, price(v.width)))
		if in.W >= 50 {
			x = row(in, y, right(2, canvas.Muted, count(v.rank)), left(6, canvas.Plain, v.symbol), right(7, canvas.Title, price(v.width)),
				right(7, canvas.Muted, price(v.volatility)), right(6, canvas.Muted, count(v.count)))
		}
		in.Sub(x+1, y, in.W-x-1, 1).Bar(v.width/most, canvas.Of(canvas.SeriesRole(1)))
	}
}

// alertPanel lists windows that traded much, the newest first.
func (m *Model) alertPanel(a canvas.Area) {
	in, ok := m.panel(a, "volume_alerts", "Volume alerts", "buy/sell share", len(m.market.alerts) > 0)
	if ok {
		m.alertRows(in, m.market.alerts)
	}
}

func (m *Model) alertRows(a canvas.Area, alerts []alert) {
	for y, v := range alerts {
		if y >= a.H {
			break
		}
		x := row(a, y, left(8, canvas.Muted, clock(v.start)), left(6, canvas.Plain, v.symbol), right(5, canvas.Warn, count(v.volume)))
		if bar := a.Sub(x, y, a.W-x, 1); bar.W >= 4 && v.volume > 0 {
			bar.Parts(v.bought/v.volume, canvas.Of(canvas.Up), canvas.Of(canvas.Down))
		}
	}
}

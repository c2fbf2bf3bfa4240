package dashboard

import (
	"fmt"
	"math"
	"strings"

	"laminardb/cmd/internal/dashboard/canvas"
)

// The least size that frames are made for, and the size from which on panels have
// borders and details.
const (
	leastWidth, leastHeight = 60, 16
	wideWidth, wideHeight   = 120, 36
)

// Frame draws the whole screen: lines joined by newlines, with escape sequences.
func (m *Model) Frame() string {
	c := canvas.New(m.width, m.height)
	a := c.Area()
	if a.W < leastWidth || a.H < leastHeight {
		a.Center(a.H/2, canvas.Strong(canvas.Warn), fmt.Sprintf("%d×%d is too small", a.W, a.H))
		a.Center(a.H/2+1, canvas.Of(canvas.Muted), fmt.Sprintf("at least %d×%d", leastWidth, leastHeight))
		return c.Render(m.theme)
	}
	m.opened.tick(m.now)
	parts := a.Rows(3, -1, 1)
	m.drawHeader(parts[0])
	m.drawFooter(parts[2])
	body := parts[1]
	if m.view <= viewSectors {
		kpi := body.Rows(pick(m.wide(), 3, 1), -1)
		m.drawKPI(kpi[0])
		body = kpi[1]
	}
	m.drawPage(body)
	if m.help {
		m.drawHelp(a)
	}
	return c.Render(m.theme)
}

// wide reports whether there is room for borders.
func (m *Model) wide() bool { return m.width >= wideWidth && m.height >= wideHeight }

func (m *Model) drawPage(a canvas.Area) {
	switch m.view {
	case viewMarket:
		m.drawMarket(a)
	case viewCandles:
		m.drawCandlePage(a)
	case viewOrders:
		m.drawOrderPage(a)
	case viewSpread:
		m.drawSpreadPage(a)
	case viewMomentum:
		m.drawMoverPage(a)
	case viewSectors:
		m.drawSectorPage(a)
	case viewGraph:
		m.drawGraph(a)
	case viewBrowser:
		if m.opened.name != "" {
			m.drawObject(a)
		} else {
			m.drawBrowser(a)
		}
	case viewSystem:
		m.drawSystem(a)
	}
}

// drawHeader has the state of the server in two lines and the pages in a third.
func (m *Model) drawHeader(a canvas.Area) {
	bar := canvas.Of(canvas.BarText).On(canvas.Bar)
	a.Sub(0, 0, a.W, 2).Fill(' ', bar)
	x := a.Text(1, 0, canvas.Style{Fg: canvas.Accent, Bg: canvas.Bar, Bold: true}, "LaminarDB") + 2
	text, role := m.state()
	x = a.Text(x, 0, canvas.Style{Fg: role, Bg: canvas.Bar, Bold: true}, "● "+text) + 2
	if m.link.Connected {
		x = m.facts(a, x, 0, m.serverFacts())
		if w := canvas.Width(m.address); x+w < a.W {
			a.Right(a.W-1, 0, canvas.Of(canvas.BarNote).On(canvas.Bar), m.address)
		}
	} else {
		a.Fit(x, 0, a.W-x-1, canvas.Of(canvas.BarText).On(canvas.Bar), m.trouble())
	}
	facts := m.flowFacts()
	if !m.link.Connected {
		facts = []fact{{"", m.address, canvas.BarText}}
		if m.link.Connects > 0 {
			facts = append(facts, fact{"", "everything below is as it was", canvas.Warn})
		}
	}
	m.facts(a.Sub(0, 0, a.W-11, 2), 1, 1, facts)
	if !m.now.IsZero() {
		a.Right(a.W-1, 1, canvas.Of(canvas.BarNote).On(canvas.Bar), m.now.UTC().Format("15:04:05Z"))
	}
	m.drawTabs(a.Sub(0, 2, a.W, 1))
}

// state is one word for the connection and the display.
func (m *Model) state() (string, canvas.Role) {
	switch {
	case m.link.Connects == 0 && m.link.Attempts == 0:
		return "CONNECTING", canvas.Warn
	case !m.link.Connected:
		return "RECONNECTING", canvas.Down
	case m.paused:
		return "PAUSED", canvas.Warn
	case len(m.db.problems()) > 0:
		return "RUNNING, " + plural(len(m.db.problems()), "problem"), canvas.Warn
	}
	return "RUNNING", canvas.Up
}

// or is the first text that is not empty.
func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// trouble says why there is no connection.
func (m *Model) trouble() string {
	if m.link.Err == "" {
		return ""
	}
	return fmt.Sprintf("%s, try %d", strings.TrimPrefix(m.link.Err, "connect: "), m.link.Attempts)
}

// fact is a label and a value of the header.
type fact struct {
	label, value string
	role         canvas.Role
}

// facts draws facts one after the other and leaves out those that do not fit.
func (m *Model) facts(a canvas.Area, x, y int, list []fact) int {
	for _, f := range list {
		w := canvas.Width(f.label) + 1 + canvas.Width(f.value)
		if f.label == "" {
			w--
		}
		if x+w > a.W {
			continue
		}
		if f.label != "" {
			x = a.Text(x, y, canvas.Of(canvas.BarNote).On(canvas.Bar), f.label) + 1
		}
		x = a.Text(x, y, canvas.Style{Fg: f.role, Bg: canvas.Bar, Bold: true}, f.value) + 2
	}
	return x
}

// recovery is "recovered from epoch N" if the server began with a recovery.
func (m *Model) recovery() string {
	for _, r := range m.db.records("server") {
		if epoch, ok := r.value("recovered_epoch"); ok {
			return "recovered from epoch " + epoch
		}
	}
	return ""
}

// serverFacts are for the first line.
func (m *Model) serverFacts() []fact {
	var out []fact
	for _, r := range m.db.records("server") {
		if at := r.time("started_at"); !at.IsZero() {
			out = append(out, fact{"up", span(m.now.Sub(at)), canvas.BarText})
		}
	}
	if r := m.recovery(); r != "" {
		out = append(out, fact{"", r, canvas.Warn})
	}
	return out
}

// flowFacts are for the second line.
func (m *Model) flowFacts() []fact {
	out := []fact{{"in", rate(m.db.in.perSecond), canvas.BarText}}
	if m.wide() && len(m.db.in.rates) > 1 {
		out = append(out, fact{"", sparkline(m.db.in.rates, 20), canvas.Accent})
	}
	lag, role := none, canvas.BarText
	if d, ok := m.db.watermarkLag(m.now); ok {
		lag = span(d)
		if d.Seconds() > 60 {
			role = canvas.Warn
		}
	}
	out = append(out, fact{"watermark lag", lag, role})
	role = canvas.BarText
	behind := m.db.consumerLag()
	if behind > 10000 {
		role = canvas.Warn
	}
	out = append(out, fact{"consumer lag", count(behind), role})
	text := none
	if epoch, at, ok := m.db.checkpoint(); ok {
		text = epoch
		if age := m.age(at); age != "" {
			text += ", " + age
		}
	}
	return append(out, fact{"checkpoint", text, canvas.BarText})
}

// sparkline draws values in one line of text. A steady value is a line in the
// middle: less than a fifth up and down does not fill the height.
func sparkline(values []float64, width int) string {
	values = values[max(0, len(values)-width):]
	r, ok := canvas.Span(values...)
	if !ok {
		return ""
	}
	middle := (r.Min + r.Max) / 2
	half := max((r.Max-r.Min)/2, math.Abs(middle)/5, 1e-9)
	var b strings.Builder
	for _, v := range values {
		level := int(math.Round(((v-middle)/half + 1) / 2 * 6))
		b.WriteRune([]rune("▁▂▃▄▅▆▇")[max(0, min(6, level))])
	}
	return b.String()
}

func (m *Model) drawTabs(a canvas.Area) {
	x := 1
	for i, name := range views() {
		style, key := canvas.Of(canvas.Muted), canvas.Of(canvas.Accent)
		if viewID(i+1) == m.view {
			style = canvas.Strong(canvas.Title).On(canvas.Select)
			key = canvas.Strong(canvas.Accent).On(canvas.Select)
		}
		x = a.Text(x, 0, key, fmt.Sprintf("%d", i+1))
		x = a.Text(x, 0, style, " "+name) + pick(a.W >= 100, 2, 1)
	}
}

// drawFooter has the outcome of a statement, or the keys.
func (m *Model) drawFooter(a canvas.Area) {
	if m.note.text != "" {
		role, mark := canvas.Up, "✓ "
		switch {
		case m.note.failed:
			role, mark = canvas.Down, "✗ "
		case m.note.running:
			role, mark = canvas.Warn, "… "
		}
		a.Fit(1, 0, a.W-2, canvas.Strong(role), mark+m.note.text)
		return
	}
	x := 1
	for _, k := range m.footerKeys() {
		if x+canvas.Width(k[0])+1+canvas.Width(k[1]) > a.W {
			break
		}
		x = a.Text(x, 0, canvas.Of(canvas.Accent), k[0])
		x = a.Text(x, 0, canvas.Of(canvas.Muted), " "+k[1]) + 2
	}
}

func (m *Model) footerKeys() [][2]string {
	keys := [][2]string{{"q", "quit"}, {"?", "help"}, {"space", pick(m.paused, "go on", "pause")}}
	switch {
	case m.view == viewBrowser && m.opened.name != "":
		return append([][2]string{{"esc", "back"}, {"v", "view"}, {"←→", "column"}, {"b", "lines by"}, {"n", "in %"}, {"↑↓", "scroll"}}, keys...)
	case m.view == viewBrowser || m.view == viewGraph:
		keys = append([][2]string{{"↑↓", "select"}, {"Enter", "open"}}, keys...)
	case m.view <= viewSectors:
		keys = append([][2]string{{"Tab", "symbol"}}, keys...)
	}
	return append(keys, [2]string{"d", "DAG"}, [2]string{"c", "checkpoint"}, [2]string{"1-9", "pages"})
}

// drawKPI has the key figures of the symbol: in tiles if there is room.
func (m *Model) drawKPI(a canvas.Area) {
	tiles := m.figures()
	if a.H >= 3 {
		sizes := make([]int, len(tiles))
		for i := range sizes {
			sizes[i] = -1
		}
		for i, area := range a.Cols(1, sizes...) {
			in := m.frame(area, tiles[i].label, "")
			x := in.Text(1, 0, canvas.Strong(tiles[i].role), tiles[i].value) + 2
			in.Fit(x, 0, in.W-x, canvas.Of(canvas.Muted), tiles[i].detail)
		}
		return
	}
	x := 1
	for _, t := range tiles {
		if t.label != "PRICE" {
			x = a.Text(x, 0, canvas.Of(canvas.Muted), t.label) + 1
		} else {
			x = a.Text(x, 0, canvas.Strong(canvas.Accent), or(m.symbol, "PRICE")) + 1
		}
		x = a.Text(x, 0, canvas.Strong(t.role), t.value) + 1
		if t.short != "" {
			x = a.Text(x, 0, canvas.Of(t.role), t.short) + 1
		}
		x++
	}
}

// figure is one tile.
type figure struct {
	label, value, short, detail string
	role                        canvas.Role
}

// figures are those of the symbol's newest bar.
func (m *Model) figures() []figure {
	bars := m.market.bars[m.symbol]
	last := bar{trades: nan(), volume: nan(), vwap: nan()}
	if len(bars) > 0 {
		last = bars[len(bars)-1]
	}
	now, base := m.lastPrice(), math.NaN()
	if len(bars) > 0 {
		base = bars[max(0, len(bars)-60)].Open
	}
	role, change := trend(now - base)
	percent := ""
	if !math.IsNaN(now-base) && base != 0 {
		percent = fmt.Sprintf("%s%.2f%%", change, math.Abs(now-base)/base*100)
	}
	per := ""
	if d := barSeconds(bars); d > 0 {
		per = fmt.Sprintf("in %ds", d)
	}
	spreadNow, points := math.NaN(), ""
	if s := m.market.spreads[m.symbol]; s != nil {
		spreadNow = s.mean.last()
		if now > 0 {
			points = fmt.Sprintf("%.1f bp", spreadNow/now*1e4)
		}
	}
	total := 0.0
	for _, b := range bars {
		total += b.volume
	}
	return []figure{
		{"PRICE", price(now), percent, m.symbol + "  " + percent, role},
		{"VOLUME", count(last.volume), "", per + ", " + count(total) + " in all", canvas.Title},
		{"VWAP", price(last.vwap), "", "price " + signed(now-last.vwap, 2), canvas.Title},
		{"SPREAD", three(spreadNow), "", points + ", mean of 10s", canvas.Title},
		{"TRADES", count(last.trades), per, per, canvas.Title},
	}
}

// lastPrice is the newest known price of the symbol.
func (m *Model) lastPrice() float64 {
	if p := m.market.prices[m.symbol].last(); !math.IsNaN(p) {
		return p
	}
	if bars := m.market.bars[m.symbol]; len(bars) > 0 {
		return bars[len(bars)-1].Close
	}
	return math.NaN()
}

// trend is the colour and sign of a change.
func trend(change float64) (canvas.Role, string) {
	switch {
	case change > 0:
		return canvas.Up, "▲"
	case change < 0:
		return canvas.Down, "▼"
	}
	return canvas.Title, "="
}

// barSeconds is the length of a bar, 0 if it is not known yet.
func barSeconds(bars []bar) int64 {
	least := int64(0)
	for i := 1; i < len(bars); i++ {
		if d := (bars[i].start - bars[i-1].start) / 1000; d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	return least
}

package dashboard

import (
	"fmt"
	"math"
	"slices"
	"time"

	"laminardb/cmd/internal/dashboard/canvas"
)

// drawSpreadPage has the rolling spread of all symbols and of one, and the
// sessions.
func (m *Model) drawSpreadPage(a canvas.Area) {
	n := max(3, len(m.market.symbols))
	parts := a.Rows(-1, min(n*2+1, a.H/2)+pick(m.wide(), 2, 1))
	if m.wide() {
		cols := parts[0].Cols(1, -1, -1)
		m.spreadsPanel(cols[0])
		m.spreadPanel(cols[1])
	} else {
		m.spreadsPanel(parts[0])
	}
	m.sessionPanel(parts[1])
}

// spreadPanel draws the symbol's mean, least and greatest spread.
func (m *Model) spreadPanel(a canvas.Area) {
	s := m.market.spreads[m.symbol]
	in, ok := m.panel(a, "rolling_spread", "Rolling spread "+m.symbol, "HOP: 10s every 1s", s != nil)
	if !ok {
		return
	}
	n := max(30, in.W)
	if in.H < 6 {
		r, _ := canvas.Span(s.mean.newest(n).values()...)
		in.Columns(r.Padded(0.1), s.mean.newest(n).values(), func(int) canvas.Style { return canvas.Of(canvas.Accent) })
		return
	}
	m.legend(in, []string{"greatest " + three(s.high.last()), "mean " + three(s.mean.last()), "least " + three(s.low.last())},
		[]canvas.Role{canvas.Down, canvas.Accent, canvas.Up})
	m.chart(below(in),
		canvas.Line{Points: points(s.high.newest(n)), Style: canvas.Of(canvas.Down)},
		canvas.Line{Points: points(s.low.newest(n)), Style: canvas.Of(canvas.Up)},
		canvas.Line{Points: points(s.mean.newest(n)), Style: canvas.Of(canvas.Accent)})
}

// legend names the lines of a chart in its first row.
func (m *Model) legend(a canvas.Area, labels []string, roles []canvas.Role) {
	x := 0
	for i, label := range labels {
		if x+canvas.Width(label)+3 > a.W {
			return
		}
		x = a.Text(x, 0, canvas.Of(roles[i]), "━━ ")
		x = a.Text(x, 0, canvas.Of(canvas.Plain), label) + 2
	}
}

// spreadsPanel draws the mean spread of every symbol.
func (m *Model) spreadsPanel(a canvas.Area) {
	in, ok := m.panel(a, "rolling_spread", "Rolling spread, mean", "HOP: 10s every 1s", len(m.market.spreads) > 0)
	if !ok {
		return
	}
	var lines []canvas.Line
	var labels []string
	var roles []canvas.Role
	n := max(30, in.W)
	for i, symbol := range m.market.symbols {
		s := m.market.spreads[symbol]
		if s == nil {
			continue
		}
		role := canvas.SeriesRole(i)
		labels, roles = append(labels, symbol+" "+three(s.mean.last())), append(roles, role)
		lines = append(lines, canvas.Line{Points: points(s.mean.newest(n)), Style: canvas.Of(role)})
	}
	m.legend(in, labels, roles)
	m.chart(below(in), lines...)
}

// sessionPanel lists the sessions that have ended, and those that go on as far as
// the source's retained rows show them.
func (m *Model) sessionPanel(a canvas.Area) {
	list := slices.Concat(m.market.open, m.market.sessions)
	detail := fmt.Sprintf("SESSION: %d ended", len(m.market.sessions))
	in, ok := m.panel(a, "session_activity", "Session activity", detail, len(list) > 0)
	if !ok {
		return
	}
	wide := in.W >= 66
	headings := []cell{left(6, 0, "symbol"), left(8, 0, "since"), right(6, 0, "length"), right(6, 0, "trades"), right(6, 0, "volume"), left(8, 0, "state")}
	if wide {
		headings = append(headings, right(8, 0, "low"), right(8, 0, "high"))
	}
	head(in, headings...)
	in = below(in)
	for y, s := range list {
		if y >= in.H {
			break
		}
		state := left(8, canvas.Up, "open")
		length := float64(s.end-s.start-30000) / 1000
		if s.closed {
			state = left(8, canvas.Muted, "ended")
		}
		cells := []cell{
			left(6, pick(s.symbol == m.symbol, canvas.Accent, canvas.Plain), s.symbol), left(8, canvas.Muted, clock(s.start)),
			right(6, canvas.Plain, span(seconds64(length))), right(6, canvas.Plain, count(s.trades)), right(6, canvas.Title, count(s.volume)), state,
		}
		if wide {
			cells = append(cells, right(8, canvas.Down, price(s.low)), right(8, canvas.Up, price(s.high)))
		}
		row(in, y, cells...)
	}
}

func seconds64(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// drawMoverPage has momentum, movers and alerts.
func (m *Model) drawMoverPage(a canvas.Area) {
	n := max(3, len(m.market.symbols))
	border := pick(m.wide(), 2, 1)
	if m.wide() {
		cols := a.Cols(1, -3, -2)
		left := cols[0].Rows(n+border, -1)
		m.momentumPanel(left[0])
		m.pacePanel(left[1])
		right := cols[1].Rows(4+border, -1)
		m.moverPanel(right[0])
		m.alertPanel(right[1])
		return
	}
	cols := a.Cols(1, -1, -1)
	left := cols[0].Rows(n+border, -1)
	m.momentumPanel(left[0])
	m.pacePanel(left[1])
	right := cols[1].Rows(4+border, -1)
	m.moverPanel(right[0])
	m.alertPanel(right[1])
}

// pacePanel draws the change of the symbol's price second by second.
func (m *Model) pacePanel(a canvas.Area) {
	p := m.market.momentum[m.symbol]
	in, ok := m.panel(a, "price_momentum", "Change by second "+m.symbol, "", p != nil && len(p.recent) > 0)
	if !ok {
		return
	}
	far := 1e-9
	for _, s := range p.recent.newest(in.W) {
		far = max(far, math.Abs(s.v))
	}
	in.Right(in.W, 0, canvas.Of(canvas.Muted), signed(far, 2))
	in.Right(in.W, in.H-1, canvas.Of(canvas.Muted), signed(-far, 2))
	plot := in.Sub(0, 0, in.W-8, in.H)
	half := plot.H / 2
	newest := p.recent.newest(plot.W)
	for i, s := range newest {
		x := plot.W - len(newest) + i
		if s.v >= 0 {
			plot.Sub(x, 0, 1, half).Columns(canvas.Range{Min: 0, Max: far}, []float64{s.v}, func(int) canvas.Style { return canvas.Of(canvas.Up) })
			continue
		}
		for y := range int(math.Ceil(-s.v / far * float64(plot.H-half-1))) {
			plot.Set(x, half+1+y, '█', canvas.Of(canvas.Down))
		}
	}
	plot.Sub(0, half, plot.W, 1).Fill('─', canvas.Of(canvas.Frame))
	in.Right(in.W, half, canvas.Of(canvas.Muted), "0")
}

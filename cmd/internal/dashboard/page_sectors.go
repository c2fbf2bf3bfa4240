package dashboard

import (
	"maps"
	"slices"

	"laminardb/cmd/internal/dashboard/canvas"
)

// drawSectorPage has the sectors' averages over time and the symbols behind them.
func (m *Model) drawSectorPage(a canvas.Area) {
	n := max(3, len(m.market.sectors))
	border := pick(m.wide(), 2, 1)
	parts := a.Rows(n+1+border, -1, max(3, len(m.market.symbols))+1+border)
	m.sectorPanel(parts[0])
	m.sectorChart(parts[1])
	m.holdingPanel(parts[2])
}

func (m *Model) sectorNames() []string { return slices.Sorted(maps.Keys(m.market.sectors)) }

// sectorPanel has the newest window of each sector.
func (m *Model) sectorPanel(a canvas.Area) {
	in, ok := m.panel(a, "sector_analytics", "Sector analytics", "lookup join, 10s windows", len(m.market.sectors) > 0)
	if !ok {
		return
	}
	name := min(24, in.W-36)
	head(in, left(name, 0, "sector"), right(8, 0, "price"), right(7, 0, "volume"), right(6, 0, "ticks"))
	in = below(in)
	most := 1e-9
	for _, s := range m.market.sectors {
		most = max(most, s.volume.last())
	}
	for y, sectorName := range m.sectorNames() {
		s := m.market.sectors[sectorName]
		x := row(in, y, left(name, canvas.SeriesRole(y), sectorName), right(8, canvas.Title, price(s.price.last())),
			right(7, canvas.Plain, count(s.volume.last())), right(6, canvas.Muted, count(s.ticks.last())))
		in.Sub(x+1, y, in.W-x-1, 1).Bar(s.volume.last()/most, canvas.Of(canvas.SeriesRole(y)))
	}
}

// sectorChart draws how the sectors' mean prices have changed, in percent.
func (m *Model) sectorChart(a canvas.Area) {
	in, ok := m.panel(a, "sector_analytics", "Mean price, change in %", "", len(m.market.sectors) > 0)
	if !ok {
		return
	}
	var lines []canvas.Line
	var labels []string
	var roles []canvas.Role
	for i, name := range m.sectorNames() {
		l := m.market.sectors[name].price.newest(in.W * 2).relative()
		role := canvas.SeriesRole(i)
		lines = append(lines, canvas.Line{Points: points(l), Style: canvas.Of(role)})
		labels, roles = append(labels, name+" "+signed(l.last(), 2)), append(roles, role)
	}
	m.legend(in, labels, roles)
	m.chart(below(in), lines...)
}

// holdingPanel has the symbols of each sector: the lookup join's newest rows.
func (m *Model) holdingPanel(a canvas.Area) {
	detail := ""
	if o := m.db.find("enriched_ticks"); o != nil {
		detail = "newest enriched_ticks, " + rate(o.rowsOut.perSecond)
	}
	in, ok := m.panel(a, "enriched_ticks", "Symbols", detail, len(m.market.holdings) > 0)
	if !ok {
		return
	}
	head(in, left(6, 0, "symbol"), left(24, 0, "sector"), left(8, 0, "exchange"), right(8, 0, "price"), right(6, 0, "ticks"), right(7, 0, "volume"))
	in = below(in)
	names := m.sectorNames()
	most := 1e-9
	for _, h := range m.market.holdings {
		most = max(most, h.volume)
	}
	for y, h := range m.market.holdings {
		role := canvas.SeriesRole(max(0, slices.Index(names, h.sector)))
		x := row(in, y, left(6, pick(h.symbol == m.symbol, canvas.Accent, canvas.Plain), h.symbol), left(24, role, h.sector), left(8, canvas.Muted, h.exchange),
			right(8, canvas.Title, price(h.price)), right(6, canvas.Muted, count(h.ticks)), right(7, canvas.Plain, count(h.volume)))
		in.Sub(x+1, y, in.W-x-1, 1).Bar(h.volume/most, canvas.Of(role))
	}
}

package dashboard

import (
	"math"
	"strings"

	"laminardb/cmd/internal/dashboard/canvas"
)

// The sides of a cell that a line leaves it by.
const (
	toNorth = 1 << iota
	toEast
	toSouth
	toWest
)

// joints are the box drawing characters by the sides they connect.
var joints = []rune(" ╵╶╰╷│╭├╴╯─┴╮┤┬┼")

// wires are lines between objects; where they meet they join.
type wires struct {
	area   canvas.Area
	sides  []int
	styles []canvas.Style
	arrows map[int]bool
}

func newWires(a canvas.Area) *wires {
	return &wires{area: a, sides: make([]int, a.W*a.H), styles: make([]canvas.Style, a.W*a.H), arrows: map[int]bool{}}
}

func (w *wires) add(x, y, sides int, s canvas.Style) {
	if x < 0 || y < 0 || x >= w.area.W || y >= w.area.H {
		return
	}
	i := y*w.area.W + x
	w.sides[i] |= sides
	w.styles[i] = s
}

func (w *wires) horizontal(x0, x1, y int, s canvas.Style) {
	for x := x0; x < x1; x++ {
		w.add(x, y, toEast, s)
		w.add(x+1, y, toWest, s)
	}
}

func (w *wires) vertical(x, y0, y1 int, s canvas.Style) {
	for y := min(y0, y1); y < max(y0, y1); y++ {
		w.add(x, y, toSouth, s)
		w.add(x, y+1, toNorth, s)
	}
}

func (w *wires) arrow(x, y int, s canvas.Style) {
	w.add(x, y, toWest, s)
	w.arrows[y*w.area.W+x] = true
}

func (w *wires) draw() {
	for i, sides := range w.sides {
		if sides == 0 {
			continue
		}
		r := joints[sides]
		if sides == toWest || sides == toEast {
			r = '─'
		}
		if w.arrows[i] {
			r = '▸'
		}
		w.area.Set(i%w.area.W, i/w.area.W, r, w.styles[i])
	}
}

// kindMark is the sign and colour of a kind of object.
func kindMark(kind string) (string, canvas.Role) {
	switch kind {
	case "source":
		return "●", canvas.Series0
	case "table":
		return "■", canvas.Series1
	case "stream":
		return "▶", canvas.Series3
	case "materialized view":
		return "▲", canvas.Series2
	case "sink":
		return "◆", canvas.Series5
	}
	return "○", canvas.Plain
}

// shortKind is a kind in at most six characters.
func shortKind(kind string) string {
	if kind == "materialized view" {
		return "view"
	}
	return kind
}

// drawVertex draws an object: a box if there is room, else a line.
func (m *Model) drawVertex(a canvas.Area, geo geometry, v int, o *object) {
	g := &m.graph
	if o == nil {
		return
	}
	mark, role := kindMark(o.kind)
	if isProblem(o.status) {
		role = canvas.Down
	}
	at := g.layerOf[v]
	y := geo.line(g.layout.Row[v])
	box := a.Sub(geo.x[at], y-geo.step/2, geo.width[at], geo.step)
	selected := o.name == g.selected
	name := canvas.Of(canvas.Plain)
	if selected {
		name = canvas.Strong(canvas.Title).On(canvas.Select)
	}
	text := box
	if geo.step == 3 {
		frame := canvas.Of(pick(selected, canvas.Title, role))
		boxed(box, frame)
		box.Text(2, 2, frame, " "+rate(throughput(o))+" ")
		text = box.Sub(1, 1, box.W-2, 1)
	}
	text.Fill(' ', name)
	text.Text(0, 0, canvas.Style{Fg: role, Bg: name.Bg}, mark)
	width := text.W - 2
	if geo.rates {
		width -= rateWidth
		text.Right(text.W, 0, canvas.Style{Fg: canvas.Muted, Bg: name.Bg}, rate(throughput(o)))
	}
	text.Fit(2, 0, width, name, o.name)
}

// throughput is what an object gives a second; a sink what it takes.
func throughput(o *object) float64 {
	if o.kind == "sink" && math.IsNaN(o.rowsOut.perSecond) {
		return o.rowsIn.perSecond
	}
	return o.rowsOut.perSecond
}

// boxed draws a frame with round corners along the border of an area.
func boxed(a canvas.Area, s canvas.Style) {
	for x := 1; x < a.W-1; x++ {
		a.Set(x, 0, '─', s)
		a.Set(x, a.H-1, '─', s)
	}
	for y := 1; y < a.H-1; y++ {
		a.Set(0, y, '│', s)
		a.Set(a.W-1, y, '│', s)
	}
	a.Set(0, 0, '╭', s)
	a.Set(a.W-1, 0, '╮', s)
	a.Set(0, a.H-1, '╰', s)
	a.Set(a.W-1, a.H-1, '╯', s)
}

// graphFoot has the selected object's numbers and the legend.
func (m *Model) graphFoot(a canvas.Area, g *graphView) {
	o := m.db.find(g.selected)
	if o == nil {
		return
	}
	mark, role := kindMark(o.kind)
	x := a.Text(0, 0, canvas.Strong(role), mark+" "+o.name) + 1
	x = a.Text(x, 0, canvas.Of(statusRole(o.status)), o.status) + 2
	a.Fit(x, 0, a.W-x, canvas.Of(canvas.Plain), strings.Join(m.numbers(o), "  "))
	x = 0
	for _, kind := range []string{"source", "table", "stream", "materialized view", "sink"} {
		mark, role := kindMark(kind)
		x = a.Text(x, 1, canvas.Of(role), mark)
		x = a.Text(x+1, 1, canvas.Of(canvas.Muted), shortKind(kind)) + 2
	}
	if hint := "arrows select · Enter opens"; x+canvas.Width(hint) <= a.W {
		a.Right(a.W, 1, canvas.Of(canvas.Muted), hint)
	}
}

func statusRole(status string) canvas.Role {
	switch {
	case isProblem(status):
		return canvas.Down
	case status == "running" || status == "ready":
		return canvas.Up
	}
	return canvas.Warn
}

// numbers are the figures of an object that are known, the important ones first.
func (m *Model) numbers(o *object) []string {
	var out []string
	add := func(label, value string, known float64) {
		if !math.IsNaN(known) {
			out = append(out, label+" "+value)
		}
	}
	add("in", rate(o.rowsIn.perSecond), o.rowsIn.perSecond)
	add("out", rate(o.rowsOut.perSecond), o.rowsOut.perSecond)
	add("rows", count(o.rowsOut.total), o.rowsOut.total)
	if !o.watermark.IsZero() {
		out = append(out, "watermark "+span(m.now.Sub(o.watermark))+" behind")
	}
	add("lag", count(o.lag), o.lag)
	add("latency p50", millisText(o.latency[0])+" p99 "+millisText(o.latency[1]), o.latency[0])
	add("from Kafka p50", millisText(o.production[0])+" p99 "+millisText(o.production[1]), o.production[0])
	add("state", count(o.stateKeys)+" keys, "+size(o.stateBytes), o.stateKeys)
	add("stored", count(o.storedRows)+" rows", o.storedRows)
	add("late", count(o.late), positive(o.late))
	add("rejected", count(o.rejected), positive(o.rejected))
	add("pending", count(o.pendingRows)+" rows", positive(o.pendingRows))
	if o.topic != "" {
		out = append(out, "topic "+o.topic)
	}
	if o.delivery != "" {
		out = append(out, o.delivery)
	}
	return out
}

// positive is NaN for what is not worth mentioning.
func positive(v float64) float64 {
	if v > 0 {
		return v
	}
	return math.NaN()
}

func nan() float64 { return math.NaN() }

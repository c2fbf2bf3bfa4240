package dashboard

import (
	"math"
	"slices"

	"laminardb/cmd/internal/dashboard/canvas"
	"laminardb/cmd/internal/dashboard/dag"
)

// graphView is the DAG of the objects. It is laid out anew when the objects or
// their dependencies change.
type graphView struct {
	selected string // the name of an object
	names    []string
	edges    []edge
	layout   dag.Layout
	layerOf  map[int]int
	scrollX  int
	scrollY  int
}

// refresh lays the graph out if it has changed.
func (g *graphView) refresh(db *database) {
	names := make([]string, len(db.objects))
	for i, o := range db.objects {
		names[i] = o.name
	}
	same := func(a, b edge) bool { return a.from == b.from && a.to == b.to }
	if !slices.Equal(names, g.names) || !slices.EqualFunc(db.edges, g.edges, same) {
		g.names = names
		var edges []dag.Edge
		g.edges = nil
		for _, e := range db.edges {
			from, to := slices.Index(names, e.from), slices.Index(names, e.to)
			if from >= 0 && to >= 0 {
				edges = append(edges, dag.Edge{From: from, To: to})
				g.edges = append(g.edges, e)
			}
		}
		g.layout = dag.New(len(names), edges)
		g.layerOf = map[int]int{}
		for at, layer := range g.layout.Layers {
			for _, v := range layer {
				g.layerOf[v] = at
			}
		}
	}
	g.edges = g.edges[:0]
	for _, e := range db.edges {
		if slices.Contains(names, e.from) && slices.Contains(names, e.to) {
			g.edges = append(g.edges, e) // with the rates of now
		}
	}
	if !slices.Contains(names, g.selected) && len(names) > 0 {
		g.selected = names[0]
	}
}

// key moves the selection along the layout.
func (g *graphView) key(m *Model, key string) {
	g.refresh(&m.db)
	v := slices.Index(g.names, g.selected)
	if v < 0 {
		return
	}
	switch key {
	case "down", "j":
		g.step(v, 1)
	case "up", "k":
		g.step(v, -1)
	case "right", "l":
		g.cross(v, 1)
	case "left", "h":
		g.cross(v, -1)
	case "enter":
		m.open(g.selected)
	}
}

// step selects the next object of the same layer.
func (g *graphView) step(v, by int) {
	layer := g.layout.Layers[g.layerOf[v]]
	for i := slices.Index(layer, v) + by; i >= 0 && i < len(layer); i += by {
		if layer[i] < len(g.names) {
			g.selected = g.names[layer[i]]
			return
		}
	}
}

// cross selects the nearest object of a layer beside.
func (g *graphView) cross(v, by int) {
	for at := g.layerOf[v] + by; at >= 0 && at < len(g.layout.Layers); at += by {
		best := -1
		for _, w := range g.layout.Layers[at] {
			if w < len(g.names) && (best < 0 || g.distance(v, w) < g.distance(v, best)) {
				best = w
			}
		}
		if best >= 0 {
			g.selected = g.names[best]
			return
		}
	}
}

// distance prefers the vertices that an edge leads to.
func (g *graphView) distance(v, w int) int {
	d := g.layout.Row[v] - g.layout.Row[w]
	if d < 0 {
		d = -d
	}
	for _, e := range g.edges {
		if e.from == g.names[v] && e.to == g.names[w] || e.from == g.names[w] && e.to == g.names[v] {
			return d
		}
	}
	return d + 1000
}

// geometry is where things stand on the plane that the screen shows a part of.
type geometry struct {
	step     int   // lines from a row to the next: 3 for boxes, else 1
	x, width []int // of each layer
	tracks   []int // lines between a layer and the next that go up or down
	spread   int   // cells more between layers, for the looks
	rates    bool  // in the objects, too
	w, h     int
}

// rateWidth is the cells that a rate takes.
const rateWidth = 8

// measure chooses the most detailed drawing that fits the area.
func (g *graphView) measure(a canvas.Area) geometry {
	rows := 1
	for _, r := range g.layout.Row {
		rows = max(rows, r+1)
	}
	geo := geometry{step: 1, rates: true, tracks: make([]int, len(g.layout.Layers))}
	for at, layer := range g.layout.Layers {
		for _, v := range layer {
			if g.turns(v, at) {
				geo.tracks[at]++
			}
		}
	}
	if rows*3 <= a.H {
		geo.step = 3
	}
	geo.h = rows * geo.step
	for _, rates := range []bool{true, false} {
		geo.rates = rates && geo.step == 1
		g.columns(&geo)
		if geo.w <= a.W {
			break
		}
	}
	if spare := a.W - geo.w; spare > 0 && len(geo.x) > 1 {
		geo.spread = min(spare/(len(geo.x)-1), 10)
		geo.place()
	}
	return geo
}

// columns gives each layer the width of its longest name.
func (g *graphView) columns(geo *geometry) {
	geo.width = make([]int, len(g.layout.Layers))
	for at, layer := range g.layout.Layers {
		for _, v := range layer {
			if v < len(g.names) {
				geo.width[at] = max(geo.width[at], canvas.Width(g.names[v])+2)
			}
		}
		if geo.step == 3 {
			geo.width[at] += 2
		}
		if geo.rates {
			geo.width[at] += rateWidth
		}
	}
	geo.place()
}

// place gives the layers their columns.
func (geo *geometry) place() {
	geo.x, geo.w = make([]int, len(geo.width)), 0
	for at, w := range geo.width {
		geo.x[at] = geo.w
		geo.w += w
		if at < len(geo.width)-1 {
			geo.w += geo.gap(at)
		}
	}
}

// gap is the cells between a layer and the next.
func (geo *geometry) gap(at int) int {
	return geo.tracks[at] + 3 + rateWidth + geo.spread
}

// line is the line of the plane in the middle of a row.
func (geo *geometry) line(row int) int { return row*geo.step + geo.step/2 }

// targets are the vertices of the next layer that edges lead to.
func (g *graphView) targets(v, at int) []int {
	var out []int
	for _, p := range g.layout.Paths {
		if i := slices.Index(p, v); i >= 0 && i < len(p)-1 && g.layerOf[v] == at && !slices.Contains(out, p[i+1]) {
			out = append(out, p[i+1])
		}
	}
	return out
}

// drawGraph draws the page of the DAG.
func (m *Model) drawGraph(a canvas.Area) {
	g := &m.graph
	g.refresh(&m.db)
	if len(g.names) == 0 {
		a.Center(a.H/2, canvas.Of(canvas.Muted), pick(m.db.loaded, "no objects yet: CREATE SOURCE makes the first", "waiting for the catalog"))
		return
	}
	parts := a.Rows(-1, 2)
	a, foot := parts[0], parts[1]
	geo := g.measure(a)
	plane := canvas.New(geo.w, geo.h)
	wires := newWires(plane.Area())
	for i, e := range g.edges {
		if e.from != g.selected && e.to != g.selected {
			g.route(wires, geo, i, canvas.Of(canvas.Frame))
		}
	}
	for i, e := range g.edges {
		if e.from == g.selected || e.to == g.selected {
			g.route(wires, geo, i, canvas.Of(pick(e.from == g.selected, canvas.Accent, canvas.Warn)))
		}
	}
	wires.draw()
	m.edgeLabels(plane.Area(), geo)
	for v, name := range g.names {
		m.drawVertex(plane.Area(), geo, v, m.db.find(name))
	}
	g.scroll(a, geo)
	a.Show(plane, g.scrollX, g.scrollY)
	for _, more := range []struct {
		is   bool
		x, y int
		r    rune
	}{
		{g.scrollX > 0, 0, a.H / 2, '«'},
		{g.scrollX+a.W < geo.w, a.W - 1, a.H / 2, '»'},
		{g.scrollY > 0, a.W / 2, 0, '↑'},
		{g.scrollY+a.H < geo.h, a.W / 2, a.H - 1, '↓'},
	} {
		if more.is {
			a.Set(more.x, more.y, more.r, canvas.Strong(canvas.Warn))
		}
	}
	m.graphFoot(foot, g)
}

// scroll keeps the selected object on the screen and centres what is smaller.
func (g *graphView) scroll(a canvas.Area, geo geometry) {
	v := slices.Index(g.names, g.selected)
	at := g.layerOf[v]
	keep := func(scroll, from, to, page, size int) int {
		if size <= page {
			return -((page - size) / 2)
		}
		scroll = max(0, min(scroll, size-page))
		if to > scroll+page {
			scroll = to - page
		}
		return min(scroll, from)
	}
	g.scrollX = keep(g.scrollX, geo.x[at], geo.x[at]+geo.width[at], a.W, geo.w)
	line := geo.line(g.layout.Row[v])
	g.scrollY = keep(g.scrollY, max(0, line-1), line+2, a.H, geo.h)
}

// route draws an edge: out of its object, along a track of the channel, into the
// next layer, and so on.
func (g *graphView) route(w *wires, geo geometry, i int, s canvas.Style) {
	path := g.layout.Paths[i]
	for n := 1; n < len(path); n++ {
		from, to := path[n-1], path[n]
		at := g.layerOf[from]
		left := geo.x[at] + geo.width[at]
		if from >= len(g.names) {
			left = geo.x[at] // a bend: the line passes the layer
		}
		track := geo.x[at] + geo.width[at] + 1 + g.track(from, at)
		y0, y1 := geo.line(g.layout.Row[from]), geo.line(g.layout.Row[to])
		end := geo.x[at+1] - 1
		w.horizontal(left, track, y0, s)
		w.vertical(track, y0, y1, s)
		w.horizontal(track, end, y1, s)
		if to < len(g.names) {
			w.arrow(end, y1, s)
		}
	}
}

// track is the number of an object among those of its layer that edges leave.
func (g *graphView) track(v, at int) int {
	n := 0
	for _, w := range g.layout.Layers[at] {
		if w == v {
			break
		}
		if g.turns(w, at) {
			n++
		}
	}
	return n
}

// turns reports whether a line goes up or down behind a vertex.
func (g *graphView) turns(v, at int) bool {
	return slices.ContainsFunc(g.targets(v, at), func(to int) bool { return g.layout.Row[to] != g.layout.Row[v] })
}

// edgeLabels writes the rates at the ends of the edges. Where several edges end,
// it is their sum.
func (m *Model) edgeLabels(a canvas.Area, geo geometry) {
	g := &m.graph
	for v, name := range g.names {
		sum, style := math.NaN(), canvas.Of(canvas.Muted)
		for _, e := range g.edges {
			if e.to != name {
				continue
			}
			if r := m.db.edgeRate(e); !math.IsNaN(r) {
				if math.IsNaN(sum) {
					sum = 0
				}
				sum += r
			}
			if e.from == g.selected || e.to == g.selected {
				style = canvas.Of(canvas.Plain)
			}
		}
		if math.IsNaN(sum) {
			continue
		}
		a.Right(geo.x[g.layerOf[v]]-2, geo.line(g.layout.Row[v]), style, " "+rate(sum)+" ")
	}
}

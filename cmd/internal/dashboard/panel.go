package dashboard

import (
	"math"

	"laminardb/cmd/internal/dashboard/canvas"
)

// frame draws the border of a panel, or on small screens a line above it, and
// returns the area within.
func (m *Model) frame(a canvas.Area, title, detail string) canvas.Area {
	line := canvas.Of(canvas.Frame)
	in := a.Sub(0, 1, a.W, a.H-1)
	if m.wide() {
		boxed(a, line)
		in = a.Sub(1, 1, a.W-2, a.H-2)
	} else {
		a.Sub(0, 0, a.W, 1).Fill('─', line)
	}
	x := a.Sub(0, 0, a.W-1, 1).Text(2, 0, canvas.Strong(canvas.Title), " "+title+" ")
	if w := canvas.Width(detail); detail != "" && x+w+4 <= a.W {
		a.Right(a.W-2, 0, canvas.Of(canvas.Muted), " "+detail+" ")
	}
	return in
}

// panel draws the frame of a stream's panel. ok is false if there is nothing to
// draw in it: then it says why.
func (m *Model) panel(a canvas.Area, stream, title, detail string, filled bool) (in canvas.Area, ok bool) {
	in = m.frame(a, title, detail)
	say := func(role canvas.Role, text string) {
		in.Center((in.H-1)/2, canvas.Of(role), text)
	}
	o, err := m.db.find(stream), m.market.errors[stream]
	switch {
	case m.db.loaded && o == nil:
		say(canvas.Muted, stream+": not created")
	case o != nil && isProblem(o.status):
		for y, l := range wrapped(stream+" "+o.status, in.W-2) {
			in.Text(1, y, canvas.Of(canvas.Down), l)
		}
	case filled:
		return in, true
	case err != "":
		say(canvas.Down, err)
	default:
		say(canvas.Muted, "waiting for "+stream)
	}
	return in, false
}

// cell is a value of a table.
type cell struct {
	text  string
	width int // negative: to the right
	style canvas.Style
}

func left(width int, role canvas.Role, text string) cell {
	return cell{text, width, canvas.Of(role)}
}

func right(width int, role canvas.Role, text string) cell {
	return cell{text, -width, canvas.Of(role)}
}

// row draws the cells of a table one after the other with a blank between them.
func row(a canvas.Area, y int, cells ...cell) (x int) {
	for _, c := range cells {
		w := max(c.width, -c.width)
		part := a.Sub(x, y, w, 1)
		if c.width < 0 {
			part.Right(part.W, 0, c.style, canvas.Clip(c.text, part.W))
		} else {
			part.Fit(0, 0, part.W, c.style, c.text)
		}
		x += w + 1
	}
	return x
}

// head draws the headings of a table.
func head(a canvas.Area, cells ...cell) {
	for i := range cells {
		cells[i].style = canvas.Of(canvas.Muted)
	}
	row(a, 0, cells...)
}

// below is an area without its first row.
func below(a canvas.Area) canvas.Area { return a.Sub(0, 1, a.W, a.H-1) }

// chart draws lines with a scale at the right and times below. It returns the
// area of the lines.
func (m *Model) chart(a canvas.Area, lines ...canvas.Line) canvas.Area {
	var xs, ys []float64
	for _, l := range lines {
		for _, p := range l.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
	}
	y, ok := canvas.Span(ys...)
	x, _ := canvas.Span(xs...)
	if !ok {
		return a
	}
	low := y.Min
	y = y.Padded(0.05)
	if low >= 0 {
		y.Min = max(0, y.Min) // what is never negative has no scale below zero
	}
	plot, r := m.scale(a, y, 0)
	m.times(a.Sub(0, a.H-1, plot.W, 1), x)
	plot.Plot(x, r, lines...)
	return plot
}

// scale draws the scale of values at the right of an area, at least width cells
// wide, and returns what is left for the chart; the last row is kept for times.
func (m *Model) scale(a canvas.Area, y canvas.Range, width int) (canvas.Area, canvas.Range) {
	n := max(1, min((a.H-1)/3, 6))
	ticks := y.Ticks(n)
	if len(ticks) < 2 {
		ticks = y.Ticks(n + 2)
	}
	step := y.Max - y.Min
	if len(ticks) > 1 {
		step = ticks[1] - ticks[0]
	}
	for _, t := range ticks {
		width = max(width, canvas.Width(axis(t, step)))
	}
	plot := a.Sub(0, 0, a.W-width-1, a.H-1)
	for _, t := range ticks {
		at := plot.Row(y, t)
		for x := 0; x < plot.W; x += 4 {
			plot.Set(x, at, '·', canvas.Of(canvas.Frame))
		}
		a.Right(a.W, at, canvas.Of(canvas.Muted), axis(t, step))
	}
	return plot, y
}

// times draws the first, middle and last time under a chart; x is in epoch
// milliseconds.
func (m *Model) times(a canvas.Area, x canvas.Range) {
	if a.W < 20 || math.IsInf(x.Min, 0) {
		return
	}
	style := canvas.Of(canvas.Muted)
	a.Text(0, 0, style, clock(int64(x.Min)))
	if a.W >= 40 {
		middle := clock(int64((x.Min + x.Max) / 2))
		a.Text((a.W-len(middle))/2, 0, style, middle)
	}
	a.Right(a.W, 0, style, clock(int64(x.Max)))
}

// points are the samples of a line for a chart.
func points(l line) []canvas.Point {
	out := make([]canvas.Point, len(l))
	for i, s := range l {
		out[i] = canvas.Point{X: float64(s.at), Y: s.v}
	}
	return out
}

// newest are the last n samples.
func (l line) newest(n int) line { return l[max(0, len(l)-n):] }

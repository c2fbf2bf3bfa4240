package canvas

import "math"

// Point is one sample of a line; X and Y are in the chart's own units.
type Point struct{ X, Y float64 }

// Line is one line of a chart. Points stand in the order of X.
type Line struct {
	Points []Point
	Style  Style
}

// Range is a closed interval of values.
type Range struct{ Min, Max float64 }

// Span is the range of all values, ok false if there is none.
func Span(values ...float64) (r Range, ok bool) {
	r = Range{math.Inf(1), math.Inf(-1)}
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			r.Min, r.Max, ok = min(r.Min, v), max(r.Max, v), true
		}
	}
	return r, ok
}

// Padded widens the range by a share of itself on both sides; a range of one
// value becomes one around it.
func (r Range) Padded(share float64) Range {
	d := (r.Max - r.Min) * share
	if r.Max == r.Min {
		d = max(math.Abs(r.Max)*0.01, 1e-9)
	}
	return Range{r.Min - d, r.Max + d}
}

// at is where a value stands in the range, 0 for Min and 1 for Max.
func (r Range) at(v float64) float64 {
	if r.Max == r.Min {
		return 0.5
	}
	return (v - r.Min) / (r.Max - r.Min)
}

// braille has the bit of each of the 2×4 dots of a cell, by column and row.
var braille = [2][4]rune{{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}

// Plot draws lines in dots of braille, eight to a cell; later lines are drawn
// over earlier ones.
func (a Area) Plot(x, y Range, lines ...Line) {
	dots := make([]rune, a.W*a.H)
	for _, l := range lines {
		dot := func(px, py int) {
			if px < 0 || py < 0 || px >= a.W*2 || py >= a.H*4 {
				return
			}
			i := py/4*a.W + px/2
			dots[i] |= braille[px%2][py%4]
			a.Set(px/2, py/4, 0x2800|dots[i], l.Style)
		}
		lastX, lastY, begun := 0, 0, false
		for _, p := range l.Points {
			if math.IsNaN(p.Y) {
				begun = false
				continue
			}
			px := int(math.Round(x.at(p.X) * float64(a.W*2-1)))
			py := int(math.Round((1 - y.at(p.Y)) * float64(a.H*4-1)))
			if begun {
				stroke(lastX, lastY, px, py, dot)
			} else {
				dot(px, py)
			}
			lastX, lastY, begun = px, py, true
		}
	}
}

// stroke visits the dots between two dots (Bresenham).
func stroke(x0, y0, x1, y1 int, dot func(x, y int)) {
	dx, dy := abs(x1-x0), -abs(y1-y0)
	sx, sy := 1, 1
	if x0 > x1 {
		sx = -1
	}
	if y0 > y1 {
		sy = -1
	}
	e := dx + dy
	for {
		dot(x0, y0)
		if x0 == x1 && y0 == y1 {
			return
		}
		if 2*e >= dy {
			e, x0 = e+dy, x0+sx
		} else if 2*e <= dx {
			e, y0 = e+dx, y0+sy
		}
	}
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// eighths are the blocks that fill a cell from below by eighths.
var eighths = [9]rune{' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'}

// Columns draws the last values as columns over the height of the area, one cell
// wide each, the newest at the right; style gives the style of the i-th value. In
// one row the top eighth stays free, so that rows do not grow together.
func (a Area) Columns(r Range, values []float64, style func(i int) Style) {
	first := max(0, len(values)-a.W)
	full := a.H * 8
	if a.H == 1 {
		full = 7
	}
	for i, v := range values[first:] {
		if math.IsNaN(v) {
			continue
		}
		x := a.W - (len(values) - first) + i
		level := int(math.Round(max(0, min(1, r.at(v))) * float64(full)))
		level = max(level, 1)
		for y := a.H - 1; y >= 0 && level > 0; y-- {
			a.Set(x, y, eighths[min(8, level)], style(first+i))
			level -= 8
		}
	}
}

// Bar draws a bar over a share (0 to 1) of the first row of the area.
func (a Area) Bar(share float64, s Style) {
	n := int(math.Round(max(0, min(1, share)) * float64(a.W*2)))
	for x := 0; n > 0; x++ {
		a.Set(x, 0, pick(n > 1, '━', '╸'), s)
		n -= 2
	}
}

// Balance draws a bar from the middle of the first row to the right for positive
// shares and to the left for negative ones.
func (a Area) Balance(share float64, right, left, axis Style) {
	half := (a.W - 1) / 2
	if share >= 0 {
		a.Sub(half+1, 0, half, 1).Bar(share, right)
	} else {
		n := int(math.Round(min(1, -share) * float64(half*2)))
		for x := half - 1; n > 0; x-- {
			a.Set(x, 0, pick(n > 1, '━', '╺'), left)
			n -= 2
		}
	}
	a.Set(half, 0, '│', axis)
}

// Parts draws one bar over the whole first row: the first share (0 to 1) of it in
// one style, the rest in another with a thinner line.
func (a Area) Parts(share float64, first, rest Style) {
	n := int(math.Round(max(0, min(1, share)) * float64(a.W)))
	for x := range a.W {
		if x < n {
			a.Set(x, 0, '━', first)
		} else {
			a.Set(x, 0, '─', rest)
		}
	}
}

func pick(ok bool, yes, no rune) rune {
	if ok {
		return yes
	}
	return no
}

// Ticks are about n round values within the range.
func (r Range) Ticks(n int) []float64 {
	if n < 1 || r.Max <= r.Min {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10((r.Max-r.Min)/float64(n))))
	for _, f := range []float64{1, 2, 5, 10} {
		if (r.Max-r.Min)/(step*f) <= float64(n) {
			step *= f
			break
		}
	}
	var out []float64
	for i := math.Ceil(r.Min / step); i*step <= r.Max; i++ {
		out = append(out, i*step+0) // no negative zero
	}
	return out
}

// Row is the row of the area at which a value of the range is drawn.
func (a Area) Row(r Range, v float64) int {
	return int(math.Round((1 - r.at(v)) * float64(a.H-1)))
}

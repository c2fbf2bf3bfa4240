// Package canvas is a grid of character cells to draw frames of text on, and
// the charts that fit into it.
//
// Nouns: Canvas (the grid of one frame), Area (a clipped rectangle of it, with
// coordinates of its own), Style (what a cell means, not its colour), Theme
// (the escape sequences of the styles for one kind of terminal).
//
// Rule: whatever is drawn outside an area is cut off, so a frame always has the
// size of its canvas; a cell holds one rune, and a wide rune takes two cells.
package canvas

import (
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// Canvas is the grid of one frame.
type Canvas struct {
	width, height int
	cells         []cell
}

// cell is one character; rune 0 is the right half of a wide one.
type cell struct {
	r     rune
	style Style
}

// New returns a blank canvas; negative sizes count as 0.
func New(width, height int) *Canvas {
	width, height = max(0, width), max(0, height)
	c := &Canvas{width: width, height: height, cells: make([]cell, width*height)}
	for i := range c.cells {
		c.cells[i].r = ' '
	}
	return c
}

// Area returns all of the canvas.
func (c *Canvas) Area() Area { return Area{canvas: c, W: c.width, H: c.height} }

// Render returns the lines of the frame joined by newlines, with the escape
// sequences of the theme. Every line is closed with a reset if it needs one.
func (c *Canvas) Render(t Theme) string {
	var b strings.Builder
	b.Grow(len(c.cells) * 3)
	for y := range c.height {
		if y > 0 {
			b.WriteByte('\n')
		}
		c.renderLine(&b, t, c.cells[y*c.width:(y+1)*c.width])
	}
	return b.String()
}

func (c *Canvas) renderLine(b *strings.Builder, t Theme, line []cell) {
	current := ""
	for _, cell := range line {
		if cell.r == 0 {
			continue
		}
		if s := t.sequence(cell.style, cell.r == ' '); s != current {
			if current != "" {
				b.WriteString("\x1b[0m")
			}
			b.WriteString(s)
			current = s
		}
		b.WriteRune(cell.r)
	}
	if current != "" {
		b.WriteString("\x1b[0m")
	}
}

// Area is a rectangle of a canvas. X and Y are its corner on the canvas, W and
// H its size in cells. The zero area has no cells.
type Area struct {
	canvas     *Canvas
	X, Y, W, H int
}

// Sub returns the part of the area that begins at x, y and has at most the size
// given; it may be empty.
func (a Area) Sub(x, y, w, h int) Area {
	if x < 0 {
		w, x = w+x, 0
	}
	if y < 0 {
		h, y = h+y, 0
	}
	return Area{canvas: a.canvas, X: a.X + x, Y: a.Y + y, W: max(0, min(w, a.W-x)), H: max(0, min(h, a.H-y))}
}

// Rows cuts the area into areas of these heights, from above; negative heights
// are shares of what the others leave.
func (a Area) Rows(heights ...int) []Area {
	out := make([]Area, len(heights))
	y := 0
	for i, h := range shares(a.H, heights) {
		out[i] = a.Sub(0, y, a.W, h)
		y += h
	}
	return out
}

// Cols cuts the area into areas of these widths, from the left, with gap cells
// between them; negative widths are shares of what the others leave.
func (a Area) Cols(gap int, widths ...int) []Area {
	out := make([]Area, len(widths))
	x := 0
	for i, w := range shares(a.W-gap*(len(widths)-1), widths) {
		out[i] = a.Sub(x, 0, w, a.H)
		x += w + gap
	}
	return out
}

// shares turns negative sizes into parts of what is left of total.
func shares(total int, sizes []int) []int {
	out := make([]int, len(sizes))
	rest, parts := total, 0
	for _, s := range sizes {
		if s < 0 {
			parts -= s
		} else {
			rest -= s
		}
	}
	rest = max(0, rest)
	for i, s := range sizes {
		switch {
		case s >= 0:
			out[i] = s
		default:
			out[i] = rest * -s / parts
			rest, parts = rest-out[i], parts+s
		}
	}
	return out
}

// Set draws one rune; wide runes are for Text.
func (a Area) Set(x, y int, r rune, s Style) {
	if x < 0 || y < 0 || x >= a.W || y >= a.H {
		return
	}
	a.canvas.cells[(a.Y+y)*a.canvas.width+a.X+x] = cell{r, s}
}

// Restyle changes the style of a row of cells and keeps what they show.
func (a Area) Restyle(x, y, w int, change func(Style) Style) {
	for i := max(0, x); i < min(a.W, x+w); i++ {
		if y >= 0 && y < a.H {
			c := &a.canvas.cells[(a.Y+y)*a.canvas.width+a.X+i]
			c.style = change(c.style)
		}
	}
}

// Fill draws the same rune over the whole area.
func (a Area) Fill(r rune, s Style) {
	for y := range a.H {
		for x := range a.W {
			a.Set(x, y, r, s)
		}
	}
}

// Text draws a line of text and returns the column after it. Control characters
// show as dots.
func (a Area) Text(x, y int, s Style, text string) int {
	for _, r := range text {
		if unicode.IsControl(r) {
			r = '·'
		}
		switch width := runeWidth(r); {
		case width == 0:
			continue
		case width == 2 && x+1 < a.W:
			a.Set(x, y, r, s)
			a.Set(x+1, y, 0, s)
			x += 2
		case width == 2:
			a.Set(x, y, '…', s)
			x += 2
		default:
			a.Set(x, y, r, s)
			x++
		}
	}
	return x
}

// Fit draws a line of text in width cells and ends it with … if it is longer.
func (a Area) Fit(x, y, width int, s Style, text string) {
	a.Sub(x, y, width, 1).Text(0, 0, s, Clip(text, width))
}

// Right draws a line of text that ends before column x.
func (a Area) Right(x, y int, s Style, text string) { a.Text(x-Width(text), y, s, text) }

// Center draws a line of text in the middle of the area, clipped to it.
func (a Area) Center(y int, s Style, text string) {
	text = Clip(text, a.W)
	a.Text((a.W-Width(text))/2, y, s, text)
}

// Width is the number of cells of a line of text.
func Width(text string) int {
	n := 0
	for _, r := range text {
		if unicode.IsControl(r) {
			n++
			continue
		}
		n += runeWidth(r)
	}
	return n
}

// Clip shortens a line of text to width cells, the last one … if it was longer.
func Clip(text string, width int) string {
	if Width(text) <= width {
		return text
	}
	n := 0
	for i, r := range text {
		w := max(1, runeWidth(r))
		if n+w > width-1 {
			if width <= 0 {
				return ""
			}
			return text[:i] + "…"
		}
		n += w
	}
	return text
}

// runeWidth does not ask the locale: what we draw is one cell wide everywhere.
func runeWidth(r rune) int {
	if r < 0x1100 {
		if r >= 0x300 && r < 0x370 {
			return 0 // combining marks
		}
		return 1
	}
	if r >= 0x2000 && r < 0x2c00 && r != 0x200b && r != 0x200d {
		return 1 // what charts are made of
	}
	c := runewidth.Condition{}
	return c.RuneWidth(r)
}

// Show copies the part of another canvas that begins at x, y, which may be
// negative, into the area.
func (a Area) Show(from *Canvas, x, y int) {
	for j := range a.H {
		for i := range a.W {
			if fx, fy := x+i, y+j; fx >= 0 && fy >= 0 && fx < from.width && fy < from.height {
				c := from.cells[fy*from.width+fx]
				a.Set(i, j, c.r, c.style)
			}
		}
	}
}

package main

import (
	"fmt"
	"strings"
)

// Half the thickness of thin and thick lines.
const (
	thinLine  = 0.6
	thickLine = 1.6
)

// glyph is the path of a character that is drawn as a shape in n cells from x, y,
// "" for letters. Only what wideGlyph allows is drawn in more than one cell.
func glyph(r rune, n int, x, y float64) string {
	const h = cellHeight
	w := float64(cellWidth * n)
	switch {
	case r > 0x2800 && r <= 0x28ff:
		return dots(r-0x2800, x, y)
	case r >= '▁' && r <= '█':
		part := float64(r-'▁'+1) / 8 * h
		return rect(x, y+h-part, w, part)
	case r >= '▉' && r <= '▏':
		return rect(x, y, float64('▏'-r+1)/8*w, h)
	case r == '▀':
		return rect(x, y, w, h/2.0)
	case r == '─':
		return rect(x, y+h/2.0-thinLine, w, 2*thinLine)
	case r == '━':
		return rect(x, y+h/2.0-thickLine, w, 2*thickLine)
	case r == '▐':
		return rect(x+w/2.0, y, w/2.0, h)
	case r == '░' || r == '▒':
		return shade(r, x, y)
	case r == '▸' || r == '▶':
		return fmt.Sprintf("M%g %gL%g %gL%g %gZ", x+1.5, y+h/2.0-4, x+1.5, y+h/2.0+4, x+w-0.5, y+h/2.0)
	}
	if sides, ok := lines()[r]; ok {
		return joint(sides, x, y)
	}
	return ""
}

// wideGlyph reports whether a character beside itself is one shape.
func wideGlyph(r rune) bool {
	return r >= '▁' && r <= '█' || r == '▀' || r == '─' || r == '━'
}

func rect(x, y, w, h float64) string {
	return fmt.Sprintf("M%.6g %.6gh%.6gv%.6gh-%.6gz", x, y, w, h, w)
}

// dots draws a braille pattern.
func dots(bits rune, x, y float64) string {
	var b strings.Builder
	for i, at := range [8][2]float64{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {0, 3}, {1, 3}} {
		if bits&(1<<i) != 0 {
			b.WriteString(rect(x+at[0]*4+1, y+at[1]*4.25+1.1, 2, 2))
		}
	}
	return b.String()
}

// shade draws a grid of small squares.
func shade(r rune, x, y float64) string {
	var b strings.Builder
	for j := range 8 {
		for i := range 4 {
			if r == '▒' && (i+j)%2 == 0 || r == '░' && j%2 == 0 && (i+j/2)%2 == 0 {
				b.WriteString(rect(x+float64(i)*2, y+float64(j)*2.125, 2, 2.125))
			}
		}
	}
	return b.String()
}

// lines are the strokes of box drawing characters: the thickness towards north,
// east, south and west.
func lines() map[rune][4]float64 {
	const t, k = thinLine, thickLine
	return map[rune][4]float64{
		'│': {t, 0, t, 0}, '╭': {0, t, t, 0}, '╮': {0, 0, t, t}, '╰': {t, t, 0, 0}, '╯': {t, 0, 0, t},
		'├': {t, t, t, 0}, '┤': {t, 0, t, t}, '┬': {0, t, t, t}, '┴': {t, t, 0, t}, '┼': {t, t, t, t},
		'╵': {t, 0, 0, 0}, '╷': {0, 0, t, 0}, '╶': {0, t, 0, 0}, '╴': {0, 0, 0, t},
		'┃': {k, 0, k, 0}, '╹': {k, 0, 0, 0}, '╻': {0, 0, k, 0}, '╿': {k, 0, t, 0}, '╽': {t, 0, k, 0}, '╸': {0, 0, 0, k}, '╺': {0, k, 0, 0},
	}
}

// joint draws strokes from the middle of a cell.
func joint(sides [4]float64, x, y float64) string {
	const w, h = cellWidth, cellHeight
	cx, cy := x+w/2.0, y+h/2.0
	var b strings.Builder
	if t := sides[0]; t > 0 {
		b.WriteString(rect(cx-t, y, 2*t, h/2.0+thinLine))
	}
	if t := sides[1]; t > 0 {
		b.WriteString(rect(cx-thinLine, cy-t, w/2.0+thinLine, 2*t))
	}
	if t := sides[2]; t > 0 {
		b.WriteString(rect(cx-t, cy-thinLine, 2*t, h/2.0+thinLine))
	}
	if t := sides[3]; t > 0 {
		b.WriteString(rect(x, cy-t, w/2.0+thinLine, 2*t))
	}
	return b.String()
}

package canvas

import "math"

// Candle is a bar of prices.
type Candle struct{ Open, High, Low, Close float64 }

// The parts of a candle that a half of a cell can show.
const (
	nothing = iota
	wick
	body
)

// thin has the rune of a candle one cell wide, by its upper and lower half: thin
// lines for wicks, thick ones for bodies.
var thin = [3][3]rune{{' ', '╷', '╻'}, {'╵', '│', '╽'}, {'╹', '╿', '┃'}}

// blocks has the rune of the body of a wider candle, by whether the upper and the
// lower half belong to it.
var blocks = [2][2]rune{{' ', '▄'}, {'▀', '█'}}

// Candles draws the last candles that fit, the newest at the right, each width
// cells wide with a gap of one cell. rising and falling are the styles;
// hollow draws the bodies of rising candles lighter, for terminals without
// colour.
func (a Area) Candles(r Range, candles []Candle, width int, rising, falling Style, hollow bool) {
	first := max(0, len(candles)-a.CandleCount(width))
	x := a.W - (len(candles)-first)*(width+1) + 1
	for _, c := range candles[first:] {
		style := rising
		if c.Close < c.Open {
			style = falling
		}
		a.candle(x, r, c, width, style, hollow && c.Close >= c.Open)
		x += width + 1
	}
}

// CandleCount is how many candles of a width fit.
func (a Area) CandleCount(width int) int { return (a.W + 1) / (width + 1) }

func (a Area) candle(x int, r Range, c Candle, width int, s Style, hollow bool) {
	half := func(v float64) int { return int(math.Round((1 - r.at(v)) * float64(a.H*2-1))) }
	high, low := half(c.High), half(c.Low)
	top, bottom := half(max(c.Open, c.Close)), half(min(c.Open, c.Close))
	part := func(h int) int {
		switch {
		case h >= top && h <= bottom:
			return body
		case h >= high && h <= low:
			return wick
		}
		return nothing
	}
	for y := range a.H {
		upper, lower := part(2*y), part(2*y+1)
		for i := range width {
			r := thin[upper][lower]
			if width > 1 {
				r = wide(upper, lower, part(2*y-1) == wick, part(2*y+2) == wick, i == width/2)
			}
			if hollow && (r == '█' || r == '▄' || r == '▀') {
				r = '░'
			}
			if r != ' ' {
				a.Set(x+i, y, r, s)
			}
		}
	}
}

// wide is what one cell of a wide candle shows. No character has half a cell of
// body and half a cell of wick: the body takes the whole cell if the wick goes on
// above or below, else the rest of the wick is left out.
func wide(upper, lower int, above, beneath, middle bool) rune {
	switch {
	case upper == body && lower == wick && beneath, upper == wick && lower == body && above:
		return '█'
	case upper == body || lower == body:
		return blocks[bit(upper == body)][bit(lower == body)]
	case middle:
		return thin[upper][lower]
	}
	return ' '
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

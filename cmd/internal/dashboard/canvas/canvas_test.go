package canvas

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestDraw draws on a canvas of a size. Commands, each with the input's numbers:
//
//	plot, columns, bar, balance, parts, candles [width=N] [hollow], text, fit width=N
func TestDraw(t *testing.T) {
	datadriven.RunTest(t, "testdata/draw.txt", func(t *testing.T, d *datadriven.TestData) string {
		var size string
		d.ScanArgs(t, "size", &size)
		var w, h int
		if _, err := fmt.Sscanf(size, "%dx%d", &w, &h); err != nil {
			t.Fatal(err)
		}
		c := New(w, h)
		draw(t, c.Area(), d)
		out := c.Render(NoColor())
		if n := len(strings.Split(out, "\n")); n != h {
			t.Errorf("%s: %d lines", d.Pos, n)
		}
		for _, l := range strings.Split(out, "\n") {
			if Width(l) != w {
				t.Errorf("%s: %q has %d cells", d.Pos, l, Width(l))
			}
		}
		return strings.ReplaceAll(out, "\n", "¦\n") + "¦\n"
	})
}

func draw(t *testing.T, a Area, d *datadriven.TestData) {
	s := Of(Up)
	switch d.Cmd {
	case "text":
		a.Text(0, 0, s, strings.ReplaceAll(d.Input, `\t`, "\t"))
		return
	case "fit":
		var width int
		d.ScanArgs(t, "width", &width)
		a.Fit(1, 0, width, s, d.Input)
		return
	case "candles":
		drawCandles(t, a, d)
		return
	}
	values := numbers(t, d.Input)
	r, _ := Span(values...)
	switch d.Cmd {
	case "plot":
		points := make([]Point, len(values))
		for i, v := range values {
			points[i] = Point{float64(i), v}
		}
		a.Plot(Range{0, float64(len(values) - 1)}, r, Line{points, s})
	case "columns":
		a.Columns(Range{0, r.Max}, values, func(int) Style { return s })
	case "bar":
		for y, v := range values {
			a.Sub(0, y, a.W, 1).Bar(v, s)
		}
	case "balance":
		for y, v := range values {
			a.Sub(0, y, a.W, 1).Balance(v, s, s, s)
		}
	case "parts":
		for y, v := range values {
			a.Sub(0, y, a.W, 1).Parts(v, s, s)
		}
	default:
		t.Fatalf("unknown command %s", d.Cmd)
	}
}

func drawCandles(t *testing.T, a Area, d *datadriven.TestData) {
	width := 1
	if d.HasArg("width") {
		d.ScanArgs(t, "width", &width)
	}
	var candles []Candle
	var all []float64
	for _, l := range strings.Split(d.Input, "\n") {
		n := numbers(t, l)
		candles = append(candles, Candle{n[0], n[1], n[2], n[3]})
		all = append(all, n...)
	}
	r, _ := Span(all...)
	a.Candles(r, candles, width, Of(Up), Of(Down), d.HasArg("hollow"))
}

func numbers(t *testing.T, text string) []float64 {
	t.Helper()
	var out []float64
	for _, f := range strings.Fields(text) {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// TestAreas checks how areas are cut.
func TestAreas(t *testing.T) {
	a := New(20, 10).Area()
	for _, c := range []struct {
		name string
		got  []Area
		want string
	}{
		{"rows", a.Rows(2, -1, -3), "0,0 20x2; 0,2 20x2; 0,4 20x6"},
		{"too many rows", a.Rows(8, 4, -1), "0,0 20x8; 0,8 20x2; 0,12 20x0"},
		{"cols", a.Cols(1, -1, 5), "0,0 14x10; 15,0 5x10"},
		{"sub", []Area{a.Sub(-3, 8, 10, 9), a.Sub(30, 1, 1, 1)}, "0,8 7x2; 30,1 0x1"},
	} {
		var got []string
		for _, b := range c.got {
			got = append(got, fmt.Sprintf("%d,%d %dx%d", b.X, b.Y, b.W, b.H))
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s: %s, want %s", c.name, s, c.want)
		}
	}
}

// TestTicks checks the round values of scales.
func TestTicks(t *testing.T) {
	for _, c := range []struct {
		r    Range
		n    int
		want string
	}{
		{Range{0, 10}, 5, "[0 2 4 6 8 10]"},
		{Range{131.9, 134.2}, 3, "[132 133 134]"},
		{Range{-0.3, 0.3}, 4, "[-0.2 0 0.2]"},
		{Range{5, 5}, 4, "[]"},
		{Range{0, 1}, 0, "[]"},
	} {
		if got := fmt.Sprint(c.r.Ticks(c.n)); got != c.want {
			t.Errorf("%v: %s, want %s", c.r, got, c.want)
		}
	}
}

// TestThemes checks the escape sequences of styles.
func TestThemes(t *testing.T) {
	for _, c := range []struct {
		theme Theme
		style Style
		want  string
	}{
		{NoColor(), Of(Up), "x"},
		{NoColor(), Strong(Up), "\x1b[1mx\x1b[0m"},
		{NoColor(), Of(Plain).On(Select), "\x1b[7mx\x1b[0m"},
		{Basic(), Of(Up), "\x1b[92mx\x1b[0m"},
		{Basic(), Of(BarText).On(Bar), "\x1b[97;44mx\x1b[0m"},
		{Extended(), Of(Down), "\x1b[38;5;203mx\x1b[0m"},
		{Full(), Strong(Down), "\x1b[1;38;2;255;107;107mx\x1b[0m"},
	} {
		canvas := New(1, 1)
		canvas.Area().Text(0, 0, c.style, "x")
		if got := canvas.Render(c.theme); got != c.want {
			t.Errorf("%+v: %q, want %q", c.style, got, c.want)
		}
	}
}

// Command framesvg turns a captured terminal screen, text with escape sequences
// as `tmux capture-pane -e -p` prints it, into an SVG picture.
//
// Nouns: cell (a character with its colours), glyph (how it is drawn).
//
// Rule: blocks, lines and dots are drawn as shapes, not as text, so that charts
// look the same whatever font the reader has; only letters are left to the font.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// The size of a cell and the font in it, in units of the picture.
const (
	cellWidth, cellHeight = 8, 17
	fontSize              = 13
	baseline              = 13
	margin                = 8
)

func main() {
	title := flag.String("title", "", "title of the picture, for readers who do not see it")
	flag.Parse()
	lines, err := read(os.Stdin)
	if err == nil {
		err = write(os.Stdout, *title, lines)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "framesvg:", err)
		os.Exit(1)
	}
}

// read parses the lines of a screen.
func read(r io.Reader) ([][]cell, error) {
	var lines [][]cell
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	style := look{}
	for in.Scan() {
		var line []cell
		line, style = parseLine(in.Text(), style)
		lines = append(lines, line)
	}
	return lines, in.Err()
}

// write draws a screen.
func write(w io.Writer, title string, lines [][]cell) error {
	width := 0
	for _, l := range lines {
		width = max(width, len(l))
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">`+"\n",
		width*cellWidth+2*margin, len(lines)*cellHeight+2*margin)
	fmt.Fprintf(out, "<title>%s</title>\n", escape(title))
	fmt.Fprintf(out, `<rect width="100%%" height="100%%" rx="6" fill="%s"/>`+"\n", background)
	fmt.Fprintf(out, `<g transform="translate(%d %d)" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="%d">`+"\n",
		margin, margin, fontSize)
	for y, line := range lines {
		writeLine(out, y, line)
	}
	fmt.Fprint(out, "</g>\n</svg>\n")
	return out.Flush()
}

// writeLine draws backgrounds, then shapes and words.
func writeLine(w io.Writer, y int, line []cell) {
	for x := 0; x < len(line); {
		end := x + 1
		for end < len(line) && line[end].look.back() == line[x].look.back() {
			end++
		}
		if fill := line[x].look.back(); fill != background {
			rectangle(w, float64(x*cellWidth), float64(y*cellHeight), float64((end-x)*cellWidth), cellHeight, fill)
		}
		x = end
	}
	shapes := map[string]*strings.Builder{}
	var order []string
	for x := 0; x < len(line); x++ {
		c := line[x]
		if c.r == ' ' {
			continue
		}
		n := 1
		for wideGlyph(c.r) && x+n < len(line) && line[x+n] == c {
			n++
		}
		if d := glyph(c.r, n, float64(x*cellWidth), float64(y*cellHeight)); d != "" {
			fill := c.look.front()
			if shapes[fill] == nil {
				shapes[fill] = &strings.Builder{}
				order = append(order, fill)
			}
			shapes[fill].WriteString(d)
			x += n - 1
			continue
		}
		end := x + 1
		for end < len(line) && line[end].r != ' ' && line[end].look == c.look && glyph(line[end].r, 1, 0, 0) == "" {
			end++
		}
		word(w, x, y, line[x:end])
		x = end - 1
	}
	for _, fill := range order {
		fmt.Fprintf(w, `<path fill="%s" d="%s"/>`+"\n", fill, shapes[fill])
	}
}

func rectangle(w io.Writer, x, y, width, height float64, fill string) {
	fmt.Fprintf(w, `<rect x="%g" y="%g" width="%g" height="%g" fill="%s"/>`+"\n", x, y, width, height, fill)
}

// word draws letters over exactly their cells.
func word(w io.Writer, x, y int, cells []cell) {
	var text strings.Builder
	for _, c := range cells {
		text.WriteRune(c.r)
	}
	weight := ""
	if cells[0].look.bold {
		weight = ` font-weight="bold"`
	}
	fmt.Fprintf(w, `<text x="%d" y="%d" textLength="%d" lengthAdjust="spacingAndGlyphs" fill="%s"%s>%s</text>`+"\n",
		x*cellWidth, y*cellHeight+baseline, len(cells)*cellWidth, cells[0].look.front(), weight, escape(text.String()))
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

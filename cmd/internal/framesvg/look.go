package main

import (
	"fmt"
	"strconv"
	"strings"
)

// The colours of cells that name none.
const (
	background = "#0d1117"
	foreground = "#d7dce6"
)

// cell is a character of the screen.
type cell struct {
	r    rune
	look look
}

// look is how a cell is drawn; empty colours are the terminal's own.
type look struct {
	fg, bg        string
	bold, reverse bool
}

func (l look) front() string {
	if l.reverse {
		return or(l.bg, background)
	}
	return or(l.fg, foreground)
}

func (l look) back() string {
	if l.reverse {
		return or(l.fg, foreground)
	}
	return or(l.bg, background)
}

func or(color, other string) string {
	if color == "" {
		return other
	}
	return color
}

// parseLine reads a line that begins with a look and returns the look at its end.
func parseLine(text string, l look) ([]cell, look) {
	var line []cell
	for len(text) > 0 {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			end := strings.IndexFunc(rest, func(r rune) bool { return r >= '@' && r <= '~' })
			if end < 0 {
				break
			}
			if rest[end] == 'm' {
				l.apply(strings.Split(rest[:end], ";"))
			}
			text = rest[end+1:]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		if r != '\x0f' && r != '\x0e' && r != '\r' {
			line = append(line, cell{r, l})
		}
	}
	return line, l
}

// apply takes the parameters of an SGR sequence (ECMA-48).
func (l *look) apply(params []string) {
	for i := 0; i < len(params); i++ {
		n, _ := strconv.Atoi(params[i])
		switch {
		case n == 0:
			*l = look{}
		case n == 1:
			l.bold = true
		case n == 7:
			l.reverse = true
		case n == 22:
			l.bold = false
		case n == 27:
			l.reverse = false
		case n == 38 || n == 48:
			color, used := extended(params[i+1:])
			i += used
			if n == 38 {
				l.fg = color
			} else {
				l.bg = color
			}
		case n == 39:
			l.fg = ""
		case n == 49:
			l.bg = ""
		case n >= 30 && n <= 37:
			l.fg = indexed(n - 30)
		case n >= 40 && n <= 47:
			l.bg = indexed(n - 40)
		case n >= 90 && n <= 97:
			l.fg = indexed(n - 90 + 8)
		case n >= 100 && n <= 107:
			l.bg = indexed(n - 100 + 8)
		}
	}
}

// extended reads the colour after 38 or 48 and says how many parameters it took.
func extended(params []string) (string, int) {
	number := func(i int) int {
		if i >= len(params) {
			return 0
		}
		n, _ := strconv.Atoi(params[i])
		return n
	}
	if number(0) == 2 {
		return fmt.Sprintf("#%02x%02x%02x", number(1), number(2), number(3)), 4
	}
	return indexed(number(1)), 2
}

// indexed is a colour of xterm's palette of 256.
func indexed(n int) string {
	basic := strings.Fields("#1c1f26 #cc5555 #4fa866 #c9a227 #4a7fd0 #a86fc9 #3fa7a7 #c5cad3 " +
		"#6b7280 #ff6b6b #3dd68c #ffc857 #7aa2ff #d78cff #5fd7ff #f2f4f8")
	switch {
	case n < 16:
		return basic[max(0, n)]
	case n < 232:
		n -= 16
		level := func(v int) int {
			if v == 0 {
				return 0
			}
			return 55 + 40*v
		}
		return fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6%6), level(n%6))
	}
	v := 8 + 10*(min(n, 255)-232)
	return fmt.Sprintf("#%02[1]x%02[1]x%02[1]x", v)
}

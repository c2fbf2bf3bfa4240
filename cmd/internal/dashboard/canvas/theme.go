package canvas

import "strconv"

// Role is what a cell's colour stands for.
type Role uint8

// The roles. Plain is the terminal's own colour.
const (
	Plain Role = iota
	Muted
	Frame
	Title
	Accent
	Up
	Down
	Warn
	Bar     // background of the header
	BarText // text on it
	BarNote // less important text on it
	Select  // background of the selected row
	Series0
	Series1
	Series2
	Series3
	Series4
	Series5
	Series6
	Series7
	roles
)

// series is how many colours lines of one chart have.
const series = int(Series7-Series0) + 1

// SeriesRole is the role of the i-th line of a chart.
func SeriesRole(i int) Role { return Series0 + Role(i%series) }

// Style is the look of a cell.
type Style struct {
	Fg, Bg  Role
	Bold    bool
	Reverse bool
}

// Of is the style with a foreground and nothing else.
func Of(fg Role) Style { return Style{Fg: fg} }

// Strong is Of in bold.
func Strong(fg Role) Style { return Style{Fg: fg, Bold: true} }

// On is the style on another background.
func (s Style) On(bg Role) Style {
	s.Bg = bg
	return s
}

// Theme gives styles their escape sequences.
type Theme struct {
	fg, bg [roles]string // parameters of SGR, empty for none
	color  bool
}

// HasColor reports whether the theme tells roles apart by colour.
func (t Theme) HasColor() bool { return t.color }

// NoColor is the theme for terminals without colour: bold and reverse only.
func NoColor() Theme { return Theme{} }

// Basic is the theme for terminals with the 16 colours of their own palette.
func Basic() Theme {
	t := Theme{color: true}
	for role, n := range map[Role]int{
		Muted: 90, Frame: 90, Title: 97, Accent: 96, Up: 92, Down: 91, Warn: 93, Bar: 34, BarText: 97, BarNote: 37, Select: 34,
		Series0: 96, Series1: 93, Series2: 95, Series3: 92, Series4: 94, Series5: 91, Series6: 36, Series7: 33,
	} {
		t.fg[role], t.bg[role] = strconv.Itoa(n), strconv.Itoa(n+10)
	}
	return t
}

// Extended is the theme for terminals with xterm's 256 colours.
func Extended() Theme {
	t := Theme{color: true}
	for role, n := range map[Role]int{
		Plain: 253, Muted: 246, Frame: 240, Title: 231, Accent: 81, Up: 78, Down: 203, Warn: 221, Bar: 236, BarText: 255, BarNote: 248, Select: 24,
		Series0: 81, Series1: 221, Series2: 177, Series3: 114, Series4: 111, Series5: 209, Series6: 79, Series7: 212,
	} {
		t.fg[role], t.bg[role] = "38;5;"+strconv.Itoa(n), "48;5;"+strconv.Itoa(n)
	}
	t.bg[Plain] = ""
	return t
}

// Full is the theme for terminals with 24-bit colour.
func Full() Theme {
	t := Theme{color: true}
	for role, rgb := range map[Role]int{
		Plain: 0xd7dce6, Muted: 0x8b95a8, Frame: 0x4a556a, Title: 0xf2f4f8, Accent: 0x5fd7ff, Up: 0x3dd68c, Down: 0xff6b6b, Warn: 0xffc857,
		Bar: 0x1f2a44, BarText: 0xe8ecf4, BarNote: 0x9aa6bf, Select: 0x2d3f66,
		Series0: 0x5fd7ff, Series1: 0xffc857, Series2: 0xd78cff, Series3: 0x7ee787, Series4: 0x7aa2ff, Series5: 0xff8f6b, Series6: 0x4ed8c7, Series7: 0xff8cc8,
	} {
		params := ";2;" + strconv.Itoa(rgb>>16) + ";" + strconv.Itoa(rgb>>8&0xff) + ";" + strconv.Itoa(rgb&0xff)
		t.fg[role], t.bg[role] = "38"+params, "48"+params
	}
	t.bg[Plain] = ""
	return t
}

// sequence is the escape sequence that begins a style, empty for none. A blank
// needs no foreground.
func (t Theme) sequence(s Style, blank bool) string {
	params := ""
	add := func(p string) {
		if p == "" {
			return
		}
		if params != "" {
			params += ";"
		}
		params += p
	}
	reverse := s.Reverse || !t.color && (s.Bg == Select || s.Bg == Bar)
	if s.Bold && !blank {
		add("1")
	}
	if reverse {
		add("7")
	}
	if !blank || reverse {
		add(t.fg[s.Fg])
	}
	add(t.bg[s.Bg])
	if params == "" {
		return ""
	}
	return "\x1b[" + params + "m"
}

package dashboard

import (
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
)

// key does what a key stands for.
func (m *Model) key(key string) tea.Cmd {
	if key == "ctrl+c" || key == "q" {
		return tea.Quit
	}
	if m.help {
		m.help = false
		if key == "?" || key == "esc" {
			return nil
		}
	}
	switch key {
	case "?":
		m.help = true
	case "space":
		m.pause()
	case "c":
		m.note = note{text: "CHECKPOINT …", running: true}
		m.source.Execute("CHECKPOINT")
	case "d":
		m.show(viewGraph)
	case "tab":
		m.nextSymbol(1)
	case "shift+tab":
		m.nextSymbol(-1)
	case "1", "2", "3", "4", "5", "6", "7", "8", "9":
		m.show(viewID(key[0] - '0'))
	default:
		m.move(key)
	}
	return nil
}

// show opens a page.
func (m *Model) show(v viewID) {
	if v == viewBrowser && m.view == viewBrowser {
		m.opened = opened{}
	}
	m.view, m.chosen = v, true
	m.source.Watch(m.watch())
}

// open opens an object in the browser.
func (m *Model) open(name string) {
	o := m.db.find(name)
	if o == nil {
		return
	}
	m.view, m.chosen = viewBrowser, true
	m.opened = open(o)
	m.source.Watch(m.watch())
}

func (m *Model) pause() {
	m.paused = !m.paused
	if !m.paused {
		held := m.held
		m.held = nil
		m.applyChunks(held)
	}
}

func (m *Model) nextSymbol(step int) {
	n := len(m.market.symbols)
	if n == 0 {
		return
	}
	i := slices.Index(m.market.symbols, m.symbol)
	m.symbol = m.market.symbols[((i+step)%n+n)%n]
}

// move is for the keys that a page gives a meaning to.
func (m *Model) move(key string) {
	switch {
	case m.view == viewGraph:
		m.graph.key(m, key)
	case m.view == viewBrowser && m.opened.name != "":
		if key == "esc" || key == "backspace" {
			m.opened = opened{}
			m.source.Watch(m.watch())
			return
		}
		m.opened.key(key)
	case m.view == viewBrowser:
		if key == "enter" && m.browser.selected < len(m.db.objects) {
			m.open(m.db.objects[m.browser.selected].name)
			return
		}
		m.browser.key(key)
	default:
		m.list().key(key)
	}
}

// list is the scrolled list of the open page.
func (m *Model) list() *list {
	if m.lists[m.view] == nil {
		m.lists[m.view] = &list{}
	}
	return m.lists[m.view]
}

// list is where a list longer than the screen stands.
type list struct {
	selected int
	size     int // rows of the list when it was last drawn
	page     int // rows of the screen for it
}

// key moves the selection.
func (l *list) key(key string) {
	switch key {
	case "down", "j":
		l.selected++
	case "up", "k":
		l.selected--
	case "pgdown", "ctrl+d":
		l.selected += max(1, l.page-1)
	case "pgup", "ctrl+u":
		l.selected -= max(1, l.page-1)
	case "home", "g":
		l.selected = 0
	case "end", "G":
		l.selected = l.size - 1
	}
	l.clamp()
}

// clampTo keeps the selection within a list of that size.
func (l *list) clampTo(size int) {
	l.size = size
	l.clamp()
}

func (l *list) clamp() { l.selected = max(0, min(l.selected, l.size-1)) }

// window is the first row to show so that the selected one is on the screen.
func (l *list) window(size, page int) (first int) {
	l.size, l.page = size, page
	l.clamp()
	return max(0, min(l.selected-page/2, size-page))
}

// offset is the first row to show of a list without a selection: keys move it by
// rows.
func (l *list) offset(size, page int) int {
	l.size, l.page = max(1, size-page+1), page
	l.clamp()
	return l.selected
}

// age is how long ago something was, "" if never.
func (m *Model) age(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return seconds(m.now.Sub(at)) + " ago"
}

package dashboard

import (
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"laminardb/cmd/internal/dashboard/canvas"
	"laminardb/cmd/internal/dashboard/feed"
)

// viewID is one of the pages.
type viewID int

// The pages, by the key that opens them.
const (
	viewMarket viewID = iota + 1
	viewCandles
	viewOrders
	viewSpread
	viewMomentum
	viewSectors
	viewGraph
	viewBrowser
	viewSystem
)

// views are the names of the pages in the order of their keys.
func views() []string {
	return []string{"Market", "OHLC", "Orders", "Spread", "Movers", "Sectors", "DAG", "Database", "System"}
}

const (
	// maxHeld is how many rows wait while the display is paused; older ones give way.
	maxHeld = 20000
	// noteTime is how long the outcome of a statement stays.
	noteTime = 12 * time.Second
)

// source is where the data comes from.
type source interface {
	// Watch says what to ask for; it does not block.
	Watch(w feed.Watch)
	// Execute runs a statement; its outcome comes with a batch.
	Execute(sql string)
}

// Model is what the dashboard shows. It implements tea.Model; all that happens to
// it comes by Update, the time included.
type Model struct {
	source  source
	receive func() (b feed.Batch, ok bool) // waits for what is new; ok is false at the end
	address string

	width, height int
	theme         canvas.Theme
	view          viewID
	chosen        bool // the user has chosen a page
	symbol        string
	paused, help  bool
	held          []feed.Chunk

	now     time.Time
	link    feed.Link
	db      database
	market  *market
	columns map[string][]feed.Column // of each tail
	opened  opened
	browser list
	lists   map[viewID]*list
	graph   graphView
	note    note
}

// note is a line at the bottom of the screen that goes away.
type note struct {
	text    string
	failed  bool
	running bool
	until   time.Time
}

// newModel returns a model that shows what receive returns and says to source what
// that shall be.
func newModel(s source, receive func() (feed.Batch, bool), address string) *Model {
	m := &Model{
		source: s, receive: receive, address: address, width: 80, height: 24, theme: canvas.Full(), view: viewMarket,
		db: database{tables: map[string]feed.Table{}}, market: newMarket(), columns: map[string][]feed.Column{}, lists: map[viewID]*list{},
	}
	m.db.in.total, m.db.in.perSecond = 0, nan()
	return m
}

// batchMsg is a batch from the source; ok is false at its end.
type batchMsg struct {
	batch feed.Batch
	ok    bool
}

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd {
	m.source.Watch(m.watch())
	return m.next
}

// next waits for a batch.
func (m *Model) next() tea.Msg {
	b, ok := m.receive()
	return batchMsg{b, ok}
}

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.ColorProfileMsg:
		m.theme = themeFor(msg.Profile)
	case tea.KeyPressMsg:
		return m, m.key(msg.String())
	case batchMsg:
		if !msg.ok {
			return m, tea.Quit
		}
		m.apply(msg.batch)
		return m, m.next
	}
	return m, nil
}

// themeFor is the theme for what a terminal can show.
func themeFor(p colorprofile.Profile) canvas.Theme {
	switch p {
	case colorprofile.TrueColor:
		return canvas.Full()
	case colorprofile.ANSI256:
		return canvas.Extended()
	case colorprofile.ANSI:
		return canvas.Basic()
	}
	return canvas.NoColor()
}

// apply takes a batch in. While the display is paused the rows of tails wait; the
// state of the connection and of the server is shown.
func (m *Model) apply(b feed.Batch) {
	m.now, m.link = b.At, b.Link
	m.db.apply(b.Tables, b.At)
	for _, o := range b.Outcomes {
		m.note = noteOf(o, b.At)
	}
	if !m.note.until.IsZero() && m.now.After(m.note.until) {
		m.note = note{}
	}
	m.opened.describe(b.Tables)
	if m.paused {
		m.hold(b.Chunks)
	} else {
		m.market.applyTables(b.Tables)
		m.applyChunks(b.Chunks)
	}
	if m.db.loaded && !m.chosen {
		m.view = viewBrowser
		if m.hasDemo() {
			m.view, m.chosen = viewMarket, true
		}
	}
	if m.symbol == "" && len(m.market.symbols) > 0 {
		m.symbol = m.market.symbols[0]
	}
	m.source.Watch(m.watch())
}

// hold keeps chunks for later. The first of each tail with its columns stays,
// without its rows if need be.
func (m *Model) hold(chunks []feed.Chunk) {
	m.held = append(m.held, chunks...)
	rows := 0
	for i := len(m.held) - 1; i >= 0; i-- {
		if rows += len(m.held[i].Rows); rows > maxHeld {
			m.held[i].Rows = nil
		}
	}
	m.held = slices.DeleteFunc(m.held, func(c feed.Chunk) bool { return len(c.Rows) == 0 && !c.Reset && c.Err == "" })
}

func (m *Model) applyChunks(chunks []feed.Chunk) {
	for _, c := range chunks {
		if c.Columns != nil {
			m.columns[c.Tail] = c.Columns
		}
		if c.Tail == m.opened.tailName() {
			m.opened.apply(c, m.now)
			continue
		}
		m.market.applyChunk(c, m.columns[c.Tail])
	}
}

// noteOf says what a statement did.
func noteOf(o feed.Outcome, at time.Time) note {
	n := note{text: o.Tag, until: at.Add(noteTime)}
	if len(o.Notices) > 0 {
		n.text = o.Notices[len(o.Notices)-1]
	}
	if o.Err != "" {
		n.text, n.failed = o.Err, true
	}
	return n
}

// View implements tea.Model.
func (m *Model) View() tea.View {
	v := tea.NewView(m.Frame())
	v.AltScreen = true
	v.WindowTitle = "LaminarDB " + m.address
	return v
}

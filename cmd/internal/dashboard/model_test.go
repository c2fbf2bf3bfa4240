package dashboard

import (
	"slices"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"laminardb/cmd/internal/dashboard/feed"
)

// loaded is a model after the recording.
func loaded(t *testing.T) (*Model, *fakeSource) {
	t.Helper()
	source := &fakeSource{}
	m := newModel(source, nil, "")
	for _, b := range recorded(t) {
		m.Update(batchMsg{b, true})
	}
	return m, source
}

// TestPause checks that rows wait while the display is paused, that no more than
// so many do, and that they come when it goes on.
func TestPause(t *testing.T) {
	m, _ := loaded(t)
	before := m.market.orders[0]
	m.key("space")
	row := make([]feed.Value, len(m.columns["enriched_orders"]))
	for i := range row {
		row[i].Text = "new"
	}
	for range 100 {
		m.Update(batchMsg{feed.Batch{At: m.now, Link: m.link, Chunks: []feed.Chunk{
			{Tail: "enriched_orders", Rows: slices.Repeat([][]feed.Value{row}, 1000), Seen: 1000},
		}}, true})
	}
	if m.market.orders[0] != before {
		t.Error("an order came while the display was paused")
	}
	held := 0
	for _, c := range m.held {
		held += len(c.Rows)
	}
	if held == 0 || held > maxHeld {
		t.Errorf("%d rows wait", held)
	}
	m.key("space")
	if m.market.orders[0].id != "new" || m.held != nil {
		t.Error("what waited did not come")
	}
}

// TestWatch checks what a model asks for: only what there is, the costly only
// while it is shown, and one tail more for the open object.
func TestWatch(t *testing.T) {
	m, source := loaded(t)
	names := func() (queries, tails []string) {
		for _, q := range source.watch.Queries {
			queries = append(queries, q.Name)
		}
		for _, tail := range source.watch.Tails {
			tails = append(tails, tail.Name)
		}
		return queries, tails
	}
	m.key("3")
	queries, tails := names()
	if !slices.Contains(queries, "order_tick_pairs") || slices.Contains(queries, "enriched_ticks") || len(tails) != len(tailStatements()) {
		t.Errorf("page 3 asks for %v and tails %v", queries, tails)
	}
	for _, tail := range tails {
		if slices.Contains([]string{"order_tick_matches", "enriched_ticks", "price_momentum"}, tail) {
			t.Errorf("%s has too many rows to be tailed", tail)
		}
	}
	m.open(`ohlc_bars`)
	if queries, _ := names(); !slices.Contains(queries, "describe ohlc_bars") {
		t.Errorf("an object is not described: %v", queries)
	}
	m.Update(batchMsg{feed.Batch{At: m.now, Link: m.link, Tables: map[string]feed.Table{"describe ohlc_bars": {
		Columns: []feed.Column{{Name: "column", OID: 25}, {Name: "notes", OID: 25}},
		Rows:    [][]feed.Value{{{Text: "ts"}, {Text: "event time, hidden"}}},
	}}}, true})
	want := feed.Tail{Name: "open ohlc_bars", SQL: `SUBSCRIBE (SELECT *, "ts" FROM "ohlc_bars") WITH (SNAPSHOT)`}
	if !slices.Contains(source.watch.Tails, want) {
		t.Errorf("the tails are %v", source.watch.Tails)
	}
	m.Update(batchMsg{feed.Batch{At: m.now, Link: m.link, Chunks: []feed.Chunk{{Tail: "open ohlc_bars", Err: "not supported"}}}, true})
	want.SQL = `SUBSCRIBE "ohlc_bars" WITH (SNAPSHOT)`
	if !slices.Contains(source.watch.Tails, want) {
		t.Errorf("after a refusal the tails are %v", source.watch.Tails)
	}
	m.key("esc")
	if _, tails := names(); slices.Contains(tails, "open ohlc_bars") {
		t.Error("a closed object is still tailed")
	}
}

// TestKeys checks that q ends, that a closed feed ends, and that c asks for a
// checkpoint whose outcome goes away after a while.
func TestKeys(t *testing.T) {
	m, source := loaded(t)
	if cmd := m.key("q"); cmd == nil || cmd() != (tea.QuitMsg{}) {
		t.Error("q does not quit")
	}
	if _, cmd := m.Update(batchMsg{}); cmd == nil || cmd() != (tea.QuitMsg{}) {
		t.Error("the end of the feed does not quit")
	}
	m.key("c")
	if !slices.Equal(source.executed, []string{"CHECKPOINT"}) || !m.note.running {
		t.Errorf("c ran %v", source.executed)
	}
	at := m.now
	m.Update(batchMsg{feed.Batch{At: at, Link: m.link, Outcomes: []feed.Outcome{{SQL: "CHECKPOINT", Tag: "CHECKPOINT"}}}, true})
	if m.note.text != "CHECKPOINT" || m.note.failed {
		t.Errorf("the note is %+v", m.note)
	}
	m.Update(batchMsg{feed.Batch{At: at.Add(noteTime + time.Second), Link: m.link}, true})
	if m.note.text != "" {
		t.Error("the note stays")
	}
}

// TestRates checks the rates of counters that the server does not give.
func TestRates(t *testing.T) {
	var c counter
	at := time.Unix(0, 0)
	for i := range 15 {
		c.observe(float64(100*i), nan(), at.Add(time.Duration(i)*time.Second))
	}
	if c.perSecond != 100 || len(c.marks) > 12 {
		t.Errorf("%v a second from %d marks", c.perSecond, len(c.marks))
	}
	c.observe(5, nan(), at.Add(16*time.Second)) // the server began anew
	c.observe(25, nan(), at.Add(18*time.Second))
	if c.perSecond != 10 {
		t.Errorf("%v a second after a restart", c.perSecond)
	}
	c.observe(30, 7, at.Add(19*time.Second))
	if c.perSecond != 7 {
		t.Errorf("%v a second where the server says 7", c.perSecond)
	}
}

// TestNumbers checks how numbers are written.
func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{count(0), "0"},
		{count(7), "7"},
		{count(1.5), "1.50"},
		{count(999), "999"},
		{count(999.4), "999"},
		{count(999.96), "1.00k"},
		{count(1234), "1.23k"},
		{count(-45678), "-45.7k"},
		{count(1e6), "1.00M"},
		{count(nan()), "–"},
		{rate(0.25), "0.2/s"},
		{rate(12.34), "12.3/s"},
		{size(1536), "1.50 KiB"},
		{size(12), "12 B"},
		{span(850 * time.Millisecond), "850ms"},
		{span(5200 * time.Millisecond), "5.2s"},
		{span(192 * time.Second), "3m12s"},
		{span(50 * time.Hour), "2d02h"},
		{seconds(3900 * time.Millisecond), "3s"},
		{axis(0.25, 0.05), "0.25"},
		{axis(20000, 10000), "20.0k"},
		{millisText(0.5), "0.50ms"},
		{millisText(5100), "5.1s"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

package dashboard

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/cockroachdb/datadriven"

	"laminardb/cmd/internal/dashboard/canvas"
	"laminardb/cmd/internal/dashboard/feed"
)

// TestFrames draws frames from the recording. Commands:
//
//	replay [open=OBJECT] [missing=NAME]    all batches, without the named object
//	frame keys=(k ..) size=WxH [theme=full|extended|basic|none]
//	link attempts=N err=TEXT               the connection is lost
//	outcome [err=TEXT]                     CHECKPOINT gave the notice or the error of the input
func TestFrames(t *testing.T) {
	batches := recorded(t)
	datadriven.Walk(t, "testdata/frames", func(t *testing.T, path string) {
		var m *Model
		var source *fakeSource
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "replay":
				source = &fakeSource{}
				m = newModel(source, nil, "127.0.0.1:5433/laminar")
				replay(t, m, d, batches)
				return fmt.Sprintf("%d symbols, %d objects\n", len(m.market.symbols), len(m.db.objects))
			case "frame":
				return frame(t, m, d)
			case "link":
				b := feed.Batch{At: m.now, Link: feed.Link{Connects: m.link.Connects}}
				d.ScanArgs(t, "attempts", &b.Link.Attempts)
				b.Link.Err = strings.TrimSpace(d.Input)
				m.Update(batchMsg{b, true})
				return ""
			case "outcome":
				o := feed.Outcome{SQL: source.executed[len(source.executed)-1]}
				if d.HasArg("failed") {
					o.Err = strings.TrimSpace(d.Input)
				} else {
					o.Tag, o.Notices = "CHECKPOINT", []string{strings.TrimSpace(d.Input)}
				}
				m.Update(batchMsg{feed.Batch{At: m.now, Link: m.link, Outcomes: []feed.Outcome{o}}, true})
				return ""
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

func replay(t *testing.T, m *Model, d *datadriven.TestData, batches []feed.Batch) {
	var open, missing string
	optional(t, d, "open", &open)
	optional(t, d, "missing", &missing)
	for _, b := range batches {
		if missing != "" {
			b = without(b, missing)
		}
		m.Update(batchMsg{b, true})
		if open != "" && m.opened.name == "" {
			m.open(open)
		}
	}
}

// optional scans an argument if it is given.
func optional(t *testing.T, d *datadriven.TestData, key string, into *string) {
	if d.HasArg(key) {
		d.ScanArgs(t, key, into)
	}
}

// without is a batch as a server without some objects would send it.
func without(b feed.Batch, missing string) feed.Batch {
	t, ok := b.Tables["objects"]
	if !ok {
		return b
	}
	tables := map[string]feed.Table{}
	for name, table := range b.Tables {
		tables[name] = table
	}
	var rows [][]feed.Value
	for _, row := range t.Rows {
		if missing != "all" && !strings.Contains(missing, row[t.Index("name")].Text) {
			rows = append(rows, row)
		}
	}
	t.Rows = rows
	tables["objects"] = t
	b.Tables = tables
	return b
}

func frame(t *testing.T, m *Model, d *datadriven.TestData) string {
	var size, theme string
	var keys []string
	optional(t, d, "size", &size)
	optional(t, d, "theme", &theme)
	for _, arg := range d.CmdArgs {
		if arg.Key == "keys" {
			keys = arg.Vals
		}
	}
	if size != "" {
		var msg tea.WindowSizeMsg
		if _, err := fmt.Sscanf(size, "%dx%d", &msg.Width, &msg.Height); err != nil {
			t.Fatal(err)
		}
		m.Update(msg)
	}
	for _, k := range keys {
		m.key(k)
	}
	m.theme = map[string]canvas.Theme{
		"": canvas.NoColor(), "none": canvas.NoColor(), "full": canvas.Full(), "extended": canvas.Extended(), "basic": canvas.Basic(),
	}[theme]
	out := m.Frame()
	checkSize(t, d, out, m.width, m.height)
	if theme == "" {
		out = plain(out)
	}
	return strings.ReplaceAll(blanks(out), "\x1b", "␛")
}

// plain is a frame without its escape sequences.
func plain(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		if rest, ok := strings.CutPrefix(s, "\x1b["); ok {
			s = rest[strings.IndexByte(rest, 'm')+1:]
			continue
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String()
}

// blanks marks the ends of lines, which editors like to cut, and empty lines,
// which end a result.
func blanks(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ") + "¦"
	}
	return strings.Join(lines, "\n") + "\n"
}

// checkSize checks that a frame has the size of the screen: no line is cut off or
// wraps.
func checkSize(t *testing.T, d *datadriven.TestData, out string, width, height int) {
	t.Helper()
	lines := strings.Split(plain(out), "\n")
	if len(lines) != height {
		t.Errorf("%s: %d lines, want %d", d.Pos, len(lines), height)
	}
	for i, l := range lines {
		if n := canvas.Width(l); n != width {
			t.Errorf("%s: line %d has %d cells, want %d: %q", d.Pos, i+1, n, width, l)
		}
	}
}

// TestSizes draws every page at many sizes: whatever the size, the frame has it.
func TestSizes(t *testing.T) {
	m := newModel(&fakeSource{}, nil, "127.0.0.1:5433/laminar")
	for _, b := range recorded(t) {
		m.Update(batchMsg{b, true})
	}
	for _, empty := range []bool{false, true} {
		if empty {
			m = newModel(&fakeSource{}, nil, "127.0.0.1:5433/laminar")
			m.Update(batchMsg{feed.Batch{At: time.UnixMilli(0)}, true})
		}
		for view := viewMarket; view <= viewSystem; view++ {
			for width := 1; width <= 240; width += 13 {
				for height := 1; height <= 80; height += 7 {
					m.view, m.width, m.height = view, width, height
					if lines := strings.Split(m.Frame(), "\n"); len(lines) != height {
						t.Fatalf("page %d at %dx%d has %d lines", view, width, height, len(lines))
					}
				}
			}
		}
	}
}

package dashboard

import (
	"slices"

	"laminardb/cmd/internal/dashboard/canvas"
)

// newestFirst sorts rows by a number or a timestamp, the greatest first.
func newestFirst(rows []record, column string) {
	slices.SortStableFunc(rows, func(a, b record) int {
		if x, y := a.number(column), b.number(column); x == x && y == y { // no NaN
			return int(y - x)
		}
		return b.time(column).Compare(a.time(column))
	})
}

// helpKeys are the keys and what they do.
func helpKeys() [][2]string {
	return [][2]string{
		{"1-9", "open a page"},
		{"d", "DAG of the pipelines"},
		{"Tab, shift-Tab", "next, previous symbol"},
		{"space", "pause the display, go on"},
		{"c", "CHECKPOINT, with its result below"},
		{"↑ ↓ j k", "move or scroll"},
		{"PgUp PgDn Home End", "the same in larger steps"},
		{"Enter", "DAG, Database: open an object"},
		{"← →", "DAG: select; object: column of the chart"},
		{"v", "object: chart and rows, chart, rows, SQL"},
		{"b  n", "object: chart by a column; in % of the first"},
		{"esc", "back"},
		{"?", "this help"},
		{"q", "quit"},
	}
}

// drawHelp draws the keys over the page.
func (m *Model) drawHelp(a canvas.Area) {
	keys := helpKeys()
	w, h := min(66, a.W), min(len(keys)+6, a.H)
	box := a.Sub((a.W-w)/2, max(0, (a.H-h)/2), w, h)
	box.Fill(' ', canvas.Style{})
	boxed(box, canvas.Of(canvas.Accent))
	box.Text(3, 0, canvas.Strong(canvas.Title), " Keys ")
	in := box.Sub(3, 1, box.W-6, box.H-2)
	for y, k := range keys {
		in.Text(0, y, canvas.Of(canvas.Accent), k[0])
		in.Text(20, y, canvas.Of(canvas.Plain), k[1])
	}
	y := len(keys) + 1
	in.Fit(0, y, in.W, canvas.Of(canvas.Muted), "Behind: from the watermark to the clock. Lag: records of the")
	in.Fit(0, y+1, in.W, canvas.Of(canvas.Muted), "topics that are not read yet. Times are UTC.")
	in.Fit(0, y+2, in.W, canvas.Of(canvas.Muted), "Connected to "+m.address)
}

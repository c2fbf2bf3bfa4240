package dashboard

import (
	"fmt"
	"math"
	"strings"

	"laminardb/cmd/internal/dashboard/canvas"
)

// drawBrowser lists the objects of the database.
func (m *Model) drawBrowser(a canvas.Area) {
	list := m.db.objects
	if spare := a.H - len(list) - 4; spare >= 8 && len(list) > 0 {
		parts := a.Rows(-1, min(spare, 24))
		a = parts[0]
		m.browser.clampTo(len(list))
		m.drawSelected(parts[1], list[m.browser.selected])
	}
	in := m.frame(a, "Objects", plural(len(list), "object"))
	switch {
	case !m.db.loaded:
		in.Center(in.H/2, canvas.Of(canvas.Muted), "waiting for the catalog")
		return
	case len(list) == 0:
		in.Center(in.H/2, canvas.Of(canvas.Muted), "no objects yet: CREATE SOURCE makes the first")
		return
	}
	name := 4
	for _, o := range list {
		name = max(name, canvas.Width(o.name))
	}
	name = min(name, 30)
	rest := in.W - (name + 3) - 7 - 9 - 9 - 9 - 9
	head(in, left(name+2, 0, "  name"), left(6, 0, "kind"), right(8, 0, "in"), right(8, 0, "out"), right(8, 0, "rows"), right(8, 0, "behind"), left(max(0, rest), 0, "status"))
	in = below(in)
	first := m.browser.window(len(list), in.H)
	for y := range min(in.H, len(list)-first) {
		o := list[first+y]
		mark, role := kindMark(o.kind)
		behind := none
		if !o.watermark.IsZero() {
			behind = span(m.now.Sub(o.watermark))
		}
		x := row(in, y, left(1, role, mark), left(name, canvas.Plain, o.name), left(6, canvas.Muted, shortKind(o.kind)),
			right(8, canvas.Plain, rate(o.rowsIn.perSecond)), right(8, canvas.Title, rate(o.rowsOut.perSecond)),
			right(8, canvas.Muted, count(o.rowsOut.total)), right(8, canvas.Muted, behind))
		spark := 0
		if rest >= 40 {
			spark = min(30, rest-20)
			part := in.Sub(in.W-spark, y, spark, 1)
			rates := o.rowsOut.rates
			if r, ok := canvas.Span(rates...); ok && r.Max > 0 {
				part.Columns(canvas.Range{Min: 0, Max: r.Max}, rates, func(int) canvas.Style { return canvas.Of(canvas.Accent) })
			}
		}
		status := o.status
		if o.problem != "" {
			status = o.problem
		}
		in.Fit(x, y, in.W-x-spark, canvas.Of(statusRole(o.status)), status)
		if first+y == m.browser.selected {
			in.Restyle(0, y, in.W, func(s canvas.Style) canvas.Style { return s.On(canvas.Select) })
		}
	}
}

// drawSelected has the numbers and the statement of the selected object.
func (m *Model) drawSelected(a canvas.Area, o *object) {
	in := m.frame(a, o.name, o.kind)
	in.Fit(1, 0, in.W-2, canvas.Of(canvas.Accent), strings.Join(m.numbers(o), "  "))
	y := 1
	if trouble := or(o.problem, o.status); isProblem(o.status) || o.problem != "" {
		for _, l := range wrapped(trouble, in.W-2) {
			in.Text(1, y, canvas.Of(canvas.Down), l)
			y++
		}
	}
	for _, l := range wrapped(o.definition, in.W-2) {
		y++
		in.Text(1, y, canvas.Of(canvas.Plain), l)
	}
}

// drawObject shows the open object: a chart of a column and the rows as they come.
func (m *Model) drawObject(a canvas.Area) {
	o, known := &m.opened, m.db.find(m.opened.name)
	top := a.Rows(2, -1)
	m.objectHead(top[0], known)
	body := top[1]
	switch {
	case known == nil:
		body.Center(body.H/2, canvas.Of(canvas.Warn), o.name+" has been dropped")
	case o.kind == "sink" || o.mode == modeText:
		m.drawText(body)
	case o.mode == modeChart:
		m.objectChart(body)
	case o.mode == modeTail || len(o.numeric()) == 0:
		m.objectRows(body)
	default:
		parts := body.Rows(-1, -1)
		m.objectChart(parts[0])
		m.objectRows(parts[1])
	}
}

// objectHead has the object's name and numbers.
func (m *Model) objectHead(a canvas.Area, o *object) {
	if o == nil {
		return
	}
	mark, role := kindMark(o.kind)
	x := a.Text(1, 0, canvas.Strong(role), mark+" "+o.name) + 1
	x = a.Text(x, 0, canvas.Of(canvas.Muted), o.kind) + 2
	a.Fit(x, 0, a.W-x-1, canvas.Of(statusRole(o.status)), o.status)
	if o.readable() {
		text := "SUBSCRIBE: " + plural(int(m.opened.seen), "row")
		if !math.IsNaN(m.opened.perSecond) {
			text += ", " + rate(m.opened.perSecond)
		}
		a.Right(a.W-1, 0, canvas.Of(canvas.Accent), " "+text)
	}
	a.Fit(1, 1, a.W-2, canvas.Of(canvas.Muted), strings.Join(m.numbers(o), "  "))
}

// objectChart draws a numeric column over time, a line for each value of the
// column that splits it.
func (m *Model) objectChart(a canvas.Area) {
	o := &m.opened
	by := ""
	if o.split != "" {
		by = " by " + o.split
	}
	if o.relative {
		by += ", change in %"
	}
	in := m.frame(a, o.column+by, "over "+m.timeName())
	var names []string
	lines := map[string]line{}
	for _, c := range o.rows {
		v := c.number(o.column)
		if c.diff() < 0 || math.IsNaN(v) {
			continue
		}
		key := c.text(o.split)
		if lines[key] == nil {
			if len(names) == maxLines {
				continue
			}
			names = append(names, key)
		}
		lines[key] = append(lines[key], sample{o.at(c), v})
	}
	if len(names) == 0 {
		in.Center(in.H/2, canvas.Of(canvas.Muted), m.whyEmpty())
		return
	}
	var labels []string
	var roles []canvas.Role
	var drawn []canvas.Line
	for i, name := range names {
		l, value := lines[name], count(lines[name].last())
		if o.relative {
			l = l.relative()
			value = signed(l.last(), 2)
		}
		labels, roles = append(labels, strings.TrimSpace(name+" "+value)), append(roles, canvas.SeriesRole(i))
		drawn = append(drawn, canvas.Line{Points: points(l), Style: canvas.Of(canvas.SeriesRole(i))})
	}
	m.legend(in, labels, roles)
	m.chart(below(in), drawn...)
}

// maxLines is how many lines a chart of an object has; the colours then repeat.
const maxLines = 8

// timeName is what the chart's time is.
func (m *Model) timeName() string {
	switch {
	case m.opened.timeColumn != "":
		return "event time " + m.opened.timeColumn
	case len(m.opened.columns) > 0 && m.opened.columns[0].Name == "laminar_timestamp":
		return "time of change"
	}
	return "time of arrival"
}

// whyEmpty says why no row is shown.
func (m *Model) whyEmpty() string {
	if m.opened.err != "" {
		return m.opened.err
	}
	if o := m.db.find(m.opened.name); o != nil && isProblem(o.status) {
		return o.status
	}
	return "waiting for rows"
}

// objectRows lists the changes, the newest first.
func (m *Model) objectRows(a canvas.Area) {
	o := &m.opened
	in := m.frame(a, "Rows", "newest first")
	if len(o.rows) == 0 {
		in.Center(in.H/2, canvas.Of(pick(o.err != "", canvas.Down, canvas.Muted)), m.whyEmpty())
		return
	}
	first := o.scroll.offset(len(o.rows), in.H-1)
	shown := make([]change, 0, in.H)
	for y := range min(in.H-1, len(o.rows)-first) {
		shown = append(shown, o.rows[len(o.rows)-1-first-y])
	}
	widths := o.widths(shown)
	x := 2
	for i, c := range o.columns {
		if c.Name == "laminar_diff" || c.Name == "laminar_timestamp" {
			continue
		}
		if x+widths[i] > in.W+8 {
			break
		}
		style := canvas.Of(pick(c.Name == o.column, canvas.Accent, canvas.Muted))
		part := in.Sub(x, 0, widths[i], in.H)
		o.drawColumn(part, i, c.Name, style, shown)
		x += widths[i] + 1
	}
	for y, c := range shown {
		switch d := c.diff(); {
		case d > 0:
			in.Text(0, y+1, canvas.Of(canvas.Up), "+")
		default:
			in.Text(0, y+1, canvas.Of(canvas.Down), "-")
		}
	}
}

// widths are those of the columns for the rows shown.
func (o *opened) widths(shown []change) []int {
	out := make([]int, len(o.columns))
	for i, c := range o.columns {
		out[i] = canvas.Width(c.Name)
		for _, r := range shown {
			if i < len(r.row) {
				out[i] = max(out[i], canvas.Width(o.show(r, i)))
			}
		}
		out[i] = min(out[i], 32)
	}
	return out
}

// show is a value as a column shows it: times as such, floats without noise.
func (o *opened) show(c change, i int) string {
	v := c.row[i]
	switch {
	case v.Null:
		return "∅"
	case o.columns[i].Name == o.timeColumn && o.columns[i].OID == 20:
		return clock(c.millis(o.timeColumn))
	case (o.columns[i].OID == 701 || o.columns[i].OID == 700) && len(v.Text) > 10:
		return fmt.Sprintf("%.6g", parseNumber(v.Text))
	}
	return v.Text
}

func (o *opened) drawColumn(a canvas.Area, i int, name string, heading canvas.Style, shown []change) {
	numeric := isNumeric(o.columns[i].OID)
	draw := func(y int, s canvas.Style, text string) {
		text = canvas.Clip(text, a.W)
		if numeric {
			a.Right(a.W, y, s, text)
		} else {
			a.Text(0, y, s, text)
		}
	}
	draw(0, heading, name)
	for y, c := range shown {
		style := canvas.Of(canvas.Plain)
		if c.diff() < 0 {
			style = canvas.Of(canvas.Muted)
		}
		if i < len(c.row) {
			if c.row[i].Null {
				style = canvas.Of(canvas.Muted)
			}
			draw(y+1, style, o.show(c, i))
		}
	}
}

// drawText shows the statement that made the object.
func (m *Model) drawText(a canvas.Area) {
	in := m.frame(a, "Definition", "")
	lines := wrapped(m.opened.definition, in.W-2)
	first := m.opened.scroll.offset(len(lines), in.H)
	for y := range min(in.H, len(lines)-first) {
		in.Text(1, y, canvas.Of(canvas.Plain), lines[first+y])
	}
}

// wrapped are the lines of a text, long ones broken between words or, failing
// that, anywhere.
func wrapped(text string, width int) []string {
	var out []string
	for line := range strings.Lines(strings.TrimSpace(text)) {
		rest := []rune(strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    "))
		for width > 0 && len(rest) > width {
			cut := width
			for i := width; i > width/2; i-- {
				if rest[i] == ' ' {
					cut = i
					break
				}
			}
			out = append(out, string(rest[:cut]))
			rest = []rune("    " + strings.TrimLeft(string(rest[cut:]), " "))
			if width <= 8 {
				break
			}
		}
		out = append(out, string(rest))
	}
	return out
}

package dashboard

import (
	"math"
	"slices"
	"strings"
	"time"

	"laminardb/cmd/internal/dashboard/feed"
)

// maxTailRows is how many rows of the open object are kept: for its chart and for
// scrolling back.
const maxTailRows = 2000

// objectMode is what is shown of the open object.
type objectMode int

// The modes, in the order that the key v takes them.
const (
	modeBoth objectMode = iota
	modeChart
	modeTail
	modeText
	modes
)

// opened is the object that the browser follows; the zero value is none.
type opened struct {
	name, kind, definition string
	described              bool
	statements             []string // SUBSCRIBE in the forms to try, the best first
	attempt                int
	timeColumn             string // event time, "" for none
	columns                []feed.Column
	rows                   []change // the oldest first
	seen                   int64
	perSecond              float64
	windowSeen             int64
	windowAt               time.Time
	measuring              bool
	err                    string
	mode                   objectMode
	column, split          string // what the chart shows, and by what column
	splitChosen            bool
	relative               bool // the chart shows the change from the first value in percent
	scroll                 list
}

// change is a row of a tail.
type change struct {
	record
	arrived time.Time
}

func open(o *object) opened {
	return opened{name: o.name, kind: o.kind, definition: o.definition, perSecond: math.NaN()}
}

// tailName is the name of the tail in the feed.
func (o *opened) tailName() string { return "open " + o.name }

// watch adds what the open object needs.
func (o *opened) watch(w feed.Watch) feed.Watch {
	if o.name == "" || o.kind == "sink" {
		return w
	}
	if !o.described {
		w.Queries = append(w.Queries, feed.Query{Name: "describe " + o.name, SQL: "DESCRIBE EXTENDED " + quoted(o.name), Every: time.Second})
		return w
	}
	w.Tails = append(w.Tails, feed.Tail{Name: o.tailName(), SQL: o.statements[o.attempt]})
	return w
}

// describe takes the description of the object: which column is the event time
// decides how it is tailed.
func (o *opened) describe(tables map[string]feed.Table) {
	t, ok := tables["describe "+o.name]
	if !ok || o.described {
		return
	}
	name := quoted(o.name)
	for _, r := range records(t.Columns, t.Rows) {
		if notes := r.text("notes"); strings.Contains(notes, "event time") {
			o.timeColumn = r.text("column")
			if strings.Contains(notes, "hidden") {
				o.statements = append(o.statements, "SUBSCRIBE (SELECT *, "+quoted(o.timeColumn)+" FROM "+name+") WITH (SNAPSHOT)")
			}
		}
	}
	o.statements = append(o.statements, "SUBSCRIBE "+name+" WITH (SNAPSHOT)", "SUBSCRIBE "+name)
	o.described = true
}

// apply takes what the tail brought.
func (o *opened) apply(c feed.Chunk, now time.Time) {
	if c.Reset {
		o.columns, o.rows, o.err = c.Columns, nil, ""
		o.measuring, o.windowSeen, o.windowAt, o.perSecond = false, 0, now, math.NaN()
		o.choose()
	}
	if c.Err != "" {
		o.err = c.Err
		if len(o.columns) == 0 && o.attempt < len(o.statements)-1 {
			o.attempt++ // this form is not supported for the object
			return
		}
	}
	o.seen += c.Seen
	o.windowSeen += c.Seen
	for _, r := range records(o.columns, c.Rows) {
		o.rows = append(o.rows, change{r, now})
	}
	o.rows = o.rows[max(0, len(o.rows)-maxTailRows):]
	o.chooseSplit()
}

// settledRows is how many rows tell which column splits them.
const settledRows = 100

// chooseSplit takes the first column of text with few values to tell the chart's
// lines apart, until enough rows have come or the user has chosen.
func (o *opened) chooseSplit() {
	if o.splitChosen || len(o.rows) == 0 {
		return
	}
	newest := o.rows[max(0, len(o.rows)-2*settledRows):]
	o.split, o.splitChosen = "", len(o.rows) >= settledRows
	for _, name := range o.texts() {
		values := map[string]bool{}
		for _, r := range newest {
			values[r.text(name)] = true
		}
		if len(values) <= maxLines {
			o.split = name
			return
		}
	}
}

// tick measures how many rows come. What comes first is what was stored: it does
// not count.
func (o *opened) tick(now time.Time) {
	elapsed := now.Sub(o.windowAt).Seconds()
	if o.windowAt.IsZero() || elapsed < 2 {
		return
	}
	if o.measuring {
		o.perSecond = float64(o.windowSeen) / elapsed
	}
	o.measuring, o.windowSeen, o.windowAt = true, 0, now
}

// choose picks the column to chart when the columns have become known.
func (o *opened) choose() {
	numbers := o.numeric()
	if !slices.Contains(numbers, o.column) {
		o.column = ""
		if len(numbers) > 0 {
			o.column = numbers[0]
		}
	}
}

// numeric are the columns that a chart can show.
func (o *opened) numeric() []string {
	var out []string
	for _, c := range o.columns {
		if isNumeric(c.OID) && c.Name != o.timeColumn && !strings.HasPrefix(c.Name, "laminar_") {
			out = append(out, c.Name)
		}
	}
	return out
}

// texts are the columns that can tell the lines of a chart apart.
func (o *opened) texts() []string {
	var out []string
	for _, c := range o.columns {
		if slices.Contains([]uint32{25, 1043, 1042, 16}, c.OID) {
			out = append(out, c.Name)
		}
	}
	return out
}

// key does what a key stands for in the view of an object.
func (o *opened) key(key string) {
	switch key {
	case "v", "enter":
		o.mode = (o.mode + 1) % modes
	case "right", "l":
		o.column = following(o.numeric(), o.column, 1)
	case "left", "h":
		o.column = following(o.numeric(), o.column, -1)
	case "b":
		o.split = following(append([]string{""}, o.texts()...), o.split, 1)
		o.splitChosen = true
	case "n":
		o.relative = !o.relative
	default:
		o.scroll.key(key)
	}
}

// following is the element after (step 1) or before (-1) another, around the ends.
func following(list []string, from string, step int) string {
	n := len(list)
	if n == 0 {
		return ""
	}
	return list[((slices.Index(list, from)+step)%n+n)%n]
}

// at is the time of a change for the chart, in epoch milliseconds: the event time
// if there is one, else when the change was made, else when it came.
func (o *opened) at(c change) int64 {
	if o.timeColumn != "" {
		if v, ok := c.value(o.timeColumn); ok {
			if t, isTime := parseTime(v); isTime {
				return t.UnixMilli()
			}
			if n := c.millis(o.timeColumn); n != 0 {
				return n
			}
		}
	}
	if at := c.millis("laminar_timestamp"); at != 0 {
		return at
	}
	return c.arrived.UnixMilli()
}

// isNumeric reports whether a type is a number: int8, int2, int4, float4, float8,
// numeric.
func isNumeric(oid uint32) bool { return slices.Contains([]uint32{20, 21, 23, 700, 701, 1700}, oid) }

package dashboard

import (
	"math"
	"strconv"
	"time"

	"laminardb/cmd/internal/dashboard/feed"
)

// record reads a row by the names of its columns; a column that is not there is
// like NULL, so that a server without it shows less.
type record struct {
	index map[string]int
	row   []feed.Value
}

// records are the rows of a result.
func records(columns []feed.Column, rows [][]feed.Value) []record {
	index := make(map[string]int, len(columns))
	for i, c := range columns {
		index[c.Name] = i
	}
	out := make([]record, len(rows))
	for i, row := range rows {
		out[i] = record{index, row}
	}
	return out
}

func (r record) value(name string) (string, bool) {
	i, ok := r.index[name]
	if !ok || i >= len(r.row) || r.row[i].Null {
		return "", false
	}
	return r.row[i].Text, true
}

// text is "" for NULL.
func (r record) text(name string) string {
	v, _ := r.value(name)
	return v
}

// number is NaN for NULL and for what is no number.
func (r record) number(name string) float64 {
	v, ok := r.value(name)
	if !ok {
		return math.NaN()
	}
	return parseNumber(v)
}

// millis is 0 for NULL.
func (r record) millis(name string) int64 {
	v, ok := r.value(name)
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// time is zero for NULL.
func (r record) time(name string) time.Time {
	v, _ := r.value(name)
	t, _ := parseTime(v)
	return t
}

// diff is the sign of a change; rows of append-only objects come.
func (r record) diff() int {
	v, ok := r.value("laminar_diff")
	if !ok {
		return 1
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		return 1
	}
	return n
}

func parseNumber(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// parseTime reads a timestamp as PostgreSQL writes it in ISO style.
func parseTime(text string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999999-07", "2006-01-02 15:04:05.999999999-07:00", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

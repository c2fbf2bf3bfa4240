package exectest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"laminardb/planner/plan"
	"laminardb/server/pgvalue"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// endOfTime is the watermark behind the last row.
const endOfTime = math.MaxInt64

// tolerance is how far two sums of the same floats may be apart, relatively, when
// they were added in another order.
const tolerance = 1e-12

// Result is rows as text with how often each is there.
type Result struct {
	schema  *batch.Schema
	encoder *pgvalue.Encoder
	rows    map[string]*row
	shrunk  bool // a row went away
}

type row struct {
	cells  []string // NULL is \N
	millis int64    // event time, 0 where there is none
	count  int
}

func newResult(schema *batch.Schema) *Result {
	ts := make([]types.Type, len(schema.Fields))
	for i, f := range schema.Fields {
		ts[i] = f.Type
	}
	enc, err := pgvalue.NewEncoder(ts, nil, nil)
	if err != nil {
		panic("exectest: a result of a type that has no text: " + err.Error())
	}
	return &Result{schema: schema, encoder: enc, rows: map[string]*row{}}
}

// add applies a batch's rows by their differences.
func (r *Result) add(b *batch.Batch) error {
	if len(b.Cols) != len(r.schema.Fields) {
		return fmt.Errorf("a batch has %d columns where the plan says %d", len(b.Cols), len(r.schema.Fields))
	}
	for i, f := range r.schema.Fields {
		if f.NotNull && b.Cols[i].NullN() > 0 {
			return fmt.Errorf("column %q holds NULL where the plan says it cannot", f.Name)
		}
	}
	cols := make([]int, len(b.Cols))
	for i := range cols {
		cols[i] = i
	}
	times, step := eventTimes(r.schema.EventTime, b)
	for i := range b.Rows {
		const frame = 5 // CopyData's header
		text := string(r.encoder.AppendCopyText(nil, b, cols, i, i+1)[frame:])
		at := r.rows[text]
		if at == nil {
			at = &row{cells: strings.Split(strings.TrimSuffix(text, "\n"), "\t"), millis: floorDiv(times[i], step)}
			r.rows[text] = at
		}
		at.count += int(b.Diff(i))
		r.shrunk = r.shrunk || b.Diff(i) < 0
		if at.count == 0 {
			delete(r.rows, text)
		}
	}
	return nil
}

func floorDiv(a, b int64) int64 {
	if q := a / b; a%b >= 0 {
		return q
	}
	return a/b - 1
}

// check holds the current rows to what the plan says of them.
func (r *Result) check(p plan.Properties) error {
	if r.shrunk && !p.Changelog {
		return fmt.Errorf("a row went away where the plan says append-only")
	}
	keys := map[string]bool{}
	for _, at := range r.rows {
		if at.count < 0 {
			return fmt.Errorf("row %q went away more often than it came", at.cells)
		}
		if !p.HasKey {
			continue
		}
		key := make([]string, len(p.Key))
		for i, k := range p.Key {
			key[i] = at.cells[k]
		}
		k := strings.Join(key, "\t")
		if keys[k] || at.count > 1 {
			return fmt.Errorf("two rows have the key %q", key)
		}
		keys[k] = true
	}
	return nil
}

// below returns the rows with an event time below the watermark.
func (r *Result) below(watermark int64) *Result {
	out := *r
	out.rows = map[string]*row{}
	for k, at := range r.rows {
		if at.millis < watermark {
			out.rows[k] = at
		}
	}
	return &out
}

// String is the visible columns as a text table: names, then sorted rows.
func (r *Result) String() string {
	visible := r.schema.Visible()
	pick := func(cells func(i int) string) string {
		out := make([]string, len(visible))
		for i, c := range visible {
			if out[i] = cells(c); out[i] == `\N` {
				out[i] = "NULL"
			}
		}
		return strings.Join(out, " | ")
	}
	var lines []string
	for _, at := range r.rows {
		for range at.count {
			lines = append(lines, pick(func(i int) string { return at.cells[i] }))
		}
	}
	slices.Sort(lines)
	head := pick(func(i int) string { return r.schema.Fields[i].Name })
	return strings.Join(append([]string{head}, lines...), "\n") + "\n"
}

// difference describes how two results differ, "" if they do not. Unless exact,
// floats may differ by the tolerance.
func difference(got, want *Result, exact bool) string {
	left := got.minus(want)
	missing := want.minus(got)
	if !exact && len(left) == len(missing) {
		left, missing = got.pairOff(left, missing)
	}
	if len(left)+len(missing) == 0 {
		return ""
	}
	var b strings.Builder
	for _, cells := range left {
		fmt.Fprintf(&b, "\n  too many: %q", cells)
	}
	for _, cells := range missing {
		fmt.Fprintf(&b, "\n  missing:  %q", cells)
	}
	return b.String()
}

// minus returns the rows that r has more often than o, each once.
func (r *Result) minus(o *Result) [][]string {
	var out [][]string
	for k, at := range r.rows {
		n := at.count
		if other := o.rows[k]; other != nil {
			n -= other.count
		}
		for range n {
			out = append(out, at.cells)
		}
	}
	slices.SortFunc(out, slices.Compare[[]string])
	return out
}

// pairOff takes out the rows that differ in floats only, and by no more than the
// tolerance. It returns what is left of both.
func (r *Result) pairOff(a, b [][]string) (restA, restB [][]string) {
	used := make([]bool, len(b))
	for _, x := range a {
		i := 0
		for i < len(b) && (used[i] || !r.near(x, b[i])) {
			i++
		}
		if i == len(b) {
			restA = append(restA, x)
			continue
		}
		used[i] = true
	}
	for i, y := range b {
		if !used[i] {
			restB = append(restB, y)
		}
	}
	return restA, restB
}

func (r *Result) near(a, b []string) bool {
	for i, f := range r.schema.Fields {
		if a[i] == b[i] {
			continue
		}
		x, errA := strconv.ParseFloat(a[i], 64)
		y, errB := strconv.ParseFloat(b[i], 64)
		if !f.Type.IsFloat() || errA != nil || errB != nil {
			return false
		}
		if math.Abs(x-y) > tolerance*max(math.Abs(x), math.Abs(y)) {
			return false
		}
	}
	return true
}

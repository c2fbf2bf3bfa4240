package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/parser"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// known is relations by name.
type known map[string]*Relation

// Relation implements Relations.
func (k known) Relation(name ast.Name) (*Relation, error) {
	if r := k[name.Last()]; r != nil {
		return r, nil
	}
	return nil, pgerr.Newf(pgerr.UndefinedTable, "relation %q does not exist", name.Last())
}

// TestPlans shows plans and errors. A command is the mode: "once", "stream" or
// "view" for a query with an EMIT clause as in CREATE STREAM; "insert" for the
// query of an INSERT into t; "define" for a stream or view that others read;
// "source" for a CREATE SOURCE. An error shows the place that it names.
func TestPlans(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		k := known{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out, err := planCase(k, d)
			if err != nil {
				return caret(d.Input, err)
			}
			return out
		})
	})
}

// caret shows an error as psql does.
func caret(text string, err error) string {
	e := pgerr.From(err)
	out := fmt.Sprintf("ERROR %s: %s\n", e.Code.SQLSTATE(), e.Message)
	if e.Position > 0 {
		at := e.Position - 1
		start := strings.LastIndexByte(text[:at], '\n') + 1
		line, _, _ := strings.Cut(text[start:], "\n")
		out += line + "\n" + strings.Repeat(" ", at-start) + "^\n"
	}
	if e.Hint != "" {
		out += "HINT: " + e.Hint + "\n"
	}
	return out
}

func planCase(k known, d *datadriven.TestData) (string, error) {
	if d.Cmd == "source" {
		return "", defineSource(k, d.Input)
	}
	text, prefix := d.Input, ""
	switch d.Cmd {
	case "stream", "view":
		prefix = map[string]string{"stream": "CREATE STREAM x AS ", "view": "CREATE MATERIALIZED VIEW x AS "}[d.Cmd]
	case "insert":
		prefix = "INSERT INTO t "
	}
	q := &Query{Relations: k, Params: &Params{}, Session: map[string]string{"current_user": "ann"}}
	// Spaces in place of the prefix keep positions those of the input.
	list, err := parser.Parse(prefix + text)
	if err != nil {
		return "", shifted(err, len(prefix))
	}
	var r *Result
	switch s := list[0].Statement.(type) {
	case *ast.CreateQuery:
		q.Emit, q.Mode = s.Emit, Stream
		if s.Kind == "materialized view" {
			q.Mode = View
		}
		if r, err = q.Plan(s.Query); err == nil && d.Cmd == "define" {
			schema := r.Root.Schema()
			k[s.Name.Last()] = &Relation{ID: uint64(len(k) + 1), Name: s.Name.Last(), Kind: s.Kind, Schema: schema, Props: r.Root.Props()}
		}
	case *ast.SelectStatement:
		r, err = q.Plan(s.Query)
	case *ast.Insert:
		r, err = q.PlanInsert(s.Query, k["t"].Schema.Fields)
	}
	if err != nil {
		return "", shifted(err, len(prefix))
	}
	return describePlan(r, q.Params), nil
}

func shifted(err error, by int) error {
	e := *pgerr.From(err)
	if e.Position > 0 {
		e.Position -= by
	}
	return &e
}

func describePlan(r *Result, p *Params) string {
	var b strings.Builder
	for _, l := range plan.Explain(r.Root) {
		b.WriteString(l + "\n")
	}
	schema := r.Root.Schema()
	for i, f := range schema.Fields {
		fmt.Fprintf(&b, "- %s %s", f.Name, f.Type)
		if f.NotNull {
			b.WriteString(" NOT NULL")
		}
		if f.Hidden {
			b.WriteString(" hidden")
		}
		if i == schema.EventTime {
			b.WriteString(" event time")
		}
		b.WriteString("\n")
	}
	if props := r.Root.Props(); props.HasKey {
		fmt.Fprintf(&b, "key: %v\n", props.Key)
	}
	for i, t := range p.Types {
		fmt.Fprintf(&b, "$%d %s\n", i+1, t)
	}
	for _, n := range r.Notices {
		b.WriteString("NOTICE: " + n + "\n")
	}
	if r.Upsert {
		b.WriteString("upserts\n")
	}
	return b.String()
}

func defineSource(k known, text string) error {
	list, err := parser.Parse(text)
	if err != nil {
		return err
	}
	s := list[0].Statement.(*ast.CreateRelation)
	schema := batch.NewSchema()
	for _, c := range s.Columns {
		schema.Fields = append(schema.Fields, batch.Field{Name: c.Name, Type: c.Type.Type, NotNull: c.NotNull})
	}
	if s.Watermark != nil {
		if schema.EventTime, _, err = Watermark(s.Watermark, schema); err != nil {
			return err
		}
	}
	rel := &Relation{ID: uint64(len(k) + 1), Name: s.Name.Last(), Kind: "source", Schema: schema}
	if s.Table {
		rel.Kind, rel.Props = "table", plan.Properties{Changelog: true, HasKey: len(s.PrimaryKey) > 0}
		for _, name := range s.PrimaryKey {
			rel.Props.Key = append(rel.Props.Key, schema.Index(name))
		}
		if schema.EventTime >= 0 {
			fields := append(slices.Clone(schema.Fields), batch.Field{Name: "deleted", Type: types.Of(types.Bool), Hidden: true})
			rel.Versions = &Versions{ID: rel.ID + 1000, Schema: &batch.Schema{Fields: fields, EventTime: schema.EventTime}}
			schema.EventTime = -1
		}
	}
	k[s.Name.Last()] = rel
	return nil
}

// A watermark's delay in milliseconds.
func TestWatermarkDelay(t *testing.T) {
	for text, want := range map[string]int64{
		"ts": 0, "ts - INTERVAL '5' SECOND": 5000, "ts - INTERVAL '1 day 1 minute'": 86_460_000, "ts - 250": 250, "ts - '2 seconds'": 2000,
	} {
		list, err := parser.Parse("CREATE SOURCE s (ts bigint, WATERMARK FOR ts AS " + text + ")")
		if err != nil {
			t.Fatal(err)
		}
		schema := batch.NewSchema(batch.Field{Name: "ts", Type: types.Of(types.Int64)})
		if _, got, err := Watermark(list[0].Statement.(*ast.CreateRelation).Watermark, schema); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
}

package parser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"laminardb/sql/pgerr"
)

// TestParse runs testdata: "parse" dumps the trees of its input, "ok" only says
// how many statements it holds, "error" expects one and draws it under the text.
func TestParse(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "parse", "ok", "error":
				return runParse(d.Cmd, d.Input)
			case "expand":
				return runExpand(d.Input)
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

func runParse(cmd, input string) string {
	list, err := Parse(input)
	if err != nil {
		return drawError(input, err)
	}
	if cmd == "error" {
		return "no error\n"
	}
	if cmd == "ok" {
		return fmt.Sprintf("%d statements\n", len(list))
	}
	var b strings.Builder
	for _, one := range list {
		if input[one.Offset:one.Offset+len(one.Text)] != one.Text {
			return "the text does not stand at its offset\n"
		}
		if len(list) > 1 || one.NumParams > 0 {
			fmt.Fprintf(&b, "-- at %d, %d parameters\n", one.Offset, one.NumParams)
		}
		b.WriteString(dump(one.Statement) + "\n")
	}
	return b.String()
}

// drawError prints an error as psql does.
func drawError(text string, err error) string {
	e := pgerr.From(err)
	var b strings.Builder
	fmt.Fprintf(&b, "ERROR %s: %s\n", e.Code.SQLSTATE(), e.Message)
	if e.Position > 0 {
		at := e.Position - 1
		start := strings.LastIndexByte(text[:at], '\n') + 1
		line := text[start:]
		if n := strings.IndexByte(line, '\n'); n >= 0 {
			line = line[:n]
		}
		fmt.Fprintf(&b, "  %s\n  %s^\n", line, strings.Repeat(" ", at-start))
	}
	if e.Detail != "" {
		b.WriteString("DETAIL: " + e.Detail + "\n")
	}
	if e.Hint != "" {
		b.WriteString("HINT: " + e.Hint + "\n")
	}
	return b.String()
}

// runExpand expands with NAME=value pairs from the lines before an empty one,
// and shows where the parser's error falls in the written text.
func runExpand(input string) string {
	head, text, _ := strings.Cut(input, "\n--\n")
	vars := map[string]string{}
	for line := range strings.Lines(head) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		vars[k] = v
	}
	out, offsets, err := Expand(text, func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	})
	if err != nil {
		return drawError(text, err)
	}
	if _, err := Parse(out); err != nil {
		e := pgerr.From(err)
		e.Position = offsets.Original(e.Position-1) + 1
		return out + "\n" + drawError(text, e)
	}
	return out + "\n"
}

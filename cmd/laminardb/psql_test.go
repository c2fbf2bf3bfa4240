package main

import (
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestPsqlDescribes runs psql's own commands and statements, a line each, as
// testdata/psql.txt has them, and prints what psql prints. "quiet" runs commands
// that have little to show and prints those that fail.
func TestPsqlDescribes(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t, false, nil)
	datadriven.RunTest(t, "testdata/psql.txt", func(t *testing.T, d *datadriven.TestData) string {
		var w strings.Builder
		for line := range strings.Lines(d.Input) {
			out, err := client(t, srv, "psql", "-X", "-P", "pager=off", "-c", strings.TrimSpace(line))
			if d.Cmd != "quiet" {
				w.WriteString(trimLines(out))
			} else if err != nil || strings.Contains(out, "ERROR") {
				w.WriteString(line + trimLines(out))
			}
		}
		if w.Len() == 0 {
			return "ok\n"
		}
		return w.String()
	})
}

// trimLines drops what is blank: spaces behind a line and empty lines.
func trimLines(text string) string {
	var w strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, " \n"); line != "" {
			w.WriteString(line + "\n")
		}
	}
	return w.String()
}

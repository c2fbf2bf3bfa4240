package example

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// statements splits SQL without its comment lines after each ";\n".
func statements(sql string) []string {
	var code []string
	for line := range strings.Lines(sql) {
		if !strings.HasPrefix(line, "--") {
			code = append(code, line)
		}
	}
	var out []string
	for _, s := range strings.SplitAfter(strings.Join(code, ""), ";\n") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// The pipelines are a promise to users: byte for byte what the design names.
func TestPipelinesAreVerbatim(t *testing.T) {
	golden, err := os.ReadFile("testdata/pipelines.sql")
	if err != nil {
		t.Fatal(err)
	}
	want := statements(string(golden))
	var got []string
	for _, s := range slices.Concat(Sources(), Streams()) {
		if s.Name != "order_events" { // ours: the design gives its topic, not its columns
			got = append(got, statements(s.SQL)...)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("got\n%s\n\nwant\n%s", strings.Join(got, "\n\n"), strings.Join(want, "\n\n"))
	}
}

func TestScriptsHoldOneNamedStatement(t *testing.T) {
	create := regexp.MustCompile(`^CREATE (?:SOURCE|TABLE|STREAM|MATERIALIZED VIEW|SINK) (\w+)`)
	for _, s := range slices.Concat(Sources(), Streams(), More(), Sinks()) {
		st := statements(s.SQL)
		if len(st) != 1 || !strings.HasPrefix(s.SQL, "-- ") {
			t.Errorf("%s: %d statements, or no leading comment", s.Path, len(st))
			continue
		}
		m := create.FindStringSubmatch(st[0])
		if m == nil || strings.TrimSuffix(m[1], "_sink") != s.Name {
			t.Errorf("%s creates %v", s.Path, m)
		}
	}
}

func TestStreamsFollowWhatTheyRead(t *testing.T) {
	var seen []string
	for _, s := range slices.Concat(Sources(), Streams(), More(), Sinks()) {
		for _, m := range regexp.MustCompile(`(?:FROM|JOIN) ([a-z_]+)`).FindAllStringSubmatch(s.SQL, -1) {
			if !slices.Contains(seen, m[1]) {
				t.Errorf("%s reads %s, which comes later or never", s.Path, m[1])
			}
		}
		seen = append(seen, s.Name)
	}
}

func TestIncludeFilesNameEveryScriptInOrder(t *testing.T) {
	for file, scripts := range map[string][]Script{
		"sql/sources.sql": Sources(), "sql/streams.sql": Streams(), "sql/more.sql": More(), "sql/sinks.sql": Sinks(),
	} {
		text, err := files.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for _, s := range scripts {
			want.WriteString(`\ir ` + strings.TrimPrefix(s.Path, "sql/") + "\n")
		}
		_, got, _ := strings.Cut(string(text), "\n") // after the comment
		if got != want.String() {
			t.Errorf("%s holds\n%swant\n%s", file, got, want.String())
		}
	}
}

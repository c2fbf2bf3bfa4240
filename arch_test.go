package laminardb_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path that every import of our own begins with.
const module = "laminardb/"

// dashboard is the folder of the terminal's dashboard.
const dashboard = "cmd/internal/dashboard"

// rank orders the top folders: a package imports its own folder and lower ranks,
// never a neighbour of the same rank.
var rank = map[string]int{
	"sql":     0,
	"storage": 1, "connectors": 1, "catalog": 1,
	"planner": 2,
	"exec":    3,
	"server":  4,
	"cmd":     5,
}

// concrete are the connectors and formats that only cmd names.
var concrete = []string{
	"connectors/kafka", "connectors/generator", "connectors/blackhole", "connectors/files",
	"connectors/format/avro", "connectors/format/json", "connectors/format/csv", "connectors/format/debezium",
}

// TestLayers checks every import of every file against the rules of
// docs/ARCHITECTURE.md.
func TestLayers(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, imp := range f.syntax.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatalf("%s: %v", f.path, err)
			}
			if why := refused(f.folder, path, f.isTest); why != "" {
				t.Errorf("%s imports %s: %s", f.path, path, why)
			}
		}
	}
}

// refused says why a file of a folder may not import a path, "" if it may.
func refused(folder, path string, isTest bool) string {
	switch own, isOurs := strings.CutPrefix(path, module); {
	case isOurs:
		if isTest && within(folder, "connectors") && within(own, "connectors/format") {
			return "" // a connector is tested with real formats
		}
		if !isTest && (within(folder, dashboard) || folder == "cmd/laminardb-tui") && !within(own, dashboard) {
			return "the dashboard is a client and nothing else"
		}
		return refusedOurs(folder, own)
	case within(path, "charm.land") && !within(folder, dashboard):
		return "only the dashboard draws on a terminal"
	case within(path, "github.com/auxten/postgresql-parser") && folder != "sql/parser":
		return "only sql/parser knows the SQL grammar"
	case within(path, "github.com/twmb/franz-go") && !within(folder, "cmd") && !isTest:
		return "only cmd and tests may use franz-go"
	}
	return ""
}

func refusedOurs(folder, own string) string {
	from, to := top(folder), top(own)
	fromRank, known := rank[from]
	toRank, layered := rank[to]
	switch {
	case to == "examples" && from == "cmd" || to == from && !isConcreteNeighbour(folder, own):
		return ""
	case !known || !layered:
		return "no layer allows it"
	case from == "catalog" && own == "storage/kv":
		return "" // docs/adr/0007
	case to != from && toRank >= fromRank:
		return "imports go downwards only"
	case from == "cmd":
		return ""
	case slices.ContainsFunc(concrete, func(c string) bool { return within(own, c) }):
		return "concrete connectors and formats are named only in cmd"
	case from == "planner" && to != "sql":
		return "the planner does no I/O and knows only sql"
	case from == "exec" && to == "planner" && own != "planner/plan" && own != "planner/function":
		return "exec sees plans and functions, not the planner"
	case folder == "server/pgwire" && (own == "sql/parser" || slices.Contains([]string{"planner", "catalog", "exec"}, to)):
		return "the wire knows messages, not SQL"
	}
	return ""
}

// isConcreteNeighbour reports whether a concrete connector or format is imported
// from elsewhere in connectors.
func isConcreteNeighbour(folder, own string) bool {
	return slices.ContainsFunc(concrete, func(c string) bool { return within(own, c) && !within(folder, c) })
}

// within reports whether a path is root or below it.
func within(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// top is the first folder of a path.
func top(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

// TestRefused checks that each rule refuses what it is there for.
func TestRefused(t *testing.T) {
	const franz, grammar = "github.com/twmb/franz-go/pkg/kgo", "github.com/auxten/postgresql-parser/pkg/sql/parser"
	for _, c := range []struct {
		folder, path string
		isTest       bool
		refused      bool
	}{
		{"sql/parser", "laminardb/sql/ast", false, false},
		{"sql/types", "laminardb/planner/plan", false, true},
		{"catalog", "laminardb/storage/kv", false, false},
		{"catalog", "laminardb/storage/checkpoint", false, true},
		{"storage/kv", "laminardb/catalog", false, true},
		{"planner", "laminardb/exec", false, true},
		{"planner", "laminardb/connectors", false, true},
		{"exec", "laminardb/planner/plan", false, false},
		{"exec/expr", "laminardb/planner/function", false, false},
		{"exec", "laminardb/planner", false, true},
		{"exec", "laminardb/planner", true, true},
		{"exec", "laminardb/server/session", true, true},
		{"server/session", "laminardb/planner", false, false},
		{"server/session", "laminardb/connectors/kafka", false, true},
		{"server/pgwire", "laminardb/sql/pgerr", false, false},
		{"server/pgwire", "laminardb/sql/parser", false, true},
		{"server/pgwire", "laminardb/exec", true, true},
		{"connectors/kafka", "laminardb/connectors/format", false, false},
		{"connectors/kafka", "laminardb/connectors/format/avro", false, true},
		{"connectors/kafka", "laminardb/connectors/format/avro", true, false},
		{"connectors/kafka", "laminardb/connectors/kafka", true, false},
		{"connectors/kafka", franz, false, true},
		{"connectors/kafka", franz, true, false},
		{"cmd/laminardb", franz, false, false},
		{"cmd/laminardb", "laminardb/connectors/kafka", false, false},
		{"cmd/laminardb", "laminardb/examples/market-data", false, false},
		{"server/session", "laminardb/examples/market-data", false, true},
		{"sql/parser", grammar, false, false},
		{"planner", grammar, false, true},
		{"cmd/internal/dashboard/feed", "laminardb/sql/types", false, true},
		{"cmd/internal/dashboard", "laminardb/cmd/internal/dashboard/feed", false, false},
		{"cmd/laminardb-tui", "laminardb/server/session", false, true},
		{"cmd/laminardb", "laminardb/cmd/internal/dashboard", false, false},
		{"cmd/laminardb", "charm.land/bubbletea/v2", false, true},
		{"helpers", "laminardb/sql/ast", false, true},
	} {
		why := refused(c.folder, c.path, c.isTest)
		if (why != "") != c.refused {
			t.Errorf("%s importing %s (test: %v): refused for %q, want refused %v", c.folder, c.path, c.isTest, why, c.refused)
		}
	}
}

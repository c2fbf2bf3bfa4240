package laminardb_test

import (
	"go/ast"
	"go/token"
	"slices"
	"testing"
)

// TestLogMessages checks that a log line's message is a text that does not vary, so
// that lines can be counted and searched: what varies is in attributes
// (docs/metrics.md).
func TestLogMessages(t *testing.T) {
	seen := 0
	for _, f := range goFiles(t) {
		if f.isTest || top(f.folder) == "cmd" && f.folder != "cmd/laminardb" {
			continue
		}
		for _, call := range logCalls(f.syntax) {
			seen++
			if m, ok := call.Args[0].(*ast.BasicLit); !ok || m.Kind != token.STRING {
				t.Errorf("%s: a log message that is not a literal", f.at(call.Pos()))
			}
		}
	}
	if seen < 10 {
		t.Errorf("found only %d log calls: the search is broken", seen)
	}
}

// logCalls are the calls of a logger's methods.
func logCalls(file *ast.File) []*ast.CallExpr {
	var out []*ast.CallExpr
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !slices.Contains([]string{"Debug", "Info", "Warn", "Error"}, method.Sel.Name) {
			return true
		}
		name := ""
		switch x := method.X.(type) {
		case *ast.SelectorExpr:
			name = x.Sel.Name
		case *ast.Ident:
			name = x.Name
		}
		if slices.Contains([]string{"logger", "Logger", "log", "Log"}, name) {
			out = append(out, call)
		}
		return true
	})
	return out
}

package laminardb_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The limits of STYLE.md.
const (
	maxFileLines       = 500
	maxTestFileLines   = 800
	maxFunctionLines   = 70
	minPackageComments = 5
)

// vague are names that say nothing about what a package is.
var vague = []string{"util", "utils", "common", "helper", "helpers", "manager", "managers", "misc", "shared", "base"}

// goFile is one parsed file of the repository.
type goFile struct {
	path, folder string // slash-separated, from the root
	isTest       bool
	lines        int
	set          *token.FileSet
	syntax       *ast.File
}

// goFiles parses every Go file that is not ignored by git.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	skip := ignoredFolders(t)
	var out []goFile
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() {
			if name != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || slices.Contains(skip, name) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := parseFile(name)
		out = append(out, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 100 {
		t.Fatalf("found only %d Go files: the walk is broken", len(out))
	}
	return out
}

func parseFile(name string) (goFile, error) {
	src, err := os.ReadFile(name)
	if err != nil {
		return goFile{}, err
	}
	f := goFile{
		path: name, folder: path.Dir(name), isTest: strings.HasSuffix(name, "_test.go"),
		lines: bytes.Count(src, []byte("\n")), set: token.NewFileSet(),
	}
	f.syntax, err = parser.ParseFile(f.set, name, src, parser.ParseComments)
	return f, err
}

// ignoredFolders are the folders at the root that .gitignore names.
func ignoredFolders(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(".gitignore")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "/") && strings.HasSuffix(line, "/") {
			out = append(out, strings.Trim(line, "/"))
		}
	}
	return out
}

// TestFiles checks every file by itself.
func TestFiles(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, problem := range untidy(f) {
			t.Errorf("%s", problem)
		}
	}
}

// untidy lists what is wrong with a file.
func untidy(f goFile) []string {
	if ast.IsGenerated(f.syntax) {
		return nil
	}
	var out []string
	limit := maxFileLines
	if f.isTest {
		limit = maxTestFileLines
	}
	if f.lines > limit {
		out = append(out, fmt.Sprintf("%s has %d lines, at most %d", f.path, f.lines, limit))
	}
	if slices.Contains(vague, strings.TrimSuffix(f.syntax.Name.Name, "_test")) {
		out = append(out, fmt.Sprintf("%s: the package name %s says nothing", f.path, f.syntax.Name.Name))
	}
	for _, decl := range f.syntax.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			out = append(out, f.untidyFunction(d)...)
		case *ast.GenDecl:
			out = append(out, f.untidyDeclaration(d)...)
		}
	}
	return out
}

func (f goFile) untidyFunction(d *ast.FuncDecl) []string {
	var out []string
	where := f.at(d.Pos())
	if n := f.set.Position(d.End()).Line - f.set.Position(d.Pos()).Line + 1; n > maxFunctionLines {
		out = append(out, fmt.Sprintf("%s: function %s has %d lines, at most %d", where, d.Name.Name, n, maxFunctionLines))
	}
	if d.Recv == nil && d.Name.Name == "init" {
		out = append(out, where+": no init: values are built in cmd")
	}
	if !f.isTest && d.Name.IsExported() && exportedReceiver(d) && !isErrorMethod(d) && d.Doc.Text() == "" {
		out = append(out, fmt.Sprintf("%s: %s is exported without a comment", where, d.Name.Name))
	}
	return out
}

// isErrorMethod reports whether a method makes its type an error: its meaning is
// that of the standard library.
func isErrorMethod(d *ast.FuncDecl) bool {
	return d.Recv != nil && (d.Name.Name == "Error" || d.Name.Name == "Unwrap")
}

// exportedReceiver reports whether a function is seen outside its package: no
// method of an unexported type is.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

func (f goFile) untidyDeclaration(d *ast.GenDecl) []string {
	var out []string
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.ValueSpec:
			if d.Tok == token.VAR && s.Names[0].Name != "_" && d.Doc.Text()+s.Doc.Text()+s.Comment.Text() == "" {
				out = append(out, fmt.Sprintf("%s: package variable %s has no comment", f.at(s.Pos()), s.Names[0].Name))
			}
		case *ast.TypeSpec:
			if !f.isTest && s.Name.IsExported() && d.Doc.Text()+s.Doc.Text() == "" {
				out = append(out, fmt.Sprintf("%s: type %s is exported without a comment", f.at(s.Pos()), s.Name.Name))
			}
		}
	}
	return out
}

func (f goFile) at(pos token.Pos) string {
	return fmt.Sprintf("%s:%d", f.path, f.set.Position(pos).Line)
}

// TestPackageComments checks that one file of each package says what it is.
func TestPackageComments(t *testing.T) {
	comments := map[string][]string{} // by folder, the files with a package comment
	seen := map[string]bool{}
	for _, f := range goFiles(t) {
		if f.isTest {
			continue
		}
		seen[f.folder] = true
		text := f.syntax.Doc.Text()
		if text == "" {
			continue
		}
		comments[f.folder] = append(comments[f.folder], f.path)
		if n := strings.Count(text, "\n"); n < minPackageComments {
			t.Errorf("%s: the package comment has %d lines, at least %d", f.path, n, minPackageComments)
		}
	}
	for folder := range seen {
		if n := len(comments[folder]); n != 1 {
			t.Errorf("%s: %d files have a package comment, want one: %v", folder, n, comments[folder])
		}
	}
}

// TestUntidy checks that each rule finds what it is there for.
func TestUntidy(t *testing.T) {
	long := strings.Repeat("\n", maxFunctionLines)
	for src, want := range map[string]string{
		"package util":                                       "says nothing",
		"package util_test":                                  "says nothing",
		"package a\nfunc init() {}":                          "no init",
		"package a\nvar x = 1":                               "x has no comment",
		"package a\n//go:embed f\nvar x = 1":                 "x has no comment",
		"package a\n// x is one.\nvar x = 1":                 "",
		"package a\nvar _ = 1":                               "",
		"package a\nfunc F() {}":                             "F is exported",
		"package a\ntype t int\nfunc (*t) F() {}":            "",
		"package a\ntype T int\nfunc (T) Error() string {}":  "T is exported",
		"package a\ntype T int":                              "T is exported",
		"package a\nfunc f() {" + long + "}":                 "at most 70",
		"package a" + strings.Repeat("\n", 501):              "501 lines",
		"// Code generated by x. DO NOT EDIT.\npackage util": "",
	} {
		f := goFile{path: "a.go", lines: strings.Count(src, "\n"), set: token.NewFileSet()}
		var err error
		if f.syntax, err = parser.ParseFile(f.set, f.path, src, parser.ParseComments); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(untidy(f), "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: found %q, want %q", src, got, want)
		}
	}
}

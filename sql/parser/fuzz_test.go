package parser

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// corpus returns the inputs of the testdata files.
func corpus(t testing.TB) []string {
	var out []string
	paths, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // the fuzz directory
		}
		for _, c := range strings.Split(string(b), "\n\n") {
			_, text, _ := strings.Cut(strings.TrimSpace(c), "\n")
			text, _, _ = strings.Cut(text, "\n----")
			out = append(out, text)
		}
	}
	return out
}

// FuzzParse checks that no text makes the parser panic or call itself broken, and
// that every position lies in the text.
func FuzzParse(f *testing.F) {
	for _, c := range corpus(f) {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, text string) { checkParse(t, text) })
}

func checkParse(t *testing.T, text string) {
	list, err := Parse(text)
	if err != nil {
		e := pgerr.From(err)
		if e.Code == pgerr.Internal {
			t.Fatalf("%q: %v %s", text, e, e.Detail)
		}
		if e.Position < 0 || e.Position > len(text)+1 {
			t.Fatalf("%q: the error stands at %d: %v", text, e.Position, e)
		}
		return
	}
	for _, p := range list {
		if p.Statement == nil || text[p.Offset:p.Offset+len(p.Text)] != p.Text {
			t.Fatalf("%q: statement %q at %d", text, p.Text, p.Offset)
		}
		checkPositions(t, text, reflect.ValueOf(p.Statement), p.Offset, p.Offset+len(p.Text))
	}
}

// checkPositions walks a tree: each position is -1 or in [lo, hi).
func checkPositions(t *testing.T, text string, v reflect.Value, lo, hi int) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			checkPositions(t, text, v.Elem(), lo, hi)
		}
	case reflect.Slice:
		for i := range v.Len() {
			checkPositions(t, text, v.Index(i), lo, hi)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			if pos, ok := f.Interface().(ast.Pos); ok {
				if pos != -1 && (int(pos) < lo || int(pos) >= hi) && !v.IsZero() {
					t.Fatalf("%q: %s of %s is %d, outside of [%d, %d)", text, v.Type().Field(i).Name, v.Type(), pos, lo, hi)
				}
				continue
			}
			checkPositions(t, text, f, lo, hi)
		}
	}
}

// TestSpliced parses the corpus with tokens cut out and moved, which comes closer
// to valid statements than what the fuzzer makes of bytes.
func TestSpliced(t *testing.T) {
	for _, text := range corpus(t) {
		words := strings.Fields(text)
		for i := range min(len(words), 60) {
			checkParse(t, strings.Join(words[:i], " "))
			checkParse(t, strings.Join(words[i:], " "))
			checkParse(t, strings.Join(append(append([]string{}, words[:i]...), words[i+1:]...), " "))
		}
	}
}

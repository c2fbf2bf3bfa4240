package catalog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// testClock always says the same.
func testClock() time.Time { return time.Date(2026, 2, 6, 12, 0, 0, 5000, time.UTC) }

func mustOpen(t testing.TB, path string) *Catalog {
	t.Helper()
	c, err := Open(path, testClock)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestEdits runs testdata/edits: one command a line, each command an edit of its
// own unless it stands between "begin" and "commit" or "discard".
//
//	create KIND NAME [col:type ...] [on=a,b] [k=v]   replace NAME KIND ...
//	drop [cascade] KIND NAME...   rename NAME NEW   set NAME k=v -k   show   find NAME
func TestEdits(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &script{t: t, path: filepath.Join(t.TempDir(), "catalog.db")}
		s.catalog = mustOpen(t, s.path)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var out strings.Builder
			for line := range strings.Lines(d.Input) {
				fmt.Fprint(&out, s.run(strings.Fields(line)))
			}
			return out.String()
		})
		if err := s.catalog.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

type script struct {
	t       *testing.T
	path    string
	catalog *Catalog
	open    *Edit
}

func (s *script) run(args []string) string {
	switch args[0] {
	case "show":
		if s.open != nil {
			return show(s.open.Snapshot())
		}
		return show(s.catalog.Snapshot())
	case "find":
		o, err := s.catalog.Snapshot().Relation(ast.Name{Pos: 7, Parts: strings.Split(args[1], ".")})
		if err != nil {
			return errorText(err)
		}
		return o.describe() + "\n"
	case "reopen":
		if err := s.catalog.Close(); err != nil {
			s.t.Fatal(err)
		}
		s.catalog = mustOpen(s.t, s.path)
		return ""
	case "begin":
		s.open = s.begin()
		return ""
	case "commit", "discard":
		edit := s.open
		s.open = nil
		if args[0] == "discard" {
			edit.Discard()
			return ""
		}
		return errorText(edit.Commit())
	}
	if s.open != nil {
		text, _ := change(s.open, args)
		return text
	}
	edit := s.begin()
	defer edit.Discard()
	text, ok := change(edit, args)
	if ok {
		text += errorText(edit.Commit())
	}
	return text
}

func (s *script) begin() *Edit {
	edit, err := s.catalog.Edit(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return edit
}

// change applies one command and returns what to print and whether it worked.
func change(e *Edit, args []string) (string, bool) {
	var (
		text string
		err  error
	)
	id := func(name string) uint64 {
		if o := e.Snapshot().Named(Name{DefaultSchema, name}); o != nil {
			return o.ID
		}
		return 0
	}
	switch args[0] {
	case "create":
		_, err = e.Create(objectOf(e, args[1], args[2], args[3:]))
	case "replace":
		_, err = e.Replace(id(args[1]), objectOf(e, args[2], args[1], args[3:]))
	case "rename":
		_, err = e.Rename(id(args[1]), args[2], "renamed to "+args[2])
	case "set":
		var set []Option
		var reset []string
		for _, arg := range args[2:] {
			if name, ok := strings.CutPrefix(arg, "-"); ok {
				reset = append(reset, name)
				continue
			}
			k, v, _ := strings.Cut(arg, "=")
			set = append(set, Option{k, v})
		}
		_, err = e.SetOptions(id(args[1]), set, reset)
	case "drop":
		text, err = drop(e, args[1:])
	default:
		return "unknown command " + args[0] + "\n", false
	}
	return text + errorText(err), err == nil
}

func drop(e *Edit, args []string) (string, error) {
	cascade := args[0] == "cascade"
	if cascade {
		args = args[1:]
	}
	kind, _ := KindNamed(strings.ReplaceAll(args[0], "_", " "))
	var ids []uint64
	for _, name := range args[1:] {
		o, err := e.Snapshot().RelationOfKind(ast.Name{Parts: []string{name}}, kind, "DROP")
		if err != nil {
			return "", err
		}
		ids = append(ids, o.ID)
	}
	dropped, err := e.Drop(ids, cascade)
	var text strings.Builder
	for _, o := range dropped {
		fmt.Fprintf(&text, "dropped %s\n", o.describe())
	}
	return text.String(), err
}

func objectOf(e *Edit, kindName, name string, args []string) Object {
	kind, _ := KindNamed(strings.ReplaceAll(kindName, "_", " "))
	o := Object{Kind: kind, Name: Name{Name: name}, EventTime: -1, SQL: "CREATE " + kind.upper() + " " + name}
	for _, arg := range args {
		if names, ok := strings.CutPrefix(arg, "on="); ok {
			for name := range strings.SplitSeq(names, ",") {
				dependency := e.Snapshot().Named(Name{DefaultSchema, name})
				o.DependsOn = append(o.DependsOn, dependency.ID)
			}
			continue
		}
		if k, v, ok := strings.Cut(arg, "="); ok {
			o.Options = append(o.Options, Option{k, v})
			continue
		}
		column, typeName, _ := strings.Cut(arg, ":")
		typ, _ := types.Lookup(typeName)
		o.Columns = append(o.Columns, Column{Field: batch.Field{Name: column, Type: typ}})
	}
	return o
}

func show(s *Snapshot) string {
	var out strings.Builder
	for _, o := range s.InCreationOrder() {
		fmt.Fprintf(&out, "%d.%d oid=%d %s", o.ID, o.Version, o.OID, o.describe())
		for _, c := range o.Columns {
			fmt.Fprintf(&out, " %s:%s", c.Name, c.Type)
		}
		for _, d := range s.Dependencies(o.ID) {
			fmt.Fprintf(&out, " on=%s", d.Name)
		}
		for _, opt := range o.Options {
			fmt.Fprintf(&out, " %s=%s", opt.Name, opt.Value)
		}
		fmt.Fprintf(&out, " sql=%s\n", strconv.Quote(o.SQL))
	}
	return out.String()
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	var e *pgerr.Error
	if !errors.As(err, &e) {
		return "error without SQLSTATE: " + err.Error() + "\n"
	}
	text := fmt.Sprintf("%s: %s\n", e.Code.SQLSTATE(), e.Message)
	if e.Position > 0 {
		text += fmt.Sprintf("  at %d\n", e.Position)
	}
	if e.Detail != "" {
		text += "  detail: " + strings.ReplaceAll(e.Detail, "\n", "\n          ") + "\n"
	}
	if e.Hint != "" {
		text += "  hint: " + e.Hint + "\n"
	}
	return text
}

func TestEditsRunOneAtATime(t *testing.T) {
	c := mustOpen(t, filepath.Join(t.TempDir(), "catalog.db"))
	first, err := c.Edit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Edit(ctx); !pgerr.Is(err, pgerr.QueryCanceled) {
		t.Fatalf("a second edit gave %v", err)
	}
	first.Discard()
	if err := first.Commit(); !errors.Is(err, errEditDone) {
		t.Fatalf("commit after discard gave %v", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Edit(context.Background()); !pgerr.Is(err, pgerr.AdminShutdown) {
		t.Fatalf("edit after close gave %v", err)
	}
}

func TestReadersDuringEdits(t *testing.T) {
	c := mustOpen(t, filepath.Join(t.TempDir(), "catalog.db"))
	const edits = 30
	done := make(chan error)
	go func() {
		for last := -1; last < edits; {
			s := c.Snapshot()
			if n := len(s.InCreationOrder()); n < last || n != int(s.Generation()) {
				done <- fmt.Errorf("generation %d has %d objects after %d", s.Generation(), n, last)
				return
			}
			last = len(s.InCreationOrder())
		}
		done <- nil
	}()
	for i := range edits {
		edit, err := c.Edit(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := edit.Create(Object{Kind: Stream, Name: Name{Name: fmt.Sprint("s", i)}, EventTime: -1}); err != nil {
			t.Fatal(err)
		}
		if err := edit.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWriteOfUnknownOutcome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	c := mustOpen(t, path)
	edit, err := c.Edit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := edit.Create(Object{Kind: Sink, Name: Name{Name: "a"}, EventTime: -1}); err != nil {
		t.Fatal(err)
	}
	if err := c.db.Close(); err != nil { // the disk goes away
		t.Fatal(err)
	}
	if err := edit.Commit(); !pgerr.Is(err, pgerr.IOError) {
		t.Fatalf("commit gave %v", err)
	}
	if n := len(c.Snapshot().InCreationOrder()); n != 0 {
		t.Fatalf("%d objects became visible", n)
	}
	if _, err := c.Edit(context.Background()); !pgerr.Is(err, pgerr.IOError) || !strings.Contains(err.Error(), "read-only") {
		t.Fatalf("the next edit gave %v", err)
	}
}

func TestKindNames(t *testing.T) {
	for k := Source; k <= Sink; k++ {
		if got, ok := KindNamed(k.String()); !ok || got != k {
			t.Errorf("%v became %v, %v", k, got, ok)
		}
	}
	if _, ok := KindNamed("index"); ok {
		t.Error("index is no kind")
	}
}

func TestClosureOrder(t *testing.T) {
	c := mustOpen(t, filepath.Join(t.TempDir(), "catalog.db"))
	edit, err := c.Edit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var ids []uint64
	for i, on := range [][]uint64{nil, {0}, {0, 1}, {2}, nil} {
		var depends []uint64
		for _, at := range on {
			depends = append(depends, ids[at])
		}
		o, err := edit.Create(Object{Kind: View, Name: Name{Name: fmt.Sprint("v", i)}, EventTime: -1, DependsOn: depends})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, o.ID)
	}
	var got []string
	for _, o := range edit.Snapshot().Closure(ids[1], ids[4]) {
		got = append(got, o.Name.Name)
	}
	if want := []string{"v4", "v3", "v2", "v1"}; !slices.Equal(got, want) {
		t.Errorf("closure %v, want %v", got, want)
	}
	edit.Discard()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

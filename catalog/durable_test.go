package catalog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
	"laminardb/storage/kv"
)

func allTypes() []types.Type {
	var all []types.Type
	for k := types.Unknown; k <= types.OID; k++ {
		if k != types.Array && k != types.Map && k != types.Struct {
			all = append(all, types.Of(k))
		}
	}
	text := types.Of(types.Text)
	nested := types.Type{Kind: types.Struct, Fields: []types.Field{
		{Name: "a", Type: types.DecimalOf(10, 2)},
		{Name: "b", Type: types.ArrayOf(types.Type{Kind: types.Map, Key: &text, Elem: &types.Type{Kind: types.TimestampTZ}})},
		{Name: "a", Type: types.Type{Kind: types.Struct}},
	}}
	return append(all, types.Type{Kind: types.Text, Precision: 20}, nested, types.ArrayOf(nested))
}

func TestEveryTypeComesBack(t *testing.T) {
	o := &Object{
		ID: 7, Version: 3, OID: FirstOID + 7, CreatedAt: testClock(), Kind: MaterializedView,
		Name: Name{DefaultSchema, "Ünïcode \"name\""}, SQL: "CREATE …\n'${X}' \x01", EventTime: 2,
		Options: []Option{{"kafka.linger.ms", "5"}, {"", ""}}, DependsOn: []uint64{3, 1},
	}
	for i, typ := range allTypes() {
		field := batch.Field{Name: fmt.Sprint("c", i), Type: typ, NotNull: i%2 == 0, Hidden: i%3 == 0}
		o.Columns = append(o.Columns, Column{Field: field, PrimaryKey: i%5 == 0})
	}
	text, err := encodeObject(o)
	if err != nil {
		t.Fatal(err)
	}
	back, err := decodeObject(text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(o, back) {
		t.Errorf("came back as\n%+v\nwant\n%+v", back, o)
	}
	if !back.CreatedAt.Equal(testClock()) {
		t.Errorf("created at %v", back.CreatedAt)
	}
}

func TestTypeTooDeep(t *testing.T) {
	typ := types.Of(types.Bool)
	for range maxTypeDepth + 1 {
		typ = types.ArrayOf(typ)
	}
	if _, err := encodeType(typ); err == nil {
		t.Error("no error")
	}
}

func FuzzDecodeObject(f *testing.F) {
	text, err := encodeObject(&Object{
		ID: 1, Kind: Source, Name: Name{DefaultSchema, "a"}, EventTime: -1,
		Columns: []Column{{Field: batch.Field{Name: "x", Type: types.ArrayOf(types.Of(types.Int64))}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := decodeObject(text)
		if err != nil {
			return
		}
		again, err := encodeObject(o)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeObject(again)
		if err != nil || !reflect.DeepEqual(o, back) {
			t.Fatalf("%s became %s: %v", text, again, err)
		}
	})
}

// withObjects makes a file with a source and n streams that read it.
func withObjects(t *testing.T, path string, n int) {
	t.Helper()
	c := mustOpen(t, path)
	edit, err := c.Edit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	source, err := edit.Create(Object{Kind: Source, Name: Name{Name: "ticks"}, EventTime: -1, SQL: strings.Repeat("x", 2000)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := edit.Create(Object{Kind: Stream, Name: Name{Name: fmt.Sprint("s", i)}, EventTime: -1, DependsOn: []uint64{source.ID}, SQL: strings.Repeat("y", 700)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := edit.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedFile changes bytes all over the file: the catalog is complete (as
// of the last edit or the one before it, which held nothing) or refused.
func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	withObjects(t, path, 20)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged, refused := filepath.Join(t.TempDir(), "b.db"), 0
	for at := 0; at < len(whole); at++ {
		if at%4096 >= 20 && at%1009 != 0 {
			continue
		}
		content := bytes.Clone(whole)
		content[at] ^= 0x03 << (at % 7)
		if err := os.WriteFile(damaged, content, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Open(damaged, testClock)
		if err == nil {
			if n := len(c.Snapshot().InCreationOrder()); n != 21 && n != 0 {
				t.Errorf("byte %d: %d objects", at, n)
			}
			err = c.Close()
			if err != nil {
				t.Errorf("byte %d: close: %v", at, err)
			}
			continue
		}
		refused++
		if !pgerr.Is(err, pgerr.DataCorrupted) && !pgerr.Is(err, pgerr.FeatureNotSupported) {
			t.Errorf("byte %d: %v", at, err)
		}
	}
	if refused < 20 {
		t.Errorf("only %d damaged files were refused", refused)
	}
}

// rewrite changes the file behind the catalog's back, seals intact.
func rewrite(t *testing.T, path string, fn func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := kv.Open(path, kv.Format{Name: "laminardb catalog", Version: formatVersion + 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(fn); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestInconsistentFile(t *testing.T) {
	put := func(id uint64, o *Object) func(tx *bbolt.Tx) error {
		return func(tx *bbolt.Tx) error {
			o.Kind, o.EventTime = Stream, -1
			if o.Name.Name == "" {
				o.Name = Name{DefaultSchema, "new"}
			}
			text, err := encodeObject(o)
			if err != nil {
				return err
			}
			return tx.Bucket(objectsBucket).Put(objectKey(id), kv.Seal(text))
		}
	}
	for _, c := range []struct {
		want string
		code pgerr.Code
		fn   func(tx *bbolt.Tx) error
	}{
		{"has 1 objects of 2", pgerr.DataCorrupted, func(tx *bbolt.Tx) error { return tx.Bucket(objectsBucket).Delete(objectKey(2)) }},
		{"depends on 9", pgerr.DataCorrupted, put(2, &Object{ID: 2, DependsOn: []uint64{9}})},
		{"depends on itself", pgerr.DataCorrupted, put(1, &Object{ID: 1, DependsOn: []uint64{2}})},
		{"holds object 3", pgerr.DataCorrupted, put(2, &Object{ID: 3})},
		{"both named", pgerr.DataCorrupted, put(2, &Object{ID: 2, Name: Name{DefaultSchema, "ticks"}})},
		{"checksum mismatch", pgerr.DataCorrupted, func(tx *bbolt.Tx) error { return tx.Bucket(objectsBucket).Put(objectKey(2), []byte("12345")) }},
		{"unknown field", pgerr.DataCorrupted, func(tx *bbolt.Tx) error {
			return tx.Bucket(objectsBucket).Put(objectKey(2), kv.Seal([]byte(`{"id":2,"colour":"red"}`)))
		}},
		{"catalog state", pgerr.DataCorrupted, func(tx *bbolt.Tx) error { return tx.Bucket(catalogBucket).Delete(stateKey) }},
		{"format version 2", pgerr.FeatureNotSupported, func(tx *bbolt.Tx) error {
			text, err := json.Marshal(kv.Format{Name: "laminardb catalog", Version: formatVersion + 1})
			if err != nil {
				return err
			}
			return tx.Bucket([]byte("format")).Put([]byte("format"), kv.Seal(text))
		}},
	} {
		path := filepath.Join(t.TempDir(), "catalog.db")
		withObjects(t, path, 1)
		rewrite(t, path, c.fn)
		_, err := Open(path, testClock)
		if !pgerr.Is(err, c.code) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.want, err)
		}
	}
}

func TestSecondProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	c := mustOpen(t, path)
	child := exec.Command(os.Args[0], "-test.run=TestChild$")
	child.Env = append(os.Environ(), "CATALOG_CHILD_OPEN="+path)
	out, err := child.Output()
	if err != nil || !strings.Contains(string(out), "55006") {
		t.Fatalf("%s, error %v", out, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestKill kills a child while it creates and drops objects; what it reported as
// committed is there afterwards, and nothing is there in part.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	first := 0
	for round := range 5 {
		child := exec.Command(os.Args[0], "-test.run=TestChild$")
		child.Env = append(os.Environ(), "CATALOG_CHILD_EDIT="+path, fmt.Sprint("CATALOG_CHILD_FIRST=", first))
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		committed, lines := -1, bufio.NewScanner(out)
		for committed < first+3+round*4 && lines.Scan() {
			if _, err := fmt.Sscanf(lines.Text(), "committed %d", &committed); err != nil {
				t.Fatalf("child said %q", lines.Text())
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // it may have said more before it died
			if _, err := fmt.Sscanf(lines.Text(), "committed %d", &committed); err != nil && !strings.HasPrefix("committed ", lines.Text()) {
				t.Logf("last line %q", lines.Text())
			}
		}
		var exit *exec.ExitError
		if err := child.Wait(); !errors.As(err, &exit) {
			t.Fatalf("child ended with %v", err)
		}
		first = checkKilled(t, path, committed)
	}
}

// checkKilled returns the number of the next edit.
func checkKilled(t *testing.T, path string, committed int) int {
	t.Helper()
	c := mustOpen(t, path)
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	order := c.Snapshot().InCreationOrder()
	if len(order) != 2 {
		t.Fatalf("%d objects after edit %d: every edit leaves 2", len(order), committed)
	}
	var n int
	if _, err := fmt.Sscanf(order[0].Name.Name, "source_%d", &n); err != nil {
		t.Fatal(err)
	}
	if n != committed && n != committed+1 {
		t.Fatalf("edit %d is in the file, the child reported %d", n, committed)
	}
	if want := fmt.Sprint("stream_", n); order[1].Name.Name != want || order[1].DependsOn[0] != order[0].ID {
		t.Fatalf("half an edit: %v, %v", order[0], order[1])
	}
	return n + 1
}

// TestChild is the other process of the tests above.
func TestChild(t *testing.T) {
	if path := os.Getenv("CATALOG_CHILD_OPEN"); path != "" {
		_, err := Open(path, testClock)
		fmt.Println(err)
	}
	path := os.Getenv("CATALOG_CHILD_EDIT")
	if path == "" {
		return
	}
	var first int
	if _, err := fmt.Sscan(os.Getenv("CATALOG_CHILD_FIRST"), &first); err != nil {
		t.Fatal(err)
	}
	c := mustOpen(t, path)
	for n := first; ; n++ {
		edit, err := c.Edit(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range edit.Snapshot().OfKind(Source) {
			if _, err := edit.Drop([]uint64{o.ID}, true); err != nil {
				t.Fatal(err)
			}
		}
		source, err := edit.Create(Object{Kind: Source, Name: Name{Name: fmt.Sprint("source_", n)}, EventTime: -1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := edit.Create(Object{Kind: Stream, Name: Name{Name: fmt.Sprint("stream_", n)}, EventTime: -1, DependsOn: []uint64{source.ID}}); err != nil {
			t.Fatal(err)
		}
		if err := edit.Commit(); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("committed %d\n", n)
	}
}

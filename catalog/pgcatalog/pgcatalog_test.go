package pgcatalog

import (
	"path/filepath"
	"testing"
	"time"

	"laminardb/catalog"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// snapshot has an object of each kind, with columns of all sorts.
func snapshot(t *testing.T) *catalog.Snapshot {
	c, err := catalog.Open(filepath.Join(t.TempDir(), "catalog.db"), func() time.Time { return time.Unix(0, 0) })
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	edit, err := c.Edit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string, of types.Type) catalog.Column {
		return catalog.Column{Field: batch.Field{Name: name, Type: of}}
	}
	key, hidden := column("Key", types.Of(types.Int64)), column("at", types.Of(types.Timestamp))
	key.PrimaryKey, hidden.Hidden = true, true
	columns := []catalog.Column{
		hidden, key, column("name", types.Type{Kind: types.Text, Precision: 10}), column("n", types.DecimalOf(10, 2)),
		column("list", types.ArrayOf(types.Of(types.Int32))),
	}
	for k := catalog.Source; k <= catalog.Sink; k++ {
		o := catalog.Object{Kind: k, Name: catalog.Name{Name: "o" + relkind(k) + string('0'+rune(k))}, EventTime: -1, SQL: "CREATE", Columns: columns}
		if k != catalog.Table {
			o.Columns = []catalog.Column{columns[0], columns[2]}
		}
		if k == catalog.Sink {
			o.Columns = nil
		}
		if _, err := edit.Create(o); err != nil {
			t.Fatal(err)
		}
	}
	if err := edit.Commit(); err != nil {
		t.Fatal(err)
	}
	return c.Snapshot()
}

// TestRowsFitTheirColumns checks each value of each relation against its column.
func TestRowsFitTheirColumns(t *testing.T) {
	s := snapshot(t)
	system := []*catalog.Object{{OID: SystemOIDs, Kind: catalog.Stream, Name: catalog.Name{Schema: SystemSchema, Name: "server"}, EventTime: -1}}
	for _, r := range relations() {
		for _, row := range r.Rows(s, system, "db") {
			if len(row) != len(r.Columns) {
				t.Errorf("%s: %d values for %d columns", r.Name, len(row), len(r.Columns))
				continue
			}
			for i, c := range r.Columns {
				if !fits(row[i], c.Type.Kind) {
					t.Errorf("%s.%s is %s and has a %T", r.Name, c.Name, c.Type, row[i])
				}
			}
		}
	}
}

func fits(v any, k types.Kind) bool {
	switch v.(type) {
	case nil:
		return true
	case string:
		return k == types.Text
	case bool:
		return k == types.Bool
	case int:
		return k == types.Int16 || k == types.Int32 || k == types.Int64 || k == types.OID
	case int64:
		return k == types.Int64 || k == types.OID
	case float64:
		return k == types.Float32
	case []any:
		return k == types.Array
	}
	return false
}

// TestFind checks which names mean a relation.
func TestFind(t *testing.T) {
	for _, c := range []struct {
		schema, name string
		found        bool
	}{
		{"", "pg_class", true},
		{"pg_catalog", "pg_class", true},
		{"pg_catalog", "laminar_view_text", true},
		{"", "laminar_view_text", false},
		{"", "tables", false},
		{"information_schema", "tables", true},
		{"public", "pg_class", false},
		{"", "pg_nosuch", false},
	} {
		if got := Find(c.schema, c.name); (got != nil) != c.found {
			t.Errorf("Find(%q, %q): found %v, want %v", c.schema, c.name, got != nil, c.found)
		}
	}
}

// TestQuoted checks when a name is quoted.
func TestQuoted(t *testing.T) {
	for name, want := range map[string]string{"a_1": "a_1", "A": `"A"`, "1a": `"1a"`, `a"b`: `"a""b"`, "": `""`} {
		if got := quoted(name); got != want {
			t.Errorf("quoted(%q) = %s, want %s", name, got, want)
		}
	}
}

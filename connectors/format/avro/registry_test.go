package avro

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"

	"laminardb/connectors/format"
	"laminardb/sql/pgerr"
)

const longRecord = `{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}`

// TestRegistryAway: nothing is decoded while the registry is away, the same
// records decode afterwards, and a known id needs no registry.
func TestRegistryAway(t *testing.T) {
	ctx := context.Background()
	fake := fakeRegistry(t)
	schema := avro.MustParse(longRecord)
	fake.SeedSchema("other", 1, 1, sr.Schema{Schema: longRecord})
	fake.SeedSchema("other2", 1, 2, sr.Schema{Schema: longRecord})
	d := mustDecoder(t, fake.URL(), parseColumns(t, "a bigint")...)
	first, both := &format.Records{}, &format.Records{}
	addRecord(first, framed(t, schema, 1, map[string]any{"a": int64(1)}))
	addRecord(both, framed(t, schema, 1, map[string]any{"a": int64(1)}))
	addRecord(both, framed(t, schema, 2, map[string]any{"a": int64(2)}))
	if out, err := d.Decode(ctx, first); err != nil || out.Rows != 1 {
		t.Fatal(out, err)
	}
	fake.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		http.Error(w, `{"error_code":50301,"message":"away"}`, http.StatusServiceUnavailable)
		return true
	})
	if out, err := d.Decode(ctx, both); err == nil || out != nil || !strings.Contains(err.Error(), "away") {
		t.Fatalf("got %v, %v", out, err)
	}
	if out, err := d.Decode(ctx, first); err != nil || out.Rows != 1 {
		t.Fatalf("a known id: %v, %v", out, err)
	}
	if _, err := New(clock).NewDecoder(ctx, relation(fake.URL(), parseColumns(t, "a bigint")...)); !pgerr.Is(err, pgerr.CannotConnect) {
		t.Fatalf("NewDecoder: %v", err)
	}
	fake.ClearInterceptors()
	if out, err := d.Decode(ctx, both); err != nil || out.Rows != 2 {
		t.Fatalf("again: %v, %v", out, err)
	}
}

// TestUnknownIDIsAskedForAgain: a negative answer holds for unknownFor.
func TestUnknownIDIsAskedForAgain(t *testing.T) {
	ctx := context.Background()
	fake := fakeRegistry(t)
	now, asked := clock(), 0
	fake.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/schemas/ids/") {
			asked++
		}
		return false
	})
	d, err := New(func() time.Time { return now }).NewDecoder(ctx, relation(fake.URL(), parseColumns(t, "a bigint")...))
	if err != nil {
		t.Fatal(err)
	}
	r := &format.Records{}
	addRecord(r, framed(t, avro.MustParse(longRecord), 5, map[string]any{"a": int64(1)}))
	addRecord(r, r.Value(0))
	step := func(wantRows, wantAsked int) {
		t.Helper()
		out, err := d.Decode(ctx, r)
		if err != nil || out.Rows != wantRows || asked != wantAsked {
			t.Fatalf("%d rows, asked %d times, %v", out.Rows, asked, err)
		}
	}
	step(0, 1)
	fake.SeedSchema("other", 1, 5, sr.Schema{Schema: longRecord})
	now = now.Add(unknownFor - time.Second)
	step(0, 1)
	now = now.Add(2 * time.Second)
	step(2, 2)
	step(2, 2)
}

// TestCacheIsBounded: more schemas than maxSchemas are decoded all the same.
func TestCacheIsBounded(t *testing.T) {
	fake := fakeRegistry(t)
	schema := avro.MustParse(longRecord)
	r := &format.Records{}
	const n = maxSchemas + 5
	for id := 1; id <= n; id++ {
		fake.SeedSchema("other", id, id, sr.Schema{Schema: longRecord})
		addRecord(r, framed(t, schema, id, map[string]any{"a": int64(id)}))
	}
	d := mustDecoder(t, fake.URL(), parseColumns(t, "a bigint")...)
	out, err := d.Decode(context.Background(), r)
	if err != nil || out.Rows != n {
		t.Fatal(err, out.Rejects)
	}
	if got := len(d.(*decoder).entries); got > maxSchemas {
		t.Fatalf("%d schemas are kept", got)
	}
}

func TestTombstonesAreRejected(t *testing.T) {
	fake := fakeRegistry(t)
	fake.SeedSchema("other", 1, 1, sr.Schema{Schema: longRecord})
	r := &format.Records{}
	addRecord(r, nil)
	addRecord(r, framed(t, avro.MustParse(longRecord), 1, map[string]any{"a": int64(1)}))
	r.NullValue = []bool{true, false}
	out, err := mustDecoder(t, fake.URL(), parseColumns(t, "a bigint")...).Decode(context.Background(), r)
	if err != nil || out.Rows != 1 || len(out.Rejects) != 1 || out.Record[0] != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
}

// FuzzAvroDecode reads hostile records by several schemas at once: no panic, no
// record lost, and whole rows only.
func FuzzAvroDecode(f *testing.F) {
	schemas := []string{
		longRecord,
		`{"type":"record","name":"R","fields":[{"name":"s","type":["null","string"]},{"name":"l","type":{"type":"array","items":["null","long"]}},
			{"name":"m","type":{"type":"map","values":"bytes"}},{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}]}`,
		`{"type":"record","name":"N","fields":[{"name":"j","type":["null","N",{"type":"array","items":"N"},"string"]},{"name":"a","type":"int"}]}`,
		`{"type":"record","name":"S","fields":[{"name":"st","type":{"type":"record","name":"I","fields":[{"name":"a","type":"float"},{"name":"s","type":"string"}]}},
			{"name":"skip","type":{"type":"array","items":{"type":"map","values":["null","double","I"]}}},{"name":"a","type":"long"}]}`,
	}
	fake := fakeRegistry(f)
	for i, s := range schemas {
		fake.SeedSchema("other", i+1, i+1, sr.Schema{Schema: s})
	}
	text := &testing.T{}
	fields := parseColumns(text, "a bigint\ns text\nl bigint[]\nm map(text, bytea)\nd numeric(9,2)\nj jsonb\nst struct(a real, s text)")
	d := mustDecoder(f, fake.URL(), fields...)
	good := framed(f, avro.MustParse(longRecord), 1, map[string]any{"a": int64(77)})
	f.Add([]byte{0, 0, 0, 0, 2, 2, 2, 'x', 0, 0, 0})
	f.Add([]byte{0, 0, 0, 0, 3, 2, 0, 2, 2})
	f.Add([]byte{0, 0, 0, 0, 4, 0, 0, 128, 63, 2, 'a', 0, 2})
	f.Fuzz(func(t *testing.T, value []byte) {
		if len(value) > 4 {
			value[4] %= byte(len(schemas) + 1)
		}
		r := &format.Records{}
		addRecord(r, good)
		addRecord(r, value)
		addRecord(r, good)
		out, err := d.Decode(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		if out.Rows+len(out.Rejects) != 3 || out.Rows < 2 {
			t.Fatalf("%d rows, rejects %v", out.Rows, out.Rejects)
		}
		for c, field := range fields {
			if out.Cols[c].Len() != out.Rows {
				t.Fatalf("column %s has %d of %d rows", field.Name, out.Cols[c].Len(), out.Rows)
			}
			for row := range out.Rows {
				canonArrow(out.Cols[c], row, field.Type)
			}
		}
		if canonArrow(out.Cols[0], 0, fields[0].Type) != "77" || canonArrow(out.Cols[0], out.Rows-1, fields[0].Type) != "77" {
			t.Fatal("the neighbours are damaged")
		}
	})
}

package avro

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"laminardb/connectors/format"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// parseType reads the SQL types that the cases use, struct(..) and map(..)
// included.
func parseType(t *testing.T, s string) types.Type {
	t.Helper()
	s = strings.TrimSpace(s)
	if elem, ok := strings.CutSuffix(s, "[]"); ok {
		return types.ArrayOf(parseType(t, elem))
	}
	name, inner, _ := strings.Cut(strings.TrimSuffix(s, ")"), "(")
	parts := strings.Split(inner, ",")
	number := func(i int) int32 {
		n, err := strconv.Atoi(strings.TrimSpace(parts[i]))
		if err != nil {
			t.Fatalf("type %q: %v", s, err)
		}
		return int32(n)
	}
	switch name {
	case "struct":
		typ := types.Type{Kind: types.Struct}
		for _, p := range parts {
			field, kind, _ := strings.Cut(strings.TrimSpace(p), " ")
			typ.Fields = append(typ.Fields, types.Field{Name: field, Type: parseType(t, kind)})
		}
		return typ
	case "map":
		key, value := parseType(t, parts[0]), parseType(t, parts[1])
		return types.Type{Kind: types.Map, Key: &key, Elem: &value}
	}
	typ, ok := types.Lookup(name)
	if !ok {
		t.Fatalf("unknown type %q", s)
	}
	if inner != "" {
		typ.Precision = number(0)
		if len(parts) > 1 {
			typ.Scale = number(1)
		}
	}
	return typ
}

// parseColumns reads lines of: name type [not null].
func parseColumns(t *testing.T, input string) (fields []batch.Field) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(input), "\n") {
		name, typ, _ := strings.Cut(line, " ")
		typ, notNull := strings.CutSuffix(typ, " not null")
		fields = append(fields, batch.Field{Name: name, Type: parseType(t, typ), NotNull: notNull})
	}
	return fields
}

// clientText renders what a user sees of an error.
func clientText(err error) string {
	var e *pgerr.Error
	if !errors.As(err, &e) {
		return "error without SQLSTATE: " + err.Error()
	}
	return fmt.Sprintf("error %s: %s", e.Code.SQLSTATE(), e.Message)
}

// TestCases runs testdata. Commands:
//
//	schema id=N [subject=S]   register the schema under the id
//	columns                   the declared columns, one a line
//	check                     make a decoder and print what CREATE would say
//	decode                    a record a line: "N {json}" is encoded with schema N,
//	                          "N+hex" gives the bytes behind the header, "hex" all
func TestCases(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		fake := srfake.New()
		defer fake.Close()
		schemas := map[int]*avro.Schema{}
		var fields []batch.Field
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "schema":
				var id int
				subject := "other"
				d.ScanArgs(t, "id", &id)
				if d.HasArg("subject") {
					d.ScanArgs(t, "subject", &subject)
				}
				s, err := avro.Parse(d.Input)
				if err != nil {
					d.Fatalf(t, "%v", err)
				}
				schemas[id] = s
				fake.SeedSchema(subject, id, id, sr.Schema{Schema: d.Input})
				return ""
			case "columns":
				fields = parseColumns(t, d.Input)
				return ""
			case "check":
				if _, err := New(clock).NewDecoder(context.Background(), relation(fake.URL(), fields...)); err != nil {
					return clientText(err) + "\n"
				}
				return "ok\n"
			case "decode":
				return decodeCase(t, mustDecoder(t, fake.URL(), fields...), fields, records(t, schemas, d.Input))
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

func records(t *testing.T, schemas map[int]*avro.Schema, input string) *format.Records {
	t.Helper()
	r := &format.Records{}
	for _, line := range strings.Split(input, "\n") {
		id, text, isJSON := strings.Cut(line, " ")
		if !isJSON {
			header, raw, behind := strings.Cut(line, "+")
			value := []byte{}
			if behind {
				n, err := strconv.Atoi(header)
				if err != nil {
					t.Fatal(err)
				}
				value = binary.BigEndian.AppendUint32([]byte{0}, uint32(n))
			} else {
				raw = header
			}
			bytes, err := hex.DecodeString(raw)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			addRecord(r, append(value, bytes...))
			continue
		}
		n, err := strconv.Atoi(id)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := schemas[n].DecodeJSON([]byte(text), &v, avro.TaggedUnions()); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		addRecord(r, framed(t, schemas[n], n, v))
	}
	return r
}

// decodeCase prints the outcome in the order of the records, and checks that
// decoding them one by one gives the same.
func decodeCase(t *testing.T, d format.Decoder, fields []batch.Field, r *format.Records) string {
	t.Helper()
	whole := outcome(t, d, fields, r)
	var single []string
	for i := range r.N {
		one := &format.Records{}
		addRecord(one, r.Value(i))
		single = append(single, outcome(t, d, fields, one)...)
	}
	if a, b := strings.Join(whole, "\n"), strings.Join(single, "\n"); a != b {
		t.Fatalf("one batch gives\n%s\nsingle records give\n%s", a, b)
	}
	return strings.Join(whole, "\n") + "\n"
}

func outcome(t *testing.T, d format.Decoder, fields []batch.Field, r *format.Records) []string {
	t.Helper()
	out, err := d.Decode(context.Background(), r)
	if err != nil {
		return []string{"error: " + err.Error()}
	}
	lines := make([]string, r.N)
	for _, reject := range out.Rejects {
		lines[reject.Record] = "rejected: " + reject.Reason
	}
	for row := range out.Rows {
		at := row
		if out.Record != nil {
			at = int(out.Record[row])
		}
		var parts []string
		for c, f := range fields {
			parts = append(parts, f.Name+"="+canonArrow(out.Cols[c], row, f.Type))
		}
		lines[at] = strings.Join(parts, " ")
	}
	for i, line := range lines {
		if line == "" {
			t.Fatalf("record %d is in neither the rows nor the rejects", i)
		}
	}
	return lines
}

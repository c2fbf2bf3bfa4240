package avro

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/big"
	"math/rand"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"

	"laminardb/connectors/format"
	"laminardb/sql/batch"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// generator makes random schemas with values for them and the SQL type that
// each goes into.
type generator struct {
	*rand.Rand
	names int
}

// shape is one random type.
type shape struct {
	schema string
	typ    types.Type
	value  func() any
}

func (g *generator) text() string {
	const letters = "ab\"\\\n\tzéß€😀xyz0123"
	runes := []rune(letters)
	out := make([]rune, g.Intn(12))
	for i := range out {
		out[i] = runes[g.Intn(len(runes))]
	}
	return string(out)
}

func (g *generator) int64() int64 { return int64(g.Uint64()) >> g.Intn(64) }

func (g *generator) micros() int64 { return g.Int63n(4e15) - 1e15 }

func (g *generator) name() string {
	g.names++
	return fmt.Sprintf("n%d", g.names)
}

func logical(typ, name string) string {
	return fmt.Sprintf(`{"type":%q,"logicalType":%q}`, typ, name)
}

func (g *generator) scalar() shape {
	all := []shape{
		{`"boolean"`, types.Of(types.Bool), func() any { return g.Intn(2) == 0 }},
		{`"int"`, types.Of(types.Int32), func() any { return int32(g.int64()) }},
		{`"int"`, types.Of(types.Int64), func() any { return int32(g.int64()) }},
		{`"long"`, types.Of(types.Int64), func() any { return g.int64() }},
		{`"float"`, types.Of(types.Float32), func() any { return float32(g.NormFloat64()) }},
		{`"double"`, types.Of(types.Float64), func() any { return g.NormFloat64() * 1e9 }},
		{`"string"`, types.Of(types.Text), func() any { return g.text() }},
		{`"string"`, types.Of(types.Bytea), func() any { return g.text() }},
		{`"bytes"`, types.Of(types.Bytea), func() any { return []byte(g.text()) }},
		{logical("int", "date"), types.Of(types.Date), func() any { return time.Unix(int64(g.Intn(30000))*86400, 0).UTC() }},
		{logical("int", "time-millis"), types.Of(types.Time), func() any { return time.Duration(g.Intn(86400000)) * time.Millisecond }},
		{logical("long", "time-micros"), types.Of(types.Time), func() any { return time.Duration(g.Int63n(86400e6)) * time.Microsecond }},
		{logical("long", "timestamp-millis"), types.Of(types.TimestampTZ), func() any { return time.UnixMilli(g.micros() / 1000).UTC() }},
		{logical("long", "timestamp-micros"), types.Of(types.TimestampTZ), func() any { return time.UnixMicro(g.micros()).UTC() }},
		{logical("long", "local-timestamp-millis"), types.Of(types.Timestamp), func() any { return time.UnixMilli(g.micros() / 1000).UTC() }},
		{logical("long", "local-timestamp-micros"), types.Of(types.Timestamp), func() any { return time.UnixMicro(g.micros()).UTC() }},
		{logical("string", "uuid"), types.Of(types.UUID), func() any {
			return "0a1b2c3d-0000-4000-8000-0123456789ab"[:35] + string("0123456789abcdef"[g.Intn(16)])
		}},
		{`{"type":"bytes","logicalType":"decimal","precision":20,"scale":3}`, types.DecimalOf(30, 5), func() any { return big.NewRat(g.int64(), 1000) }},
		{fmt.Sprintf(`{"type":"fixed","name":%q,"size":10,"logicalType":"decimal","precision":20,"scale":2}`, g.name()), types.DecimalOf(20, 2), func() any { return big.NewRat(g.int64(), 100) }},
		{fmt.Sprintf(`{"type":"fixed","name":%q,"size":5}`, g.name()), types.Of(types.Bytea), func() any { return []byte{byte(g.Intn(256)), 1, 2, 3, 0} }},
		{fmt.Sprintf(`{"type":"fixed","name":%q,"size":12,"logicalType":"duration"}`, g.name()), types.Of(types.Interval), func() any {
			return avro.Duration{Months: uint32(g.Intn(100)), Days: uint32(g.Intn(100)), Milliseconds: uint32(g.Intn(1e9))}
		}},
		{fmt.Sprintf(`{"type":"enum","name":%q,"symbols":["RED","GREEN","BLUE"]}`, g.name()), types.Of(types.Text), func() any {
			return []string{"RED", "GREEN", "BLUE"}[g.Intn(3)]
		}},
	}
	return all[g.Intn(len(all))]
}

func (g *generator) shape(depth int) shape {
	if depth == 0 {
		return g.scalar()
	}
	switch g.Intn(8) {
	case 0:
		elem := g.nullable(depth - 1)
		return shape{`{"type":"array","items":` + elem.schema + `}`, types.ArrayOf(elem.typ), func() any {
			list := make([]any, g.Intn(4))
			for i := range list {
				list[i] = elem.value()
			}
			return list
		}}
	case 1:
		elem := g.nullable(depth - 1)
		text := types.Of(types.Text)
		return shape{`{"type":"map","values":` + elem.schema + `}`, types.Type{Kind: types.Map, Key: &text, Elem: &elem.typ}, func() any {
			m := map[string]any{}
			for range g.Intn(2) { // one key at most: the order of more is random
				m[g.text()] = elem.value()
			}
			return m
		}}
	case 2:
		return g.record(depth-1, 1+g.Intn(4))
	}
	return g.scalar()
}

func (g *generator) nullable(depth int) shape {
	s := g.shape(depth)
	first, second := `"null"`, s.schema
	switch g.Intn(3) {
	case 0:
		return s
	case 1:
		first, second = second, first
	}
	return shape{"[" + first + "," + second + "]", s.typ, func() any {
		if g.Intn(3) == 0 {
			return nil
		}
		return s.value()
	}}
}

func (g *generator) record(depth, n int) shape {
	fields := make([]shape, n)
	t := types.Type{Kind: types.Struct}
	var parts []string
	for i := range fields {
		fields[i] = g.nullable(depth)
		name := fmt.Sprintf("f%d", i)
		t.Fields = append(t.Fields, types.Field{Name: name, Type: fields[i].typ})
		parts = append(parts, fmt.Sprintf(`{"name":%q,"type":%s}`, name, fields[i].schema))
	}
	schema := fmt.Sprintf(`{"type":"record","name":%q,"fields":[%s]}`, g.name(), strings.Join(parts, ","))
	return shape{schema, t, func() any {
		m := map[string]any{}
		for i, f := range fields {
			m[t.Fields[i].Name] = f.value()
		}
		return m
	}}
}

// canonGo renders what the general library decoded.
func canonGo(v any, t types.Type) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case time.Time:
		if t.Kind == types.Date {
			return fmt.Sprint(v.Unix() / 86400)
		}
		return fmt.Sprint(v.UnixMicro())
	case time.Duration:
		return fmt.Sprint(v.Microseconds())
	case *big.Rat:
		return v.FloatString(int(t.Scale))
	case avro.Duration:
		return fmt.Sprintf("%d/%d/%d", v.Months, v.Days, int64(v.Milliseconds)*1000)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = canonGo(v[i], *t.Elem)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case map[string]any:
		var parts []string
		for name, e := range v {
			elem := t.Elem
			for _, f := range t.Fields {
				if f.Name == name {
					elem = &f.Type
				}
			}
			parts = append(parts, fmt.Sprintf("%q:%s", name, canonGo(e, *elem)))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, ",") + "}"
	case []byte:
		return hex.EncodeToString(v)
	case string:
		switch t.Kind {
		case types.Bytea:
			return hex.EncodeToString([]byte(v))
		case types.UUID:
			return v
		}
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprint(v)
}

// canonArrow renders row i of a decoded column alike.
func canonArrow(a arrow.Array, i int, t types.Type) string {
	if a.IsNull(i) {
		return "null"
	}
	switch a := a.(type) {
	case *array.Date32:
		return fmt.Sprint(int32(a.Value(i)))
	case *array.Time64:
		return fmt.Sprint(int64(a.Value(i)))
	case *array.Timestamp:
		return fmt.Sprint(int64(a.Value(i)))
	case *array.Float32:
		return fmt.Sprint(a.Value(i))
	case *array.Float64:
		return fmt.Sprint(a.Value(i))
	case *array.Decimal128:
		return string(pgtext.AppendNumeric(nil, a.Value(i), t))
	case *array.FixedSizeBinary:
		return string(pgtext.AppendUUID(nil, a.Value(i)))
	case *array.MonthDayNanoInterval:
		v := a.Value(i)
		return fmt.Sprintf("%d/%d/%d", v.Months, v.Days, v.Nanoseconds/1000)
	case *array.Binary:
		return hex.EncodeToString(a.Value(i))
	case *array.String:
		return fmt.Sprintf("%q", a.Value(i))
	case *array.Map:
		var parts []string
		from, to := a.ValueOffsets(i)
		for j := int(from); j < int(to); j++ {
			parts = append(parts, fmt.Sprintf("%q:%s", a.Keys().(*array.String).Value(j), canonArrow(a.Items(), j, *t.Elem)))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case *array.List:
		var parts []string
		from, to := a.ValueOffsets(i)
		for j := int(from); j < int(to); j++ {
			parts = append(parts, canonArrow(a.ListValues(), j, *t.Elem))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case *array.Struct:
		var parts []string
		for j, f := range t.Fields {
			parts = append(parts, fmt.Sprintf("%q:%s", f.Name, canonArrow(a.Field(j), i, f.Type)))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, ",") + "}"
	}
	return a.ValueStr(i)
}

// TestAgreesWithGeneralLibrary decodes random records of random schemas with
// the general library and with this package, all columns and a part of them.
func TestAgreesWithGeneralLibrary(t *testing.T) {
	fake := fakeRegistry(t)
	for seed := range int64(150) {
		g := &generator{Rand: rand.New(rand.NewSource(seed))}
		s := g.record(3, 1+g.Intn(8))
		schema, err := avro.Parse(s.schema)
		if err != nil {
			t.Fatalf("seed %d: %v in %s", seed, err, s.schema)
		}
		id, _, err := fake.RegisterSchema(fmt.Sprintf("s%d", seed), sr.Schema{Schema: s.schema})
		if err != nil {
			t.Fatal(err)
		}
		var fields []batch.Field
		for _, f := range s.typ.Fields {
			if g.Intn(4) > 0 || len(fields) == 0 {
				fields = append(fields, batch.Field{Name: f.Name, Type: f.Type})
			}
		}
		g.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		r := &format.Records{}
		var want []map[string]any
		for range 1 + g.Intn(20) {
			v := framed(t, schema, id, s.value())
			var m map[string]any
			if _, err := schema.Decode(v[headerSize:], &m); err != nil {
				t.Fatal(err)
			}
			want = append(want, m)
			addRecord(r, v)
		}
		d := mustDecoder(t, fake.URL(), fields...)
		for range 2 { // the second time with warm buffers
			out, err := d.Decode(context.Background(), r)
			if err != nil || out.Rows != r.N || out.Record != nil {
				t.Fatalf("seed %d: %d of %d rows, %v, %v in %s", seed, out.Rows, r.N, err, out.Rejects, s.schema)
			}
			for row, m := range want {
				for c, f := range fields {
					if got, want := canonArrow(out.Cols[c], row, f.Type), canonGo(m[f.Name], f.Type); got != want {
						t.Fatalf("seed %d row %d field %s: got %s, want %s in %s", seed, row, f.Name, got, want, s.schema)
					}
				}
			}
		}
	}
}

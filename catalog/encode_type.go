package catalog

import (
	"errors"
	"fmt"

	"laminardb/sql/types"
)

// maxTypeDepth bounds nesting on both ways, so that no type can exhaust the
// stack of who reads it back.
const maxTypeDepth = 64

// typeRecord is a types.Type on disk. Kind is a name of typeNames.
type typeRecord struct {
	Kind      string        `json:"kind"`
	Precision int32         `json:"precision,omitempty"`
	Scale     int32         `json:"scale,omitempty"`
	Elem      *typeRecord   `json:"elem,omitempty"`
	Key       *typeRecord   `json:"key,omitempty"`
	Fields    []fieldRecord `json:"fields,omitempty"`
}

type fieldRecord struct {
	Name string     `json:"name"`
	Type typeRecord `json:"type"`
}

// typeNames is indexed by types.Kind. The names are the format's: they stay as
// they are whatever happens to the numbers and to what PostgreSQL prints.
var typeNames = [...]string{
	types.Unknown: "unknown", types.Bool: "boolean", types.Int16: "smallint", types.Int32: "integer", types.Int64: "bigint",
	types.Float32: "real", types.Float64: "double", types.Numeric: "numeric", types.Text: "text", types.Bytea: "bytea",
	types.Date: "date", types.Time: "time", types.Timestamp: "timestamp", types.TimestampTZ: "timestamptz",
	types.Interval: "interval", types.UUID: "uuid", types.JSON: "json", types.JSONB: "jsonb",
	types.Array: "array", types.Struct: "struct", types.Map: "map", types.OID: "oid",
}

func encodeType(t types.Type) (typeRecord, error) { return encodeTypeAt(t, 0) }

func encodeTypeAt(t types.Type, depth int) (typeRecord, error) {
	if int(t.Kind) >= len(typeNames) || depth > maxTypeDepth {
		return typeRecord{}, fmt.Errorf("type kind %d at depth %d cannot be stored", t.Kind, depth)
	}
	r := typeRecord{Kind: typeNames[t.Kind], Precision: t.Precision, Scale: t.Scale}
	for _, part := range []struct {
		from *types.Type
		to   **typeRecord
	}{{t.Elem, &r.Elem}, {t.Key, &r.Key}} {
		if part.from == nil {
			continue
		}
		inner, err := encodeTypeAt(*part.from, depth+1)
		if err != nil {
			return typeRecord{}, err
		}
		*part.to = &inner
	}
	for _, f := range t.Fields {
		inner, err := encodeTypeAt(f.Type, depth+1)
		if err != nil {
			return typeRecord{}, err
		}
		r.Fields = append(r.Fields, fieldRecord{f.Name, inner})
	}
	return r, nil
}

func (r *typeRecord) decode() (types.Type, error) { return r.decodeAt(0) }

func (r *typeRecord) decodeAt(depth int) (types.Type, error) {
	kind, ok := typeKind(r.Kind)
	if !ok || depth > maxTypeDepth {
		return types.Type{}, fmt.Errorf("unknown type %q at depth %d", r.Kind, depth)
	}
	t := types.Type{Kind: kind, Precision: r.Precision, Scale: r.Scale}
	for _, part := range []struct {
		from *typeRecord
		to   **types.Type
	}{{r.Elem, &t.Elem}, {r.Key, &t.Key}} {
		if part.from == nil {
			continue
		}
		inner, err := part.from.decodeAt(depth + 1)
		if err != nil {
			return types.Type{}, err
		}
		*part.to = &inner
	}
	for _, f := range r.Fields {
		inner, err := f.Type.decodeAt(depth + 1)
		if err != nil {
			return types.Type{}, err
		}
		t.Fields = append(t.Fields, types.Field{Name: f.Name, Type: inner})
	}
	if (kind == types.Array || kind == types.Map) && t.Elem == nil || kind == types.Map && t.Key == nil {
		return types.Type{}, errors.New("array or map without its inner types")
	}
	return t, nil
}

func typeKind(name string) (types.Kind, bool) {
	for kind, n := range typeNames {
		if n == name {
			return types.Kind(kind), true
		}
	}
	return 0, false
}

package avro

import (
	"encoding/json"
	"fmt"
	"strings"

	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// schemaJSON is one type of a derived schema, marshalled in this order.
type schemaJSON struct {
	Type      any         `json:"type"`
	Logical   string      `json:"logicalType,omitempty"`
	Precision int32       `json:"precision,omitempty"`
	Scale     int32       `json:"scale,omitempty"`
	Name      string      `json:"name,omitempty"`
	Namespace string      `json:"namespace,omitempty"`
	Items     any         `json:"items,omitempty"`
	Values    any         `json:"values,omitempty"`
	Fields    []fieldJSON `json:"fields,omitempty"`
}

type fieldJSON struct {
	Name    string           `json:"name"`
	Type    any              `json:"type"`
	Default *json.RawMessage `json:"default,omitempty"`
}

// deriveSchema returns the record schema for the columns. name and namespace
// are the record's.
func deriveSchema(name, namespace string, fields []batch.Field) (string, error) {
	record := schemaJSON{Type: "record", Name: name, Namespace: namespace, Fields: []fieldJSON{}}
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f.Name] {
			return "", pgerr.Newf(pgerr.DuplicateColumn, "column %q occurs twice in the sink", f.Name)
		}
		seen[f.Name] = true
		field, err := deriveField(name, f.Name, f.Type, f.NotNull)
		if err != nil {
			return "", err
		}
		record.Fields = append(record.Fields, field)
	}
	text, err := json.Marshal(record)
	return string(text), err
}

func deriveField(parent, name string, t types.Type, notNull bool) (fieldJSON, error) {
	if !avroName(name) {
		return fieldJSON{}, pgerr.Newf(pgerr.InvalidName, "column %q cannot be an Avro field name", name).
			WithHint("Avro names have letters, digits and _; give the column one with AS.")
	}
	typ, err := deriveType(parent+"_"+name, t)
	if err != nil || notNull {
		return fieldJSON{Name: name, Type: typ}, err
	}
	null := json.RawMessage("null")
	return fieldJSON{Name: name, Type: []any{"null", typ}, Default: &null}, nil
}

// deriveType returns the Avro type of a column type. name is what a record in
// it would be called. Elements, values and fields inside are nullable.
func deriveType(name string, t types.Type) (any, error) {
	nullable := func(elem types.Type) (any, error) {
		typ, err := deriveType(name, elem)
		return []any{"null", typ}, err
	}
	switch t.Kind {
	case types.Array:
		items, err := nullable(*t.Elem)
		return schemaJSON{Type: "array", Items: items}, err
	case types.Map:
		if t.Key.Kind != types.Text {
			return nil, pgerr.Newf(pgerr.FeatureNotSupported, "Avro maps have text keys, not %s", t.Key)
		}
		values, err := nullable(*t.Elem)
		return schemaJSON{Type: "map", Values: values}, err
	case types.Struct:
		record := schemaJSON{Type: "record", Name: name, Fields: []fieldJSON{}}
		for _, f := range t.Fields {
			field, err := deriveField(name, f.Name, f.Type, false)
			if err != nil {
				return nil, err
			}
			record.Fields = append(record.Fields, field)
		}
		return record, nil
	}
	return deriveScalar(t)
}

func deriveScalar(t types.Type) (any, error) {
	logical := func(typ, name string) (any, error) { return schemaJSON{Type: typ, Logical: name}, nil }
	switch t.Kind {
	case types.Bool:
		return "boolean", nil
	case types.Int16, types.Int32:
		return "int", nil
	case types.Int64, types.OID:
		return "long", nil
	case types.Float32:
		return "float", nil
	case types.Float64:
		return "double", nil
	case types.Text, types.JSON, types.JSONB, types.Interval:
		return "string", nil
	case types.Bytea:
		return "bytes", nil
	case types.UUID:
		return logical("string", "uuid")
	case types.Date:
		return logical("int", "date")
	case types.Time:
		return logical("long", "time-micros")
	case types.Timestamp:
		return logical("long", "local-timestamp-micros")
	case types.TimestampTZ:
		return logical("long", "timestamp-micros")
	case types.Numeric:
		precision := t.Precision
		if precision == 0 {
			precision = types.NumericPrecision
		}
		return schemaJSON{Type: "bytes", Logical: "decimal", Precision: precision, Scale: t.StoredScale()}, nil
	}
	return nil, pgerr.Newf(pgerr.FeatureNotSupported, "type %s cannot be written as Avro", t)
}

func avroName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// recordName makes an Avro name of a sink's name.
func recordName(s string) string {
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && avroName("_"+string(r)) {
			return r
		}
		return '_'
	}, s)
	if !avroName(name) {
		name = "_" + name
	}
	return name
}

// nameOf returns the record name and namespace of a registered schema, so that
// a derived one can replace it: Avro compares names.
func nameOf(text string) (name, namespace string, err error) {
	var record struct{ Type, Name, Namespace string }
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		return "", "", fmt.Errorf("it is not a record: %w", err)
	}
	if record.Type != "record" {
		return "", "", fmt.Errorf("it is not a record but %q", record.Type)
	}
	return record.Name, record.Namespace, nil
}

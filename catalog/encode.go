package catalog

import (
	"encoding/json"
	"fmt"
	"time"

	"laminardb/sql/batch"
	"laminardb/storage/kv"
)

// record is an Object on disk; docs/format/catalog.md describes it. Any change
// of its fields needs a new formatVersion.
type record struct {
	ID        uint64         `json:"id"`
	Version   uint64         `json:"version"`
	OID       uint32         `json:"oid"`
	CreatedAt time.Time      `json:"created_at"`
	Kind      string         `json:"kind"`
	Schema    string         `json:"schema"`
	Name      string         `json:"name"`
	SQL       string         `json:"sql"`
	Columns   []columnRecord `json:"columns"`
	EventTime int            `json:"event_time"`
	Options   []optionRecord `json:"options"`
	DependsOn []uint64       `json:"depends_on"`
}

type columnRecord struct {
	Name       string     `json:"name"`
	Type       typeRecord `json:"type"`
	NotNull    bool       `json:"not_null,omitempty"`
	Hidden     bool       `json:"hidden,omitempty"`
	PrimaryKey bool       `json:"primary_key,omitempty"`
}

type optionRecord struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func encodeObject(o *Object) ([]byte, error) {
	r := record{
		ID: o.ID, Version: o.Version, OID: o.OID, CreatedAt: o.CreatedAt, Kind: o.Kind.String(),
		Schema: o.Name.Schema, Name: o.Name.Name, SQL: o.SQL,
		Columns: []columnRecord{}, EventTime: o.EventTime, Options: []optionRecord{}, DependsOn: []uint64{},
	}
	for _, c := range o.Columns {
		t, err := encodeType(c.Type)
		if err != nil {
			return nil, fmt.Errorf("encoding column %q of %s: %w", c.Name, o.describe(), err)
		}
		r.Columns = append(r.Columns, columnRecord{c.Name, t, c.NotNull, c.Hidden, c.PrimaryKey})
	}
	for _, opt := range o.Options {
		r.Options = append(r.Options, optionRecord(opt))
	}
	r.DependsOn = append(r.DependsOn, o.DependsOn...)
	return json.Marshal(r)
}

func decodeObject(text []byte) (*Object, error) {
	var r record
	if err := kv.DecodeJSON(text, &r); err != nil {
		return nil, err
	}
	kind, ok := KindNamed(r.Kind)
	if !ok {
		return nil, fmt.Errorf("unknown kind %q", r.Kind)
	}
	o := &Object{
		ID: r.ID, Version: r.Version, OID: r.OID, CreatedAt: r.CreatedAt, Kind: kind,
		Name: Name{r.Schema, r.Name}, SQL: r.SQL, EventTime: r.EventTime,
	}
	for _, c := range r.Columns {
		t, err := c.Type.decode()
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", c.Name, err)
		}
		field := batch.Field{Name: c.Name, Type: t, NotNull: c.NotNull, Hidden: c.Hidden}
		o.Columns = append(o.Columns, Column{Field: field, PrimaryKey: c.PrimaryKey})
	}
	for _, opt := range r.Options {
		o.Options = append(o.Options, Option(opt))
	}
	if len(r.DependsOn) > 0 {
		o.DependsOn = r.DependsOn
	}
	return o, o.check()
}

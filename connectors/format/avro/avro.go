// Package avro decodes Avro records, as Confluent's serialisers frame them,
// straight into columns, and encodes columns into them.
//
// Nouns: node (a schema with its names resolved), program (the steps that read
// one writer schema's records into the wanted columns, compiled once per schema
// id), machine (runs programs), encoder.
//
// Rule: what a record says is never trusted. A length is compared with the
// bytes that are left before anything is allocated, nesting is bounded, and a
// record that is wrong in any way becomes a reject with its exact reason while
// the columns keep only whole rows.
//
// The columns follow Avro's schema resolution: fields by name, then alias, then
// name in any case; "a.b" reads field b of the nested record a; fields missing
// in the writer's schema take the default of the subject's newest schema, else
// NULL; types convert as convert says.
package avro

import (
	"context"
	"errors"
	"strings"
	"time"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/connectors/format/column"
	"laminardb/connectors/format/registry"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// Format makes Avro decoders and encoders.
type Format struct {
	now func() time.Time
}

// New returns the format. now is the clock by which unknown schema ids are
// asked for again.
func New(now func() time.Time) format.Format { return &Format{now: now} }

// NewDecoder asks the registry for the newest schema of the subject, and if
// there is one, checks that every declared column can be read from it.
func (f *Format) NewDecoder(ctx context.Context, rel connectors.Relation) (format.Decoder, error) {
	client, err := registry.FromOptions(rel.Options)
	if err != nil {
		return nil, err
	}
	subject := rel.Options.String("subject", "")
	if topic := rel.Options.String("topic", ""); subject == "" && topic != "" {
		subject = topic + "-value"
	}
	if subject == "" {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "option \"subject\" is required where there is no topic")
	}
	d := newDecoder(client, f.now, rel.Schema.Fields[:rel.Declared])
	newest, err := client.Latest(ctx, subject)
	if errors.Is(err, registry.ErrNotFound) {
		return d, nil // checked with the first record
	}
	if err != nil {
		return nil, registry.ClientError(err)
	}
	if newest.Type != "AVRO" {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "the schema of subject %q is of type %s, not AVRO", subject, newest.Type)
	}
	reader, err := parseSchema(newest.Text, newest.References)
	if err != nil {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "the schema of subject %q is not valid: %w", subject, err)
	}
	for _, w := range d.wants {
		if _, err := compileTop(reader, reader, []want{w}); err != nil {
			return nil, columnError(err, subject)
		}
	}
	d.reader = reader
	return d, nil
}

// columnError gives a compile error its SQLSTATE.
func columnError(err error, subject string) error {
	code := pgerr.DatatypeMismatch
	var missing *missingError
	if errors.As(err, &missing) {
		code = pgerr.UndefinedColumn
	}
	return pgerr.Newf(code, "%w", err).WithDetail("Checked against the newest schema of subject %q.", subject)
}

// wantsOf returns the columns with what they want.
func wantsOf(fields []batch.Field) (wants []want, cols []*column.Column) {
	for _, f := range fields {
		col := column.New(f.Type)
		cols = append(cols, col)
		wants = append(wants, want{
			path: strings.Split(f.Name, "."), col: col, notNull: f.NotNull, name: f.Name,
		})
	}
	return wants, cols
}

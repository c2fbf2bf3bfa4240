// Package csv decodes records that are one CSV line each straight into columns,
// and encodes columns into such lines, following PostgreSQL's COPY (FORMAT csv):
// an unquoted empty field is NULL, a quoted one is empty text.
//
// Nouns: dialect (delimiter, quote, what stands for NULL), decoder, encoder.
//
// Rule: a line has exactly the declared columns, in their order; anything else
// becomes a reject with its exact reason while the columns keep only whole rows.
package csv

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/connectors/format/column"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// Format makes CSV decoders and encoders.
type Format struct{}

// New returns the format.
func New() format.Format { return Format{} }

// dialect is what csv_delimiter, csv_quote and csv_null say.
type dialect struct {
	delimiter, quote byte
	null             string
}

func readDialect(o connectors.Options) (d dialect, err error) {
	one := func(name, def string) byte {
		v := o.String(name, def)
		if v == `\t` {
			v = "\t"
		}
		if len(v) != 1 || v[0] >= 0x80 || v == "\n" || v == "\r" {
			err = o.Invalid(name, "must be one ASCII character other than a line break")
			return 0
		}
		return v[0]
	}
	d = dialect{delimiter: one("csv_delimiter", ","), quote: one("csv_quote", `"`), null: o.String("csv_null", "")}
	if err == nil && d.delimiter == d.quote {
		err = o.Invalid("csv_quote", "must differ from the delimiter")
	}
	return d, err
}

// scalar refuses the types that CSV has no text for.
func scalar(f batch.Field) error {
	switch f.Type.Kind {
	case types.Array, types.Map, types.Struct:
		return pgerr.Newf(pgerr.FeatureNotSupported, "column %q: type %s is not supported in CSV", f.Name, f.Type)
	}
	return nil
}

// NewDecoder returns a decoder for the declared columns.
func (Format) NewDecoder(_ context.Context, rel connectors.Relation) (format.Decoder, error) {
	dialect, err := readDialect(rel.Options)
	if err != nil {
		return nil, err
	}
	d := &decoder{dialect: dialect, fields: rel.Schema.Fields[:rel.Declared]}
	for _, f := range d.fields {
		if err := scalar(f); err != nil {
			return nil, err
		}
		d.cols = append(d.cols, column.New(f.Type))
	}
	return d, nil
}

// decoder implements format.Decoder.
type decoder struct {
	dialect
	fields []batch.Field
	cols   []*column.Column
	buf    []byte // of quoted fields
}

// Decode decodes all records; it never blocks and never fails as a whole.
func (d *decoder) Decode(_ context.Context, r *format.Records) (*format.Decoded, error) {
	for _, c := range d.cols {
		c.Reset(r.N)
	}
	out := &format.Decoded{}
	for i := range r.N {
		reason := "the value is null (a tombstone)"
		if r.NullValue == nil || !r.NullValue[i] {
			reason = d.line(r.Value(i))
		}
		if reason != "" {
			d.reject(out, i, reason)
			continue
		}
		if out.Record != nil {
			out.Record = append(out.Record, int32(i))
		}
		out.Rows++
	}
	out.Cols = make([]arrow.Array, len(d.cols))
	for i, c := range d.cols {
		out.Cols[i] = c.Finish()
	}
	return out, nil
}

func (d *decoder) reject(out *format.Decoded, i int, reason string) {
	for _, c := range d.cols {
		c.Truncate(out.Rows)
	}
	if out.Record == nil {
		out.Record = make([]int32, out.Rows)
		for j := range out.Record {
			out.Record[j] = int32(j)
		}
	}
	out.Rejects = append(out.Rejects, format.Reject{Record: i, Reason: reason})
}

// line decodes one record; the reason is "" if all went well.
func (d *decoder) line(b []byte) (reason string) {
	b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte{'\n'}), []byte{'\r'})
	pos := 0
	for i, c := range d.cols {
		if pos > len(b) {
			return fmt.Sprintf("the line has %d fields instead of %d", i, len(d.cols))
		}
		v, quoted, next, reason := d.field(b, pos)
		if reason != "" {
			return reason
		}
		pos = next
		if reason := d.store(i, c, v, quoted); reason != "" {
			return fmt.Sprintf("%q: %s", d.fields[i].Name, reason)
		}
	}
	if pos <= len(b) {
		return fmt.Sprintf("the line has more than %d fields", len(d.cols))
	}
	return ""
}

// field returns the field at pos and the place behind its delimiter, which is
// len(b)+1 after the last one. v is valid until the next call.
func (d *decoder) field(b []byte, pos int) (v []byte, quoted bool, next int, reason string) {
	if pos == len(b) || b[pos] != d.quote {
		end := bytes.IndexByte(b[pos:], d.delimiter)
		if end < 0 {
			return b[pos:], false, len(b) + 1, ""
		}
		return b[pos : pos+end], false, pos + end + 1, ""
	}
	out := d.buf[:0]
	for i := pos + 1; i < len(b); i++ {
		if b[i] != d.quote {
			out = append(out, b[i])
			continue
		}
		if i+1 < len(b) && b[i+1] == d.quote {
			out = append(out, d.quote)
			i++
			continue
		}
		d.buf = out
		if i+1 < len(b) && b[i+1] != d.delimiter {
			return nil, false, 0, fmt.Sprintf("byte %d: a delimiter must follow the closing quote", i+1)
		}
		return out, true, i + 2, ""
	}
	return nil, false, 0, fmt.Sprintf("byte %d: the quote is not closed", pos)
}

func (d *decoder) store(i int, c *column.Column, v []byte, quoted bool) (reason string) {
	if !quoted && string(v) == d.null {
		if d.fields[i].NotNull {
			return "NULL in a column that is NOT NULL"
		}
		c.AppendNull()
		return ""
	}
	err := c.AppendParsed(v)
	if err == nil {
		return ""
	}
	var e *pgerr.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

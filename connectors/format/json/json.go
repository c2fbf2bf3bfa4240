// Package json decodes JSON objects straight into columns and encodes columns
// into JSON objects.
//
// Nouns: scanner (one record's bytes and the place in them), object (the
// wanted members of an object, with the order in which they came last), encoder.
//
// Rule: a record is read once, from left to right, and checked whole, the parts
// that nobody wants included; a record that is wrong in any way becomes a reject
// with its exact reason while the columns keep only whole rows.
//
// Members are matched by exact name, else by the only name that differs in case;
// "a.b" is member b of the object a. The last of equal names wins. A missing
// member and null are NULL. Numbers must fit their type exactly but for floating
// point and the rounding of NUMERIC to its scale; a string is read as SQL text of
// the column's type (so quoted numbers, dates and uuids work); JSON columns keep
// the value's text.
package json

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/connectors/format/column"
	"laminardb/sql/pgerr"
)

// Format makes JSON decoders and encoders.
type Format struct{}

// New returns the format.
func New() format.Format { return Format{} }

// NewDecoder returns a decoder for the declared columns. JSON has no options.
func (Format) NewDecoder(_ context.Context, rel connectors.Relation) (format.Decoder, error) {
	d := &decoder{root: newObject()}
	for _, f := range rel.Schema.Fields[:rel.Declared] {
		c := column.New(f.Type)
		d.cols = append(d.cols, c)
		if err := d.root.add(strings.Split(f.Name, "."), &leaf{col: c, notNull: f.NotNull, name: f.Name}); err != nil {
			return nil, err
		}
	}
	d.root.close()
	return d, nil
}

// decoder implements format.Decoder.
type decoder struct {
	root *object
	cols []*column.Column
	scan scanner
}

// Decode decodes all records; it never blocks and never fails as a whole.
func (d *decoder) Decode(_ context.Context, r *format.Records) (*format.Decoded, error) {
	for _, c := range d.cols {
		c.Reset(r.N)
	}
	out := &format.Decoded{}
	for i := range r.N {
		if r.NullValue != nil && r.NullValue[i] {
			reject(out, i, "the value is null (a tombstone)")
			continue
		}
		d.scan.reset(r.Values[r.ValueEnds[i]:r.ValueEnds[i+1]])
		if !d.scan.record(d.root, out.Rows) {
			for _, c := range d.cols {
				c.Truncate(out.Rows)
			}
			reject(out, i, d.scan.reason)
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

func reject(out *format.Decoded, i int, reason string) {
	if out.Record == nil {
		out.Record = make([]int32, out.Rows)
		for j := range out.Record {
			out.Record[j] = int32(j)
		}
	}
	out.Rejects = append(out.Rejects, format.Reject{Record: i, Reason: reason})
}

// record reads a whole record into the row.
func (s *scanner) record(root *object, row int) bool {
	if !column.ValidText(s.b) {
		return s.fail("the value is not valid UTF-8 text")
	}
	if s.space(); s.peek() != '{' {
		return s.unexpected("an object")
	}
	if !s.object(root, row, 1) {
		return false
	}
	if s.space(); s.pos < len(s.b) {
		return s.fail("invalid JSON at byte %d: more follows the object", s.pos)
	}
	return true
}

// fail sets the reason and returns false.
func (s *scanner) fail(format string, args ...any) bool {
	s.reason = fmt.Sprintf(format, args...)
	return false
}

// duplicate is the error of two columns that would read the same member.
func duplicate(name string) error {
	return pgerr.Newf(pgerr.DuplicateColumn, "column %q reads a member that another column reads already", name)
}

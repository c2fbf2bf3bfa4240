package avro

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/connectors/format"
	"laminardb/connectors/format/column"
	"laminardb/connectors/format/registry"
	"laminardb/sql/batch"
)

const (
	// headerSize is Confluent's: a zero and the schema's id, big-endian.
	headerSize = 5
	// maxSchemas bounds the compiled schemas; a topic has a handful.
	maxSchemas = 1000
	// unknownFor is how long an id that the registry does not know is not asked
	// for again.
	unknownFor = 10 * time.Second
)

// entry is what is known of one schema id.
type entry struct {
	id      uint32
	program program
	// reject is why no record of this schema can be decoded, "" if they can.
	reject  string
	expires time.Time // zero for never
	used    uint64    // batch of the last use
}

// decoder implements format.Decoder.
type decoder struct {
	registry *registry.Client
	now      func() time.Time
	reader   *node // the subject's newest schema when the decoder was made, or nil
	wants    []want
	cols     []*column.Column
	entries  map[uint32]*entry
	batches  uint64
	machine  machine
}

func newDecoder(client *registry.Client, now func() time.Time, fields []batch.Field) *decoder {
	d := &decoder{registry: client, now: now, entries: map[uint32]*entry{}}
	d.wants, d.cols = wantsOf(fields)
	return d
}

// Decode decodes all records. It asks the registry for schema ids that it has
// not seen; if the registry is away, nothing is decoded.
func (d *decoder) Decode(ctx context.Context, r *format.Records) (*format.Decoded, error) {
	for _, c := range d.cols {
		c.Reset(r.N)
	}
	d.batches++
	out := &format.Decoded{}
	var current *entry
	for i := range r.N {
		v := r.Values[r.ValueEnds[i]:r.ValueEnds[i+1]]
		if reason := checkHeader(r, i, v); reason != "" {
			d.reject(out, i, reason)
			continue
		}
		if id := binary.BigEndian.Uint32(v[1:]); current == nil || id != current.id {
			e, err := d.lookup(ctx, id)
			if err != nil {
				return nil, err
			}
			current = e
		}
		if current.reject != "" {
			d.reject(out, i, current.reject)
			continue
		}
		end := d.machine.run(current.program.ops, v, headerSize)
		if end != len(v) {
			d.failed(out, i, len(v)-end, end)
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

func checkHeader(r *format.Records, i int, v []byte) string {
	switch {
	case r.NullValue != nil && r.NullValue[i]:
		return "the value is null (a tombstone)"
	case len(v) < headerSize:
		return fmt.Sprintf("the value has %d bytes, fewer than the header of %d", len(v), headerSize)
	case v[0] != 0:
		return fmt.Sprintf("the value starts with 0x%02x instead of the magic byte 0x00", v[0])
	}
	return ""
}

// failed rejects a record that ran, and drops what it left in the columns.
func (d *decoder) failed(out *format.Decoded, i, left, end int) {
	reason := d.machine.reason
	if end >= 0 {
		reason = fmt.Sprintf("%d bytes follow the record", left)
	}
	d.machine.depth = 0
	for _, c := range d.cols {
		c.Truncate(out.Rows)
	}
	d.reject(out, i, reason)
}

func (d *decoder) reject(out *format.Decoded, i int, reason string) {
	if out.Record == nil {
		out.Record = make([]int32, out.Rows)
		for j := range out.Record {
			out.Record[j] = int32(j)
		}
	}
	out.Rejects = append(out.Rejects, format.Reject{Record: i, Reason: reason})
}

// lookup returns the compiled schema, asking the registry if need be.
func (d *decoder) lookup(ctx context.Context, id uint32) (*entry, error) {
	e := d.entries[id]
	if e != nil && (e.expires.IsZero() || d.now().Before(e.expires)) {
		e.used = d.batches
		return e, nil
	}
	e, err := d.fetch(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(d.entries) >= maxSchemas {
		d.evict()
	}
	e.used = d.batches
	d.entries[id] = e
	return e, nil
}

// evict drops the entry that was not used for longest.
func (d *decoder) evict() {
	var oldest *entry
	for _, e := range d.entries {
		if oldest == nil || e.used < oldest.used {
			oldest = e
		}
	}
	delete(d.entries, oldest.id)
}

func (d *decoder) fetch(ctx context.Context, id uint32) (*entry, error) {
	e := &entry{id: id}
	s, err := d.registry.ByID(ctx, int(id))
	var refused *registry.RefusedError
	switch {
	case errors.Is(err, registry.ErrNotFound):
		e.reject = fmt.Sprintf("schema id %d is not in the registry", id)
		e.expires = d.now().Add(unknownFor)
		return e, nil
	case errors.As(err, &refused):
		e.reject = fmt.Sprintf("schema id %d: %s", id, refused.Reason)
		e.expires = d.now().Add(unknownFor)
		return e, nil
	case err != nil:
		return nil, fmt.Errorf("decoding avro: %w", err)
	case s.Type != "AVRO":
		e.reject = fmt.Sprintf("schema %d is of type %s, not AVRO", id, s.Type)
		return e, nil
	}
	writer, err := parseSchema(s.Text, s.References)
	if err != nil {
		e.reject = fmt.Sprintf("schema %d is not valid: %v", id, err)
		return e, nil
	}
	e.program, err = compileTop(writer, d.reader, d.wants)
	if err != nil {
		e.reject = fmt.Sprintf("schema %d: %v", id, err)
	}
	return e, nil
}

package kafka

import (
	"context"
	"strings"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/connectors/format/column"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// rawKeyFormat is the key_format of keys that are the text of the one key column.
const rawKeyFormat = "raw"

// tombstones reads the keys of records without a value, which delete the row of a
// table with that key.
type tombstones struct {
	fields  []batch.Field // of the primary key
	decoder format.Decoder
	raw     *column.Column // for raw keys, else nil
}

// tombstones returns the reader of a table's tombstones; nil for a source, whose
// tombstones are rejects.
func (s *source) tombstones(ctx context.Context) (*tombstones, error) {
	if s.rel.PrimaryKey == nil {
		return nil, nil
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	t := &tombstones{}
	for _, c := range s.rel.PrimaryKey {
		t.fields = append(t.fields, s.rel.Schema.Fields[c])
	}
	o := s.rel.Options
	name := strings.ToLower(o.String("key_format", rawKeyFormat))
	if name == rawKeyFormat {
		if len(t.fields) == 1 {
			t.raw = column.New(t.fields[0].Type)
		} else if o.Has("key_format") {
			return nil, o.Invalid("key_format", "must be a format that holds several columns, as the primary key does")
		}
		return t, nil
	}
	f, err := findFormat(o, "key_format", "", s.formats)
	if err != nil {
		return nil, err
	}
	t.decoder, err = f.NewDecoder(ctx, connectors.Relation{
		Name: s.rel.Name, Schema: batch.NewSchema(t.fields...), Declared: len(t.fields),
		Options: o.With("subject", o.String("key_subject", s.topic+"-key")),
	})
	return t, err
}

// deletes are the tombstones of a batch.
type deletes struct {
	keys    *batch.Batch // nil for none
	records []int32      // by row of keys
	rejects []format.Reject
}

// read takes the tombstones out of the rejects of a batch.
func (t *tombstones) read(ctx context.Context, r *format.Records, rejects []format.Reject) (*deletes, error) {
	out := &deletes{}
	var keys format.Records
	keys.ValueEnds = []int32{0}
	for _, rej := range rejects {
		switch {
		case r.NullValue == nil || !r.NullValue[rej.Record]:
			out.rejects = append(out.rejects, rej)
		case r.Key(rej.Record) == nil:
			out.rejects = append(out.rejects, format.Reject{Record: rej.Record, Reason: "a tombstone without a key"})
		case t.raw == nil && t.decoder == nil:
			out.rejects = append(out.rejects, format.Reject{
				Record: rej.Record, Reason: "a tombstone whose key cannot be read: the primary key has several columns, which needs the option key_format",
			})
		default:
			keys.N++
			keys.Values = append(keys.Values, r.Key(rej.Record)...)
			keys.ValueEnds = append(keys.ValueEnds, int32(len(keys.Values)))
			out.records = append(out.records, int32(rej.Record))
		}
	}
	if keys.N == 0 {
		return out, nil
	}
	d, err := t.decode(ctx, &keys)
	if err != nil {
		return nil, err
	}
	if len(d.Cols) != len(t.fields) {
		return nil, pgerr.Newf(pgerr.Internal, "the key's decoder returned %d columns of %d", len(d.Cols), len(t.fields))
	}
	for _, rej := range d.Rejects {
		out.rejects = append(out.rejects, format.Reject{Record: int(out.records[rej.Record]), Reason: "the key of a tombstone: " + rej.Reason})
	}
	out.records = pick(out.records, d.Record, d.Rows)
	if d.Rows > 0 {
		out.keys = batch.New(d.Cols, d.Rows)
	}
	return out, nil
}

func (t *tombstones) decode(ctx context.Context, keys *format.Records) (*format.Decoded, error) {
	if t.decoder != nil {
		return t.decoder.Decode(ctx, keys)
	}
	out := &format.Decoded{}
	t.raw.Reset(keys.N)
	for i := range keys.N {
		if t.raw.Type.Kind == types.Bytea {
			t.raw.AppendBytes(keys.Value(i))
		} else if err := t.raw.AppendParsed(keys.Value(i)); err != nil {
			t.raw.Truncate(out.Rows)
			out.Rejects = append(out.Rejects, format.Reject{Record: i, Reason: pgerr.From(err).Message})
			continue
		}
		out.Record = append(out.Record, int32(i))
		out.Rows++
	}
	out.Cols = append(out.Cols, t.raw.Finish())
	return out, nil
}

// places returns how many of the rows, whose records are given (nil: row i is
// record i), come before each of the deletes' records.
func (d *deletes) places(record []int32, rows int) []int32 {
	out := make([]int32, len(d.records))
	at := int32(0)
	for i, rec := range d.records {
		for int(at) < rows && recordOf(record, int(at)) < int(rec) {
			at++
		}
		out[i] = at
	}
	return out
}

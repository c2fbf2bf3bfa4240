package session

import (
	"context"
	"errors"
	"io"
	"time"

	"laminardb/server/pgvalue"
	"laminardb/server/pgwire"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// output encodes a result's rows for one client.
type output struct {
	w       *pgwire.Results
	encoder *pgvalue.Encoder
	all     []int // every column, in order
	sent    int64
	// copyText writes CopyData instead of DataRow.
	copyText bool
	// rest is what a row limit has left of the last batch.
	rest *batch.Batch
}

// encodeRows is how many rows are encoded into the buffer at a time, so that a
// slow client holds kilobytes, not the whole batch.
const encodeRows = 512

func newOutput(w *pgwire.Results, columns []pgwire.Column, formats []pgwire.Format) (*output, error) {
	ts := make([]types.Type, len(columns))
	all := make([]int, len(columns))
	for i, c := range columns {
		ts[i], all[i] = c.Type, i
	}
	if formats == nil {
		formats = make([]pgwire.Format, len(columns))
	}
	enc, err := pgvalue.NewEncoder(ts, formats, time.UTC)
	if err != nil {
		return nil, err
	}
	return &output{w: w, encoder: enc, all: all}, nil
}

// drain writes rows until there are no more, or limit of them (0 for all). It
// flushes before it waits. more is true if it stopped at the limit.
func (o *output) drain(ctx context.Context, rows rowSource, limit int) (more bool, err error) {
	left := int64(limit)
	for {
		b := o.rest
		o.rest = nil
		if b == nil {
			b, err = rows.next(ctx, false)
			if b == nil && err == nil {
				if err := o.w.Flush(); err != nil {
					return false, err
				}
				b, err = rows.next(ctx, true)
			}
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if b == nil {
			continue
		}
		n := b.Rows
		if limit > 0 && int64(n) > left {
			n = int(left)
			o.rest = b.Slice(n, b.Rows)
		}
		if err := o.write(b, n); err != nil {
			return false, err
		}
		if left -= int64(n); limit > 0 && left == 0 {
			return true, nil
		}
	}
}

func (o *output) write(b *batch.Batch, rows int) error {
	for from := 0; from < rows; from += encodeRows {
		to := min(from+encodeRows, rows)
		err := o.w.Encode(func(dst []byte) []byte {
			if o.copyText {
				return o.encoder.AppendCopyText(dst, b, o.all, from, to)
			}
			return o.encoder.AppendRows(dst, b, o.all, from, to)
		})
		if err != nil {
			return err
		}
	}
	o.sent += int64(rows)
	return nil
}

// columnsOf describes the visible columns of a schema.
func columnsOf(schema *batch.Schema) []pgwire.Column {
	columns := make([]pgwire.Column, 0, len(schema.Fields))
	for _, i := range schema.Visible() {
		f := schema.Fields[i]
		columns = append(columns, pgwire.Column{Name: f.Name, Type: f.Type})
	}
	return columns
}

// batchRows is a rowSource over rows that are there already.
type batchRows struct{ list []*batch.Batch }

func (r *batchRows) next(context.Context, bool) (*batch.Batch, error) {
	if len(r.list) == 0 {
		return nil, io.EOF
	}
	b := r.list[0]
	r.list = r.list[1:]
	return b, nil
}

func (*batchRows) close() {}

package exec

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"laminardb/connectors"
	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
	"laminardb/storage/appendlog"
)

// pushedVersion is the first byte of a pushed record.
const pushedVersion = 1

// Pushed is a source whose rows come by INSERT: they are in an append log before
// they are acknowledged, and its readers read that log. It has one split, 0,
// whose positions are the log's sequence numbers; the rows of one INSERT are one
// record.
type Pushed struct {
	log   *appendlog.Log
	types []types.Type
	now   func() time.Time
}

// OpenPushed opens the log of a pushed source in the directory.
func OpenPushed(dir string, schema *batch.Schema, now func() time.Time) (*Pushed, error) {
	log, err := appendlog.Open(dir, appendlog.Options{})
	if err != nil {
		return nil, err
	}
	return &Pushed{log: log, types: schemaTypes(schema), now: now}, nil
}

// Insert returns when the rows are durable; b has the source's columns.
func (p *Pushed) Insert(ctx context.Context, b *batch.Batch) error {
	var rows rowcodec.Rows
	rowcodec.NewEncoder(p.types).Encode(b.Cols, b.Rows, nil, &rows)
	payload := binary.AppendUvarint([]byte{pushedVersion}, uint64(b.Rows))
	for i := range b.Rows {
		row := rows.Row(i)
		payload = binary.AppendUvarint(payload, uint64(len(row)))
		payload = append(payload, row...)
	}
	_, err := p.log.Append(ctx, payload)
	return err
}

// Open implements connectors.Source.
func (p *Pushed) Open(_ context.Context, from connectors.Positions) (connectors.Reader, error) {
	first, _ := p.log.Bounds()
	at := first
	if pos, ok := from[0]; ok {
		at = uint64(pos)
	}
	r, err := p.log.Read(at)
	if err != nil {
		return nil, err
	}
	return &pushedReader{p: p, r: r, next: int64(at), decoder: rowcodec.NewDecoder(p.types)}, nil
}

// Bounded implements connectors.Source.
func (p *Pushed) Bounded() bool { return false }

// Close implements connectors.Source.
func (p *Pushed) Close() error { return p.log.Close() }

type pushedReader struct {
	p       *Pushed
	r       *appendlog.Reader
	next    int64
	decoder *rowcodec.Decoder
	rows    rowcodec.Rows
}

// Poll implements connectors.Reader.
func (r *pushedReader) Poll(ctx context.Context, wait time.Duration) (*connectors.Chunk, error) {
	changed := r.p.log.Changed()
	c, err := r.read()
	if c != nil || err != nil {
		return c, err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return r.read()
}

// read returns what is in the log now, nil for nothing new.
func (r *pushedReader) read() (*connectors.Chunk, error) {
	r.rows.Reset()
	c := &connectors.Chunk{}
	for r.rows.Len() < batch.MaxRows {
		seq, payload, err := r.r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		n, err := r.record(payload)
		if err != nil {
			return nil, fmt.Errorf("pushed record %d: %w", seq, err)
		}
		for range n {
			c.Splits, c.Offsets = append(c.Splits, 0), append(c.Offsets, int64(seq))
		}
		c.Records++
		c.Bytes += int64(len(payload))
		r.next = int64(seq) + 1
	}
	if c.Records == 0 {
		return nil, nil
	}
	cols, err := r.decoder.Rows(&r.rows, nil)
	if err != nil {
		return nil, err
	}
	c.Batch = batch.New(cols, r.rows.Len())
	c.Batch.ReadAtNanos = r.p.now().UnixNano()
	c.Next = connectors.Positions{0: r.next}
	return c, nil
}

// record appends a record's rows and returns how many they are.
func (r *pushedReader) record(payload []byte) (int, error) {
	corrupt := pgerr.Newf(pgerr.DataCorrupted, "the record of pushed rows is malformed")
	if len(payload) == 0 || payload[0] != pushedVersion {
		return 0, corrupt
	}
	payload = payload[1:]
	n, used := binary.Uvarint(payload)
	if used <= 0 {
		return 0, corrupt
	}
	payload = payload[used:]
	for range n {
		size, used := binary.Uvarint(payload)
		if used <= 0 || size > uint64(len(payload)-used) {
			return 0, corrupt
		}
		r.rows.Append(payload[used : used+int(size)])
		payload = payload[used+int(size):]
	}
	return int(n), nil
}

// Splits implements connectors.Reader.
func (r *pushedReader) Splits() []connectors.SplitStatus {
	first, high := r.p.log.Bounds()
	return []connectors.SplitStatus{{Split: 0, Position: r.next, High: int64(high), Empty: first == high}}
}

// Close implements connectors.Reader.
func (r *pushedReader) Close() error { return r.r.Close() }

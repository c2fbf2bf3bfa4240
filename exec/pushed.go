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

// The first byte of a pushed record: rows that appear, or (of a table) a number of
// rows that go away followed by rows that appear.
const (
	pushedRows    = 1
	pushedChanges = 2
)

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
	payload := binary.AppendUvarint([]byte{pushedRows}, uint64(b.Rows))
	_, err := p.log.Append(ctx, p.appendRows(payload, b))
	return err
}

// change makes rows that go away and rows that appear durable, as one record, and
// returns its number. Either may be nil.
func (p *Pushed) change(ctx context.Context, gone, come *batch.Batch) (uint64, error) {
	payload := []byte{pushedChanges}
	for _, b := range []*batch.Batch{gone, come} {
		rows := 0
		if b != nil {
			rows = b.Rows
		}
		payload = binary.AppendUvarint(payload, uint64(rows))
	}
	for _, b := range []*batch.Batch{gone, come} {
		if b != nil {
			payload = p.appendRows(payload, b)
		}
	}
	return p.log.Append(ctx, payload)
}

func (p *Pushed) appendRows(dst []byte, b *batch.Batch) []byte {
	var rows rowcodec.Rows
	rowcodec.NewEncoder(p.types).Encode(b.Cols, b.Rows, nil, &rows)
	for i := range b.Rows {
		row := rows.Row(i)
		dst = binary.AppendUvarint(dst, uint64(len(row)))
		dst = append(dst, row...)
	}
	return dst
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
	// diffs are the rows' differences, nil while all appear.
	diffs  []int8
	damage error // ends the reading, after the rows before it
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
	r.diffs = nil
	c := &connectors.Chunk{}
	for r.rows.Len() < batch.MaxRows {
		if r.damage != nil {
			break
		}
		seq, payload, err := r.r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		n := 0
		if err == nil {
			if n, err = r.record(payload); err != nil {
				err = fmt.Errorf("pushed record %d: %w", seq, err)
			}
		}
		if err != nil {
			r.damage = err // what was read before it comes first
			break
		}
		for range n {
			c.Splits, c.Offsets = append(c.Splits, 0), append(c.Offsets, int64(seq))
		}
		c.Records++
		c.Bytes += int64(len(payload))
		r.next = int64(seq) + 1
	}
	if c.Records == 0 {
		return nil, r.damage
	}
	cols, err := r.decoder.Rows(&r.rows, nil)
	if err != nil {
		return nil, err
	}
	c.Batch = batch.New(cols, r.rows.Len())
	c.Batch.Diffs = r.diffs
	c.Batch.ReadAtNanos = r.p.now().UnixNano()
	c.Next = connectors.Positions{0: r.next}
	return c, nil
}

// record appends a record's rows and returns how many they are.
func (r *pushedReader) record(payload []byte) (int, error) {
	corrupt := pgerr.Newf(pgerr.DataCorrupted, "the record of pushed rows is malformed")
	if len(payload) == 0 || payload[0] != pushedRows && payload[0] != pushedChanges {
		return 0, corrupt
	}
	version := payload[0]
	payload = payload[1:]
	count := func() (n uint64, ok bool) {
		n, used := binary.Uvarint(payload)
		if used <= 0 || n > uint64(len(payload)) {
			return 0, false
		}
		payload = payload[used:]
		return n, true
	}
	gone, ok := uint64(0), true
	if version == pushedChanges {
		gone, ok = count()
	}
	come, alsoOK := count()
	if !ok || !alsoOK {
		return 0, corrupt
	}
	before := r.rows.Len()
	for range gone + come {
		size, ok := count()
		if !ok || size > uint64(len(payload)) {
			return 0, corrupt
		}
		r.rows.Append(payload[:size])
		payload = payload[size:]
	}
	r.mark(before, int(gone), int(come))
	return int(gone + come), nil
}

// mark notes the differences of the rows of a record.
func (r *pushedReader) mark(before, gone, come int) {
	if gone == 0 && r.diffs == nil {
		return
	}
	for len(r.diffs) < before {
		r.diffs = append(r.diffs, 1)
	}
	for range gone {
		r.diffs = append(r.diffs, -1)
	}
	for range come {
		r.diffs = append(r.diffs, 1)
	}
}

// Splits implements connectors.Reader.
func (r *pushedReader) Splits() []connectors.SplitStatus {
	first, high := r.p.log.Bounds()
	return []connectors.SplitStatus{{Split: 0, Position: r.next, High: int64(high), Empty: first == high}}
}

// Close implements connectors.Reader.
func (r *pushedReader) Close() error { return r.r.Close() }

package exec

import (
	"context"
	"encoding/binary"

	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
	"laminardb/storage/outbox"
)

// outboxReceiver is the end of a sink's dataflow: rows are put into the outbox,
// from which the sender takes them. So a sink that cannot be reached holds up
// neither the dataflow nor a checkpoint.
//
// C2: the rows of an epoch are in files of their own, which that epoch names.
type outboxReceiver struct {
	box     *outbox.Box
	visible []int
	encoder *rowcodec.Encoder
	rows    rowcodec.Rows // scratch
	payload []byte        // scratch
	sender  *sender
}

// maxOutboxFiles is far more epochs than ever wait.
const maxOutboxFiles = 1 << 24

// Batch implements Receiver. While the disk takes nothing it waits.
func (o *outboxReceiver) Batch(ctx context.Context, b *batch.Batch) error {
	if b.Rows == 0 {
		return nil
	}
	b = b.Pick(o.visible)
	o.payload = appendBatch(o.payload[:0], o.encoder, &o.rows, b)
	for {
		err := o.box.Append(o.payload, b.Rows)
		if err == nil {
			o.sender.problem("outbox", nil)
			return nil
		}
		if pgerr.Is(err, pgerr.ProgramLimitExceeded) {
			return err
		}
		o.sender.problem("outbox", err)
		if err := sleep(ctx, retryMost); err != nil {
			return err
		}
	}
}

// Watermark implements Receiver.
func (*outboxReceiver) Watermark(context.Context, int64) error { return nil }

// Idle implements Receiver.
func (*outboxReceiver) Idle(context.Context, bool) error { return nil }

// End implements Receiver.
func (*outboxReceiver) End(context.Context) error { return nil }

// capture ends the epoch's file and names what is still to be sent.
func (o *outboxReceiver) capture(c *capture) {
	sure := o.sender.seal(c.epoch)
	c.sync = o.box.Sync
	w := c.part("", "outbox")
	files, next := o.box.State()
	w.Uvarint(next)
	w.Uvarint(uint64(len(files)))
	for _, f := range files {
		w.Uvarint(f.Seq)
		w.Uvarint(f.Epoch)
		w.Varint(f.Bytes)
		w.Varint(f.Rows)
	}
	if !sure {
		c.part("", "since").Uvarint(o.sender.since)
	}
}

// restore goes on with the files that a checkpoint names.
func (o *outboxReceiver) restore(s *saved) error {
	r, err := s.need("", "outbox")
	if err != nil {
		return err
	}
	next := r.Uvarint()
	var files []outbox.File
	for range r.Count(maxOutboxFiles) {
		f := outbox.File{Seq: r.Uvarint(), Epoch: r.Uvarint(), Bytes: r.Varint(), Rows: r.Varint()}
		if r.Err() != nil {
			break
		}
		if f.Epoch == 0 || f.Epoch > s.epoch || f.Seq >= next {
			return r.Corrupt("outbox file %d of epoch %d in checkpoint %d", f.Seq, f.Epoch, s.epoch)
		}
		files = append(files, f)
	}
	if err := r.End(); err != nil {
		return err
	}
	since := s.epoch
	if r := s.part("", "since"); r != nil {
		since = r.Uvarint()
		if err := r.End(); err != nil {
			return err
		}
	}
	missing, err := o.box.Keep(files, next)
	if err != nil {
		return err
	}
	o.sender.restored(s.epoch, since, missing)
	return nil
}

// appendBatch appends rows as a record of the outbox: their number, whether all of
// them appear, their differences if not, and each row with its length.
func appendBatch(dst []byte, e *rowcodec.Encoder, scratch *rowcodec.Rows, b *batch.Batch) []byte {
	scratch.Reset()
	e.Encode(b.Cols, b.Rows, nil, scratch)
	dst = binary.AppendUvarint(dst, uint64(b.Rows))
	dst = append(dst, bit(b.Diffs != nil))
	for _, d := range b.Diffs {
		dst = append(dst, byte(d))
	}
	for i := range b.Rows {
		row := scratch.Row(i)
		dst = binary.AppendUvarint(dst, uint64(len(row)))
		dst = append(dst, row...)
	}
	return dst
}

// batchReader turns records of the outbox into batches.
type batchReader struct {
	decoder *rowcodec.Decoder
	rows    rowcodec.Rows
}

func newBatchReader(ts []types.Type) *batchReader {
	return &batchReader{decoder: rowcodec.NewDecoder(ts)}
}

// read decodes one record; XX001 if appendBatch did not write it.
func (r *batchReader) read(payload []byte) (*batch.Batch, error) {
	corrupt := pgerr.Newf(pgerr.DataCorrupted, "a record of an outbox is malformed")
	n, used := binary.Uvarint(payload)
	if used <= 0 || n > uint64(len(payload)) || used == len(payload) {
		return nil, corrupt
	}
	count := int(n)
	changes := payload[used] != 0
	payload = payload[used+1:]
	var diffs []int8
	if changes {
		if len(payload) < count {
			return nil, corrupt
		}
		diffs = make([]int8, count)
		for i := range diffs {
			diffs[i] = int8(payload[i])
		}
		payload = payload[count:]
	}
	r.rows.Reset()
	for range count {
		size, used := binary.Uvarint(payload)
		if used <= 0 || size > uint64(len(payload)-used) {
			return nil, corrupt
		}
		r.rows.Append(payload[used : used+int(size)])
		payload = payload[used+int(size):]
	}
	cols, err := r.decoder.Rows(&r.rows, nil)
	if err != nil || len(payload) > 0 {
		return nil, corrupt
	}
	b := batch.New(cols, count)
	b.Diffs = diffs
	return b, nil
}

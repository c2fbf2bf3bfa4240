package kafka

import (
	"bytes"
	"hash/maphash"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/connectors/format"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// keyEncoder makes a batch's record keys. The result is valid until the next call.
type keyEncoder interface {
	encode(b *batch.Batch) (*keyColumn, error)
}

// keyColumn is one key for each row.
type keyColumn struct {
	data  []byte
	ends  []int32     // rows + 1
	nulls arrow.Array // nil: no key is null
}

func (k *keyColumn) isNull(i int) bool { return k.nulls != nil && k.nulls.IsNull(i) }

func (k *keyColumn) at(i int) []byte { return k.data[k.ends[i]:k.ends[i+1]] }

func isBytes(t types.Type) bool { return t.Kind == types.Text || t.Kind == types.Bytea }

// rawKey writes a text or bytea column's bytes.
type rawKey struct {
	column int
	keys   keyColumn
}

func (r *rawKey) encode(b *batch.Batch) (*keyColumn, error) {
	col, ok := b.Cols[r.column].(array.BinaryLike)
	if !ok {
		return nil, pgerr.Newf(pgerr.Internal, "a key column holds %s, not bytes", b.Cols[r.column].DataType())
	}
	k := &r.keys
	k.data, k.ends, k.nulls = k.data[:0], append(k.ends[:0], 0), nil
	if col.NullN() > 0 {
		k.nulls = col
	}
	switch c := col.(type) {
	case *array.String:
		for i := range b.Rows {
			k.data = append(k.data, c.Value(i)...)
			k.ends = append(k.ends, int32(len(k.data)))
		}
	case *array.Binary:
		for i := range b.Rows {
			k.data = append(k.data, c.Value(i)...)
			k.ends = append(k.ends, int32(len(k.data)))
		}
	}
	return k, nil
}

// formatKey writes the key columns with a format.
type formatKey struct {
	encoder format.Encoder
	keys    keyColumn
}

func (f *formatKey) encode(b *batch.Batch) (*keyColumn, error) {
	k := &f.keys
	var err error
	k.data, k.ends, err = f.encoder.Append(k.data[:0], append(k.ends[:0], 0), b, 0, b.Rows)
	return k, err
}

// latest finds the last row of each key in a batch: an upsert topic needs no
// other, and a changed row's -1 must not delete what its +1 then writes.
type latest struct {
	seed  maphash.Seed
	slots []int32 // row + 1, by hash of its key; 0 is free
}

func newLatest() *latest { return &latest{seed: maphash.MakeSeed()} }

// mark sets the modes: the last row of a key is a value or a tombstone, the
// others are skipped. Rows keep the order of those last ones.
func (l *latest) mark(modes []uint8, b *batch.Batch, keys *keyColumn) {
	size := 16
	for size < 2*b.Rows {
		size *= 2
	}
	if len(l.slots) < size {
		l.slots = make([]int32, size)
	}
	slots := l.slots[:size]
	clear(slots)
	mask := uint64(size - 1)
	for i := b.Rows - 1; i >= 0; i-- {
		key := keys.at(i)
		at := maphash.Bytes(l.seed, key) & mask
		for slots[at] != 0 && !bytes.Equal(keys.at(int(slots[at]-1)), key) {
			at = (at + 1) & mask
		}
		switch {
		case slots[at] != 0:
			modes[i] = skipRecord
			continue
		case b.Diff(i) < 0:
			modes[i] = sendDelete
		}
		slots[at] = int32(i + 1)
	}
}

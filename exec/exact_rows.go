package exec

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// exactRows gives each distinct row an id. As in a view, rows are distinct by
// their bits, so that what goes away is what came.
type exactRows struct {
	*hashtable.Table // of encoded rows
	encoder          *rowcodec.Encoder
	decoder          *rowcodec.Decoder
	rows             rowcodec.Rows // scratch
}

func newExactRows(ts []types.Type) *exactRows {
	return &exactRows{
		Table:   hashtable.New([]types.Type{types.Of(types.Bytea)}),
		encoder: rowcodec.NewEncoder(ts), decoder: rowcodec.NewDecoder(ts),
	}
}

// lookup sets ids to those of the rows at sel, nil for all.
func (x *exactRows) lookup(b *batch.Batch, sel []int32, ids []uint32) {
	x.rows.Reset()
	x.encoder.Encode(b.Cols, b.Rows, sel, &x.rows)
	x.Lookup([]arrow.Array{bytesColumn(&x.rows)}, len(ids), nil, ids)
}

// Restore reads what Snapshot wrote.
func (x *exactRows) Restore(r *rowcodec.StateReader) error {
	if err := x.Table.Restore(r); err != nil {
		return err
	}
	return decodableKeys(r, x.Table, x.decoder)
}

// decodableKeys makes keys that are not encoded rows the reader's error.
func decodableKeys(r *rowcodec.StateReader, t *hashtable.Table, decoder *rowcodec.Decoder) error {
	for ids := range slices.Chunk(t.IDs(nil), batch.MaxRows) {
		keys := t.Keys(ids)[0].(*array.Binary)
		rows := make([][]byte, len(ids))
		for i := range rows {
			rows[i] = keys.Value(i)
		}
		if err := decodable(r, decoder, rows); err != nil {
			return err
		}
	}
	return r.Err()
}

// columns returns the columns of the rows with the ids.
func (x *exactRows) columns(ids []uint32) []arrow.Array {
	encoded := x.Keys(ids)[0].(*array.Binary)
	x.rows.Reset()
	for i := range encoded.Len() {
		x.rows.Append(encoded.Value(i))
	}
	cols, err := x.decoder.Rows(&x.rows, nil)
	if err != nil {
		panic("exec: a stored row cannot be decoded: " + err.Error())
	}
	return cols
}

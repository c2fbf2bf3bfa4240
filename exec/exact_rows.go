package exec

import (
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

// Package rowcodec turns columns into rows of bytes and back: the form of hash
// keys, join and view state, and of every row in a checkpoint.
//
// Nouns: Rows (rows end to end in one buffer), Encoder and Decoder (columns of
// fixed types to rows and back), OrderedEncoder (rows whose byte order is ORDER
// BY's), StateWriter and StateReader (the primitives of a persisted state),
// Hash.
//
// Rule: a key row is canonical, so two rows are equal as bytes exactly where
// their values are NOT DISTINCT: NULL is NULL, -0.0 is 0.0, NaN is NaN, '1 day'
// is '24:00:00'. An exact row keeps each value's bits. The layout is one and the
// same, and is described at Encoder.
package rowcodec

import (
	"errors"
	"math/bits"

	"laminardb/sql/types"
)

// Version is the version of the row layout. Whoever persists rows writes it once
// per file or state, not per row.
const Version = 1

// ErrCorrupt is returned (wrapped) for bytes that no Encoder or StateWriter made.
var ErrCorrupt = errors.New("corrupt bytes")

// Rows holds rows end to end. The zero Rows is empty and ready for use.
type Rows struct {
	// Data holds the bytes of all rows.
	Data []byte
	// Ends[i] is where row i ends in Data; it starts where row i-1 ends.
	Ends []int
}

// Len returns the number of rows.
func (r *Rows) Len() int { return len(r.Ends) }

// Row returns row i, which stays the Rows' until Reset.
func (r *Rows) Row(i int) []byte {
	start := 0
	if i > 0 {
		start = r.Ends[i-1]
	}
	return r.Data[start:r.Ends[i]:r.Ends[i]]
}

// Append adds a copy of a row.
func (r *Rows) Append(row []byte) {
	r.Data = append(r.Data, row...)
	r.Ends = append(r.Ends, len(r.Data))
}

// Reset drops the rows and keeps the memory.
func (r *Rows) Reset() {
	r.Data, r.Ends = r.Data[:0], r.Ends[:0]
}

// Slices appends the rows to dst, without copying their bytes.
func (r *Rows) Slices(dst [][]byte) [][]byte {
	for i := range r.Ends {
		dst = append(dst, r.Row(i))
	}
	return dst
}

// SizeBytes returns the memory that is held.
func (r *Rows) SizeBytes() int64 { return int64(cap(r.Data) + 8*cap(r.Ends)) }

// Width returns the bytes that a value of the type takes in a row: 0 for a
// variable length, -1 for a nested type.
func Width(t types.Type) int {
	switch t.Kind {
	case types.Bool:
		return 1
	case types.Int16:
		return 2
	case types.Int32, types.Float32, types.Date:
		return 4
	case types.Int64, types.Float64, types.Time, types.Timestamp, types.TimestampTZ, types.OID:
		return 8
	case types.Numeric, types.Interval, types.UUID:
		return 16
	case types.Array, types.Struct, types.Map:
		return -1
	}
	return 0
}

func uvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

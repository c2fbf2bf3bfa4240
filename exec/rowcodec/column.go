package rowcodec

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"

	"laminardb/sql/types"
)

// Column is the raw memory of one array, so that loops need no method calls. It
// is the array's: nobody writes to it.
type Column struct {
	// Raw holds the values: of a fixed width with row 0 at 0; of a variable width
	// the bytes that Span points into; of booleans the bitmap.
	Raw    []byte
	Nulls  []byte // validity bitmap, nil where no value is NULL
	arr    arrow.Array
	offset int    // of row 0 in the bitmaps
	ends   []byte // variable width: int32 offsets, row 0's start at 0
}

// View returns the memory of an array of the type.
func View(t types.Type, arr arrow.Array) Column {
	data := arr.Data()
	c := Column{arr: arr, offset: data.Offset()}
	if arr.NullN() > 0 {
		c.Nulls = arr.NullBitmapBytes()
	}
	buffers, w := data.Buffers(), Width(t)
	if w < 0 || arr.Len() == 0 {
		return c
	}
	if buffers[1] == nil { // every value is NULL
		c.Raw = make([]byte, 16*arr.Len())
		c.ends = make([]byte, 4*(arr.Len()+1))
		return c
	}
	raw := buffers[1].Bytes()
	switch {
	case t.Kind == types.Bool:
		c.Raw = raw
	case w > 0:
		c.Raw = raw[c.offset*w:]
	default:
		c.ends = raw[c.offset*4:]
		if buffers[2] != nil {
			c.Raw = buffers[2].Bytes()
		}
	}
	return c
}

// Null reports whether row i is NULL.
func (c *Column) Null(i int) bool {
	return c.Nulls != nil && !bitutil.BitIsSet(c.Nulls, c.offset+i)
}

// Span returns where a value of variable width lies in raw.
func (c *Column) Span(i int) (from, to int) {
	return int(binary.LittleEndian.Uint32(c.ends[4*i:])), int(binary.LittleEndian.Uint32(c.ends[4*i+4:]))
}

// Bytes returns row i's value of variable width, which is the array's.
func (c *Column) Bytes(i int) []byte {
	from, to := c.Span(i)
	return c.Raw[from:to]
}

// Bool returns row i's boolean.
func (c *Column) Bool(i int) bool { return bitutil.BitIsSet(c.Raw, c.offset+i) }

func (c *Column) boolByte(i int) byte {
	if c.Bool(i) {
		return 1
	}
	return 0
}

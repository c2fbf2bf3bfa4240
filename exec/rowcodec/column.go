package rowcodec

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"

	"laminardb/sql/types"
)

// column is the raw memory of one array, so that loops need no method calls.
type column struct {
	arr    arrow.Array
	nulls  []byte // validity bitmap, nil where no value is NULL
	offset int    // of row 0 in the bitmaps
	raw    []byte // fixed width: row 0 at 0; bool: the bitmap; variable: the bytes
	ends   []byte // variable width: int32 offsets, row 0's start at 0
}

func viewColumn(t types.Type, arr arrow.Array) column {
	data := arr.Data()
	c := column{arr: arr, offset: data.Offset()}
	if arr.NullN() > 0 {
		c.nulls = arr.NullBitmapBytes()
	}
	buffers, w := data.Buffers(), width(t)
	if w < 0 || arr.Len() == 0 {
		return c
	}
	if buffers[1] == nil { // every value is NULL
		c.raw = make([]byte, 16*arr.Len())
		c.ends = make([]byte, 4*(arr.Len()+1))
		return c
	}
	raw := buffers[1].Bytes()
	switch {
	case t.Kind == types.Bool:
		c.raw = raw
	case w > 0:
		c.raw = raw[c.offset*w:]
	default:
		c.ends = raw[c.offset*4:]
		if buffers[2] != nil {
			c.raw = buffers[2].Bytes()
		}
	}
	return c
}

func (c *column) null(i int) bool {
	return c.nulls != nil && !bitutil.BitIsSet(c.nulls, c.offset+i)
}

// span returns where a value of variable width lies in raw.
func (c *column) span(i int) (from, to int) {
	return int(binary.LittleEndian.Uint32(c.ends[4*i:])), int(binary.LittleEndian.Uint32(c.ends[4*i+4:]))
}

func (c *column) bytes(i int) []byte {
	from, to := c.span(i)
	return c.raw[from:to]
}

func (c *column) boolByte(i int) byte {
	if bitutil.BitIsSet(c.raw, c.offset+i) {
		return 1
	}
	return 0
}

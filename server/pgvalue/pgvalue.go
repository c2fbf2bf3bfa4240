// Package pgvalue turns columns into the values of the PostgreSQL wire protocol
// and parameters into Go values.
//
// Nouns: Encoder (rows of a batch as DataRow or CopyData messages), DecodeParam
// (one parameter). Text forms are sql/pgtext's; this package adds the binary
// ones, which are those of PostgreSQL's send and receive functions.
//
// Rule: an Encoder is made once for a result. For each batch it binds a writer to
// each column's typed slice, so that a value costs one call through a function
// pointer and no allocation.
package pgvalue

import (
	"encoding/binary"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"

	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// The format codes of the protocol.
const (
	Text   int16 = 0
	Binary int16 = 1
)

// writer appends the value of row i, which is not null.
type writer func(dst []byte, i int) []byte

// binder makes the writer of one column of one batch.
type binder func(a arrow.Array) writer

// Encoder writes rows whose columns have fixed types and formats. It has no
// state between calls, so several goroutines may share one.
type Encoder struct {
	binders []binder
}

// NewEncoder returns an encoder for columns of the types in the formats, all
// text if formats is nil. timestamptz is shown in the zone, nil for UTC.
func NewEncoder(columns []types.Type, formats []int16, zone *time.Location) (*Encoder, error) {
	e := &Encoder{binders: make([]binder, len(columns))}
	for i, t := range columns {
		format := Text
		if formats != nil {
			format = formats[i]
		}
		var err error
		switch format {
		case Text:
			e.binders[i], err = textBinder(t, zone)
		case Binary:
			e.binders[i], err = binaryBinder(t)
		default:
			err = pgerr.Newf(pgerr.InvalidParameterValue, "unsupported format code: %d", format)
		}
		if err != nil {
			return nil, err
		}
	}
	return e, nil
}

// column is a column of one batch, ready to be written.
type column struct {
	write  writer
	valid  []byte // the validity bitmap, nil if no row is null
	offset int    // of row 0 in valid
}

func (e *Encoder) bind(b *batch.Batch, cols []int) []column {
	out := make([]column, len(cols))
	for i, c := range cols {
		out[i] = bindColumn(e.binders[i], b.Cols[c])
	}
	return out
}

func bindColumn(bind binder, a arrow.Array) column {
	c := column{write: bind(a)}
	if a.NullN() > 0 {
		c.valid, c.offset = a.NullBitmapBytes(), a.Data().Offset()
	}
	return c
}

func (c *column) isNull(i int) bool {
	return c.valid != nil && !bitutil.BitIsSet(c.valid, c.offset+i)
}

// AppendRows appends rows [from, to) of b, each as a complete DataRow message.
// cols says which of b's columns they are made of, one for each of the
// encoder's.
func (e *Encoder) AppendRows(dst []byte, b *batch.Batch, cols []int, from, to int) []byte {
	columns := e.bind(b, cols)
	for i := from; i < to; i++ {
		start := len(dst)
		n := len(columns)
		dst = append(dst, 'D', 0, 0, 0, 0, byte(n>>8), byte(n))
		for c := range columns {
			dst = columns[c].appendSized(dst, i)
		}
		binary.BigEndian.PutUint32(dst[start+1:], uint32(len(dst)-start-1))
	}
	return dst
}

// appendSized appends row i's length, -1 for null, and value.
func (c *column) appendSized(dst []byte, i int) []byte {
	if c.isNull(i) {
		return append(dst, 0xff, 0xff, 0xff, 0xff)
	}
	start := len(dst)
	dst = c.write(append(dst, 0, 0, 0, 0), i)
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}

// AppendCopyText appends rows [from, to) of b as CopyData messages in COPY's text
// format: tabs between the values, \N for null. The encoder's formats must be
// text.
func (e *Encoder) AppendCopyText(dst []byte, b *batch.Batch, cols []int, from, to int) []byte {
	columns := e.bind(b, cols)
	for i := from; i < to; i++ {
		start := len(dst)
		dst = append(dst, 'd', 0, 0, 0, 0)
		for c := range columns {
			if c > 0 {
				dst = append(dst, '\t')
			}
			if columns[c].isNull(i) {
				dst = append(dst, '\\', 'N')
				continue
			}
			value := len(dst)
			dst = escapeCopy(columns[c].write(dst, i), value)
		}
		dst = append(dst, '\n')
		binary.BigEndian.PutUint32(dst[start+1:], uint32(len(dst)-start-1))
	}
	return dst
}

// escapeCopy puts a backslash before what COPY gives a meaning to, in
// dst[start:].
func escapeCopy(dst []byte, start int) []byte {
	extra := 0
	for _, c := range dst[start:] {
		if copyEscape(c) != 0 {
			extra++
		}
	}
	if extra == 0 {
		return dst
	}
	from := len(dst) - 1
	for range extra {
		dst = append(dst, 0)
	}
	for to := len(dst) - 1; to > from; from-- {
		if e := copyEscape(dst[from]); e != 0 {
			dst[to], dst[to-1] = e, '\\'
			to -= 2
		} else {
			dst[to] = dst[from]
			to--
		}
	}
	return dst
}

// copyEscape is the letter for c after a backslash, 0 if c needs none.
func copyEscape(c byte) byte {
	switch c {
	case '\b':
		return 'b'
	case '\f':
		return 'f'
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	case '\v':
		return 'v'
	case '\\':
		return '\\'
	}
	return 0
}

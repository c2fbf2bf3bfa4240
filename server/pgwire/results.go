package pgwire

import (
	"encoding/binary"

	"github.com/jackc/pgproto3/v2"

	"laminardb/sql/pgerr"
)

// Results is where a session writes what a statement gives. It is valid until the
// call that it was passed to returns, for that call's goroutine. Writes gather in
// a buffer, block while the client does not read, and fail when it is gone; the
// session then returns the error.
//
// For each statement: Columns, any number of Rows or Encode, and Complete; or
// Complete alone; or a COPY. What comes row by row without an end, SUBSCRIBE,
// calls Flush whenever it has nothing more to write for the moment.
type Results struct {
	conn *conn
	// described says that the client knows the columns (extended protocol).
	described bool
}

// Columns announces rows with these columns, in the formats given or all in
// text if formats is nil.
func (r *Results) Columns(columns []Column, formats []Format) error {
	if r.described {
		return nil
	}
	return r.conn.out.send(rowDescription(columns, formats))
}

// Rows writes complete DataRow messages (pgvalue.Encoder makes them). They are
// not kept and not changed, so any number of clients may be sent the same bytes.
func (r *Results) Rows(messages []byte) error { return r.conn.out.share(messages) }

// Encode lets f append complete DataRow messages to the output buffer itself.
func (r *Results) Encode(f func(dst []byte) []byte) error {
	return r.conn.out.append(func(dst []byte) ([]byte, error) { return f(dst), nil })
}

// Notice sends a notice before what is written next.
func (r *Results) Notice(severity Severity, notice *pgerr.Error) error {
	return r.conn.client.Notify(severity, notice, false)
}

// Complete ends a statement's result with its command tag, such as "SELECT 3".
func (r *Results) Complete(tag string) error {
	return r.conn.out.send(&pgproto3.CommandComplete{CommandTag: []byte(field(tag))})
}

// Empty is the result of an empty text.
func (r *Results) Empty() error { return r.conn.out.send(&pgproto3.EmptyQueryResponse{}) }

// Flush sends what is in the buffer.
func (r *Results) Flush() error { return r.conn.out.flush() }

func rowDescription(columns []Column, formats []Format) *pgproto3.RowDescription {
	m := &pgproto3.RowDescription{Fields: make([]pgproto3.FieldDescription, len(columns))}
	for i, c := range columns {
		f := pgproto3.FieldDescription{
			Name:                 []byte(field(c.Name)),
			TableOID:             c.TableOID,
			TableAttributeNumber: c.Attribute,
			DataTypeOID:          c.Type.OID(),
			DataTypeSize:         c.Type.Size(),
			TypeModifier:         c.Type.Modifier(),
		}
		if formats != nil {
			f.Format = formats[i]
		}
		m.Fields[i] = f
	}
	return m
}

// CopyOut begins a COPY TO STDOUT of n columns in the format. Any number of
// CopyData follow, then CopyDone and Complete.
func (r *Results) CopyOut(format Format, n int) error {
	return r.conn.out.send(&pgproto3.CopyOutResponse{
		OverallFormat: byte(format), ColumnFormatCodes: columnFormats(format, n),
	})
}

// CopyData writes complete CopyData messages, under the terms of Rows.
func (r *Results) CopyData(messages []byte) error { return r.conn.out.share(messages) }

// CopyDone ends the data of a COPY TO STDOUT.
func (r *Results) CopyDone() error { return r.conn.out.send(&pgproto3.CopyDone{}) }

// AppendCopyData appends data as one CopyData message.
func AppendCopyData(dst, data []byte) []byte {
	dst = append(dst, 'd')
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(data)+4))
	return append(dst, data...)
}

func columnFormats(format Format, n int) []uint16 {
	codes := make([]uint16, n)
	for i := range codes {
		codes[i] = uint16(format)
	}
	return codes
}

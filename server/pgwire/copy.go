package pgwire

import (
	"context"
	"io"

	"github.com/jackc/pgproto3/v2"

	"laminardb/sql/pgerr"
)

// CopyReader gives the data of a COPY FROM STDIN as the client sends it: pieces
// of any size, whose borders mean nothing.
type CopyReader struct {
	conn *conn
	done bool
}

// CopyIn begins a COPY FROM STDIN of n columns in the format. The session reads
// it to its end, then calls Complete; if it returns an error before, the rest of
// the data is dropped.
func (r *Results) CopyIn(format Format, n int) (*CopyReader, error) {
	c := r.conn
	err := c.out.send(&pgproto3.CopyInResponse{OverallFormat: byte(format), ColumnFormatCodes: columnFormats(format, n)})
	if err == nil {
		err = c.out.flush()
	}
	return &CopyReader{conn: c}, err
}

// Next returns the next piece, which the caller may keep, or io.EOF at the end.
// It blocks until the client sends something or ctx, the call's, ends.
func (r *CopyReader) Next(ctx context.Context) ([]byte, error) {
	for !r.done {
		m, ok, err := r.conn.inbox.get(ctx, nil)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil || !ok:
			return nil, err
		case m.malformed != nil:
			return nil, m.malformed
		}
		switch body := m.body.(type) {
		case *pgproto3.CopyData:
			return body.Data, nil
		case *pgproto3.CopyDone:
			r.done = true
		case *pgproto3.CopyFail:
			r.done = true
			return nil, pgerr.Newf(pgerr.QueryCanceled, "COPY from stdin failed: %s", body.Message)
		case *pgproto3.Sync, *pgproto3.Flush: // allowed and ignored
		default:
			r.done = true
			return nil, pgerr.Newf(pgerr.ProtocolViolation, "unexpected message %s during COPY from stdin", messageName(m.body))
		}
	}
	return nil, io.EOF
}

package pgwire

import (
	"context"

	"laminardb/sql/types"
)

// Sessions makes sessions.
type Sessions interface {
	// NewSession is called once a client is authenticated. ctx ends with the
	// connection. The client's startup parameters are at hand; the session may
	// set others with Client.SetParameter. An error ends the connection.
	NewSession(ctx context.Context, client *Client) (Session, error)
}

// Session runs one client's statements. All calls come from one goroutine, one
// at a time. A call may block for as long as its statement runs and must return
// soon after ctx ends: it ends when the client cancels, when it goes away, and
// when the server has no more patience at shutdown. context.Cause(ctx) is then
// the error that the client gets, so a session may just return ctx.Err().
//
// An error is sent to the client as it is if it is a *pgerr.Error, else as
// XX000. A panic is logged, sent as XX000, and the connection goes on.
type Session interface {
	// Simple runs the text of one Query message, which may hold several
	// statements or none. The session splits it, reports each statement's result
	// (Columns, Rows.., Complete; or Empty for an empty text) and returns at the
	// first error, which ends the string.
	Simple(ctx context.Context, text string, w *Results) error
	// Prepare analyses one statement of the extended protocol. paramOIDs are the
	// types that the client gave, 0 for those it leaves to the session, and may
	// be fewer than the parameters. An empty text is a Statement too.
	Prepare(ctx context.Context, text string, paramOIDs []uint32) (Statement, error)
	// Sync ends what the extended protocol did since the last Sync: an implicit
	// transaction is committed, or undone if failed says that an error was sent.
	Sync(ctx context.Context, failed bool) error
	// Status is what ReadyForQuery reports.
	Status() TxStatus
	// Close ends the session; its statements and portals are closed before.
	Close()
}

// TxStatus is where the session is in a transaction.
type TxStatus byte

// The transaction states of ReadyForQuery.
const (
	Idle          TxStatus = 'I'
	InTransaction TxStatus = 'T'
	Failed        TxStatus = 'E'
)

// Statement is a prepared statement. It belongs to the connection's goroutine.
type Statement interface {
	// Describe gives the OIDs of the parameters and the result's columns, nil
	// columns for a statement that returns no rows.
	Describe() (paramOIDs []uint32, columns []Column)
	// Bind makes a portal. The portal may keep b's slices.
	Bind(ctx context.Context, b Binding) (Portal, error)
	// Close is called once, when no name refers to the statement any more.
	// Portals made from it may still be open.
	Close()
}

// Binding is a statement's parameters. The counts have been checked.
type Binding struct {
	// Params are the values, nil for NULL, and ParamFormats has one code for each.
	Params       [][]byte
	ParamFormats []Format
	// ResultFormats has one code for each result column.
	ResultFormats []Format
}

// Portal is a bound statement, run in one or several pieces. Between two calls of
// Execute it waits without a goroutine that only the connection could end.
type Portal interface {
	// Execute writes at most maxRows rows, 0 meaning all of them. It returns
	// suspended when it stopped at the limit; else it has called w.Complete (or
	// w.Empty), and a further call reports no rows. w.Columns may be called, it
	// does nothing: the client has asked with Describe, if it cared.
	Execute(ctx context.Context, w *Results, maxRows int) (suspended bool, err error)
	// Close is called once: at the end of the transaction at the latest, and
	// after a failed Execute too.
	Close()
}

// Format is the encoding of a value: text or binary.
type Format = int16

// The format codes.
const (
	Text   Format = 0
	Binary Format = 1
)

// Column describes one column of a result.
type Column struct {
	Name string
	Type types.Type
	// TableOID and Attribute say which table's column it is, 0 for none.
	TableOID  uint32
	Attribute uint16
}

package pgwire

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/jackc/pgproto3/v2"

	"laminardb/sql/pgerr"
)

// Severity is how bad a notice is.
type Severity string

// The severities of a NoticeResponse.
const (
	Debug   Severity = "DEBUG"
	Log     Severity = "LOG"
	Info    Severity = "INFO"
	Notice  Severity = "NOTICE"
	Warning Severity = "WARNING"
)

func errorResponse(severity string, err error) *pgproto3.ErrorResponse {
	e := pgerr.From(err)
	return &pgproto3.ErrorResponse{
		Severity:            severity,
		SeverityUnlocalized: severity,
		Code:                e.Code.SQLSTATE(),
		Message:             field(e.Message),
		Detail:              field(e.Detail),
		Hint:                field(e.Hint),
		Position:            int32(e.Position),
		TableName:           field(e.Relation),
	}
}

// field makes s fit for a C string in UTF-8.
func field(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

// fail sends an error and flushes it. It returns an error only if the connection
// is lost or ctx, the connection's, has ended: then that is what to say.
func (c *conn) fail(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if c.out.send(errorResponse("ERROR", err)) != nil || c.out.flush() != nil {
		return clientGone()
	}
	return nil
}

// fatal sends the error that ends the connection, if it still can.
func (c *conn) fatal(err error) {
	if err := c.out.send(errorResponse("FATAL", err)); err == nil {
		_ = c.out.flush()
	}
}

// outOfDescriptors reports whether accepting can work again later.
func outOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED)
}

// messageName is the protocol's name of a message.
func messageName(m pgproto3.FrontendMessage) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", m), "*pgproto3.")
}

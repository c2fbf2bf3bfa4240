// Package pgerr is the error a client sees: a SQLSTATE with a message, a
// position in the statement's text, a detail and a hint.
//
// Nouns: Code (a SQLSTATE), Error. Every package may make an Error; only
// server/pgwire turns one into bytes. An error that is not an *Error reaches
// the client as XX000 with its text.
//
// Rule: an Error is handled or returned, never both.
package pgerr

import (
	"errors"
	"fmt"
)

// Error is one client-visible error. The zero Position means that the error
// has no place in the statement's text.
type Error struct {
	Code    Code
	Message string
	Detail  string
	Hint    string
	// Position is the 1-based byte in the statement text that the client sent,
	// zero where unknown. server/session turns bytes into the characters that
	// the protocol counts.
	Position int
	// Relation names the object that the error is about, or "".
	Relation string
	cause    error
}

// Newf makes an Error. A %w verb keeps its operand reachable for errors.Is.
func Newf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), cause: errors.Unwrap(err)}
}

// At is Newf with a position: offset is a 0-based byte offset into the
// statement, and it is negative where the place is not known.
func At(offset int, code Code, format string, args ...any) *Error {
	err := Newf(code, format, args...)
	err.Position = offset + 1
	if offset < 0 {
		err.Position = 0
	}
	return err
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.Code.SQLSTATE())
}

// Unwrap returns what Newf's %w wrapped, or nil.
func (e *Error) Unwrap() error { return e.cause }

// WithHint sets the hint and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// WithDetail sets the detail and returns e.
func (e *Error) WithDetail(format string, args ...any) *Error {
	e.Detail = fmt.Sprintf(format, args...)
	return e
}

// From returns err as an *Error: itself if it is or wraps one, else an
// internal error (XX000) with its text. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: Internal, Message: err.Error(), cause: err}
}

// Is reports whether err is or wraps an *Error with the code.
func Is(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

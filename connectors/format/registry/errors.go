package registry

import (
	"errors"
	"fmt"

	"laminardb/sql/pgerr"
)

// ErrNotFound says that the registry has no such id or subject.
var ErrNotFound = errors.New("not found in the schema registry")

// ErrDenied says that the registry refused the credentials.
var ErrDenied = errors.New("the schema registry denied access")

// UnreachableError says that the registry could not answer; another try may
// help.
type UnreachableError struct {
	URL string
	Err error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("schema registry %s is unreachable: %v", e.URL, e.Err)
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// RefusedError says that the registry did not take a schema: 409 is an
// incompatible one, 422 an invalid one.
type RefusedError struct {
	Status int
	Reason string
}

func (e *RefusedError) Error() string { return e.Reason }

// ClientError makes err what the user of a statement sees.
func ClientError(err error) error {
	var unreachable *UnreachableError
	var refused *RefusedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unreachable):
		return pgerr.Newf(pgerr.CannotConnect, "cannot reach schema registry %q: %w", unreachable.URL, unreachable.Err)
	case errors.Is(err, ErrDenied):
		return pgerr.Newf(pgerr.InvalidAuthorization, "%w", err).
			WithHint("See the options schema_registry_user and schema_registry_password.")
	case errors.As(err, &refused):
		return pgerr.Newf(pgerr.InvalidParameterValue, "%w", err)
	}
	return pgerr.Newf(pgerr.InvalidParameterValue, "%w", err)
}

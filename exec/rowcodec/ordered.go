package rowcodec

import "laminardb/sql/types"

// OrderKey is one key of an ORDER BY.
type OrderKey struct {
	Type       types.Type
	Desc       bool
	NullsFirst bool
}

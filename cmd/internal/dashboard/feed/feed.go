// Package feed brings what a dashboard shows: the rows of queries that it asks
// again and again, the rows of subscriptions as they come, and the state of the
// connection. All of it comes over the PostgreSQL protocol.
//
// Nouns: Client (one database), Watch (what to ask for), Query (asked
// periodically), Tail (a SUBSCRIBE on a connection of its own), Batch (what came
// since the last one), Link (the state of the connection).
//
// Rule: a reader that is slow costs nothing but detail. What waits for it is
// bounded, older rows give way to newer ones, and they are counted.
package feed

import (
	"slices"
	"time"
)

// Value is a value in PostgreSQL's text format.
type Value struct {
	Text string `json:"t,omitempty"`
	Null bool   `json:"n,omitempty"`
}

// Column is a column of a result.
type Column struct {
	Name string `json:"name"`
	// OID is PostgreSQL's number of the type.
	OID uint32 `json:"oid"`
}

// Table is the result of a query. Err is what the server said instead of rows.
type Table struct {
	Columns []Column  `json:"columns,omitempty"`
	Rows    [][]Value `json:"rows,omitempty"`
	Err     string    `json:"err,omitempty"`
	// Missing says that the query names a relation or column that is not there.
	Missing bool `json:"missing,omitempty"`
}

// Index is the number of a column, -1 if there is none.
func (t Table) Index(column string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == column })
}

// Query is asked every so often.
type Query struct {
	Name, SQL string
	Every     time.Duration
}

// Tail is a SUBSCRIBE.
type Tail struct{ Name, SQL string }

// Watch is what to ask for. Tails and queries that another watch had too go on.
type Watch struct {
	Queries []Query
	Tails   []Tail
}

// Link is the state of the connection.
type Link struct {
	Connected bool `json:"connected"`
	// Err is why there is no connection, RetryAt when the next try is, Attempts how
	// many have failed since the last success.
	Err      string    `json:"err,omitempty"`
	RetryAt  time.Time `json:"retry_at"`
	Attempts int       `json:"attempts,omitempty"`
	// Connects is how often the connection was made.
	Connects int `json:"connects,omitempty"`
}

// Chunk is what a tail brought.
type Chunk struct {
	Tail string `json:"tail"`
	// Reset says that the tail began anew before these rows.
	Reset   bool      `json:"reset,omitempty"`
	Columns []Column  `json:"columns,omitempty"`
	Rows    [][]Value `json:"rows,omitempty"`
	// Seen is how many rows came, those included that gave way to newer ones.
	Seen int64 `json:"seen,omitempty"`
	// Err is why the tail ended; it is begun again after a while.
	Err string `json:"err,omitempty"`
}

// Outcome is what a statement did.
type Outcome struct {
	SQL     string   `json:"sql"`
	Tag     string   `json:"tag,omitempty"`
	Notices []string `json:"notices,omitempty"`
	Err     string   `json:"err,omitempty"`
}

// Batch is what came since the last batch.
type Batch struct {
	At       time.Time        `json:"at"`
	Link     Link             `json:"link"`
	Tables   map[string]Table `json:"tables,omitempty"`
	Chunks   []Chunk          `json:"chunks,omitempty"`
	Outcomes []Outcome        `json:"outcomes,omitempty"`
}

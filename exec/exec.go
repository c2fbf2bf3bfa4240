// Package exec runs plans: continuously over sources, or once over a snapshot.
//
// Nouns: Receiver (where an operator's output goes), operator (one plan node at
// work, one file each), Dataflow (the operators of one object on a goroutine of
// their own), Hub (an object's output with all who read it), Source (a source's
// readers), Engine (all of these by catalog id).
//
// Rule: everything inside one dataflow runs on one goroutine, whole batches at a
// time, and what crosses goroutines goes through a queue bounded in bytes. So an
// operator has no locks, and between two messages its state is consistent.
package exec

import (
	"context"
	"math"

	"laminardb/sql/batch"
)

// Receiver takes an operator's output. Calls come from one goroutine, in the
// order of the stream. A watermark w promises that no later row has an event
// time below w (rows that break the promise are late). End comes once, after the
// last batch of a bounded input. Idle says that the input has fallen silent (or
// speaks again) and does not hold back the event time of others meanwhile. An
// error ends the dataflow.
type Receiver interface {
	Batch(ctx context.Context, b *batch.Batch) error
	Watermark(ctx context.Context, millis int64) error
	Idle(ctx context.Context, idle bool) error
	End(ctx context.Context) error
}

// NoWatermark is the watermark before any row: everything can still come.
const NoWatermark = math.MinInt64

// endOfTime is the watermark behind the last row of a bounded input.
const endOfTime = math.MaxInt64

// starter is an operator with something to emit before the first row: an
// aggregate without keys has a row even over no input.
type starter interface {
	Start(ctx context.Context) error
}

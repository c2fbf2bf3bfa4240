package connectors

import (
	"context"
	"errors"
)

// ErrFenced says that another server writes under the same SinkSpec.ID: this one
// must never write there again. Errors of Transactional wrap it.
var ErrFenced = errors.New("another server has taken over")

// Transactional is a sink that writes exactly once. Every transaction carries a
// mark, a number that the caller chooses and that only grows; what was committed
// last can be asked for after any accident. The caller must be able to write the
// same rows once more until a Fence has returned their mark.
type Transactional interface {
	Sink
	// Fence shuts out every earlier writer with the same SinkSpec.ID, drops what was
	// written and not committed, and returns the mark of the last committed
	// transaction, 0 before the first. It is called before the first Write and after
	// every error. It blocks until the outside answers or ctx ends; an error that is
	// not ErrFenced may pass, and Fence can be called again.
	Fence(ctx context.Context) (mark uint64, err error)
	// Commit makes what was written since the last Commit or Fence visible together
	// with the mark, or nothing of it. It blocks until the outcome is known or ctx
	// ends. After an error the outcome is unknown: Fence tells. The mark must be
	// greater than the last one; a commit without rows stores the mark alone.
	Commit(ctx context.Context, mark uint64) error
}

// Identified is a Source whose positions mean something only as long as the object
// outside is the same.
type Identified interface {
	// Identity returns what the object is now, for Kafka the topic's id: a text to
	// compare with the one of an earlier run, "" where the outside has none. It blocks
	// for a few seconds at the most.
	Identity(ctx context.Context) (string, error)
}

// Committer is a Reader that can tell the outside how far it is, which only tools
// read: Kafka's group offsets.
type Committer interface {
	// Commit hands the positions over and does not wait; what fails later shows in the
	// reader's health.
	Commit(at Positions) error
}

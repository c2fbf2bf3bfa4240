package exec

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Env is what the engine's parts share. It is made once and not changed.
type Env struct {
	Now         func() time.Time
	Logger      *slog.Logger
	DeadLetters *DeadLetters
	// Events are reported with Report.
	Events Events
	// Failpoint, if not nil, is called with the name of a step before or after it; an
	// error fails the step. For tests.
	Failpoint func(name string) error

	// round is the checkpoint that is being taken, nil for none.
	round atomic.Pointer[round]
	// halted says that sources read no more: what comes now is the last checkpoint.
	halted atomic.Bool
}

// fail asks the failpoint.
func (e *Env) fail(name string) error {
	if e.Failpoint == nil {
		return nil
	}
	return e.Failpoint(name)
}

// DeadLetter is a record or row that could not be processed.
type DeadLetter struct {
	At     time.Time
	Object string // the source or dataflow that met it
	// Split and Offset are the record's place, -1 for a row of a dataflow.
	Split  int32
	Offset int64
	Reason string
	Key    []byte
	Value  []byte // the record's payload, or the row as text
}

// deadLettersKept bounds the memory of the most recent dead letters; older ones
// are only counted.
const deadLettersKept = 1000

// deadLetterValueBytes bounds the payload kept of one dead letter.
const deadLetterValueBytes = 4096

// DeadLetters keeps the most recent dead letters and counts all.
type DeadLetters struct {
	total atomic.Int64

	mu   sync.Mutex
	ring []DeadLetter
	next int
}

func (d *DeadLetters) add(l DeadLetter) {
	d.total.Add(1)
	if len(l.Value) > deadLetterValueBytes {
		l.Value = l.Value[:deadLetterValueBytes:deadLetterValueBytes]
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.ring) < deadLettersKept {
		d.ring = append(d.ring, l)
		return
	}
	d.ring[d.next] = l
	d.next = (d.next + 1) % deadLettersKept
}

// Recent returns the kept dead letters, oldest first, and how many there were in
// all.
func (d *DeadLetters) Recent() (letters []DeadLetter, total int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	letters = append(letters, d.ring[d.next:]...)
	return append(letters, d.ring[:d.next]...), d.total.Load()
}

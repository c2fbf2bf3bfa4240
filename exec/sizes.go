package exec

import (
	"sync/atomic"
	"time"
)

// sizer is an operator with state. It is asked on the dataflow's goroutine, at
// most once a second, and must not walk over rows.
type sizer interface {
	// sizeBytes is the memory that the state holds, about.
	sizeBytes() int64
	// entries is how many entries the state has: groups, rows that wait, sessions.
	entries() int
}

// sizersOf are the operators that tell their size.
func sizersOf(states []operatorState) []sizer {
	var out []sizer
	for _, s := range states {
		if z, ok := s.stateful.(sizer); ok {
			out = append(out, z)
		}
	}
	return out
}

// measureEvery is how often the sizes of a working dataflow are taken.
const measureEvery = time.Second

// measure is how much state a dataflow has. Only its published numbers are read
// by others.
type measure struct {
	sizers []sizer
	// changed says that there was work since the last time.
	changed bool
	at      time.Time

	bytes, keys atomic.Int64
}

// take publishes the sizes if there was work and it is time; it returns when the
// dataflow must wake up, due or earlier.
func (m *measure) take(worked bool, now func() time.Time, due time.Time) time.Time {
	m.changed = m.changed || worked
	if len(m.sizers) == 0 || !m.changed {
		return due
	}
	at := now()
	if next := m.at.Add(measureEvery); at.Before(next) {
		if due.IsZero() || next.Before(due) {
			return next
		}
		return due
	}
	m.changed, m.at = false, at
	var bytes int64
	keys := 0
	for _, s := range m.sizers {
		bytes += s.sizeBytes()
		keys += s.entries()
	}
	m.bytes.Store(bytes)
	m.keys.Store(int64(keys))
	return due
}

package exec

import (
	"sync"

	"laminardb/connectors"
)

// splitCounts counts what was read of each split.
type splitCounts struct {
	mu     sync.Mutex
	splits map[int32]*splitCount
}

type splitCount struct{ rows, bytes, rejected int64 }

// add takes a chunk into account, a run of rows of one split at a time.
func (s *splitCounts) add(c *connectors.Chunk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.splits == nil {
		s.splits = map[int32]*splitCount{}
	}
	if len(c.Next) == 1 {
		for split := range c.Next {
			n := s.of(split)
			n.rows += int64(len(c.Splits))
			n.bytes += c.Bytes
		}
	} else {
		for from := 0; from < len(c.Splits); {
			to := from + 1
			for to < len(c.Splits) && c.Splits[to] == c.Splits[from] {
				to++
			}
			s.of(c.Splits[from]).rows += int64(to - from)
			from = to
		}
		for split, bytes := range c.SplitBytes {
			s.of(split).bytes += bytes
		}
	}
	for _, r := range c.Rejected {
		s.of(r.Split).rejected++
	}
}

func (s *splitCounts) of(split int32) *splitCount {
	n := s.splits[split]
	if n == nil {
		n = &splitCount{}
		s.splits[split] = n
	}
	return n
}

// fill puts the counts into states.
func (s *splitCounts) fill(states []SplitState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range states {
		if n := s.splits[states[i].Split]; n != nil {
			states[i].Rows, states[i].Bytes, states[i].Rejected = n.rows, n.bytes, n.rejected
		}
	}
}

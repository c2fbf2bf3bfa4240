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
		for rest := c.Splits; len(rest) > 0; {
			n := runLength(rest)
			s.of(rest[0]).rows += int64(n)
			rest = rest[n:]
		}
		for split, bytes := range c.SplitBytes {
			s.of(split).bytes += bytes
		}
	}
	for _, r := range c.Rejected {
		s.of(r.Split).rejected++
	}
}

// runLength is how many of the first splits are the same; there is one at least.
func runLength(splits []int32) int {
	first, n := splits[0], 0
	for rest := splits; len(rest) >= 8; rest = rest[8:] { // runs are long
		s := (*[8]int32)(rest)
		if (s[0]^first)|(s[1]^first)|(s[2]^first)|(s[3]^first)|(s[4]^first)|(s[5]^first)|(s[6]^first)|(s[7]^first) != 0 {
			break
		}
		n += 8
	}
	for n < len(splits) && splits[n] == first {
		n++
	}
	return n
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

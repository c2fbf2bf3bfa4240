package exec

import "context"

// inputMarks is the event time of an operator with several inputs: the minimum of
// the watermarks of those that are not idle. It is idle itself when all are.
type inputMarks struct {
	marks []int64
	idle  []bool
	ended []bool
	// current is what was passed on.
	current int64
	asleep  bool
}

func newInputMarks(inputs int) *inputMarks {
	m := &inputMarks{marks: make([]int64, inputs), idle: make([]bool, inputs), ended: make([]bool, inputs), current: NoWatermark}
	for i := range m.marks {
		m.marks[i] = NoWatermark
	}
	return m
}

// watermark takes an input's watermark and reports whether the minimum moved.
func (m *inputMarks) watermark(input int, millis int64) (moved bool) {
	m.marks[input] = millis
	return m.advance()
}

// setIdle takes an input's idleness. An input that has ended is as good as idle.
func (m *inputMarks) setIdle(input int, idle bool) (moved bool) {
	m.idle[input] = idle
	return m.advance()
}

// end says that an input gives nothing more, and reports whether all have ended.
func (m *inputMarks) end(input int) (all bool) {
	m.ended[input] = true
	for _, e := range m.ended {
		if !e {
			return false
		}
	}
	return true
}

func (m *inputMarks) advance() bool {
	low, awake := int64(endOfTime), false
	for i, mark := range m.marks {
		if !m.idle[i] {
			awake = true
			low = min(low, mark)
		}
	}
	if !awake || low <= m.current {
		return false
	}
	m.current = low
	return true
}

// allIdle reports whether every input is idle.
func (m *inputMarks) allIdle() bool {
	for _, idle := range m.idle {
		if !idle {
			return false
		}
	}
	return true
}

// passIdle tells out if the operator as a whole fell asleep or woke up.
func (m *inputMarks) passIdle(ctx context.Context, out Receiver) error {
	if asleep := m.allIdle(); asleep != m.asleep {
		m.asleep = asleep
		return out.Idle(ctx, asleep)
	}
	return nil
}

package exec

// sessionQueue is a binary heap of sessions by when to look at them. A session
// whose due has changed has another entry; the old one is passed over.
type sessionQueue []sessionEnd

type sessionEnd struct {
	at int64
	id uint32
}

func (q *sessionQueue) push(e sessionEnd) {
	*q = append(*q, e)
	h := *q
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[up].at <= h[i].at {
			break
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
}

// pop takes out the earliest; the queue must not be empty.
func (q *sessionQueue) pop() sessionEnd {
	h := *q
	top := h[0]
	n := len(h) - 1
	h[0] = h[n]
	h = h[:n]
	*q = h
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < n; c++ {
			if h[c].at < h[least].at {
				least = c
			}
		}
		if least == i {
			return top
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

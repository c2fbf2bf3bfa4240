package exec

import "io"

// blockBytes is the size of a block: a state has few of them, and of a small one
// little is wasted.
const blockBytes = 256 << 10

// blocks are bytes to be written and then read once. They grow without being
// copied, since a dataflow stands still while its state is written to them.
type blocks struct {
	list [][]byte
	at   int // in the first block: what was read
}

// Write implements io.Writer.
func (b *blocks) Write(p []byte) (int, error) {
	for n := len(p); ; {
		if last := len(b.list) - 1; last >= 0 {
			space := b.list[last][len(b.list[last]):cap(b.list[last])]
			took := copy(space, p)
			b.list[last] = b.list[last][:len(b.list[last])+took]
			p = p[took:]
		}
		if len(p) == 0 {
			return n, nil
		}
		size := blockBytes
		if len(b.list) == 0 && len(p) < blockBytes { // likely all that there is
			size = len(p)
		}
		b.list = append(b.list, make([]byte, 0, size))
	}
}

// Read implements io.Reader; what was read is let go.
func (b *blocks) Read(p []byte) (n int, err error) {
	for len(b.list) > 0 && n < len(p) {
		took := copy(p[n:], b.list[0][b.at:])
		n += took
		if b.at += took; b.at == len(b.list[0]) {
			b.list[0] = nil
			b.list, b.at = b.list[1:], 0
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

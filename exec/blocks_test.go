package exec

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// Blocks give back what was written, however it is cut.
func TestBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, sizes := range [][]int{nil, {0}, {1, 0, 7}, {blockBytes}, {blockBytes + 1, 1}, {10, 3*blockBytes + 5, blockBytes - 1}} {
		var b blocks
		var want []byte
		for _, size := range sizes {
			piece := make([]byte, size)
			for i := range piece {
				piece[i] = byte(rng.Uint32())
			}
			if n, err := b.Write(piece); n != size || err != nil {
				t.Fatal(n, err)
			}
			want = append(want, piece...)
		}
		got, err := io.ReadAll(iotest.HalfReader(&b))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: %d bytes of %d: %v", sizes, len(got), len(want), err)
		}
		if len(b.list) > 0 {
			t.Errorf("%v: %d blocks are kept", sizes, len(b.list))
		}
	}
}

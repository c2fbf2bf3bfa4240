package feed

import (
	"strconv"
	"testing"
)

// TestPending checks that rows give way to newer ones, are counted, and that
// values keep their bytes when buffers are used again.
func TestPending(t *testing.T) {
	p := &pending{}
	if _, any := p.take("t"); any {
		t.Fatal("something came before anything did")
	}
	p.begin([]Column{{"a", 20}, {"b", 25}})
	total := maxPending*2 + 3
	for i := range total {
		row := [][]byte{[]byte(strconv.Itoa(i)), nil}
		if i%2 == 0 {
			row[1] = []byte{}
		}
		p.put(row)
	}
	c, any := p.take("t")
	if !any || !c.Reset || len(c.Columns) != 2 || c.Seen != int64(total) || len(c.Rows) != maxPending {
		t.Fatalf("got reset %v, %d columns, %d seen, %d rows", c.Reset, len(c.Columns), c.Seen, len(c.Rows))
	}
	for i, r := range c.Rows {
		n := total - maxPending + i
		if r[0].Text != strconv.Itoa(n) || r[1].Null != (n%2 == 1) || r[1].Text != "" {
			t.Fatalf("row %d is %v, want %d", i, r, n)
		}
	}
	p.put([][]byte{[]byte("x"), []byte("y")})
	if c, _ := p.take("t"); c.Reset || c.Columns != nil || len(c.Rows) != 1 || c.Rows[0][1].Text != "y" || c.Seen != 1 {
		t.Fatalf("the next chunk is %+v", c)
	}
	p.put([][]byte{[]byte("late"), nil})
	p.begin(nil)
	if c, _ := p.take("t"); !c.Reset || len(c.Rows) != 0 {
		t.Fatalf("after a new beginning: %+v", c)
	}
	if n := testing.AllocsPerRun(100, func() { p.put([][]byte{[]byte("1"), nil}) }); n > 2 {
		t.Errorf("%v allocations a row", n)
	}
}

package exec

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/pgerr"
	"laminardb/storage/checkpoint"
)

// capture is the state of one object at a barrier, as bytes.
type capture struct {
	object, epoch uint64
	parts         []*part
	// places are where the sources that it reads stood, by source.
	places map[uint64]*placement
	// sync, if not nil, makes durable what the parts refer to.
	sync func() error
	// pause is how long the object stood still for it.
	pause time.Duration
}

// part is one state of an object.
type part struct {
	operator, name string
	content        blocks
	w              *rowcodec.StateWriter
}

func newCapture(object, epoch uint64) *capture { return &capture{object: object, epoch: epoch} }

// part begins the state with the name; it ends with the next one or with close.
func (c *capture) part(operator, name string) *rowcodec.StateWriter {
	p := &part{operator: operator, name: name}
	p.w = rowcodec.NewStateWriter(&p.content)
	c.parts = append(c.parts, p)
	return p.w
}

// close ends the parts.
func (c *capture) close() error {
	for _, p := range c.parts {
		if err := p.w.Flush(); err != nil {
			return fmt.Errorf("saving %s/%s: %w", p.operator, p.name, err)
		}
	}
	return nil
}

// write hands the parts to the checkpoint.
func (c *capture) write(ctx context.Context, w *checkpoint.Writer) error {
	for _, p := range c.parts {
		key := checkpoint.Key{Object: c.object, Operator: p.operator, Name: p.name}
		if err := w.Put(ctx, key, &p.content); err != nil {
			return err
		}
	}
	return nil
}

// saved is the state of one object in a checkpoint.
type saved struct {
	object uint64
	epoch  uint64 // the checkpoint's
	// saved is the epoch of the object's own state, known once it is restored.
	saved uint64
	open  func(operator, name string) io.Reader
}

// part returns a reader of a state, nil if there is none.
func (s *saved) part(operator, name string) *rowcodec.StateReader {
	if r := s.open(operator, name); r != nil {
		return rowcodec.NewStateReader(r)
	}
	return nil
}

// need returns a reader of a state that must be there.
func (s *saved) need(operator, name string) (*rowcodec.StateReader, error) {
	r := s.part(operator, name)
	if r == nil {
		return nil, pgerr.Newf(pgerr.DataCorrupted, "checkpoint %d holds no state %s/%s of object %d", s.epoch, operator, name, s.object)
	}
	return r, nil
}

// fingerprint says what a plan computes from what, so that state is given back
// only to the plan that it is of.
func fingerprint(n plan.Node) string {
	var b bytes.Buffer
	writeFingerprint(&b, n)
	return b.String()
}

func writeFingerprint(b *bytes.Buffer, n plan.Node) {
	b.WriteString(n.Label())
	if scan, ok := n.(*plan.Scan); ok {
		fmt.Fprintf(b, "#%d%v", scan.Object, scan.Columns)
	}
	b.WriteByte('(')
	for _, f := range n.Schema().Fields {
		fmt.Fprintf(b, "%s,", f.Type)
	}
	for _, in := range n.Inputs() {
		writeFingerprint(b, in)
	}
	b.WriteByte(')')
}

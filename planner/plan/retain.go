package plan

import "fmt"

// Retain gives the rows of its input whose event time is not below the watermark
// less Millis: a row goes away (a difference of -1) when the watermark has passed it
// by so much, and one that comes later is left out.
type Retain struct {
	Base
	Input  Node
	Millis int64
}

// Inputs implements Node.
func (n *Retain) Inputs() []Node { return []Node{n.Input} }

// Label implements Node.
func (n *Retain) Label() string {
	return fmt.Sprintf("Retain %s >= watermark - %d ms", n.Out.Fields[n.Out.EventTime].Name, n.Millis)
}

package main

import (
	"io"
	"net"
	"sync"
)

// gate passes connections on to an address, until it is closed; then its own
// refuses them.
type gate struct {
	to, at string

	mu    sync.Mutex
	ln    net.Listener // nil while closed
	conns []net.Conn
}

func openGate(to string) (*gate, error) {
	g := &gate{to: to, at: "127.0.0.1:0"}
	return g, g.open()
}

// open listens, at the same address as before.
func (g *gate) open() error {
	ln, err := net.Listen("tcp", g.at)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.ln, g.at = ln, ln.Addr().String()
	g.mu.Unlock()
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return // closed
			}
			out, err := net.Dial("tcp", g.to)
			if err != nil {
				_ = in.Close() // the caller notices
				continue
			}
			g.mu.Lock()
			g.conns = append(g.conns, in, out)
			g.mu.Unlock()
			go pipe(in, out)
			go pipe(out, in)
		}
	}()
	return nil
}

// pipe copies one direction and then ends both.
func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from) // its end is what counts
	_ = to.Close()
	_ = from.Close()
}

// shut refuses connections and ends those that are there.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ln == nil {
		return
	}
	_ = g.ln.Close() // nothing is lost with it
	for _, c := range g.conns {
		_ = c.Close() // it may be closed
	}
	g.ln, g.conns = nil, nil
}

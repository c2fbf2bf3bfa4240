package pgwire

import "laminardb/sql/pgerr"

// maxNames bounds the statements, and the portals, that one client may hold;
// more is a client that never closes any.
const maxNames = 10_000

// Names holds a connection's prepared statements by name; "" is the unnamed one.
// The protocol's statements and SQL's share the names, as in PostgreSQL.
type Names struct{ m map[string]Statement }

// Get returns the statement with the name.
func (n *Names) Get(name string) (Statement, error) {
	if s, ok := n.m[name]; ok {
		return s, nil
	}
	if name == "" {
		return nil, pgerr.Newf(pgerr.InvalidStatementName, "unnamed prepared statement does not exist")
	}
	return nil, pgerr.Newf(pgerr.InvalidStatementName, "prepared statement \"%s\" does not exist", name)
}

// Free says whether a statement may be given the name: the unnamed one is
// replaced, others must be closed first.
func (n *Names) Free(name string) error {
	if name == "" {
		return nil
	}
	if _, ok := n.m[name]; ok {
		return pgerr.Newf(pgerr.DuplicatePreparedStmt, "prepared statement \"%s\" already exists", name)
	}
	if len(n.m) >= maxNames {
		return pgerr.Newf(pgerr.ConfigurationLimit, "too many prepared statements, the limit is %d", maxNames)
	}
	return nil
}

// Put gives s a name, which must be Free, and takes over closing it.
func (n *Names) Put(name string, s Statement) {
	if n.m == nil {
		n.m = make(map[string]Statement)
	}
	n.Drop(name)
	n.m[name] = s
}

// Drop closes the statement with the name, if there is one.
func (n *Names) Drop(name string) (existed bool) {
	s, ok := n.m[name]
	if ok {
		delete(n.m, name)
		s.Close()
	}
	return ok
}

// DropAll closes all statements.
func (n *Names) DropAll() {
	for name := range n.m {
		n.Drop(name)
	}
}

func (n *Names) closeAll(c *conn) {
	_ = c.guard(func() error { n.DropAll(); return nil })
}

// portals holds a connection's open portals by name.
type portals map[string]*boundPortal

// boundPortal is a portal with what the protocol knows about it.
type boundPortal struct {
	Portal
	columns []Column
	formats []Format
}

func (p portals) get(name string) (*boundPortal, error) {
	if b, ok := p[name]; ok {
		return b, nil
	}
	return nil, pgerr.Newf(pgerr.InvalidCursorName, "portal \"%s\" does not exist", name)
}

func (p portals) free(name string) error {
	if name == "" {
		return nil
	}
	if p[name] != nil {
		return pgerr.Newf(pgerr.DuplicateCursor, "cursor \"%s\" already exists", name)
	}
	if len(p) >= maxNames {
		return pgerr.Newf(pgerr.ConfigurationLimit, "too many open portals, the limit is %d", maxNames)
	}
	return nil
}

func (p portals) drop(c *conn, name string) {
	if b := p[name]; b != nil {
		delete(p, name)
		_ = c.guard(func() error { b.Close(); return nil })
	}
}

func (p portals) closeAll(c *conn) {
	for name := range p {
		p.drop(c, name)
	}
}

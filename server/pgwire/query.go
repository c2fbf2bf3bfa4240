package pgwire

import (
	"context"

	"github.com/jackc/pgproto3/v2"

	"laminardb/sql/pgerr"
)

// query serves a Query message: the simple protocol.
func (c *conn) query(ctx context.Context, m *pgproto3.Query, malformed error) error {
	c.skipping = false
	c.portals.drop(c, "")
	err := malformed
	if err == nil {
		err = c.statementScope(ctx, func(ctx context.Context) error {
			c.names.Drop("")
			c.results.described = false
			return c.session.Simple(ctx, m.String, &c.results)
		})
	}
	if err != nil {
		if err := c.fail(ctx, err); err != nil {
			return err
		}
	}
	return c.ready()
}

// failExtended reports an error and skips to the next Sync.
func (c *conn) failExtended(ctx context.Context, err error) error {
	c.skipping = true
	return c.fail(ctx, err)
}

// sync serves a Sync message.
func (c *conn) sync(ctx context.Context) error {
	failed := c.skipping
	c.skipping = false
	err := c.statementScope(ctx, func(ctx context.Context) error { return c.session.Sync(ctx, failed) })
	if err != nil {
		if err := c.fail(ctx, err); err != nil {
			return err
		}
	}
	return c.ready()
}

// extended serves the messages between two Syncs.
func (c *conn) extended(ctx context.Context, m pgproto3.FrontendMessage) error {
	switch m := m.(type) {
	case *pgproto3.Parse:
		return c.parse(ctx, m)
	case *pgproto3.Bind:
		return c.bind(ctx, m)
	case *pgproto3.Describe:
		return c.describe(m)
	case *pgproto3.Execute:
		return c.execute(ctx, m)
	case *pgproto3.Close:
		return c.close(m)
	}
	return pgerr.Newf(pgerr.ProtocolViolation, "unexpected message %s", messageName(m))
}

func (c *conn) parse(ctx context.Context, m *pgproto3.Parse) error {
	if err := c.names.Free(m.Name); err != nil {
		return err
	}
	if m.Name == "" {
		c.names.Drop("")
	}
	s, err := c.session.Prepare(ctx, m.Query, m.ParameterOIDs)
	if err != nil {
		return err
	}
	c.names.Put(m.Name, s)
	return c.out.send(&pgproto3.ParseComplete{})
}

func (c *conn) bind(ctx context.Context, m *pgproto3.Bind) error {
	s, err := c.names.Get(m.PreparedStatement)
	if err != nil {
		return err
	}
	if err := c.portals.free(m.DestinationPortal); err != nil {
		return err
	}
	c.portals.drop(c, m.DestinationPortal)
	oids, columns := s.Describe()
	b, err := binding(m, len(oids), len(columns))
	if err != nil {
		return err
	}
	p, err := s.Bind(ctx, b)
	if err != nil {
		return err
	}
	if c.portals == nil {
		c.portals = make(portals)
	}
	c.portals[m.DestinationPortal] = &boundPortal{Portal: p, columns: columns, formats: b.ResultFormats}
	return c.out.send(&pgproto3.BindComplete{})
}

func binding(m *pgproto3.Bind, params, columns int) (b Binding, err error) {
	if len(m.Parameters) != params {
		return b, pgerr.Newf(pgerr.ProtocolViolation,
			"bind message supplies %d parameters, but prepared statement \"%s\" requires %d",
			len(m.Parameters), m.PreparedStatement, params)
	}
	b.Params = m.Parameters
	if b.ParamFormats, err = expandFormats(m.ParameterFormatCodes, params); err != nil {
		return b, err
	}
	if b.ParamFormats == nil {
		return b, pgerr.Newf(pgerr.ProtocolViolation, "bind message has %d parameter formats but %d parameters",
			len(m.ParameterFormatCodes), params)
	}
	if b.ResultFormats, err = expandFormats(m.ResultFormatCodes, columns); err != nil {
		return b, err
	}
	if b.ResultFormats == nil {
		return b, pgerr.Newf(pgerr.ProtocolViolation, "bind message has %d result formats but query has %d columns",
			len(m.ResultFormatCodes), columns)
	}
	return b, nil
}

// expandFormats makes n codes of the client's: none is all text, one is for all.
// The result is nil if there are neither 0, 1 nor n.
func expandFormats(codes []int16, n int) ([]Format, error) {
	for _, code := range codes {
		if code != Text && code != Binary {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "unsupported format code: %d", code)
		}
	}
	switch {
	case len(codes) == n && n > 0:
		return codes, nil
	case len(codes) > 1:
		return nil, nil
	}
	out := make([]Format, n)
	if len(codes) == 1 {
		for i := range out {
			out[i] = codes[0]
		}
	}
	return out, nil
}

func (c *conn) describe(m *pgproto3.Describe) error {
	switch m.ObjectType {
	case 'S':
		s, err := c.names.Get(m.Name)
		if err != nil {
			return err
		}
		oids, columns := s.Describe()
		if err := c.out.send(&pgproto3.ParameterDescription{ParameterOIDs: oids}); err != nil {
			return err
		}
		return c.describeRows(columns, nil)
	case 'P':
		p, err := c.portals.get(m.Name)
		if columns, ok := c.cursors[m.Name]; err != nil && ok {
			return c.describeRows(columns, nil)
		}
		if err != nil {
			return err
		}
		return c.describeRows(p.columns, p.formats)
	}
	return pgerr.Newf(pgerr.ProtocolViolation, "invalid DESCRIBE message subtype %d", m.ObjectType)
}

func (c *conn) describeRows(columns []Column, formats []Format) error {
	if columns == nil {
		return c.out.send(&pgproto3.NoData{})
	}
	return c.out.send(rowDescription(columns, formats))
}

func (c *conn) execute(ctx context.Context, m *pgproto3.Execute) error {
	p, err := c.portals.get(m.Portal)
	if err != nil {
		return err
	}
	maxRows := int(min(m.MaxRows, 1<<31-1))
	c.results.described = true
	suspended, err := p.Execute(ctx, &c.results, maxRows)
	if err != nil {
		c.portals.drop(c, m.Portal)
		return err
	}
	if suspended {
		return c.out.send(&pgproto3.PortalSuspended{})
	}
	return nil
}

func (c *conn) close(m *pgproto3.Close) error {
	switch m.ObjectType {
	case 'S':
		c.names.Drop(m.Name)
	case 'P':
		c.portals.drop(c, m.Name)
	default:
		return pgerr.Newf(pgerr.ProtocolViolation, "invalid CLOSE message subtype %d", m.ObjectType)
	}
	return c.out.send(&pgproto3.CloseComplete{})
}

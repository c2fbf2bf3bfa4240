package feed

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// session is the time of one connection: it asks the queries on it and has the
// tails on others. It returns when the connection is lost.
func (c *Client) session(ctx context.Context) error {
	conn, err := pgconn.ConnectConfig(ctx, c.config)
	if err != nil {
		return err
	}
	defer close(conn)
	c.mu.Lock()
	c.link = Link{Connected: true, Connects: c.link.Connects + 1}
	c.mark()
	c.mu.Unlock()

	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { c.statements(ctx) })
	running := map[Tail]context.CancelFunc{}
	asked := map[Query]time.Time{}
	ticker := time.NewTicker(pollStep)
	defer ticker.Stop()
	for {
		watch := c.currentWatch()
		c.startTails(ctx, watch.Tails, running, &group)
		if err := c.poll(ctx, conn, watch.Queries, asked); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		case <-c.rewatch:
		}
	}
}

// close ends a connection without waiting long for a server that may be gone.
func close(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // whatever went wrong, it is gone
}

// startTails ends the tails that are no longer wanted and starts the new ones.
func (c *Client) startTails(ctx context.Context, wanted []Tail, running map[Tail]context.CancelFunc, group *sync.WaitGroup) {
	for tail, cancel := range running {
		if !slices.Contains(wanted, tail) {
			cancel()
			delete(running, tail)
			c.mu.Lock()
			delete(c.tails, tail.Name)
			c.mu.Unlock()
		}
	}
	for _, tail := range wanted {
		if running[tail] == nil {
			tailCtx, cancel := context.WithCancel(ctx)
			running[tail] = cancel
			p := &pending{}
			c.mu.Lock()
			c.tails[tail.Name] = p
			c.mu.Unlock()
			group.Go(func() { c.follow(tailCtx, tail, p) })
		}
	}
}

// poll asks the queries that are due. Its error is the loss of the connection.
func (c *Client) poll(ctx context.Context, conn *pgconn.PgConn, queries []Query, asked map[Query]time.Time) error {
	for _, q := range queries {
		now := c.now()
		if at, ok := asked[q]; ok && now.Sub(at) < q.Every {
			continue
		}
		asked[q] = now
		t, err := ask(ctx, conn, q.SQL)
		if err != nil {
			return err
		}
		c.putTable(q.Name, t)
	}
	return nil
}

// ask runs a query. What the server refuses is in the table; the error is the
// loss of the connection.
func ask(ctx context.Context, conn *pgconn.PgConn, sql string) (Table, error) {
	ctx, cancel := context.WithTimeout(ctx, statementLimit)
	defer cancel()
	results, err := conn.Exec(ctx, sql).ReadAll()
	var refused *pgconn.PgError
	if errors.As(err, &refused) && !conn.IsClosed() {
		return Table{Err: refused.Message, Missing: isMissing(refused.Code)}, nil
	}
	if err != nil {
		return Table{}, err
	}
	if len(results) == 0 {
		return Table{}, nil
	}
	r := results[len(results)-1]
	t := Table{Columns: columnsOf(r.FieldDescriptions), Rows: make([][]Value, len(r.Rows))}
	for i, row := range r.Rows {
		t.Rows[i] = valuesOf(row)
	}
	return t, nil
}

// isMissing reports whether a SQLSTATE says that a name stands for nothing:
// undefined_table, undefined_column, invalid_schema_name, undefined_object.
func isMissing(code string) bool {
	return slices.Contains([]string{"42P01", "42703", "3F000", "42704"}, code)
}

func columnsOf(fields []pgconn.FieldDescription) []Column {
	out := make([]Column, len(fields))
	for i, f := range fields {
		out[i] = Column{Name: f.Name, OID: f.DataTypeOID}
	}
	return out
}

func valuesOf(row [][]byte) []Value {
	out := make([]Value, len(row))
	for i, v := range row {
		out[i] = Value{Text: string(v), Null: v == nil}
	}
	return out
}

// statements runs what Execute asks for.
func (c *Client) statements(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case sql := <-c.execute:
			c.putOutcome(c.statement(ctx, sql))
		}
	}
}

func (c *Client) statement(ctx context.Context, sql string) Outcome {
	ctx, cancel := context.WithTimeout(ctx, checkpointLimit)
	defer cancel()
	out := Outcome{SQL: sql}
	config := c.config.Copy()
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { out.Notices = append(out.Notices, n.Message) }
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err == nil {
		defer close(conn)
		var results []*pgconn.Result
		if results, err = conn.Exec(ctx, sql).ReadAll(); len(results) > 0 {
			out.Tag = results[len(results)-1].CommandTag.String()
		}
	}
	if err != nil {
		out.Err = message(err)
	}
	return out
}

// message is the part of an error that a user wants to read.
func message(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Message
	}
	var network *net.OpError
	if errors.As(err, &network) {
		return network.Err.Error()
	}
	return err.Error()
}

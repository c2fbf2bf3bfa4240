package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// verdict is what the comparisons of a scenario found.
type verdict struct {
	ticks, orders int64
	tallies       []tally
}

func (v *verdict) String() string {
	var rows int64
	var lost, doubled, wrong int
	for _, t := range v.tallies {
		rows += t.rows
		lost, doubled, wrong = lost+t.lost, doubled+t.doubled, wrong+t.wrong
	}
	return fmt.Sprintf("%d ticks, %d orders, %d rows compared: %d lost, %d doubled, %d wrong", v.ticks, v.orders, rows, lost, doubled, wrong)
}

// err says what is not as it should be; excused decides what of it may be.
func (v *verdict) err(excused func(t tally) bool) error {
	var errs []error
	for _, t := range v.tallies {
		if !t.fine() && !excused(t) {
			errs = append(errs, errors.New(t.String()))
		}
	}
	return errors.Join(errs...)
}

// nothing is excused, for err.
func nothing(tally) bool { return false }

// settling says what of a rig takes part in the comparison.
type settling struct {
	orders bool // the orders are in one topic from the start
	// skip is the stream whose sink is not looked at, "" for none.
	skip string
	// excused is for verdict.err.
	excused func(tally) bool
}

// whole compares everything.
func whole() settling { return settling{orders: true, excused: nothing} }

// settle ends the feed, lets the server come to the end of it, and compares. The
// server must be running; it is stopped, and the sinks are compared once more.
func (r *rig) settle(ctx context.Context, s settling) (*verdict, error) {
	if err := r.feed.stop(); err != nil {
		return &verdict{}, err
	}
	r.pusher.stop()
	if err := r.feed.finish(ctx); err != nil {
		return &verdict{}, err
	}
	m, err := readMarket(ctx, r.broker, s.orders)
	if err != nil {
		return &verdict{}, err
	}
	v := &verdict{}
	v.ticks, v.orders = r.feed.count()
	for deadline := time.Now().Add(settleWait); ; {
		if err := r.drained(ctx, m, deadline, s); err != nil {
			return v, err
		}
		if v.tallies, err = r.compareAll(ctx, m, s); err != nil {
			return v, err
		}
		if v.err(s.excused) == nil || time.Now().After(deadline) {
			break
		}
		if err := sleep(ctx, time.Second); err != nil {
			return v, err
		}
	}
	if err := r.clean(ctx); err != nil {
		return v, err
	}
	if err := r.server.stop(); err != nil {
		return v, err
	}
	after, err := r.compareSinks(ctx, m, s)
	if err != nil {
		return v, err
	}
	copy(v.tallies, after) // the sinks come first
	return v, errors.Join(v.err(s.excused), r.problems())
}

// drained waits until every tick is in the view of totals and the sinks have nothing
// left, or the time is over.
func (r *rig) drained(ctx context.Context, m *market, deadline time.Time, s settling) error {
	for time.Now().Before(deadline) {
		got, err := r.ask(ctx, "SELECT sum(n) FROM totals")
		if err == nil && number(got) >= int64(len(m.ticks)) {
			if _, err := r.ask(ctx, "CHECKPOINT"); err != nil && !strings.Contains(err.Error(), "checkpoint") {
				return err
			}
			sql := "SELECT sum(pending_rows) FROM laminar.sinks"
			if s.skip != "" {
				sql += " WHERE name <> '" + s.skip + "_sink'"
			}
			if got, err = r.ask(ctx, sql); err == nil && got == "0" {
				return nil
			}
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil // the comparison says what is missing
}

func (r *rig) compareSinks(ctx context.Context, m *market, s settling) ([]tally, error) {
	var out []tally
	for _, k := range sinks() {
		if k.stream == s.skip {
			continue
		}
		got, err := readSink(ctx, r.broker, k)
		if err != nil {
			return nil, err
		}
		out = append(out, compare("topic "+k.topic, got, k.wanted(m)))
	}
	return out, nil
}

func (r *rig) compareAll(ctx context.Context, m *market, s settling) ([]tally, error) {
	out, err := r.compareSinks(ctx, m, s)
	if err != nil {
		return nil, err
	}
	conn, err := connect(ctx, r.dsn())
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is lost with it
	views, err := compareViews(ctx, conn, m, s.orders)
	if err != nil {
		return nil, err
	}
	counts, err := queryPairs(ctx, conn, "SELECT id, n FROM pushed_counts WHERE v = 3 * id * n")
	if err != nil {
		return nil, err
	}
	table, err := queryPairs(ctx, conn, "SELECT id, v FROM kept")
	if err != nil {
		return nil, err
	}
	return append(append(out, views...), r.pusher.compare(counts, table)), nil
}

// clean finds rows that were late or could not be processed: the feed has none.
func (r *rig) clean(ctx context.Context) error {
	got, err := r.ask(ctx, "SELECT name, late_rows, dead_letters FROM laminar.streams WHERE late_rows > 0 OR dead_letters > 0")
	if err == nil && got != "" {
		err = fmt.Errorf("there are late rows or dead letters: %s", got)
	}
	return err
}

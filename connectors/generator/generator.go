// Package generator is a source that makes its rows up, for trying things out and
// for tests without Kafka.
//
// Nouns: source, reader, rows (a range of offsets of one split with the hash of
// each), column (how one declared column is filled, by its name and type).
//
// Rule: a value is a function of (seed, split, offset) and nothing else, so a
// reader opened at a position makes exactly the rows that came behind it before.
// The pace only decides when a row comes.
package generator

import (
	"context"
	"math"
	"time"

	"laminardb/connectors"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// defaultStartMillis is 2024-01-01 UTC. It is fixed, since the wall clock would
// make a restarted source generate other rows.
const defaultStartMillis = 1704067200000

// The limits of the options: a split is an int32, and a rate beyond a billion is
// what 0 (no pace) is for.
const (
	maxSplits = 1024
	maxRate   = 1_000_000_000
)

// tick is the least time between two chunks of a paced source: rows that are due
// one by one would otherwise come as chunks of one row.
const tick = 10 * time.Millisecond

// otherOptions are read by exec: they are only marked as known here.
var otherOptions = []string{"connector", "on_error", "dead_letter_topic", "idle_timeout", "retain_history"}

// New returns the connector. now is the wall clock that rows are paced by.
func New(now func() time.Time) connectors.SourceConnector { return generators{now} }

type generators struct{ now func() time.Time }

type source struct {
	now     func() time.Time
	columns []column
	seed    uint64
	splits  int64
	rate    int64 // rows per second of all splits, 0 for as fast as possible
	limit   int64 // rows of all splits, -1 for no end
	startAt int64 // event time of offset 0, ms
}

// NewSource implements connectors.SourceConnector.
func (g generators) NewSource(_ context.Context, rel connectors.Relation) (connectors.Source, error) {
	o := rel.Options
	for _, name := range otherOptions {
		o.String(name, "")
	}
	if o.Has("dead_letter_topic") { // nothing is ever rejected
		return nil, o.Invalid("dead_letter_topic", "is an option of Kafka sources")
	}
	s := &source{now: g.now}
	seed, err := o.Int("seed", 1, math.MinInt64, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	s.seed = mix(uint64(seed))
	if s.rate, err = o.Int("rows_per_second", 1000, 0, maxRate); err != nil {
		return nil, err
	}
	if s.limit, err = o.Int("max_rows", -1, 0, math.MaxInt64); err != nil {
		return nil, err
	}
	if s.splits, err = o.Int("splits", 1, 1, maxSplits); err != nil {
		return nil, err
	}
	if s.startAt, err = o.Int("start_time_ms", defaultStartMillis, 0, 1<<52); err != nil {
		return nil, err
	}
	if len(rel.Includes) > 0 {
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, "a generator has no metadata to INCLUDE")
	}
	s.columns, err = columnsOf(rel)
	return s, err
}

// Bounded implements connectors.Source.
func (s *source) Bounded() bool { return s.limit >= 0 }

// Close implements connectors.Source.
func (s *source) Close() error { return nil }

// Open implements connectors.Source.
func (s *source) Open(_ context.Context, from connectors.Positions) (connectors.Reader, error) {
	r := &reader{src: s, opened: s.now(), at: make([]int64, s.splits), base: make([]int64, s.splits)}
	for split, at := range from {
		if int64(split) >= s.splits || split < 0 || at < 0 || at > s.end(split) {
			return nil, pgerr.Newf(pgerr.ObjectNotInPrerequisite, "the generator has no position %d in split %d", at, split)
		}
		r.at[split], r.base[split] = at, at
	}
	return r, nil
}

// end returns the position behind a split's last row.
func (s *source) end(split int32) int64 {
	if s.limit < 0 {
		return math.MaxInt64
	}
	n := s.limit / s.splits
	if int64(split) < s.limit%s.splits {
		n++
	}
	return n
}

// millis returns the event time of a split's offset: the splits advance together,
// as fast as rows come, or 1 ms a row where there is no pace.
func (s *source) millis(offset int64) int64 {
	if s.rate == 0 {
		return s.startAt + offset
	}
	perSecond := float64(s.rate) / float64(s.splits)
	return s.startAt + int64(float64(offset)/perSecond*1000)
}

// fill makes n rows of the split from offset on.
func (s *source) fill(r *rows, split int32, from int64, n int) *connectors.Chunk {
	r.reset(s, split, from, n)
	c := &connectors.Chunk{
		Splits: make([]int32, n), Offsets: make([]int64, n),
		Next: connectors.Positions{split: from + int64(n)}, Records: int64(n),
	}
	for i := range n {
		c.Splits[i] = split
		c.Offsets[i] = from + int64(i)
	}
	c.Batch = batch.New(r.arrays(s.columns), n)
	c.Batch.ReadAtNanos = s.now().UnixNano()
	c.Batch.ProducedAtMillis = c.Batch.ReadAtNanos / int64(time.Millisecond)
	c.Bytes = c.Batch.SizeBytes()
	return c
}

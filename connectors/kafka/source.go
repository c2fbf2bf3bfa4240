package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

type sources struct {
	formats format.Registry
	logger  *slog.Logger
	now     func() time.Time
}

// source is one topic with what CREATE SOURCE said about it.
type source struct {
	rel            connectors.Relation
	brokers, topic string
	user           []property
	properties     []property
	deadLetters    string // topic, "" for none
	start          start
	only           map[int32]bool // nil for all partitions
	includes       []includeColumn
	format         format.Format
	formats        format.Registry
	logger         *slog.Logger
	now            func() time.Time

	// opening guards rel.Options, in which a decoder marks the options it reads.
	opening sync.Mutex
}

func (k *sources) NewSource(ctx context.Context, rel connectors.Relation) (connectors.Source, error) {
	s, err := k.parse(rel)
	if err != nil {
		return nil, err
	}
	if s.includes, err = includeColumns(rel); err != nil {
		return nil, err
	}
	c, n, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := s.checkPartitions(n); err != nil {
		return nil, err
	}
	if err := s.checkLetters(ctx); err != nil {
		return nil, err
	}
	all := s.assigned(n)
	if _, err := c.offsets(all, offsetEnd, metadataTimeout); err != nil {
		return nil, unreachable(s.brokers, err, "")
	}
	// The decoder is made here only to say now what is wrong with its options.
	if _, err := s.decoder(ctx); err != nil {
		return nil, err
	}
	if _, err := s.tombstones(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (k *sources) parse(rel connectors.Relation) (*source, error) {
	o := rel.Options
	for _, name := range executorOptions {
		o.String(name, "")
	}
	s := &source{rel: rel, formats: k.formats, logger: k.logger.With("object", rel.Name), now: k.now}
	var err error
	if s.brokers, err = o.Required("brokers"); err != nil {
		return nil, err
	}
	if s.topic, err = o.Required("topic"); err != nil {
		return nil, err
	}
	if s.start, err = parseStart(o); err != nil {
		return nil, err
	}
	if s.only, err = parsePartitions(o); err != nil {
		return nil, err
	}
	if s.user, err = passThrough(o); err != nil {
		return nil, err
	}
	s.deadLetters = o.String("dead_letter_topic", "")
	s.properties = consumerProperties(s.brokers, o.String("group_id", "laminardb-"+rel.Name), s.user)
	s.format, err = findFormat(o, "format", "", k.formats)
	return s, err
}

// connect makes a client and asks for the number of partitions.
func (s *source) connect(ctx context.Context) (*client, int32, error) {
	c, err := newClient(consumer, s.properties, s.topic)
	if err != nil {
		return nil, 0, settingsError(s.rel.Options, err)
	}
	n, err := countPartitions(ctx, c, s.brokers, s.topic)
	if err != nil {
		c.close()
		return nil, 0, err
	}
	return c, n, nil
}

func (s *source) checkPartitions(n int32) error {
	for p := range s.only {
		if p >= n {
			return s.rel.Options.Invalid("partitions", fmt.Sprintf("topic %q has %d partitions", s.topic, n))
		}
	}
	for p := range s.start.offsets {
		if p >= n {
			return s.rel.Options.Invalid("offset_reset", fmt.Sprintf("topic %q has %d partitions", s.topic, n))
		}
	}
	return nil
}

// assigned returns the partitions to read of the topic's n.
func (s *source) assigned(n int32) []int32 {
	var out []int32
	for p := range n {
		if s.only == nil || s.only[p] {
			out = append(out, p)
		}
	}
	return out
}

func (s *source) decoder(ctx context.Context) (format.Decoder, error) {
	s.opening.Lock()
	defer s.opening.Unlock()
	return s.format.NewDecoder(ctx, s.rel)
}

// Open implements connectors.Source.
func (s *source) Open(ctx context.Context, from connectors.Positions) (connectors.Reader, error) {
	dec, err := s.decoder(ctx)
	if err != nil {
		return nil, err
	}
	gone, err := s.tombstones(ctx)
	if err != nil {
		return nil, err
	}
	c, n, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	// The id comes first: what changes from here on is noticed by discovery.
	id, err := s.identify(c)
	if err != nil {
		c.close()
		return nil, err
	}
	splits, err := s.place(c, n, from)
	if err != nil {
		c.close()
		return nil, err
	}
	at := map[int32]int64{}
	for _, sp := range splits {
		at[sp.number] = sp.position
	}
	if err := c.assign(at, true); err != nil {
		c.close()
		return nil, pgerr.Newf(pgerr.ConnectionFailure, "assigning topic %q: %w", s.topic, err)
	}
	dead, err := s.newLetters()
	if err != nil {
		c.close()
		return nil, err
	}
	r := &reader{
		src: s, client: c, decoder: dec, tombstones: gone, letters: dead,
		health: health{logger: s.logger, now: s.now}, decoding: health{logger: s.logger, now: s.now},
		batch: newDrained(batch.MaxRows, s.wantsHeaders()), identity: id,
	}
	for _, sp := range splits {
		r.add(sp)
	}
	r.startDiscovery(n, watch(s.properties))
	return r, nil
}

// place decides where each of the topic's n partitions begins: at its position,
// else at the configured start, always as a plain offset.
func (s *source) place(c *client, n int32, from connectors.Positions) ([]split, error) {
	parts := s.assigned(n)
	for p := range from {
		if p >= n {
			return nil, recreatedError(s.topic).WithDetail("It has %d partitions, but partition %d was read before.", n, p)
		}
	}
	low, err := c.offsets(parts, offsetBeginning, metadataTimeout)
	if err != nil {
		return nil, s.lookupError(err)
	}
	high, err := c.offsets(parts, offsetEnd, metadataTimeout)
	if err != nil {
		return nil, s.lookupError(err)
	}
	begin := low
	switch {
	case s.start.at == offsetEnd:
		begin = high
	case s.start.at >= 0:
		if begin, err = c.offsets(parts, s.start.at, metadataTimeout); err != nil {
			return nil, s.lookupError(err)
		}
	}
	out := make([]split, len(parts))
	for i, p := range parts {
		at := begin[i]
		if at < 0 { // no record that young
			at = high[i]
		}
		if o, ok := s.start.offsets[p]; ok {
			at = o
		}
		if o, ok := from[p]; ok {
			at = o
		}
		if at < low[i] || at > high[i] {
			return nil, goneError(fmt.Sprintf("topic %q, partition %d", s.topic, p), at).
				WithDetail("The partition holds offsets %d to %d.", low[i], high[i])
		}
		out[i] = split{number: p, position: at, high: high[i], empty: low[i] == high[i]}
	}
	return out, nil
}

func (s *source) lookupError(err error) error {
	var known *pgerr.Error
	if errors.As(err, &known) {
		return err
	}
	return unreachable(s.brokers, err, "")
}

func (s *source) wantsHeaders() bool {
	for _, c := range s.includes {
		if c.what == "headers" {
			return true
		}
	}
	return false
}

// Bounded implements connectors.Source: a topic never ends.
func (s *source) Bounded() bool { return false }

// Close implements connectors.Source. Readers own their connections.
func (s *source) Close() error { return nil }

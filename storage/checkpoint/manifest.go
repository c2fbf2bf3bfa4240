package checkpoint

import (
	"encoding/json"
	"fmt"
	"time"

	"laminardb/storage/kv"
)

// Key names a state: the catalog object, its operator in the plan, and which of
// the operator's states.
type Key struct {
	Object   uint64
	Operator string
	Name     string
}

// String returns the key for messages.
func (k Key) String() string { return fmt.Sprintf("%d/%s/%s", k.Object, k.Operator, k.Name) }

// State is one saved state of an epoch.
type State struct {
	Key    Key
	Bytes  int64
	chunks []chunk
}

// chunk names a piece: the chunk that it began as and the patches to that, in
// order. bytes and sum are the length and the CRC32C of what it is with them.
type chunk struct {
	id      uint64
	bytes   uint32
	sum     uint32
	patches []uint64
}

// ids returns all chunks that the piece is made of.
func (c *chunk) ids() []uint64 { return append([]uint64{c.id}, c.patches...) }

// SourcePosition is where to go on reading a split after the epoch.
type SourcePosition struct {
	Object   uint64 `json:"object"`
	Split    string `json:"split"`
	Position []byte `json:"position"` // the connector's own encoding
}

// Watermark is how far event time had got at an operator's input.
type Watermark struct {
	Object   uint64 `json:"object"`
	Operator string `json:"operator"`
	Input    string `json:"input"` // a split or an input's name
	Millis   int64  `json:"millis"`
}

// SinkEpoch is what a sink needs to find or finish its output of the epoch.
type SinkEpoch struct {
	Object uint64 `json:"object"`
	Epoch  uint64 `json:"epoch"`
	Data   []byte `json:"data,omitempty"` // the connector's own encoding
}

// Progress is the part of an epoch that is no operator's state.
type Progress struct {
	Sources    []SourcePosition `json:"sources"`
	Watermarks []Watermark      `json:"watermarks"`
	Sinks      []SinkEpoch      `json:"sinks"`
}

// Manifest is the content of one epoch. It is shared and never changed.
type Manifest struct {
	Epoch uint64
	// Parent is the epoch whose chunks this one shares, 0 for none.
	Parent    uint64
	CreatedAt time.Time
	// NewBytes is how much state was written for this epoch alone.
	NewBytes int64
	Progress
	// States are sorted by key.
	States []State
}

// State returns the state with the key, nil if the epoch has none.
func (m *Manifest) State(key Key) *State {
	for i := range m.States {
		if m.States[i].Key == key {
			return &m.States[i]
		}
	}
	return nil
}

// Bytes returns the size of all states.
func (m *Manifest) Bytes() int64 {
	var sum int64
	for _, s := range m.States {
		sum += s.Bytes
	}
	return sum
}

// manifestRecord is a Manifest on disk; docs/format/checkpoints.md describes it.
type manifestRecord struct {
	Epoch     uint64    `json:"epoch"`
	Parent    uint64    `json:"parent"`
	CreatedAt time.Time `json:"created_at"`
	NewBytes  int64     `json:"new_bytes"`
	Progress
	States []stateRecord `json:"states"`
}

type stateRecord struct {
	Object   uint64     `json:"object"`
	Operator string     `json:"operator"`
	Name     string     `json:"name"`
	Chunks   [][]uint64 `json:"chunks"` // id, bytes, CRC32C, then the ids of patches
}

type committedRecord struct {
	CommittedAt time.Time `json:"committed_at"`
}

func encodeManifest(m *Manifest) ([]byte, error) {
	r := manifestRecord{Epoch: m.Epoch, Parent: m.Parent, CreatedAt: m.CreatedAt, NewBytes: m.NewBytes, Progress: m.Progress, States: []stateRecord{}}
	for _, s := range m.States {
		record := stateRecord{Object: s.Key.Object, Operator: s.Key.Operator, Name: s.Key.Name, Chunks: make([][]uint64, len(s.chunks))}
		for i, c := range s.chunks {
			record.Chunks[i] = append([]uint64{c.id, uint64(c.bytes), uint64(c.sum)}, c.patches...)
		}
		r.States = append(r.States, record)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding the manifest of epoch %d: %w", m.Epoch, err)
	}
	return kv.Seal(text), nil
}

func decodeManifest(sealed []byte) (*Manifest, error) {
	var r manifestRecord
	if err := decodeSealed(sealed, &r); err != nil {
		return nil, err
	}
	m := &Manifest{Epoch: r.Epoch, Parent: r.Parent, CreatedAt: r.CreatedAt, NewBytes: r.NewBytes, Progress: r.Progress}
	for _, record := range r.States {
		s := State{Key: Key{record.Object, record.Operator, record.Name}, chunks: make([]chunk, len(record.Chunks))}
		for i, c := range record.Chunks {
			if len(c) < 3 || len(c) > 3+maxPatches || c[1] > 1<<32-1 || c[2] > 1<<32-1 {
				return nil, fmt.Errorf("state %s has an impossible chunk", s.Key)
			}
			s.chunks[i] = chunk{id: c[0], bytes: uint32(c[1]), sum: uint32(c[2])}
			if len(c) > 3 {
				s.chunks[i].patches = c[3:]
			}
			s.Bytes += int64(c[1])
		}
		m.States = append(m.States, s)
	}
	return m, nil
}

func encodeCommitted(at time.Time) []byte {
	text, err := json.Marshal(committedRecord{at})
	if err != nil {
		panic(err) // only a clock outside the years 0 to 9999 does that
	}
	return kv.Seal(text)
}

func decodeCommitted(sealed []byte) (time.Time, error) {
	var r committedRecord
	err := decodeSealed(sealed, &r)
	return r.CommittedAt, err
}

func decodeSealed(sealed []byte, into any) error {
	text, err := kv.Unseal(sealed)
	if err != nil {
		return err
	}
	return kv.DecodeJSON(text, into)
}

package session

import (
	"context"
	"sync"

	"laminardb/connectors"
)

// deferredSource is a source that could not be reached when the server started.
// Opening it tries again, and the engine backs off between attempts and shows the
// error.
type deferredSource struct {
	connect func(context.Context) (connectors.Source, error)

	mu     sync.Mutex
	source connectors.Source
}

func (d *deferredSource) get(ctx context.Context) (connectors.Source, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.source == nil {
		s, err := d.connect(ctx)
		if err != nil {
			return nil, err
		}
		d.source = s
	}
	return d.source, nil
}

// Open implements connectors.Source.
func (d *deferredSource) Open(ctx context.Context, from connectors.Positions) (connectors.Reader, error) {
	s, err := d.get(ctx)
	if err != nil {
		return nil, err
	}
	return s.Open(ctx, from)
}

// Identity implements connectors.Identified.
func (d *deferredSource) Identity(ctx context.Context) (string, error) {
	s, err := d.get(ctx)
	if err != nil {
		return "", err
	}
	if known, ok := s.(connectors.Identified); ok {
		return known.Identity(ctx)
	}
	return "", nil
}

// Bounded implements connectors.Source.
func (d *deferredSource) Bounded() bool { return false }

// Close implements connectors.Source.
func (d *deferredSource) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.source == nil {
		return nil
	}
	return d.source.Close()
}

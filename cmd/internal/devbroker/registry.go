package devbroker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// maxRequestBytes limits a schema; the registries in use accept about as much.
const maxRequestBytes = 1 << 20

// readHeaderTimeout drops connections that say nothing.
const readHeaderTimeout = 10 * time.Second

// registry serves srfake over HTTP. srfake remembers nothing, so each request
// that changes it goes to the journal before it is answered, and starting
// replays the journal: the same requests in the same order give the same ids.
type registry struct {
	addr   string
	server *http.Server
	served chan struct{} // closed when Serve has returned
	log    *slog.Logger

	mu      sync.Mutex // orders changes: srfake and the journal see the same sequence
	state   http.Handler
	journal *journal // nil when nothing is kept
}

// startRegistry restores the registry from its journal and listens. An empty
// journalPath keeps everything in memory.
func startRegistry(ctx context.Context, addr, journalPath string, log *slog.Logger) (_ *registry, err error) {
	r := &registry{
		state:  srfake.NewRegistry().Handler(),
		served: make(chan struct{}),
		log:    log,
	}
	if journalPath != "" {
		if r.journal, err = openJournal(journalPath, r.replay); err != nil {
			return nil, err
		}
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the development schema registry on %s: %w", addr, err), r.journal.close())
	}
	r.addr = ln.Addr().String()
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: readHeaderTimeout}
	go func() {
		defer close(r.served)
		if err := r.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("development schema registry stopped", "error", err)
		}
	}()
	return r, nil
}

// close waits for the requests under way until ctx ends.
func (r *registry) close(ctx context.Context) error {
	err := r.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, r.server.Close())
	}
	<-r.served
	return errors.Join(err, r.journal.close())
}

// ServeHTTP implements http.Handler.
func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		r.state.ServeHTTP(w, req)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxRequestBytes))
	if err != nil {
		http.Error(w, "reading the request: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	answer, err := r.change(change{Method: req.Method, URI: req.URL.RequestURI(), Body: string(body)})
	if err != nil {
		r.log.Error("development schema registry cannot save a change", "error", err)
		http.Error(w, "saving the change: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	w.WriteHeader(answer.Status)
	_, _ = io.WriteString(w, answer.Response) // the client has gone: nothing to tell it
}

// change applies a request and journals it, unless it left nothing behind: a
// producer that registers its schemas at each start must not make the journal
// grow.
func (r *registry) change(c change) (change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.dump()
	c = r.apply(c)
	// A registration refused with 422 may have used up an id. Requests other
	// than POST set what the dump doesn't show (a subject's compatibility).
	traceless := c.Method == http.MethodPost && c.Status != http.StatusUnprocessableEntity
	if r.journal == nil || (traceless && bytes.Equal(before, r.dump())) {
		return c, nil
	}
	return c, r.journal.append(c)
}

// replay applies a journaled request and checks that the answer is the one that
// a client was given then.
func (r *registry) replay(c change) error {
	again := r.apply(change{Method: c.Method, URI: c.URI, Body: c.Body})
	if again != c {
		return fmt.Errorf("%s %s was answered %d %q, now %d %q", c.Method, c.URI, c.Status, c.Response, again.Status, again.Response)
	}
	return nil
}

// apply runs a request and returns it with its answer.
func (r *registry) apply(c change) change {
	if answer, ok := r.verdict(c); ok {
		return answer
	}
	return r.serve(c)
}

// serve runs a request against srfake and returns it with its answer.
func (r *registry) serve(c change) change {
	rec := httptest.NewRecorder()
	r.state.ServeHTTP(rec, httptest.NewRequest(c.Method, c.URI, bytes.NewReader([]byte(c.Body))))
	c.Status, c.Response = rec.Code, rec.Body.String()
	return c
}

// dump is what a POST can change: all schemas with the deleted, and those
// without.
func (r *registry) dump() []byte {
	var out bytes.Buffer
	for _, uri := range []string{"/schemas?deleted=true", "/schemas"} {
		out.WriteString(r.serve(change{Method: http.MethodGet, URI: uri}).Response)
	}
	return out.Bytes()
}

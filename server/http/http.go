// Package http serves what operators ask over HTTP: whether the process lives
// (/healthz) and whether it takes statements (/readyz).
//
// Nouns: Handler, Ready.
//
// Rule: nothing here changes anything, and no handler blocks on a dataflow.
package http

import (
	"io"
	"net/http"
)

// NewHandler returns the routes. ready reports whether the server accepts
// connections; it is called for each /readyz.
func NewHandler(ready func() bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready() {
			answer(w, http.StatusOK, "ready\n")
			return
		}
		answer(w, http.StatusServiceUnavailable, "starting\n")
	})
	return mux
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text) // the client went away
}

// Package http serves what operators ask over HTTP: whether the process lives
// (/healthz), whether it takes statements (/readyz), what it measures (/metrics),
// and, where that is asked for, what it spends its time on (/debug/pprof).
//
// Nouns: Config, Handler.
//
// Rule: nothing here changes anything, and no handler blocks on a dataflow.
package http

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Config is what a handler answers with.
type Config struct {
	// Ready reports whether the server takes statements, and if not, why. It is
	// called for each /readyz, by several goroutines.
	Ready func() (ok bool, why string)
	// Metrics are those of /metrics.
	Metrics prometheus.Gatherer
	// Pprof serves the Go runtime's profiles, which tell strangers a lot and cost
	// time.
	Pprof  bool
	Logger *slog.Logger
}

// NewHandler returns the routes.
func NewHandler(c Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ok, why := c.Ready(); !ok {
			answer(w, http.StatusServiceUnavailable, why+"\n")
			return
		}
		answer(w, http.StatusOK, "ready\n")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.Metrics, promhttp.HandlerOpts{ErrorLog: metricsLog{c.Logger}}))
	if c.Pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text) // the client went away
}

// metricsLog logs what went wrong with /metrics.
type metricsLog struct{ logger *slog.Logger }

// Println implements promhttp.Logger.
func (l metricsLog) Println(v ...any) {
	l.logger.Error("metrics could not be collected", slog.Any("error", v))
}

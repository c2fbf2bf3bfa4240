package exec

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Event is something that an operator wants to know of afterwards.
type Event struct {
	At    time.Time
	Level slog.Level
	// Kind is what happened, one of a few: "dataflow_failed".
	Kind string
	// Object is what it happened to, "" for the server.
	Object string
	// Message says the particulars.
	Message string
}

// The kinds of events.
const (
	EventDataflowFailed    = "dataflow_failed"
	EventRestarts          = "dataflow_restarts"
	EventRestarted         = "dataflow_restarted"
	EventGivenUp           = "dataflow_given_up"
	EventLateDropped       = "late_rows_dropped"
	EventSourceTrouble     = "source_trouble"
	EventSourceRecovered   = "source_recovered"
	EventTableReady        = "table_ready"
	EventSinkTrouble       = "sink_trouble"
	EventSinkRecovered     = "sink_recovered"
	EventSubscriptionEnded = "subscription_cut_off"
	EventObjectCreated     = "object_created"
	EventObjectReplaced    = "object_replaced"
	EventObjectDropped     = "object_dropped"
	EventObjectNotStarted  = "object_not_started"
	EventServerStarted     = "server_started"
	EventRecovered         = "recovered"
	EventCheckpointTaken   = "checkpoint_taken"
	EventCheckpointFailed  = "checkpoint_failed"
	EventCheckpointDamaged = "checkpoint_damaged"
	EventBeginsAnew        = "begins_anew"
)

// eventsKept bounds the memory of the most recent events: some hundred bytes each.
const eventsKept = 1000

// Events keeps the most recent events. Its zero value is ready for use.
type Events struct {
	mu   sync.Mutex
	ring []Event
	next int
}

func (e *Events) add(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.ring) < eventsKept {
		e.ring = append(e.ring, ev)
		return
	}
	e.ring[e.next] = ev
	e.next = (e.next + 1) % eventsKept
}

// Recent returns the kept events, oldest first.
func (e *Events) Recent() []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := append([]Event(nil), e.ring[e.next:]...)
	return append(out, e.ring[:e.next]...)
}

// Report keeps an event and logs it: the kind, in words, is the log's message.
func (env *Env) Report(level slog.Level, kind, object, message string) {
	env.Events.add(Event{At: env.Now(), Level: level, Kind: kind, Object: object, Message: message})
	attrs := make([]slog.Attr, 0, 2)
	if object != "" {
		attrs = append(attrs, slog.String("object", object))
	}
	if message != "" {
		attrs = append(attrs, slog.String("detail", message))
	}
	env.Logger.LogAttrs(context.Background(), level, strings.ReplaceAll(kind, "_", " "), attrs...)
}

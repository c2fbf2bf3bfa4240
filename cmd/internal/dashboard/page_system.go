package dashboard

import (
	"math"
	"strings"
	"time"

	"laminardb/cmd/internal/dashboard/canvas"
)

// drawSystem has what the server says of itself: sources by split, pipelines,
// sinks, checkpoints, subscriptions and events.
func (m *Model) drawSystem(a canvas.Area) {
	if !m.wide() {
		parts := a.Rows(-3, -4, -3)
		m.splitPanel(parts[0])
		m.flowPanel(parts[1])
		cols := parts[2].Cols(1, -1, -1)
		m.checkpointPanel(cols[0])
		m.eventPanel(cols[1])
		return
	}
	cols := a.Cols(1, -3, -2)
	left := cols[0].Rows(-4, -5, -3)
	m.splitPanel(left[0])
	m.flowPanel(left[1])
	m.sinkPanel(left[2])
	right := cols[1].Rows(6, -4, -3, -5)
	m.serverPanel(right[0])
	m.checkpointPanel(right[1])
	m.subscriptionPanel(right[2])
	m.eventPanel(right[3])
}

// serverPanel has what the server says of itself.
func (m *Model) serverPanel(a canvas.Area) {
	in, rows, ok := m.relation(a, "server", "Server", "")
	if !ok {
		return
	}
	r := rows[0]
	line := func(y int, facts ...[2]string) {
		for i, f := range facts {
			part := in.Sub(i*in.W/2, y, in.W/2-1, 1)
			part.Fit(0, 0, 14, canvas.Of(canvas.Muted), f[0])
			part.Fit(14, 0, part.W-14, canvas.Of(canvas.Plain), or(f[1], none))
		}
	}
	line(0, [2]string{"version", r.text("version")}, [2]string{"memory", size(r.number("memory_bytes"))})
	line(1, [2]string{"started", day(r.time("started_at"))}, [2]string{"sessions", r.text("sessions")})
	line(2, [2]string{"recovered", day(r.time("recovered_at"))}, [2]string{"subscriptions", r.text("subscriptions")})
	line(3, [2]string{"from epoch", r.text("recovered_epoch")}, [2]string{"last epoch", r.text("last_epoch")})
}

// day is a day and time of the year, "" for none.
func day(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("01-02 15:04:05")
}

// relation draws the frame of a system relation's panel; ok is false if there is
// nothing in it.
func (m *Model) relation(a canvas.Area, name, title, empty string) (in canvas.Area, rows []record, ok bool) {
	rows = m.db.records(name)
	in = m.frame(a, title, "laminar."+name)
	switch t := m.db.tables[name]; {
	case t.Missing:
		in.Center((in.H-1)/2, canvas.Of(canvas.Muted), "this server has no laminar."+name)
	case t.Err != "":
		in.Center((in.H-1)/2, canvas.Of(canvas.Down), t.Err)
	case len(rows) == 0:
		in.Center((in.H-1)/2, canvas.Of(canvas.Muted), empty)
	default:
		return in, rows, true
	}
	return in, rows, false
}

func (m *Model) splitPanel(a canvas.Area) {
	in, rows, ok := m.relation(a, "source_splits", "Splits", "no source reads")
	if !ok {
		return
	}
	head(in, left(16, 0, "source"), right(5, 0, "split"), right(10, 0, "position"), right(10, 0, "high"), right(7, 0, "lag"), right(9, 0, "behind"), left(5, 0, "state"))
	in = below(in)
	first := m.list().offset(len(rows), in.H)
	for y := range min(in.H, len(rows)-first) {
		r := rows[first+y]
		behind, state := none, left(5, canvas.Up, "live")
		if at := r.time("watermark"); !at.IsZero() {
			behind = span(m.now.Sub(at))
		}
		if r.text("idle") == "t" {
			state = left(5, canvas.Warn, "idle")
		}
		row(in, y, left(16, canvas.Plain, r.text("source")), right(5, canvas.Muted, r.text("split")), right(10, canvas.Plain, whole(r, "position")),
			right(10, canvas.Muted, whole(r, "high")), right(7, pick(r.number("lag") > 0, canvas.Warn, canvas.Plain), whole(r, "lag")),
			right(9, canvas.Muted, behind), state)
	}
}

// whole is a number as the server wrote it.
func whole(r record, column string) string {
	if v, ok := r.value(column); ok {
		return v
	}
	return none
}

// millisText is a duration in milliseconds.
func millisText(v float64) string {
	switch {
	case math.IsNaN(v):
		return none
	case v < 10:
		return three(v) + "ms"
	}
	return span(seconds64(v / 1000))
}

func (m *Model) flowPanel(a canvas.Area) {
	in := m.frame(a, "Pipelines", "laminar.streams")
	head(in, left(18, 0, "name"), right(8, 0, "in"), right(8, 0, "out"), right(6, 0, "p50"), right(6, 0, "p99"), right(6, 0, "keys"), right(8, 0, "queued"), right(5, 0, "late"), right(7, 0, "blocked"))
	in = below(in)
	y := 0
	for _, o := range m.db.objects {
		if o.kind == "source" || o.kind == "table" || y >= in.H {
			continue
		}
		blocked := none
		if !math.IsNaN(o.backpressure) {
			blocked = count(math.Round(o.backpressure*100)) + "%"
		}
		row(in, y, left(18, canvas.Plain, o.name), right(8, canvas.Plain, rate(o.rowsIn.perSecond)), right(8, canvas.Title, rate(o.rowsOut.perSecond)),
			right(6, canvas.Accent, millisText(o.latency[0])), right(6, canvas.Accent, millisText(o.latency[1])), right(6, canvas.Muted, count(o.stateKeys)),
			right(8, canvas.Muted, size(o.queuedBytes)), right(5, pick(o.late > 0, canvas.Warn, canvas.Muted), count(o.late)),
			right(7, pick(o.backpressure > 0.2, canvas.Warn, canvas.Muted), blocked))
		y++
	}
}

func (m *Model) sinkPanel(a canvas.Area) {
	in, rows, ok := m.relation(a, "sinks", "Sinks", "no sink")
	if !ok {
		return
	}
	head(in, left(22, 0, "name"), left(16, 0, "topic"), left(13, 0, "delivery"), right(8, 0, "rows"), right(8, 0, "rate"), right(8, 0, "pending"), right(6, 0, "epoch"))
	in = below(in)
	for y, r := range rows {
		if y >= in.H {
			break
		}
		row(in, y, left(22, pick(r.text("problem") != "", canvas.Down, canvas.Plain), r.text("name")), left(16, canvas.Muted, r.text("topic")),
			left(13, canvas.Muted, r.text("delivery")), right(8, canvas.Plain, count(r.number("rows"))), right(8, canvas.Title, rate(r.number("rows_per_second"))),
			right(8, canvas.Plain, count(r.number("pending_rows"))), right(6, canvas.Muted, whole(r, "committed_epoch")))
	}
}

func (m *Model) checkpointPanel(a canvas.Area) {
	in, rows, ok := m.relation(a, "checkpoints", "Checkpoints", "none yet: c makes one")
	if !ok {
		return
	}
	head(in, right(5, 0, "epoch"), left(8, 0, "at"), right(7, 0, "took"), right(7, 0, "pause"), right(8, 0, "size"), right(8, 0, "new"), left(12, 0, "reason"))
	in = below(in)
	newestFirst(rows, "epoch")
	for y, r := range rows {
		if y >= in.H {
			break
		}
		at := r.time("finished_at")
		if at.IsZero() {
			at = r.time("started_at")
		}
		role, reason := canvas.Title, r.text("reason")
		if problem := r.text("problem"); problem != "" {
			role, reason = canvas.Down, problem
		}
		row(in, y, right(5, role, r.text("epoch")), left(8, canvas.Muted, clock(at.UnixMilli())), right(7, canvas.Plain, millisText(r.number("duration_ms"))),
			right(7, canvas.Muted, millisText(r.number("pause_ms"))), right(8, canvas.Plain, size(r.number("bytes"))),
			right(8, canvas.Muted, size(r.number("new_bytes"))), left(12, pick(role == canvas.Down, role, canvas.Muted), reason))
	}
}

func (m *Model) subscriptionPanel(a canvas.Area) {
	in, rows, ok := m.relation(a, "subscriptions", "Subscriptions", "none")
	if !ok {
		return
	}
	head(in, left(16, 0, "object"), left(28, 0, "client"), right(8, 0, "rows"), right(7, 0, "queued"))
	in = below(in)
	for y, r := range rows {
		if y >= in.H {
			break
		}
		client := r.text("client")
		client = client[strings.IndexByte(client, '@')+1:]
		row(in, y, left(16, canvas.Plain, r.text("object")), left(28, canvas.Muted, client), right(8, canvas.Plain, count(r.number("rows"))),
			right(7, canvas.Muted, size(r.number("queued_bytes"))))
	}
}

func (m *Model) eventPanel(a canvas.Area) {
	in, rows, ok := m.relation(a, "events", "Events", "none")
	if !ok {
		return
	}
	newestFirst(rows, "at")
	for y, r := range rows {
		if y >= in.H {
			break
		}
		role := canvas.Plain
		switch strings.ToLower(r.text("level")) {
		case "warn", "warning":
			role = canvas.Warn
		case "error":
			role = canvas.Down
		}
		x := in.Text(0, y, canvas.Of(canvas.Muted), clock(r.time("at").UnixMilli())) + 1
		in.Fit(x, y, in.W-x, canvas.Of(role), strings.Join(strings.Fields(strings.ReplaceAll(r.text("kind"), "_", " ")+" "+r.text("object")+" "+r.text("message")), " "))
	}
}

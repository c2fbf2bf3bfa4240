package dashboard

import (
	"math"
	"slices"
	"strings"
	"time"

	"laminardb/cmd/internal/dashboard/feed"
)

// maxRates is how many samples of a rate are kept for its sparkline.
const maxRates = 120

// object is a source, table, stream, view or sink as the last poll showed it.
// Numbers are NaN where the server does not say.
type object struct {
	name, kind, status, definition string
	rowsIn, rowsOut                counter
	late, rejected                 float64
	storedRows, storedBytes        float64
	queuedBytes, lag               float64
	watermark                      time.Time
	latency                        [3]float64 // p50, p99, max in milliseconds
	production                     [2]float64 // the same from the Kafka timestamp on: p50, p99
	stateKeys, stateBytes          float64
	backpressure                   float64
	topic, delivery, problem       string
	pendingRows                    float64
}

// readable reports whether an object can be queried and tailed.
func (o *object) readable() bool { return o.kind != "sink" }

// rateWindow is the time over which a rate is measured: windows of five or ten
// seconds give their rows in bursts.
const rateWindow = 10 * time.Second

// counter is a number that only grows, and how fast.
type counter struct {
	total, perSecond float64
	marks            []mark    // samples of rateWindow, the newest last
	rates            []float64 // the newest last
}

// mark is a sample of a counter.
type mark struct {
	at    time.Time
	total float64
}

// observe takes a sample. reported is the rate that the server itself gives, NaN
// if it gives none.
func (c *counter) observe(total, reported float64, at time.Time) {
	if math.IsNaN(total) {
		return
	}
	if total < c.total {
		c.marks = nil // a restart
	}
	c.total = total
	c.marks = append(c.marks, mark{at, total})
	for len(c.marks) > 2 && at.Sub(c.marks[1].at) >= rateWindow {
		c.marks = c.marks[1:]
	}
	first := c.marks[0]
	switch elapsed := at.Sub(first.at).Seconds(); {
	case !math.IsNaN(reported):
		c.perSecond = reported
	case elapsed > 0.2:
		c.perSecond = (total - first.total) / elapsed
	default:
		c.perSecond = math.NaN()
	}
	if !math.IsNaN(c.perSecond) {
		c.rates = append(c.rates, c.perSecond)
		c.rates = c.rates[max(0, len(c.rates)-maxRates):]
	}
}

// edge says that rows go from one object to another.
type edge struct {
	from, to  string
	perSecond float64 // NaN if the server does not say
}

// database is what the system relations say.
type database struct {
	loaded  bool // the objects are known
	objects []*object
	edges   []edge
	tables  map[string]feed.Table // the newest of each system relation
	in      counter               // rows of all sources
}

// systemRelations are the names of those that are asked for, in this order.
func systemRelations() []string {
	return []string{
		"objects", "dependencies", "source_splits", "sources", "streams", "sinks", "server", "checkpoints", "subscriptions", "events",
	}
}

// records are the rows of a system relation.
func (d *database) records(relation string) []record {
	t := d.tables[relation]
	return records(t.Columns, t.Rows)
}

// find is the object with the name, nil if there is none.
func (d *database) find(name string) *object {
	for _, o := range d.objects {
		if o.name == name {
			return o
		}
	}
	return nil
}

// apply takes the results of system queries.
func (d *database) apply(tables map[string]feed.Table, at time.Time) {
	for _, name := range systemRelations() {
		if t, ok := tables[name]; ok {
			d.tables[name] = t
		}
	}
	if t, ok := tables["objects"]; ok && t.Err == "" {
		d.applyObjects(t)
	}
	if t, ok := tables["dependencies"]; ok {
		d.edges = d.edges[:0]
		for _, r := range records(t.Columns, t.Rows) {
			d.edges = append(d.edges, edge{r.text("depends_on"), r.text("object"), r.number("rows_per_second")})
		}
	}
	if t, ok := tables["sources"]; ok {
		d.applySources(t, at)
	}
	if t, ok := tables["streams"]; ok {
		d.applyStreams(t, at)
	}
	if t, ok := tables["sinks"]; ok {
		d.applySinks(t, at)
	}
}

func (d *database) applyObjects(t feed.Table) {
	d.loaded = true
	old := d.objects
	d.objects = nil
	for _, r := range records(t.Columns, t.Rows) {
		name, definition := r.text("name"), r.text("definition")
		i := slices.IndexFunc(old, func(o *object) bool { return o.name == name && o.definition == definition })
		o := &object{name: name, definition: definition}
		if i >= 0 {
			o = old[i]
		} else {
			o.forget()
		}
		o.kind, o.status = r.text("kind"), r.text("status")
		d.objects = append(d.objects, o)
	}
}

// forget makes all numbers unknown.
func (o *object) forget() {
	nan := math.NaN()
	o.rowsIn, o.rowsOut = counter{total: nan, perSecond: nan}, counter{total: nan, perSecond: nan}
	o.late, o.rejected, o.storedRows, o.storedBytes, o.queuedBytes, o.lag = nan, nan, nan, nan, nan, nan
	o.latency, o.production = [3]float64{nan, nan, nan}, [2]float64{nan, nan}
	o.stateKeys, o.stateBytes, o.backpressure, o.pendingRows = nan, nan, nan, nan
}

func (d *database) applySources(t feed.Table, at time.Time) {
	total := 0.0
	lags := map[string]float64{}
	for _, r := range d.records("source_splits") {
		if lag := r.number("lag"); !math.IsNaN(lag) {
			lags[r.text("source")] += lag
		}
	}
	for _, r := range records(t.Columns, t.Rows) {
		o := d.find(r.text("name"))
		if o == nil {
			continue
		}
		o.rowsOut.observe(r.number("rows"), r.number("rows_per_second"), at)
		o.rejected, o.watermark, o.lag = r.number("rejected"), r.time("watermark"), r.number("lag")
		if lag, ok := lags[o.name]; ok && math.IsNaN(o.lag) {
			o.lag = lag
		}
		if rows := r.number("rows"); !math.IsNaN(rows) {
			total += rows
		}
	}
	d.in.observe(total, d.reportedRate(t), at)
}

// reportedRate is the sum of the rates of the sources, NaN if the server gives none.
func (d *database) reportedRate(t feed.Table) float64 {
	sum := math.NaN()
	for _, r := range records(t.Columns, t.Rows) {
		if v := r.number("rows_per_second"); !math.IsNaN(v) {
			if math.IsNaN(sum) {
				sum = 0
			}
			sum += v
		}
	}
	return sum
}

func (d *database) applyStreams(t feed.Table, at time.Time) {
	for _, r := range records(t.Columns, t.Rows) {
		o := d.find(r.text("name"))
		if o == nil {
			continue
		}
		o.rowsIn.observe(r.number("rows_in"), r.number("rows_in_per_second"), at)
		o.rowsOut.observe(r.number("rows_out"), r.number("rows_out_per_second"), at)
		o.late, o.rejected, o.watermark = r.number("late_rows"), r.number("dead_letters"), r.time("watermark")
		o.storedRows, o.storedBytes, o.queuedBytes = r.number("stored_rows"), r.number("stored_bytes"), r.number("queued_bytes")
		o.latency = [3]float64{r.number("latency_p50_ms"), r.number("latency_p99_ms"), r.number("latency_max_ms")}
		o.production = [2]float64{r.number("production_p50_ms"), r.number("production_p99_ms")}
		o.stateKeys, o.stateBytes, o.backpressure = r.number("state_keys"), r.number("state_bytes"), r.number("backpressure")
	}
}

func (d *database) applySinks(t feed.Table, at time.Time) {
	for _, r := range records(t.Columns, t.Rows) {
		o := d.find(r.text("name"))
		if o == nil {
			continue
		}
		o.rowsOut.observe(r.number("rows"), r.number("rows_per_second"), at)
		o.topic, o.delivery, o.problem, o.pendingRows = r.text("topic"), r.text("delivery"), r.text("problem"), r.number("pending_rows")
	}
}

// edgeRate is how many rows a second go along an edge: what the server says, else
// what the object at its beginning gives.
func (d *database) edgeRate(e edge) float64 {
	if !math.IsNaN(e.perSecond) {
		return e.perSecond
	}
	if o := d.find(e.from); o != nil {
		return o.rowsOut.perSecond
	}
	return math.NaN()
}

// consumerLag is how many records the sources have still to read, NaN if unknown.
func (d *database) consumerLag() float64 {
	sum := math.NaN()
	for _, o := range d.objects {
		if !math.IsNaN(o.lag) {
			if math.IsNaN(sum) {
				sum = 0
			}
			sum += o.lag
		}
	}
	return sum
}

// watermarkLag is how far the source that is furthest behind is behind the clock;
// ok is false if none has a watermark.
func (d *database) watermarkLag(now time.Time) (lag time.Duration, ok bool) {
	for _, o := range d.objects {
		if o.kind != "source" || o.watermark.IsZero() {
			continue
		}
		lag, ok = max(lag, now.Sub(o.watermark)), true
	}
	return lag, ok
}

// problems are the objects that do not run as they should.
func (d *database) problems() []*object {
	var out []*object
	for _, o := range d.objects {
		if isProblem(o.status) || o.problem != "" {
			out = append(out, o)
		}
	}
	return out
}

func isProblem(status string) bool {
	for _, word := range []string{"failed", "not started", "retrying", "restarting", "stopped", "error"} {
		if strings.HasPrefix(status, word) {
			return true
		}
	}
	return false
}

// checkpoint is the newest finished checkpoint; ok is false if there is none.
func (d *database) checkpoint() (epoch string, at time.Time, ok bool) {
	for _, r := range d.records("server") {
		if epoch, ok = r.value("last_epoch"); ok {
			return epoch, r.time("last_checkpoint_at"), true
		}
	}
	return "", time.Time{}, false
}

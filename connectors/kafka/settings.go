package kafka

import (
	"errors"
	"sort"
	"strconv"
	"strings"
	"time"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/sql/pgerr"
)

// executorOptions are options of a Kafka source that exec reads, not this
// package: they are only marked as known here.
var executorOptions = []string{"connector", "on_error", "idle_timeout", "retain_history"}

// refreshInterval is how often librdkafka asks for all metadata, unless
// kafka.topic.metadata.refresh.interval.ms says otherwise.
const refreshInterval = 30 * time.Second

// refreshProperty is librdkafka's name for that interval.
const refreshProperty = "topic.metadata.refresh.interval.ms"

// owned are the librdkafka properties that decide whether records are lost or
// read twice, with the option to use instead.
var owned = map[string]string{
	"bootstrap.servers":        "use the option brokers",
	"metadata.broker.list":     "use the option brokers",
	"group.id":                 "use the option group_id",
	"auto.offset.reset":        "use the option offset_reset",
	"enable.auto.commit":       "positions belong to the checkpoint",
	"enable.auto.offset.store": "positions belong to the checkpoint",
	"enable.partition.eof":     "the reader needs it",
	"enable.idempotence":       "the sink needs it to keep the order",
	"acks":                     "a sink waits for all replicas",
	"request.required.acks":    "a sink waits for all replicas",
	"partitioner":              "use the option partitioner",
	"transactional.id":         "use the option delivery",
	"transaction.timeout.ms":   "use the option transaction_timeout",
}

// forbidden are properties that would let a SQL client run code in the server.
var forbidden = map[string]bool{
	"plugin.library.paths": true, "sasl.kerberos.kinit.cmd": true, "ssl.engine.location": true, "ssl.providers": true,
}

// start says where a source begins to read a partition that has no position.
type start struct {
	at      int64           // a time in ms, offsetBeginning or offsetEnd
	offsets map[int32]int64 // these partitions begin here instead
}

func parseStart(o connectors.Options) (start, error) {
	const name = "offset_reset"
	text := strings.ToLower(strings.TrimSpace(o.String(name, "earliest")))
	switch text {
	case "earliest":
		return start{at: offsetBeginning}, nil
	case "latest":
		return start{at: offsetEnd}, nil
	}
	if ms, ok := strings.CutPrefix(text, "timestamp:"); ok {
		at, err := strconv.ParseInt(strings.TrimSpace(ms), 10, 64)
		if err != nil || at < 0 {
			return start{}, o.Invalid(name, "timestamp: takes milliseconds since 1970-01-01 UTC")
		}
		return start{at: at}, nil
	}
	s := start{at: offsetBeginning, offsets: map[int32]int64{}}
	for _, pair := range strings.Split(text, ",") {
		part, offset, ok := strings.Cut(pair, ":")
		p, err1 := strconv.ParseInt(strings.TrimSpace(part), 10, 32)
		at, err2 := strconv.ParseInt(strings.TrimSpace(offset), 10, 64)
		if !ok || err1 != nil || err2 != nil || p < 0 || at < 0 {
			return start{}, o.Invalid(name, "must be earliest, latest, timestamp:<ms>, or partition:offset pairs such as '0:42,1:17'")
		}
		s.offsets[int32(p)] = at
	}
	return s, nil
}

// parsePartitions reads the partitions option, nil for all of them.
func parsePartitions(o connectors.Options) (map[int32]bool, error) {
	text := o.String("partitions", "")
	if text == "" {
		return nil, nil
	}
	out := map[int32]bool{}
	for _, s := range strings.Split(text, ",") {
		p, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
		if err != nil || p < 0 {
			return nil, o.Invalid("partitions", "must be partition numbers such as '0,1,2'")
		}
		out[int32(p)] = true
	}
	return out, nil
}

// passThrough returns the kafka.* options, sorted by name.
func passThrough(o connectors.Options) ([]property, error) {
	var out []property
	for name, value := range o.WithPrefix("kafka.") {
		if instead, ok := owned[name]; ok {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "option %q cannot be set", "kafka."+name).WithHint("%s.", upperFirst(instead))
		}
		if forbidden[name] {
			return nil, pgerr.Newf(pgerr.InsufficientPrivilege, "option %q cannot be set from SQL", "kafka."+name)
		}
		out = append(out, property{name, value})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out, nil
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// connection are the properties of every client. Telemetry push makes librdkafka
// log on brokers without it.
func connection(brokers string) []property {
	return []property{
		{"bootstrap.servers", brokers},
		{"client.id", "laminardb"},
		{"enable.metrics.push", "false"},
		{"log.connection.close", "false"},
		{"reconnect.backoff.max.ms", "2000"},
		{"socket.nagle.disable", "true"},
	}
}

// consumerProperties returns a reader's settings. The queue may hold 64 MiB: at
// millions of small messages a second that is some 100 ms of work, and it is what
// a paused reader costs.
func consumerProperties(brokers, group string, user []property) []property {
	out := append(connection(brokers),
		property{"isolation.level", "read_committed"},
		property{"fetch.queue.backoff.ms", "1"},
		property{"queued.min.messages", "500000"},
		property{"queued.max.messages.kbytes", "65536"},
		property{"fetch.message.max.bytes", "4194304"},
		property{"fetch.wait.max.ms", "100"},
		property{refreshProperty, strconv.FormatInt(refreshInterval.Milliseconds(), 10)},
	)
	out = append(out, user...)
	return append(out,
		property{"group.id", group},
		property{"enable.auto.commit", "false"},
		property{"enable.auto.offset.store", "false"},
		property{"enable.partition.eof", "true"},
		property{"auto.offset.reset", "error"},
		property{"allow.auto.create.topics", "false"},
	)
}

// producerProperties returns a sink's settings: every message acknowledged by all
// replicas, in order, once.
func producerProperties(brokers, partitioner string, user []property) []property {
	out := append(connection(brokers),
		property{"linger.ms", "5"},
		property{"compression.type", "lz4"},
		property{"queue.buffering.max.messages", "500000"},
		property{"queue.buffering.max.kbytes", "131072"},
	)
	out = append(out, user...)
	return append(out,
		property{"acks", "all"},
		property{"enable.idempotence", "true"},
		property{"partitioner", partitioner},
	)
}

// watch returns the interval at which to look at the topic: watchInterval, or less
// where librdkafka is told to look more often.
func watch(properties []property) time.Duration {
	every := watchInterval
	for _, p := range properties {
		if p.name != refreshProperty {
			continue
		}
		if ms, err := strconv.ParseInt(p.value, 10, 64); err == nil && ms > 0 {
			every = min(watchInterval, time.Duration(ms)*time.Millisecond)
		}
	}
	return every
}

// findFormat returns the format that an option names.
func findFormat(o connectors.Options, option, def string, formats format.Registry) (format.Format, error) {
	name := strings.ToLower(o.String(option, def))
	known := make([]string, 0, len(formats))
	for k := range formats {
		known = append(known, k)
	}
	sort.Strings(known)
	if name == "" {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "option %q is required", option).
			WithHint("Known formats: %s.", strings.Join(known, ", "))
	}
	f, ok := formats[name]
	if !ok {
		return nil, o.Invalid(option, "must be one of: "+strings.Join(known, ", "))
	}
	return f, nil
}

// settingsError turns a refused property into the user's error.
func settingsError(o connectors.Options, err error) error {
	var refused *propertyError
	if errors.As(err, &refused) && o.Has("kafka."+refused.name) {
		return o.Invalid("kafka."+refused.name, refused.reason)
	}
	return pgerr.Newf(pgerr.InvalidParameterValue, "librdkafka refused the settings: %w", err)
}

package kafka

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/sql/pgerr"
)

// partitioners are librdkafka's; murmur2_random places keys as Java clients do.
var partitioners = []string{
	"murmur2_random", "murmur2", "consistent", "consistent_random", "random", "fnv1a", "fnv1a_random",
}

// sinkSettings is what CREATE SINK said.
type sinkSettings struct {
	brokers, topic string
	user           []property
	properties     []property
	format         format.Format
	upsert         bool
	key            []int         // columns, nil for no key
	keyFormat      format.Format // nil: the one column's bytes
	progress       *progressLog  // of delivery = 'exactly_once', else nil
}

func parseSink(spec connectors.SinkSpec, formats format.Registry) (*sinkSettings, error) {
	o := spec.Options
	o.String("connector", "")
	set := &sinkSettings{}
	var err error
	if set.brokers, err = o.Required("brokers"); err != nil {
		return nil, err
	}
	if set.topic, err = o.Required("topic"); err != nil {
		return nil, err
	}
	partitioner, err := o.OneOf("partitioner", partitioners[0], partitioners...)
	if err != nil {
		return nil, err
	}
	if set.user, err = passThrough(o); err != nil {
		return nil, err
	}
	set.properties = producerProperties(set.brokers, partitioner, set.user)
	if set.format, err = findFormat(o, "format", "", formats); err != nil {
		return nil, err
	}
	if err := set.parseDelivery(spec); err != nil {
		return nil, err
	}
	if err := set.parseKey(spec, formats); err != nil {
		return nil, err
	}
	return set, set.parseEnvelope(spec)
}

// parseDelivery reads the options of exactly_once, which are errors without it.
func (set *sinkSettings) parseDelivery(spec connectors.SinkSpec) error {
	o := spec.Options
	delivery, err := o.OneOf("delivery", "at_least_once", "at_least_once", "exactly_once")
	if err != nil {
		return err
	}
	topic := o.String("progress_topic", defaultProgressTopic)
	timeout, err := o.Duration("transaction_timeout", defaultTransactionTimeout)
	if err != nil {
		return err
	}
	if delivery == "at_least_once" {
		for _, name := range []string{"progress_topic", "transaction_timeout"} {
			if o.Has(name) {
				return o.Invalid(name, "needs delivery = 'exactly_once'")
			}
		}
		return nil
	}
	switch {
	case spec.ID == "":
		// Who makes the sink would not call Fence and Commit.
		return pgerr.Newf(pgerr.FeatureNotSupported, "delivery = 'exactly_once' is not supported yet").
			WithHint("Use delivery = 'at_least_once'.")
	case topic == "" || topic == set.topic:
		return o.Invalid("progress_topic", "must be a topic of its own")
	case timeout < time.Second:
		return o.Invalid("transaction_timeout", "must be one second or more")
	}
	set.properties = append(set.properties,
		property{"transactional.id", "laminardb-" + spec.ID},
		property{"transaction.timeout.ms", strconv.FormatInt(timeout.Milliseconds(), 10)},
		property{"log.connection.close", "true"}, // without it broken connections are no events: see exactSink.unsure
	)
	set.progress = &progressLog{brokers: set.brokers, topic: topic, id: spec.ID, user: set.user}
	return nil
}

// parseEnvelope decides how a changelog's deletions are written.
func (set *sinkSettings) parseEnvelope(spec connectors.SinkSpec) error {
	envelope, err := spec.Options.OneOf("envelope", "none", "none", "upsert", "debezium")
	if err != nil {
		return err
	}
	switch {
	case envelope == "debezium":
		return pgerr.Newf(pgerr.FeatureNotSupported, "envelope = 'debezium' is not supported yet").
			WithHint("Use envelope = 'upsert'.")
	case envelope == "none" && spec.Changelog:
		return pgerr.Newf(pgerr.FeatureNotSupported, "sink %q would write updates and deletions, which plain records cannot express", spec.Name).
			WithHint("Add envelope = 'upsert', or use EMIT AFTER WATERMARK in the query.")
	case envelope == "none":
		return nil
	}
	set.upsert = true
	if set.key == nil {
		set.key = spec.Key
	}
	if len(set.key) == 0 {
		return pgerr.Newf(pgerr.InvalidParameterValue, "envelope = 'upsert' needs to know what identifies a row").
			WithHint("Name the key columns: key = 'a,b'.")
	}
	if spec.Changelog && spec.Key != nil && !sameColumns(set.key, spec.Key) {
		return spec.Options.Invalid("key", "must be the columns that identify a row: "+columnNames(spec, spec.Key))
	}
	return nil
}

func (set *sinkSettings) parseKey(spec connectors.SinkSpec, formats format.Registry) error {
	o := spec.Options
	if text := o.String("key", ""); text != "" {
		for _, name := range strings.Split(text, ",") {
			i := spec.Schema.Index(strings.TrimSpace(name))
			if i < 0 {
				return o.Invalid("key", "there is no column "+strings.TrimSpace(name))
			}
			if slices.Contains(set.key, i) {
				return o.Invalid("key", "column "+strings.TrimSpace(name)+" is named twice")
			}
			set.key = append(set.key, i)
		}
	}
	key := set.key
	if key == nil {
		key = spec.Key
	}
	plain := len(key) == 1 && isBytes(spec.Schema.Fields[key[0]].Type)
	choice := strings.ToLower(o.String("key_format", ""))
	switch {
	case choice == "raw" && !plain:
		return o.Invalid("key_format", "raw takes a single key column of type text or bytea")
	case choice == "raw" || choice == "" && plain:
		return nil
	case choice == "" && len(key) == 0:
		return nil
	}
	var err error
	set.keyFormat, err = findFormat(o, "key_format", "json", formats)
	return err
}

func sameColumns(a, b []int) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

func columnNames(spec connectors.SinkSpec, cols []int) string {
	var names []string
	for _, c := range cols {
		names = append(names, spec.Schema.Fields[c].Name)
	}
	return strings.Join(names, ", ")
}

// check asks whether the topic exists, as a consumer: the question of a producer
// would make some brokers create it.
func (set *sinkSettings) check(ctx context.Context, o connectors.Options) error {
	p := append(connection(set.brokers), set.user...)
	c, err := newClient(consumer, append(p, property{"group.id", "laminardb-check"}), set.topic)
	if err != nil {
		return settingsError(o, err)
	}
	defer c.close()
	_, err = countPartitions(ctx, c, set.brokers, set.topic)
	return err
}

func (set *sinkSettings) keyEncoder(ctx context.Context, spec connectors.SinkSpec) (keyEncoder, error) {
	switch {
	case len(set.key) == 0:
		return nil, nil
	case set.keyFormat == nil:
		return &rawKey{column: set.key[0]}, nil
	}
	enc, err := set.keyFormat.NewEncoder(ctx, spec, set.topic+"-key", set.key)
	if err != nil {
		return nil, err
	}
	return &formatKey{encoder: enc}, nil
}

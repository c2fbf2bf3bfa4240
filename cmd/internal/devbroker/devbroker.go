// Package devbroker is a Kafka-compatible broker and a schema registry inside
// one process, for people and tests without Docker: kfake and srfake of
// franz-go, given addresses and a directory that they come back from.
//
// Nouns: Broker (both servers), Options, journal (what changed the registry).
//
// Rule: what was acknowledged survives the end of the process, kill -9 too:
// topics, records, offsets and schema ids. It is no Kafka for production: one
// node, on loopback, and a crash of the machine may lose the last records, for
// only segment ends are synced (as in Kafka's own default).
package devbroker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Options says where the servers listen and keep their data.
type Options struct {
	// KafkaAddr and RegistryAddr are host:port; port 0 picks a free one. The
	// host is also what Kafka clients are told to connect to.
	KafkaAddr    string
	RegistryAddr string
	// DataDir is made if it is missing and belongs to one Broker at a time. ""
	// keeps everything in memory.
	DataDir string
	// Logger gets warnings of both servers; nil drops them.
	Logger *slog.Logger
}

// Broker is a running broker and registry. Its methods may be called from any
// goroutine.
type Broker struct {
	cluster   *kfake.Cluster
	registry  *registry
	lock      *os.File // nil without a data directory
	kafkaAddr string
}

// Start brings both servers up from opts.DataDir. They accept connections when
// it returns. ctx limits the start, not the life of the broker: that ends with
// Close.
func Start(ctx context.Context, opts Options) (_ *Broker, err error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	b := &Broker{}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close(ctx))
		}
	}()
	kafkaDir, journalPath := "", ""
	if opts.DataDir != "" {
		if err := os.MkdirAll(opts.DataDir, 0o755); err != nil {
			return nil, fmt.Errorf("making the broker's data directory: %w", err)
		}
		if b.lock, err = lockDir(opts.DataDir); err != nil {
			return nil, err
		}
		kafkaDir = filepath.Join(opts.DataDir, "kafka")
		journalPath = filepath.Join(opts.DataDir, "registry.jsonl")
	}
	if b.registry, err = startRegistry(ctx, opts.RegistryAddr, journalPath, opts.Logger); err != nil {
		return nil, err
	}
	if b.cluster, err = startCluster(ctx, opts, kafkaDir); err != nil {
		return nil, err
	}
	b.kafkaAddr = b.cluster.ListenAddrs()[0]
	return b, nil
}

// KafkaAddr is the host:port that Kafka clients bootstrap from.
func (b *Broker) KafkaAddr() string { return b.kafkaAddr }

// RegistryURL is the base URL of the schema registry.
func (b *Broker) RegistryURL() string { return "http://" + b.registry.addr }

// Close ends both servers and writes what is not on disk yet. ctx limits the
// wait for registry requests under way. The data directory is free for another
// Broker when it returns.
func (b *Broker) Close(ctx context.Context) error {
	var errs []error
	if b.cluster != nil {
		b.cluster.Close()
	}
	if b.registry != nil {
		errs = append(errs, b.registry.close(ctx))
	}
	if b.lock != nil {
		errs = append(errs, b.lock.Close())
		b.lock = nil
	}
	return errors.Join(errs...)
}

// startCluster starts one Kafka node. dir "" keeps it in memory.
func startCluster(ctx context.Context, opts Options, dir string) (*kfake.Cluster, error) {
	listen := func(network, _ string) (net.Listener, error) {
		// kfake proposes 127.0.0.1 and a port; ours has a host as well.
		return (&net.ListenConfig{}).Listen(ctx, network, opts.KafkaAddr)
	}
	kopts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ListenFn(listen),
		kfake.ClusterID("laminardb-dev"),
		kfake.WithLogger(kafkaLog{opts.Logger}),
	}
	if dir != "" {
		if err := repairIndexes(dir); err != nil {
			return nil, err
		}
		kopts = append(kopts, kfake.DataDir(dir))
	}
	cluster, err := kfake.NewCluster(kopts...)
	if err != nil {
		return nil, fmt.Errorf("starting the development broker on %s: %w", opts.KafkaAddr, err)
	}
	return cluster, nil
}

// kafkaLog passes kfake's warnings on. Its information is a line per request,
// so it is dropped.
type kafkaLog struct{ to *slog.Logger }

// Logf implements kfake.Logger.
func (l kafkaLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.to.Error("development broker: " + fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.to.Warn("development broker: " + fmt.Sprintf(format, args...))
	}
}

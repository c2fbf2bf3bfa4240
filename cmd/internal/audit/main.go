// Audit kills, starves and misleads a LaminarDB server that reads from and writes to
// Kafka exactly once, and finds out whether a row was lost, doubled or wrong.
//
// Nouns: scenario (one way to make trouble, with a line of its own in the report),
// rig (broker, registry, server, feed and pusher of a scenario), process (a child
// that can be killed and stopped), gate (an address that can be closed), feed (rows
// for Kafka, uniquely numbered, from a seed), pusher (rows by INSERT, with what the
// server acknowledged), tally (what a comparison found).
//
// Rule: what must come out is computed from the source topics by package marketdata,
// which shares no code with the engine; the sink topics are read by a read_committed
// consumer of another library than the one that wrote them.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	seed     uint64
	kills    int
	rate     int
	interval time.Duration
	server   string
	kafka    string
	only     string
	keep     bool
	verbose  bool
}

// externalKafka names a broker that somebody else runs; its topics are deleted.
const externalKafka = "LAMINARDB_TEST_KAFKA"

func (o *options) flags(stderr io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet("audit", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Uint64Var(&o.seed, "seed", 1, "of the rows and of the moments of the kills")
	fs.IntVar(&o.kills, "kills", 100, "of the scenario kills")
	fs.IntVar(&o.rate, "rate", 200, "ticks per second")
	fs.DurationVar(&o.interval, "checkpoint-interval", 300*time.Millisecond, "of the server")
	fs.StringVar(&o.server, "server", "bin/laminardb", "the binary that is put to the test")
	fs.StringVar(&o.kafka, "kafka", "dev", "dev for the development broker, apache for one of scripts/kafka.sh, or host:port; "+externalKafka+" is the default if it is set")
	fs.StringVar(&o.only, "only", "", "run these scenarios, separated by commas")
	fs.BoolVar(&o.keep, "keep", false, "keep the files of scenarios that pass, too")
	fs.BoolVar(&o.verbose, "v", false, "say what is being done")
	return fs
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// scenario is a way to make trouble.
type scenario struct {
	name string
	// run says what it counted, and what is wrong.
	run func(ctx context.Context, a *auditor) (string, error)
}

func scenarios() []scenario {
	return []scenario{
		{"kills", kills},
		{"broker-killed", brokerKilled},
		{"broker-paused", brokerPaused},
		{"takeover", takeover},
		{"registry-down", registryDown},
		{"disk-full", diskFull},
		{"partitions-added", partitionsAdded},
		{"topic-recreated", topicRecreated},
		{"sink-topic-gone", sinkTopicGone},
		{"chunk-damaged", chunkDamaged},
	}
}

// errSkipped is for a scenario that cannot be had here.
var errSkipped = errors.New("skipped")

// auditor is what scenarios share.
type auditor struct {
	options
	kafkaDir string // of the Apache Kafka, "" for none
	dir      string // of the scenario
	out      io.Writer
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	a := &auditor{out: stdout}
	fs := a.flags(stderr)
	if err := fs.Parse(args); err != nil || fs.NArg() > 0 {
		fmt.Fprintln(stderr, "audit takes flags only")
		return 2
	}
	if at := os.Getenv(externalKafka); at != "" && a.kafka == "dev" {
		a.kafka = at
	}
	base, err := os.MkdirTemp("", "laminardb-audit-")
	if err != nil {
		fmt.Fprintln(stderr, "audit:", err)
		return 1
	}
	a.kafkaDir = filepath.Join(base, "kafka")
	fmt.Fprintf(stdout, "seed %d, Kafka: %s, checkpoints every %v\n", a.seed, a.kafka, a.interval)
	passed, failed, skipped := a.runAll(ctx, base)
	if a.kafka == "apache" {
		_ = stopApache(a.kafkaDir) // its files go, too
		_ = os.RemoveAll(a.kafkaDir)
	}
	if failed == 0 && !a.keep {
		_ = os.RemoveAll(base)
	} else {
		fmt.Fprintln(stdout, "files are in", base)
	}
	fmt.Fprintf(stdout, "%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed > 0 || passed == 0 {
		return 1
	}
	return 0
}

func (a *auditor) runAll(ctx context.Context, base string) (passed, failed, skipped int) {
	chosen := strings.Split(a.only, ",")
	for _, s := range scenarios() {
		if a.only != "" && !slices.Contains(chosen, s.name) {
			continue
		}
		begin := time.Now()
		a.dir = filepath.Join(base, s.name)
		err := os.MkdirAll(a.dir, 0o755)
		var counts string
		if err == nil {
			counts, err = s.run(ctx, a)
		}
		took := time.Since(begin).Round(100 * time.Millisecond)
		switch {
		case errors.Is(err, errSkipped):
			skipped++
			fmt.Fprintf(a.out, "skip %-16s %v\n", s.name, err)
		case err != nil:
			failed++
			fmt.Fprintf(a.out, "FAIL %-16s %s (%v): %v\n", s.name, cmp.Or(counts, "nothing counted"), took, err)
		default:
			passed++
			fmt.Fprintf(a.out, "ok   %-16s %s (%v)\n", s.name, counts, took)
			if !a.keep {
				_ = os.RemoveAll(a.dir)
			}
		}
		if ctx.Err() != nil {
			return passed, failed, skipped
		}
	}
	return passed, failed, skipped
}

// say prints what is being done, for -v.
func (a *auditor) say(format string, args ...any) {
	if a.verbose {
		fmt.Fprintf(a.out, "     %s %s\n", time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...))
	}
}

// Command laminardb-producer plays a stock market into Kafka: ticks, orders and
// the reference data of five symbols, as Avro with a schema registry.
//
// It creates the example's topics where they are missing, registers the
// schemas, publishes the reference table once and then sends ticks, and about
// one order to ten of them, at the rate of --tps with the wall clock as event
// time. SIGINT or SIGTERM ends it: what is under way is delivered, and the
// counts are printed. A second signal ends it at once.
//
// Rule: exit code 0 means that Kafka has acknowledged everything that was sent;
// 1 that it has not, with one line that says why; 2 that the flags are wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"laminardb/cmd/internal/marketdata"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal kills
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the command without the process around it. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		return exitUsage // parseFlags has said it
	}
	if err := produce(ctx, opts, stdout); err != nil {
		fmt.Fprintln(stderr, "laminardb-producer:", err)
		return exitFailed
	}
	return exitOK
}

// produce runs the producer and prints what it does.
func produce(ctx context.Context, opts marketdata.ProducerOptions, stdout io.Writer) error {
	p, err := marketdata.NewProducer(ctx, opts)
	if err != nil {
		return err
	}
	defer p.Close()
	fmt.Fprintf(stdout, "producing to %s, schemas in %s; Ctrl-C ends it\n", strings.Join(opts.Brokers, ","), opts.RegistryURL)
	c, err := p.Run(ctx)
	fmt.Fprintf(stdout, "produced %d ticks, %d orders and %d reference rows in %.1fs (%.0f ticks/s)\n",
		c.Ticks, c.Orders, c.References, c.Elapsed.Seconds(), float64(c.Ticks)/max(c.Elapsed.Seconds(), 1e-9))
	return err
}

// parseFlags reads the command line. It says what is wrong on stderr.
func parseFlags(args []string, stderr io.Writer) (marketdata.ProducerOptions, error) {
	opts := marketdata.ProducerOptions{Now: time.Now}
	fs := flag.NewFlagSet("laminardb-producer", flag.ContinueOnError)
	fs.SetOutput(stderr)
	brokers := fs.String("brokers", "127.0.0.1:19092", "Kafka bootstrap `addresses`, separated by commas")
	fs.StringVar(&opts.RegistryURL, "registry", "http://127.0.0.1:18081", "`URL` of the schema registry")
	fs.IntVar(&opts.TPS, "tps", 1000, "ticks per second; 0 is as fast as Kafka takes them")
	fs.Uint64Var(&opts.Seed, "seed", 1, "seed of the random market; the same seed gives the same ticks but for their times")
	fs.DurationVar(&opts.Duration, "duration", 0, "end after this long, such as 20s; 0 runs until a signal")
	fs.Int64Var(&opts.Count, "count", 0, "end after this many ticks; 0 runs until a signal")
	if err := fs.Parse(args); err != nil {
		return opts, err
	}
	err := checkFlags(fs, &opts, *brokers)
	if err != nil {
		fmt.Fprintln(stderr, "laminardb-producer:", err)
	}
	return opts, err
}

// checkFlags refuses values that make no sense and fills in opts.Brokers.
func checkFlags(fs *flag.FlagSet, opts *marketdata.ProducerOptions, brokers string) error {
	for b := range strings.SplitSeq(brokers, ",") {
		if b = strings.TrimSpace(b); b != "" {
			opts.Brokers = append(opts.Brokers, b)
		}
	}
	switch {
	case fs.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case len(opts.Brokers) == 0:
		return errors.New("--brokers is empty")
	case opts.RegistryURL == "":
		return errors.New("--registry is empty")
	case opts.TPS < 0 || opts.Count < 0 || opts.Duration < 0:
		return errors.New("--tps, --count and --duration cannot be negative")
	}
	return nil
}

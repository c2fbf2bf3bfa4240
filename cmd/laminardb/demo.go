package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"laminardb/cmd/internal/dashboard"
	"laminardb/cmd/internal/devbroker"
	"laminardb/cmd/internal/marketdata"
	example "laminardb/examples/market-data"
)

// demoOptions are the flags of demo.
type demoOptions struct {
	duration time.Duration
	tps      int
	seed     uint64
	listen   string
	dataDir  string
	interval time.Duration
	tui      bool // show the dashboard instead of bars
}

func demoCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o demoOptions
	fs := flag.NewFlagSet("laminardb demo", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.DurationVar(&o.duration, "duration", 0, "end after this time, 0 to run until Ctrl-C")
	fs.IntVar(&o.tps, "tps", 1000, "ticks per second")
	fs.Uint64Var(&o.seed, "seed", 1, "seed of the random prices")
	fs.StringVar(&o.listen, "listen", "127.0.0.1:5433", "address for PostgreSQL clients")
	fs.StringVar(&o.dataDir, "data-dir", "./data/demo", "directory for the broker and the server")
	fs.DurationVar(&o.interval, "checkpoint-interval", defaultCheckpointInterval, "time between checkpoints, after which the sinks' rows are visible; 0 for none")
	noTUI := fs.Bool("no-tui", false, "print bars instead of opening the dashboard")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	o.tui = !*noTUI && dashboard.IsTerminal(stdout) && dashboard.IsTerminal(os.Stdin)
	if o.tui { // what is logged would spoil the screen
		if err := os.MkdirAll(o.dataDir, 0o755); err != nil {
			return err
		}
		log, err := os.Create(filepath.Join(o.dataDir, "demo.log"))
		if err != nil {
			return err
		}
		defer func() { _ = log.Close() }()
		stderr = log
	}
	logger, err := newLogger(stderr, "text", "warn")
	if err != nil {
		return err
	}
	if o.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}
	err = runDemo(ctx, o, stdout, logger)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil // the time was over, or Ctrl-C
	}
	return err
}

// runDemo starts the broker, the server and the producer, creates the pipelines
// and shows the dashboard, or prints OHLC bars, until ctx ends.
func runDemo(ctx context.Context, o demoOptions, out io.Writer, logger *slog.Logger) (err error) {
	broker, err := devbroker.Start(ctx, devbroker.Options{
		KafkaAddr: "127.0.0.1:0", RegistryAddr: "127.0.0.1:0", DataDir: filepath.Join(o.dataDir, "broker"), Logger: logger,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeBroker(broker)) }()
	producer, err := marketdata.NewProducer(ctx, marketdata.ProducerOptions{
		Brokers: []string{broker.KafkaAddr()}, RegistryURL: broker.RegistryURL(), TPS: o.tps, Seed: o.seed, Now: time.Now,
	})
	if err != nil {
		return err
	}
	defer producer.Close()
	srv, err := startServer(ctx, serveOptions{
		checkpointInterval: o.interval,
		listen:             o.listen, dataDir: filepath.Join(o.dataDir, "laminardb"),
		vars: variables{"KAFKA_BROKERS": broker.KafkaAddr(), "SCHEMA_REGISTRY_URL": broker.RegistryURL(), "GROUP_ID": "market-analytics"},
	}, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.close()) }()
	fmt.Fprintf(out, "broker    %s, schema registry %s\n", broker.KafkaAddr(), broker.RegistryURL())
	if err := createPipelines(ctx, srv.dsn(), out); err != nil {
		return err
	}
	fmt.Fprintf(out, "server    psql -h %s -p %d -U laminar laminar\n\n", srv.host(), srv.port())
	watch := func(ctx context.Context) (string, error) {
		bars, err := tailBars(ctx, srv.dsn(), out)
		return fmt.Sprintf("%d bars", bars), err
	}
	if o.tui {
		watch = func(ctx context.Context) (string, error) {
			return "dashboard closed", dashboard.Run(ctx, dashboard.Options{DSN: srv.dsn(), Input: os.Stdin, Output: out, Now: time.Now})
		}
	}
	return produceAndWatch(ctx, producer, watch, out)
}

// createPipelines sends the example's statements; what an earlier run created is
// there already.
func createPipelines(ctx context.Context, dsn string, out io.Writer) error {
	conn, err := connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, script := range slices.Concat(example.Sources(), example.Streams(), example.More(), example.Sinks()) {
		var exists bool
		if err := conn.QueryRow(ctx, "SELECT count(*) > 0 FROM laminar.objects WHERE name = $1", script.Object()).Scan(&exists); err != nil {
			return err
		}
		if exists {
			fmt.Fprintf(out, "found     %s\n", script.Object())
			continue
		}
		if err := execute(ctx, conn, script.Path, script.SQL); err != nil {
			return err
		}
		fmt.Fprintf(out, "created   %s\n", script.Object())
	}
	return nil
}

// produceAndWatch runs the producer beside what shows the rows, until either ends.
// watch returns what the summary says of it.
func produceAndWatch(ctx context.Context, producer *marketdata.Producer, watch func(context.Context) (string, error), out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		counts marketdata.Counts
		err    error
	}
	produced := make(chan outcome, 1)
	go func() {
		counts, err := producer.Run(ctx)
		if err != nil && ctx.Err() == nil {
			cancel()
		}
		produced <- outcome{counts, err}
	}()
	watched, watchErr := watch(ctx)
	cancel()
	o := <-produced
	fmt.Fprintf(out, "\nsummary   %+v, %s\n", o.counts, watched)
	if o.err != nil && !errors.Is(o.err, context.Canceled) && !errors.Is(o.err, context.DeadlineExceeded) {
		return o.err
	}
	return watchErr
}

// tailBars prints OHLC bars as they close and returns how many.
func tailBars(ctx context.Context, dsn string, out io.Writer) (bars int, err error) {
	conn, err := connect(ctx, dsn)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, "SUBSCRIBE (SELECT *, window_start AS ws FROM ohlc_bars)", pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	fmt.Fprintf(out, "%-8s  %-6s %9s %9s %9s %9s %7s %9s %9s\n", "window", "symbol", "open", "high", "low", "close", "trades", "volume", "vwap")
	for rows.Next() {
		var symbol string
		var open, high, low, last, vwap float64
		var trades, volume, start int64
		if err := rows.Scan(&symbol, &open, &high, &low, &last, &trades, &volume, &vwap, &start); err != nil {
			return bars, err
		}
		bars++
		fmt.Fprintf(out, "%s  %-6s %9.2f %9.2f %9.2f %9.2f %7d %9d %9.3f\n",
			time.UnixMilli(start).UTC().Format("15:04:05"), symbol, open, high, low, last, trades, volume, vwap)
	}
	if err := rows.Err(); err != nil && ctx.Err() == nil {
		return bars, err
	}
	return bars, nil
}

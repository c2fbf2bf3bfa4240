package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"laminardb/cmd/internal/devbroker"
)

func devbrokerCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o devbroker.Options
	fs := flag.NewFlagSet("laminardb devbroker", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.KafkaAddr, "kafka", "127.0.0.1:19092", "address for Kafka clients")
	fs.StringVar(&o.RegistryAddr, "registry", "127.0.0.1:18081", "address of the schema registry")
	fs.StringVar(&o.DataDir, "data-dir", "./data/devbroker", "directory for topics and schemas, empty for memory only")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	logger, err := newLogger(stderr, "text", "warn")
	if err != nil {
		return err
	}
	o.Logger = logger
	b, err := devbroker.Start(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "ready: Kafka %s, schema registry %s\n", b.KafkaAddr(), b.RegistryURL())
	<-ctx.Done()
	return closeBroker(b)
}

func closeBroker(b *devbroker.Broker) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return b.Close(ctx)
}

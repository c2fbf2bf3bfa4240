// Command laminardb is the server, the demo and the embedded development broker.
//
// Nouns: command (serve, demo, devbroker, ready), options (its flags).
//
// Rule: every value is built here once and handed down; this is the only place
// that names concrete connectors and formats.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version is what --version and server_version report; the build sets it.
var version = "0.1.0-dev"

const usage = `laminardb: streaming SQL over Kafka, spoken to with psql

Usage:
  laminardb serve      [flags]   run the server
  laminardb demo       [flags]   run the market-data demo on an embedded broker
  laminardb devbroker  [flags]   run the embedded Kafka broker and schema registry alone
  laminardb ready      [flags]   ask a server whether it takes statements
  laminardb version

laminardb <command> -h lists the flags.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit code: 0, 1 for a failure, 2 for wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	var err error
	switch args[0] {
	case "serve":
		err = serveCommand(ctx, args[1:], stdout, stderr)
	case "demo":
		err = demoCommand(ctx, args[1:], stdout, stderr)
	case "devbroker":
		err = devbrokerCommand(ctx, args[1:], stdout, stderr)
	case "ready":
		err = readyCommand(ctx, args[1:], stdout, stderr)
	case "version", "--version":
		fmt.Fprintln(stdout, "laminardb", version)
	case "help", "-h", "--help":
		fmt.Fprint(stdout, usage)
	default:
		fmt.Fprintf(stderr, "laminardb: unknown command %q\n%s", args[0], usage)
		return 2
	}
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintln(stderr, "laminardb:", err)
	return 1
}

// errUsage says that the flags were wrong and that this was already reported.
var errUsage = errors.New("wrong usage")

// parseFlags parses args, reporting what is wrong with them to the set's output.
func parseFlags(fs *flag.FlagSet, args []string) error {
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	if err != nil {
		return errUsage
	}
	if fs.NArg() > 0 {
		fmt.Fprintf(fs.Output(), "laminardb: unexpected argument %q\n", fs.Arg(0))
		fs.Usage()
		return errUsage
	}
	return nil
}

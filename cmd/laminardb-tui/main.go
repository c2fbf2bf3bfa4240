// Command laminardb-tui shows a LaminarDB in a terminal: its pipelines and how
// they do, the rows of any object as they come, and the panels of the market-data
// example.
//
// Nouns: see package dashboard.
//
// Rule: it is a client like any other and works against any server it can reach.
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
	"time"

	"laminardb/cmd/internal/dashboard"
)

// version is what --version reports; the build sets it.
var version = "0.1.0-dev"

const usage = `laminardb-tui: a dashboard for LaminarDB in the terminal

Usage:
  laminardb-tui [--dsn DSN]

Flags:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit code: 0, 1 for a failure, 2 for wrong usage.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("laminardb-tui", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), usage)
		fs.PrintDefaults()
	}
	dsn := fs.String("dsn", "postgres://laminar@127.0.0.1:5433/laminar", "database to show: a postgres:// URL or keyword=value pairs")
	showVersion := fs.Bool("version", false, "print the version")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case fs.NArg() > 0:
		fmt.Fprintf(stderr, "laminardb-tui: unexpected argument %q\n", fs.Arg(0))
		return 2
	case *showVersion:
		fmt.Fprintln(stdout, "laminardb-tui", version)
		return 0
	}
	if err := dashboard.CheckDSN(*dsn); err != nil {
		fmt.Fprintln(stderr, "laminardb-tui:", err)
		return 2
	}
	if !dashboard.IsTerminal(stdout) {
		fmt.Fprintln(stderr, "laminardb-tui: the output is not a terminal; psql can read everything shown here")
		return 1
	}
	err := dashboard.Run(ctx, dashboard.Options{DSN: *dsn, Input: stdin, Output: stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(stderr, "laminardb-tui:", err)
		return 1
	}
	return 0
}

// Package dashboard shows a database in a terminal: its objects and how they do,
// the rows that they give, and the panels of the market-data example if its
// streams are there.
//
// Nouns: Model (what is shown and how it changes), page (one screen of it), panel
// (a framed part of a page), chunk and batch (see package feed), record (a row by
// its column names).
//
// Rule: everything shown comes over SQL and SUBSCRIBE. Model changes only in
// Update and the time comes with the batches, so that the same messages always
// give the same frame. This package and those below it import nothing else of
// ours.
package dashboard

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"

	"laminardb/cmd/internal/dashboard/feed"
)

// framesPerSecond is how often the terminal is written at most.
const framesPerSecond = 20

// Options says what to show and where.
type Options struct {
	// DSN is the connection string of the database, a URL or keywords.
	DSN string
	// Input and Output are a terminal.
	Input  io.Reader
	Output io.Writer
	// Now is the clock.
	Now func() time.Time
}

// CheckDSN returns what is wrong with a connection string, nil if nothing is.
func CheckDSN(dsn string) error {
	if _, err := feed.New(dsn, "", time.Now); err != nil {
		return fmt.Errorf("--dsn: %w", err)
	}
	return nil
}

// IsTerminal reports whether a file is a terminal that a dashboard can be shown on.
func IsTerminal(f any) bool {
	file, ok := f.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(file.Fd())
}

// Run shows the dashboard until the user quits or ctx ends; both are no error.
func Run(ctx context.Context, o Options) error {
	client, err := feed.New(o.DSN, "laminardb-tui", o.Now)
	if err != nil {
		return fmt.Errorf("connection string: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { client.Run(ctx) })
	receive := func() (feed.Batch, bool) { return client.Next(ctx) }
	program := tea.NewProgram(newModel(client, receive, client.Address()),
		tea.WithInput(o.Input), tea.WithOutput(o.Output), tea.WithFPS(framesPerSecond), tea.WithoutSignalHandler())
	_, err = program.Run()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

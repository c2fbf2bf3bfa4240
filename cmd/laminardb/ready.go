package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// readyTimeout is how long a server may take to say whether it is ready.
const readyTimeout = 3 * time.Second

// readyCommand asks a server's /readyz. It is the health check of the container,
// which has no other client.
func readyCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("laminardb ready", flag.ContinueOnError)
	fs.SetOutput(stderr)
	url := fs.String("url", "http://127.0.0.1:8090/readyz", "address to ask")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, *url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // all is read
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("reading what %s says: %w", *url, err)
	}
	why := strings.TrimSpace(string(said))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", why)
	}
	fmt.Fprintln(stdout, why)
	return nil
}

package main

import (
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// failpointVariable names the step of a checkpoint at which the server kills itself,
// for tests of recovery: "manifest.before", or "manifest.before:3" for the third time.
const failpointVariable = "LAMINARDB_FAILPOINT"

// failpoint returns what runs at each step, nil for nothing.
func failpoint(value string, logger *slog.Logger) func(string) error {
	if value == "" {
		return nil
	}
	name, times, _ := strings.Cut(value, ":")
	left := int64(1)
	if n, err := strconv.ParseInt(times, 10, 64); err == nil {
		left = n
	}
	var count atomic.Int64
	return func(at string) error {
		if at == name && count.Add(1) == left {
			logger.Warn("killed at a failpoint", slog.String("failpoint", name))
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	}
}

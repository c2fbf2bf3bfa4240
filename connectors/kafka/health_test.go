package kafka

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestTroubleIsLoggedAtABoundedRate(t *testing.T) {
	var log bytes.Buffer
	at := time.Unix(0, 0)
	h := health{logger: slog.New(slog.NewTextHandler(&log, nil)), now: func() time.Time { return at }}
	for range 100 {
		h.set("broker down", 1)
		at = at.Add(150 * time.Millisecond)
	}
	if n := strings.Count(log.String(), "broker down"); n != 2 {
		t.Fatalf("%d lines in 15 seconds:\n%s", n, log.String())
	}
	if !strings.Contains(log.String(), "suppressed=133") {
		t.Fatal(log.String())
	}
	if h.text() != "broker down" {
		t.Fatal(h.text())
	}
	h.clear()
	h.clear()
	if n := strings.Count(log.String(), "kafka works again"); n != 1 || h.text() != "" {
		t.Fatal(log.String())
	}
}

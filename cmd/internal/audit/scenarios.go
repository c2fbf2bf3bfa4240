package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// brokerKilled kills the broker under the running server, twice, and the server while
// the broker is away.
func brokerKilled(ctx context.Context, a *auditor) (string, error) {
	r, err := newRig(ctx, a, func(*rig) {})
	if err != nil {
		return "", err
	}
	defer r.close()
	for n := range 2 {
		if err := r.progress(ctx); err != nil {
			return "", err
		}
		if err := r.broker.kill(); err != nil {
			return "", err
		}
		if err := sleep(ctx, time.Second); err != nil {
			return "", err
		}
		if n == 1 {
			r.server.kill()
			if err := r.start(ctx, ""); err != nil {
				return "", err
			}
		}
		if err := r.broker.restart(ctx); err != nil {
			return "", err
		}
		if err := r.progress(ctx); err != nil {
			return "", err
		}
	}
	v, err := r.settle(ctx, whole())
	return "2 kills of the broker; " + v.String(), err
}

// brokerPaused stops the broker for a few seconds where it is.
func brokerPaused(ctx context.Context, a *auditor) (string, error) {
	r, err := newRig(ctx, a, func(*rig) {})
	if err != nil {
		return "", err
	}
	defer r.close()
	for range 2 {
		if err := r.progress(ctx); err != nil {
			return "", err
		}
		if err := r.broker.signal("STOP"); err != nil {
			return "", err
		}
		if err := sleep(ctx, 4*time.Second); err != nil {
			return "", err
		}
		if err := r.broker.signal("CONT"); err != nil {
			return "", err
		}
	}
	if err := r.progress(ctx); err != nil {
		return "", err
	}
	v, err := r.settle(ctx, whole())
	return "2 pauses of 4 s; " + v.String(), err
}

// takeover stops a server where it is, longer than its transactions may take, while
// a second one goes on with a copy of its data directory. The first one comes back
// and must be told that it is out.
func takeover(ctx context.Context, a *auditor) (string, error) {
	r, err := newRig(ctx, a, func(r *rig) { r.transactionTimeout = "3s" })
	if err != nil {
		return "", err
	}
	defer r.close()
	if err := r.progress(ctx); err != nil {
		return "", err
	}
	first := r.server
	r.pusher.stop() // what one of two servers acknowledges, the other does not have
	if err := first.freeze(); err != nil {
		return "", err
	}
	other := filepath.Join(a.dir, "copy")
	if out, err := exec.Command("cp", "-r", r.data, other).CombinedOutput(); err != nil {
		return "", fmt.Errorf("copying the data directory: %w: %s", err, out)
	}
	if err := sleep(ctx, 4*time.Second); err != nil {
		return "", err
	}
	r.data = other
	if err := r.start(ctx, ""); err != nil {
		return "", err
	}
	if err := r.progress(ctx); err != nil {
		return "", err
	}
	if err := first.thaw(); err != nil {
		return "", err
	}
	const fenced = "SELECT count(*) FROM laminar.sinks WHERE status LIKE 'failed: %' AND status LIKE '%another%'"
	deadline := time.Now().Add(settleWait)
	for {
		got, err := askAt(ctx, first.dsn(), fenced)
		if err == nil && number(got) == int64(len(sinks())) {
			break
		}
		if time.Now().After(deadline) {
			all, _ := askAt(ctx, first.dsn(), "SELECT name, status, problem FROM laminar.sinks")
			return "", fmt.Errorf("the first server does not say that its sinks are fenced: %s, %v: %s", got, err, all)
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return "", err
		}
	}
	if err := r.progress(ctx); err != nil { // with both running
		return "", err
	}
	if log, err := os.ReadFile(r.log); err != nil || !strings.Contains(string(log), "another server") {
		return "", errors.Join(errors.New("the log does not say that a sink was fenced"), err)
	}
	v, err := r.settle(ctx, whole())
	return "the first server was fenced; " + v.String(), err
}

// registryDown takes the schema registry away while the server starts.
func registryDown(ctx context.Context, a *auditor) (string, error) {
	r, err := newRig(ctx, a, func(*rig) {})
	if err != nil {
		return "", err
	}
	defer r.close()
	if err := r.progress(ctx); err != nil {
		return "", err
	}
	r.server.kill()
	r.gate.shut()
	if err := r.start(ctx, ""); err != nil {
		return "", err
	}
	if err := sleep(ctx, 3*time.Second); err != nil {
		return "", err
	}
	if r.server.hasExited() {
		return "", errors.New("the server ended without the registry")
	}
	before, err := r.ask(ctx, "SELECT name, status FROM laminar.objects WHERE status <> 'running'")
	if err != nil {
		return "", err
	}
	if err := r.gate.open(); err != nil {
		return "", err
	}
	if err := r.progress(ctx); err != nil {
		return "", fmt.Errorf("%w; without the registry: %s", err, before)
	}
	v, err := r.settle(ctx, whole())
	return v.String(), err
}

// partitionsAdded adds a partition to the ticks while the server runs, and another
// one while it does not.
func partitionsAdded(ctx context.Context, a *auditor) (string, error) {
	r, err := newRig(ctx, a, func(*rig) {})
	if err != nil {
		return "", err
	}
	defer r.close()
	for n, symbol := range []string{"SIX", "SEVEN"} {
		if err := r.progress(ctx); err != nil {
			return "", err
		}
		if n == 1 {
			r.server.kill()
		}
		if err := r.broker.growTopic(ctx, "market-ticks", 6+n); err != nil {
			return "", err
		}
		if err := sleep(ctx, 5*metadataAge); err != nil { // for the feed to learn of it
			return "", err
		}
		r.feed.addSymbol(symbol)
		if n == 1 {
			if err := sleep(ctx, time.Second); err != nil {
				return "", err
			}
			if err := r.start(ctx, ""); err != nil {
				return "", err
			}
		}
		if _, err := r.until(ctx, settleWait, "SELECT count(*) FROM totals WHERE symbol = '"+symbol+"'", func(s string) bool { return s == "1" }); err != nil {
			return "", err
		}
	}
	v, err := r.settle(ctx, whole())
	return "2 partitions; " + v.String(), err
}

// topicRecreated deletes the orders' topic and creates it anew while the server is
// down. The new one must not be read, and all that does not read it goes on.
func topicRecreated(ctx context.Context, a *auditor) (string, error) {
	r, err := newRig(ctx, a, func(*rig) {})
	if err != nil {
		return "", err
	}
	defer r.close()
	if err := r.progress(ctx); err != nil {
		return "", err
	}
	// The server must have read the orders up to the end, so that what it puts out
	// afterwards can only be of the new topic.
	if err := r.feed.stop(); err != nil {
		return "", err
	}
	r.server.kill()
	r.feed.dropOrders()
	if err := r.broker.deleteTopic(ctx, "order-events"); err != nil {
		return "", err
	}
	if err := r.broker.createTopic(ctx, "order-events", 5, "delete"); err != nil {
		return "", err
	}
	if err := r.broker.write(ctx, r.feed.foreignOrders()); err != nil {
		return "", err
	}
	if err := r.start(ctx, ""); err != nil {
		return "", err
	}
	r.feed.start(ctx)
	status, err := r.until(ctx, settleWait, "SELECT status FROM laminar.sources WHERE name = 'order_events'", func(s string) bool { return strings.Contains(s, "anew") })
	if err != nil {
		return "", err
	}
	a.say("order_events: %s", status)
	v, err := r.settle(ctx, settling{orders: false, skip: "enriched_orders", excused: nothing})
	if err != nil {
		return v.String(), err
	}
	rows, err := readSink(ctx, r.broker, sinks()[1])
	for _, row := range rows {
		if strings.HasPrefix(row, "foreign") {
			return v.String(), fmt.Errorf("an order of the new topic was read: %s", row)
		}
	}
	return "the source says so and waits; " + v.String(), err
}

// sinkTopicGone deletes the topic of one sink. All others go on.
func sinkTopicGone(ctx context.Context, a *auditor) (string, error) {
	r, err := newRig(ctx, a, func(*rig) {})
	if err != nil {
		return "", err
	}
	defer r.close()
	if err := r.progress(ctx); err != nil {
		return "", err
	}
	if err := r.broker.deleteTopic(ctx, "enriched-orders"); err != nil {
		return "", err
	}
	others := "SELECT min(committed_epoch) FROM laminar.sinks WHERE name <> 'enriched_orders_sink'"
	before, err := r.ask(ctx, others)
	if err != nil {
		return "", err
	}
	const epochs = 10
	if _, err := r.until(ctx, settleWait, others, func(s string) bool { return number(s) > number(before)+epochs }); err != nil {
		return "", err
	}
	problem, err := r.until(ctx, settleWait, "SELECT coalesce(problem, status) FROM laminar.sinks WHERE name = 'enriched_orders_sink' AND pending_rows > 0",
		func(s string) bool { return s != "" && s != "running" && s != "NULL" })
	if err != nil {
		return "", err
	}
	a.say("enriched_orders_sink: %s", problem)
	failed, err := r.ask(ctx, "SELECT count(*) FROM laminar.checkpoints WHERE status = 'failed'")
	if err != nil || failed != "0" {
		return "", errors.Join(fmt.Errorf("%s checkpoints failed", failed), err)
	}
	r.server.kill() // a restart does not need the topic either
	if err := r.start(ctx, ""); err != nil {
		return "", err
	}
	if err := r.broker.createTopic(ctx, "enriched-orders", 5, "delete"); err != nil {
		return "", err
	}
	own := "SELECT committed_epoch FROM laminar.sinks WHERE name = 'enriched_orders_sink' AND problem IS NULL"
	if _, err := r.until(ctx, settleWait, own, func(s string) bool { return number(s) > number(before)+epochs }); err != nil {
		return "", err
	}
	v, err := r.settle(ctx, settling{orders: true, skip: "enriched_orders", excused: nothing})
	return "the others went on; " + v.String(), err
}

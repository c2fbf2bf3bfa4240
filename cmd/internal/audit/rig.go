package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// settleWait bounds how long a server may take to be through with everything.
const settleWait = 90 * time.Second

// rig is everything that a scenario has to do with.
type rig struct {
	a      *auditor
	broker *broker
	gate   *gate // to the registry
	feed   *feed
	pusher *pusher
	data   string // the server's directory
	log    string
	// transactionTimeout is an option of the sinks, "" for none.
	transactionTimeout string
	interval           time.Duration

	mu     sync.Mutex
	server *process
	others []*process // to be ended with the rig
}

// serverReady is what serve prints.
var serverReady = regexp.MustCompile(`^ready: psql -h (\S+) -p (\d+) -U laminar laminar$`)

// newRig starts a broker, a feed and a server with all pipelines. set changes the rig
// before the server is started.
func newRig(ctx context.Context, a *auditor, set func(*rig)) (r *rig, err error) {
	r = &rig{a: a, data: filepath.Join(a.dir, "data"), log: filepath.Join(a.dir, "server.log"), interval: a.interval}
	set(r)
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.broker, err = startBroker(ctx, a); err != nil {
		return r, err
	}
	registry, err := url.Parse(r.broker.registry)
	if err != nil {
		return r, err
	}
	if r.gate, err = openGate(registry.Host); err != nil {
		return r, err
	}
	if r.feed, err = newFeed(ctx, r.broker, a.seed, a.rate); err != nil {
		return r, err
	}
	for name, cleanup := range map[string]string{"price-momentum": "delete", "totals": "compact"} {
		if err := r.broker.createTopic(ctx, name, 5, cleanup); err != nil {
			return r, err
		}
	}
	if err := r.start(ctx, ""); err != nil {
		return r, err
	}
	if err := r.create(ctx); err != nil {
		return r, err
	}
	r.pusher = newPusher(r.dsn)
	r.feed.start(ctx)
	r.pusher.start(ctx)
	return r, nil
}

func (r *rig) create(ctx context.Context) error {
	all := statements()
	for _, s := range sinks() {
		options := s.options()
		if r.transactionTimeout != "" {
			options += ", transaction_timeout = '" + r.transactionTimeout + "'"
		}
		all = append(all, fmt.Sprintf(`CREATE SINK %s_sink FROM %s INTO KAFKA (brokers = '${KAFKA_BROKERS}', topic = '%s', format = 'avro',
			schema_registry_url = '${SCHEMA_REGISTRY_URL}', delivery = 'exactly_once'%s)`, s.stream, s.stream, s.topic, options))
	}
	conn, err := connect(ctx, r.dsn())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is lost with it
	for _, sql := range all {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// launch starts a server on a data directory, which dies at the failpoint, if there
// is one.
func (r *rig) launch(data, failpoint string) (*process, error) {
	var env []string
	if failpoint != "" {
		env = []string{"LAMINARDB_FAILPOINT=" + failpoint}
	}
	p, err := launch(r.a.server, r.log, serverReady, env, "serve", "--listen", "127.0.0.1:0", "--http-listen", "", "--data-dir", data,
		"--checkpoint-interval", r.interval.String(), "--var", "KAFKA_BROKERS="+r.broker.kafka, "--var", "GROUP_ID=audit",
		"--var", "SCHEMA_REGISTRY_URL=http://"+r.gate.at)
	if err == nil {
		r.mu.Lock()
		r.others = append(r.others, p)
		r.mu.Unlock()
	}
	return p, err
}

// begin starts the server and does not wait for it.
func (r *rig) begin(failpoint string) error {
	p, err := r.launch(r.data, failpoint)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.server = p
	r.mu.Unlock()
	return nil
}

// start starts the server and returns when it is ready.
func (r *rig) start(ctx context.Context, failpoint string) error {
	if err := r.begin(failpoint); err != nil {
		return err
	}
	return r.server.await(ctx)
}

// dsn is the server's address, "" while it is not ready.
func (r *rig) dsn() string {
	r.mu.Lock()
	p := r.server
	r.mu.Unlock()
	return p.dsn()
}

func (p *process) dsn() string {
	if p == nil || p.hasExited() {
		return ""
	}
	select {
	case <-p.ready:
		return "postgres://laminar@" + p.found[1] + ":" + p.found[2] + "/laminar?sslmode=disable"
	default:
		return ""
	}
}

// close ends everything.
func (r *rig) close() {
	if r.pusher != nil {
		r.pusher.stop()
	}
	if r.feed != nil {
		if r.feed.cancel != nil {
			r.feed.cancel()
		}
		r.feed.client.Close()
	}
	for _, p := range r.others {
		p.kill()
	}
	if r.gate != nil {
		r.gate.shut()
	}
	if r.broker != nil {
		r.broker.close()
	}
}

// ask returns the one value of a query of the running server as text.
func (r *rig) ask(ctx context.Context, sql string) (string, error) {
	return askAt(ctx, r.dsn(), sql)
}

func askAt(ctx context.Context, dsn, sql string) (string, error) {
	conn, err := connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is lost with it
	return text(ctx, conn, sql)
}

// until asks until the answer pleases.
func (r *rig) until(ctx context.Context, wait time.Duration, sql string, pleases func(string) bool) (string, error) {
	deadline := time.Now().Add(wait)
	for {
		got, err := r.ask(ctx, sql)
		if err == nil && pleases(got) {
			return got, nil
		}
		if failed := r.feed.failed.Load(); failed != nil {
			return got, *failed
		}
		if time.Now().After(deadline) {
			return got, fmt.Errorf("%s is %q after %v, %w", sql, got, wait, errors.Join(err, errNotYet))
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return "", err
		}
	}
}

// errNotYet is for what did not come about in time.
var errNotYet = errors.New("which is not what was waited for")

// committed waits until every sink has made another epoch visible.
func (r *rig) progress(ctx context.Context) error {
	const sql = "SELECT min(committed_epoch) FROM laminar.sinks"
	before, err := r.until(ctx, settleWait, sql, func(s string) bool { return s != "NULL" })
	if err != nil {
		return err
	}
	_, err = r.until(ctx, settleWait, sql, func(s string) bool { return number(s) > number(before)+1 })
	return err
}

func number(s string) int64 {
	var n int64
	_, _ = fmt.Sscan(s, &n) // 0 for what is none
	return n
}

// problems are the lines of the server's log that no scenario expects.
func (r *rig) problems() error {
	log, err := os.ReadFile(r.log)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(log)) {
		if strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") || strings.Contains(line, "begins_anew") {
			return fmt.Errorf("the server's log: %s", strings.TrimSpace(line))
		}
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"laminardb/connectors"
	"laminardb/storage/kv"
)

// groupsSQL is a view with a group for each key.
const groupsSQL = "CREATE MATERIALIZED VIEW g AS SELECT k, count(*) AS n, sum(v) AS total, max(at) AS at FROM f GROUP BY k"

// groupBytes is about what a group of groupsSQL takes in a checkpoint, its row in the
// view included.
const groupBytes = 100

// partTask is one measurement of a part.
type partTask struct {
	Dir           string
	Keys, Rows    int64
	Epochs        int
	Seconds       float64
	Checkpoints   bool
	Kafka, Topic  string
	Exactly       bool
	ProfilePrefix string // empty for no profile
}

// profiled runs a measurement, with a profile if one is asked for.
func (t *partTask) profiled(run func() (any, error)) (answer any, err error) {
	if t.ProfilePrefix == "" {
		return run()
	}
	end, err := startProfile(t.ProfilePrefix)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	return run()
}

// fillState leaves a data directory with a checkpoint of so many groups.
func (t *partTask) fillState(ctx context.Context) (_ any, err error) {
	f := &feed{keys: t.Keys}
	e, err := openEngine(ctx, t.Dir, fed(f, nil), nil, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	if err := e.exec(ctx, feedSQL, groupsSQL); err != nil {
		return nil, err
	}
	f.release(t.Keys)
	return nil, e.taken(ctx, "g", t.Keys)
}

// restart is how long it took to read a checkpoint's bytes, and to start from it.
type restart struct {
	Bytes         int64
	Read, Recover float64 // seconds
}

// recover measures a restart from the checkpoint that fillState left.
func (t *partTask) recover(ctx context.Context) (_ any, err error) {
	var r restart
	began := time.Now()
	if r.Bytes, err = readChunks(filepath.Join(t.Dir, "checkpoints.db")); err != nil {
		return nil, err
	}
	r.Read = time.Since(began).Seconds()
	f := &feed{keys: t.Keys}
	began = time.Now()
	e, err := openEngine(ctx, t.Dir, fed(f, nil), nil, 0)
	if err != nil {
		return nil, err
	}
	r.Recover = time.Since(began).Seconds()
	var rows int64
	err = e.conn.QueryRow(ctx, "SELECT stored_rows FROM laminar.streams WHERE name = 'g'").Scan(&rows)
	if err == nil && rows != t.Keys {
		err = fmt.Errorf("%d of %d groups came back", rows, t.Keys)
	}
	return r, errors.Join(err, e.close())
}

// readChunks reads all chunks of a checkpoint file, checks them and returns their
// size.
func readChunks(path string) (size int64, err error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return size, db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("chunks")).ForEach(func(_, sealed []byte) error {
			content, err := kv.Unseal(sealed)
			size += int64(len(content))
			return err
		})
	})
}

// churned is what the checkpoints of a view wrote, and how they went.
type churned struct {
	Bytes, NewBytes float64 // means
	// Pause is the longest, Duration the mean, in seconds.
	Pause, Duration float64
}

// churn changes so many random groups in each epoch.
func (t *partTask) churn(ctx context.Context) (_ any, err error) {
	f := &feed{keys: t.Keys}
	e, end, err := tempEngine(ctx, fed(f, nil), nil, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := e.exec(ctx, feedSQL, groupsSQL); err != nil {
		return nil, err
	}
	f.release(t.Keys)
	rows := t.Keys
	if err := errors.Join(e.taken(ctx, "g", rows), e.exec(ctx, "CHECKPOINT")); err != nil {
		return nil, err
	}
	for range t.Epochs {
		f.release(t.Rows)
		rows += t.Rows
		if err := errors.Join(e.taken(ctx, "g", rows), e.exec(ctx, "CHECKPOINT")); err != nil {
			return nil, err
		}
	}
	var c churned
	return &c, e.conn.QueryRow(ctx, `SELECT avg(bytes)::double precision, avg(new_bytes)::double precision, max(pause_ms) / 1000, avg(duration_ms) / 1000
		FROM laminar.checkpoints WHERE new_bytes < bytes`).Scan(&c.Bytes, &c.NewBytes, &c.Pause, &c.Duration)
}

// lateSinks are the sinks whose rows' lateness is measured.
func lateSinks() []string { return []string{"passed", "windows", "updates"} }

// lateness measures the p99 of how late rows come out, by sink, while a view of so
// many groups is on the same source.
func (t *partTask) lateness(ctx context.Context) (_ any, err error) {
	f, c := &feed{keys: t.Keys}, newClocked()
	interval := time.Duration(0)
	if t.Checkpoints {
		interval = time.Second
	}
	e, end, err := tempEngine(ctx, fed(f, map[string]connectors.SinkConnector{"clocked": c}), nil, interval)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	err = e.exec(ctx, feedSQL, groupsSQL,
		"CREATE STREAM w AS SELECT count(*) AS n, max(at) AS at FROM f GROUP BY tumble(ms, INTERVAL '0.05' SECOND)",
		"CREATE STREAM p AS SELECT k, v, at FROM f", "CREATE SINK passed FROM p WITH (connector = 'clocked')",
		"CREATE SINK windows FROM w WITH (connector = 'clocked')",
		"CREATE SINK updates FROM g WITH (connector = 'clocked')")
	if err != nil {
		return nil, err
	}
	f.release(t.Keys)
	if err := e.taken(ctx, "updates", t.Keys); err != nil {
		return nil, err
	}
	if t.Checkpoints { // the first one writes everything
		if err := e.exec(ctx, "CHECKPOINT"); err != nil {
			return nil, err
		}
	}
	f.pace(float64(t.Rows))
	time.Sleep(time.Duration(t.Seconds * float64(time.Second)))
	p99 := map[string]float64{}
	for _, name := range lateSinks() {
		var rows int
		if p99[name], rows = c.percentile(name, 0.99); rows == 0 {
			return nil, fmt.Errorf("nothing came out of %s", name)
		}
	}
	return p99, nil
}

// inTemp runs with a directory that ends with it.
func inTemp(run func(dir string) error) error {
	dir, err := os.MkdirTemp("", "laminardb-bench-")
	if err != nil {
		return err
	}
	return errors.Join(run(dir), os.RemoveAll(dir))
}

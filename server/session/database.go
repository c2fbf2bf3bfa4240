// Package session runs SQL statements: it parses, plans, changes the catalog,
// drives the engine and hands results to the wire.
//
// Nouns: Database (what all sessions share: catalog, engine, connectors), Session
// (one client: settings, transaction, cursors), statement (one statement ready to
// run), rowSource (where a result's rows come from).
//
// Rule: a statement's change is checked, then started, then committed to the
// catalog; what fails on the way is undone, so the catalog never names an object
// that does not run, and nothing runs that the catalog does not name.
package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"laminardb/catalog"
	"laminardb/connectors"
	"laminardb/exec"
	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/parser"
	"laminardb/sql/pgerr"
)

// catchUpWait bounds how long the start waits for what was inserted before it.
const catchUpWait = 5 * time.Second

// Config is what a Database needs.
type Config struct {
	// DataDir holds catalog.db and the logs of pushed rows.
	DataDir  string
	Registry connectors.Registry
	// Vars replace ${NAME} in statements.
	Vars    map[string]string
	Version string
	Now     func() time.Time
	Logger  *slog.Logger
	// Metrics is where the database registers its own; nil for a registry of its own.
	Metrics *prometheus.Registry
	// CheckpointInterval is the time between checkpoints; 0 takes them only when
	// CHECKPOINT asks, and at the end.
	CheckpointInterval time.Duration
	// Failpoint, if not nil, is called with the name of each step of a checkpoint
	// before and after it; an error fails the step. For tests.
	Failpoint func(name string) error
}

// Database is what all sessions share. Its methods may be called from any
// goroutine.
type Database struct {
	config  Config
	catalog *catalog.Catalog
	engine  *exec.Engine
	env     *exec.Env
	// startedAt is when Open began.
	startedAt time.Time
	clients   clients
	collector *collector
	wasReady  atomic.Bool

	checkpoints *checkpointFile
	supervised  background
	recovered   exec.Recovered
	// installation tells this data directory's sinks from all others.
	installation string

	mu sync.Mutex
	// running holds what is known of each object beyond the catalog entry.
	running map[uint64]*running
}

// running is an object at work.
type running struct {
	props  plan.Properties
	upsert bool         // changes are shown as upserts
	pushed *exec.Pushed // for a source without a connector
	table  *tableState  // for a table
	sink   sinkState
	// versions are the tables whose versions a query reads.
	versions []uint64
	// problem is why the object could not be started at boot.
	problem error
}

// Open opens the data directory and brings back everything that the catalog
// names. An object that cannot be started is reported, and does not keep the
// others from running.
func Open(ctx context.Context, config Config) (*Database, error) {
	if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	cat, err := catalog.Open(filepath.Join(config.DataDir, "catalog.db"), config.Now)
	if err != nil {
		return nil, err
	}
	env := &exec.Env{Now: config.Now, Logger: config.Logger, DeadLetters: &exec.DeadLetters{}, Failpoint: config.Failpoint}
	db := &Database{config: config, catalog: cat, env: env, startedAt: config.Now()}
	if err := db.openCheckpoints(); err != nil {
		return nil, errors.Join(err, cat.Close())
	}
	for {
		damage, err := db.restoreAll(ctx)
		if err != nil {
			return nil, errors.Join(err, db.checkpoints.close(), cat.Close())
		}
		if damage == nil {
			break
		}
		db.checkpoints.store.Damage(db.recovered.Epoch, damage)
		if err := db.engine.Close(); err != nil {
			config.Logger.Error("stopping what was restored from a damaged checkpoint", slog.Any("error", err))
		}
	}
	if db.config.Metrics == nil {
		db.config.Metrics = NewMetrics()
	}
	db.collector = &collector{db, metricList()}
	if err := errors.Join(db.config.Metrics.Register(db.collector), db.engine.Start(ctx)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	env.Report(slog.LevelInfo, exec.EventServerStarted, "", config.Version)
	if err := db.engine.CatchUp(ctx, catchUpWait); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	db.checkpoints.run(ctx, db.engine, config.CheckpointInterval)
	db.supervised.run(ctx, func(ctx context.Context) { db.engine.Supervise(ctx, db.exclusive) })
	return db, nil
}

// exclusive runs a function while no statement changes the catalog.
func (db *Database) exclusive(ctx context.Context, fn func()) error {
	edit, err := db.catalog.Edit(ctx)
	if err != nil {
		return err
	}
	defer edit.Discard()
	fn()
	return nil
}

// background is a goroutine that runs until it is stopped.
type background struct {
	cancel context.CancelFunc // nil before run
	wg     sync.WaitGroup
}

func (b *background) run(ctx context.Context, fn func(context.Context)) {
	ctx, b.cancel = context.WithCancel(context.WithoutCancel(ctx))
	b.wg.Go(func() { fn(ctx) })
}

func (b *background) stop() {
	if b.cancel != nil {
		b.cancel()
		b.wg.Wait()
	}
}

// restoreAll brings back what the catalog names, from the newest checkpoint that is
// not known to be damaged. damage is why that one cannot be used.
func (db *Database) restoreAll(ctx context.Context) (damage, err error) {
	db.engine, db.running = exec.NewEngine(db.env), map[uint64]*running{}
	if err := db.useCheckpoints(); err != nil {
		return nil, err
	}
	for _, o := range db.catalog.Snapshot().InCreationOrder() {
		err := db.restore(ctx, o)
		switch {
		case err == nil:
		case errors.Is(err, rowcodec.ErrCorrupt) && db.recovered.Epoch > 0:
			return err, nil
		default:
			db.env.Report(slog.LevelError, exec.EventObjectNotStarted, o.Name.String(), err.Error())
			db.put(o.ID, &running{problem: err})
			db.engine.Preserve(o.ID)
		}
	}
	return nil, nil
}

// Close takes a last checkpoint, stops everything and closes the files.
func (db *Database) Close() error {
	db.config.Metrics.Unregister(db.collector)
	db.supervised.stop()
	db.checkpoints.stop(db.engine)
	return errors.Join(db.engine.Close(), db.checkpoints.close(), db.catalog.Close())
}

func (db *Database) put(id uint64, r *running) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.running[id] = r
}

func (db *Database) forget(id uint64) {
	db.mu.Lock()
	defer db.mu.Unlock()
	delete(db.running, id)
}

func (db *Database) state(id uint64) *running {
	db.mu.Lock()
	defer db.mu.Unlock()
	if r := db.running[id]; r != nil {
		return r
	}
	return &running{}
}

// expand replaces the ${NAME} of a text.
func (db *Database) expand(text string) (string, parser.OffsetMap, error) {
	return parser.Expand(text, func(name string) (string, bool) {
		v, ok := db.config.Vars[name]
		return v, ok
	})
}

// parseOne parses the stored text of an object.
func (db *Database) parseOne(text string) (ast.Statement, string, error) {
	expanded, _, err := db.expand(text)
	if err != nil {
		return nil, "", err
	}
	list, err := parser.Parse(expanded)
	if err != nil {
		return nil, "", err
	}
	if len(list) != 1 {
		return nil, "", pgerr.Newf(pgerr.DataCorrupted, "the catalog holds %d statements for one object", len(list))
	}
	return list[0].Statement, expanded, nil
}

// restore starts an object that the catalog names.
func (db *Database) restore(ctx context.Context, o *catalog.Object) error {
	stmt, _, err := db.parseOne(o.SQL)
	if err != nil {
		return fmt.Errorf("its statement: %w", err)
	}
	switch s := stmt.(type) {
	case *ast.CreateRelation:
		return db.startRelation(ctx, o, s, true)
	case *ast.CreateQuery:
		q, err := db.planQuery(s, db.catalog.Snapshot())
		if err != nil {
			return err
		}
		if isLate(o, s) && q.Late != nil {
			return db.startLate(ctx, o, db.catalog.Snapshot().Object(o.DependsOn[0]), s, q.Late)
		}
		return db.startQuery(ctx, o, s, q)
	case *ast.CreateSink:
		q, err := db.planSink(s, db.catalog.Snapshot())
		if err != nil {
			return err
		}
		return db.startSink(ctx, o, s, q, true)
	}
	return pgerr.Newf(pgerr.DataCorrupted, "the catalog holds a %T", stmt)
}

// pushedDir is where the rows of a pushed source are kept.
func (db *Database) pushedDir(id uint64) string {
	return filepath.Join(db.config.DataDir, "pushed", strconv.FormatUint(id, 10))
}

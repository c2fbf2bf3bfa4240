package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"laminardb/exec"
	"laminardb/server/pgwire"
	"laminardb/sql/pgerr"
	"laminardb/storage/checkpoint"
	"laminardb/storage/kv"
)

// lastCheckpointWait bounds how long the end of the server waits for its last
// checkpoint.
const lastCheckpointWait = 15 * time.Second

// checkpointFile is the store with the goroutine that fills it.
type checkpointFile struct {
	store  *checkpoint.Store
	logger *slog.Logger
	background
}

// openCheckpoints makes the engine save its state and restore what is saved.
func (db *Database) openCheckpoints() error {
	dir := db.config.DataDir
	store, err := checkpoint.Open(filepath.Join(dir, "checkpoints.db"), checkpoint.Options{Now: db.config.Now, Failpoint: db.config.Failpoint})
	if err != nil {
		return err
	}
	db.checkpoints = &checkpointFile{store: store, logger: db.config.Logger}
	outboxes := filepath.Join(dir, "outbox")
	if db.installation, err = installation(outboxes, store.Newest() == 0); err != nil {
		return errors.Join(err, store.Close())
	}
	return nil
}

// useCheckpoints makes the engine restore from the newest sound checkpoint, and take
// new ones.
func (db *Database) useCheckpoints() error {
	var err error
	db.engine.UseRestarts(exec.DefaultRestarts)
	db.recovered, err = db.engine.UseCheckpoints(db.checkpoints.store, filepath.Join(db.config.DataDir, "outbox"))
	if err == nil && db.recovered.Epoch > 0 {
		db.env.Report(slog.LevelInfo, exec.EventRecovered, "", fmt.Sprintf("recovering from checkpoint %d, taken at %s", db.recovered.Epoch, db.recovered.TakenAt.Format(time.RFC3339)))
	}
	return err
}

// installation returns the name under which this data directory writes to what is
// outside. It is made anew with the first checkpoint file: epochs that were
// committed outside before mean nothing to it.
func installation(dir string, fresh bool) (string, error) {
	path := filepath.Join(dir, "installation")
	if !fresh {
		name, err := os.ReadFile(path)
		if err == nil && len(name) > 0 {
			return strings.TrimSpace(string(name)), nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("reading the name of this installation: %w", err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the directory of the outboxes: %w", err)
	}
	name := strings.ToLower(rand.Text())
	if err := writeDurably(path, name+"\n"); err != nil {
		return "", fmt.Errorf("writing the name of this installation: %w", err)
	}
	return name, nil
}

// writeDurably makes a file whose name the outside will know by what is in it: it
// must not be empty after a crash.
func writeDurably(path, text string) error {
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return kv.SyncDir(filepath.Dir(path))
}

// sinkID names a sink to what is outside, the same after a restart.
func (db *Database) sinkID(object uint64) string {
	return db.installation + "-" + strconv.FormatUint(object, 10)
}

func (f *checkpointFile) run(ctx context.Context, e *exec.Engine, interval time.Duration) {
	f.background.run(ctx, func(ctx context.Context) { e.RunCheckpoints(ctx, interval) })
}

// stop ends the periodic checkpoints and takes a last one.
func (f *checkpointFile) stop(e *exec.Engine) {
	if f.cancel == nil {
		return
	}
	f.background.stop()
	ctx, cancel := context.WithTimeout(context.Background(), lastCheckpointWait)
	defer cancel()
	_, _ = e.LastCheckpoint(ctx) // logged; the one before it still holds
}

// last is the newest checkpoint that counts, nil for none.
func (f *checkpointFile) last() *checkpoint.Info {
	for _, info := range f.store.List() {
		if !info.CommittedAt.IsZero() && info.Damage == nil {
			return &info
		}
	}
	return nil
}

func (f *checkpointFile) close() error { return f.store.Close() }

// checkpoint runs CHECKPOINT.
func (s *Session) checkpoint(ctx context.Context, w *pgwire.Results) (string, error) {
	rep, err := s.db.engine.Checkpoint(ctx, "statement")
	if err != nil {
		return "", err
	}
	notice := pgerr.Newf(pgerr.SuccessfulCompletion, "checkpoint %d: %d bytes, %d of them new, in %d ms", rep.Epoch, rep.Bytes, rep.NewBytes,
		rep.Finished.Sub(rep.Started).Milliseconds())
	if err := w.Notice("NOTICE", notice); err != nil {
		return "", err
	}
	if len(rep.Behind) > 0 {
		warning := pgerr.Newf(pgerr.SuccessfulCompletion, "the checkpoint holds an older state of %s", strings.Join(rep.Behind, ", ")).
			WithHint("laminar.why('object') tells what holds it up.")
		if err := w.Notice("WARNING", warning); err != nil {
			return "", err
		}
	}
	return "CHECKPOINT", nil
}

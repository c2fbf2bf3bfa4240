package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

// diskMegabytes is the size of the file system that is filled.
const diskMegabytes = 64

// diskFull takes all space from the server for a while. It must keep running and say
// what is wrong, keep its last checkpoint, take no row that it cannot keep, and go on
// when there is space again.
func diskFull(ctx context.Context, a *auditor) (string, error) {
	mount := filepath.Join(a.dir, "disk")
	if err := os.MkdirAll(mount, 0o755); err != nil {
		return "", err
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", diskMegabytes), "tmpfs", mount).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: a small file system cannot be mounted: %s", errSkipped, out)
	}
	defer func() {
		if out, err := exec.Command("umount", mount).CombinedOutput(); err != nil {
			fmt.Fprintf(a.out, "     umount: %s\n", out)
		}
	}()
	r, err := newRig(ctx, a, func(r *rig) { r.data = filepath.Join(mount, "data") })
	if err != nil {
		return "", err
	}
	defer r.close()
	if err := r.progress(ctx); err != nil {
		return "", err
	}
	r.pusher.tolerate()
	ballast := filepath.Join(mount, "ballast")
	if err := fill(ballast); err != nil {
		return "", err
	}
	why, err := r.until(ctx, settleWait, "SELECT message FROM laminar.events WHERE kind = 'checkpoint_failed' ORDER BY at DESC LIMIT 1", func(s string) bool { return s != "" })
	if err != nil {
		return "", err
	}
	a.say("%s", why)
	if err := sleep(ctx, 3*time.Second); err != nil {
		return "", err
	}
	last, err := r.ask(ctx, "SELECT count(*) FROM laminar.checkpoints WHERE status = 'retained'")
	if err != nil || number(last) == 0 {
		return "", errors.Join(fmt.Errorf("%s checkpoints are retained", last), err)
	}
	if err := os.Remove(ballast); err != nil {
		return "", err
	}
	if err := r.progress(ctx); err != nil {
		return "", err
	}
	if err := fill(ballast); err != nil { // and killed while there is none
		return "", err
	}
	if err := sleep(ctx, time.Second); err != nil {
		return "", err
	}
	r.server.kill()
	if err := os.Remove(ballast); err != nil {
		return "", err
	}
	if err := r.start(ctx, ""); err != nil {
		return "", err
	}
	v, err := r.settle(ctx, whole())
	return fmt.Sprintf("twice full, %d statements refused; %s", r.pusher.refusals(), v), err
}

// fill writes to a file until there is no space left.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096, 1} {
		block := make([]byte, size)
		for err == nil {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		err = nil
	}
	return nil
}

// chunkDamaged changes a byte of the newest checkpoint while the server is down. It
// must say so and go on from the one before; then sinks may get rows twice.
func chunkDamaged(ctx context.Context, a *auditor) (string, error) {
	r, err := newRig(ctx, a, func(*rig) {})
	if err != nil {
		return "", err
	}
	defer r.close()
	if err := r.progress(ctx); err != nil {
		return "", err
	}
	if err := r.server.stop(); err != nil {
		return "", err
	}
	r.interval = 0 // from now on only when asked, so that the newest chunk is of the newest epoch
	if err := r.start(ctx, ""); err != nil {
		return "", err
	}
	var newest string
	for range 2 {
		if err := sleep(ctx, time.Second); err != nil {
			return "", err
		}
		if _, err := r.ask(ctx, "CHECKPOINT"); err != nil {
			return "", err
		}
		if newest, err = r.ask(ctx, "SELECT max(epoch) FROM laminar.checkpoints WHERE status = 'retained'"); err != nil {
			return "", err
		}
		if _, err := r.until(ctx, settleWait, "SELECT min(committed_epoch) FROM laminar.sinks", func(s string) bool { return s == newest }); err != nil {
			return "", err
		}
	}
	r.server.kill()
	if err := damage(filepath.Join(r.data, "checkpoints.db")); err != nil {
		return "", err
	}
	r.interval = a.interval
	if err := r.start(ctx, ""); err != nil {
		return "", err
	}
	told, err := r.ask(ctx, "SELECT message FROM laminar.events WHERE level = 'error' AND kind = 'checkpoint_damaged'")
	if err != nil || told == "" {
		return "", errors.Join(errors.New("laminar.events does not tell of the damage"), err)
	}
	a.say("%s", told)
	from, err := r.ask(ctx, "SELECT recovered_epoch FROM laminar.server")
	if err != nil || number(from) >= number(newest) || number(from) < number(newest)-1 {
		return "", errors.Join(fmt.Errorf("recovered from %s; the damaged one is %s", from, newest), err)
	}
	v, err := r.settle(ctx, settling{orders: true, excused: func(t tally) bool { return t.lost+t.wrong == 0 }})
	return "fell back from " + newest + " to " + from + "; " + v.String(), err
}

// damage changes a byte of the chunk that was written last.
func damage(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte("chunks"))
		if bucket == nil {
			return errors.New("there are no chunks")
		}
		key, value := bucket.Cursor().Last()
		changed := append([]byte(nil), value...)
		changed[len(changed)/2] ^= 0x40
		return bucket.Put(key, changed)
	})
}

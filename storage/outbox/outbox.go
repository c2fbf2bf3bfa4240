// Package outbox keeps the rows that a sink is to write until they are out
// (docs/format/outbox.md).
//
// Nouns: Box (one sink's rows), file (a run of records, ended by an epoch's
// barrier), record (a payload that only the writer and the reader understand),
// Reader (reads one file, also while it grows).
//
// One goroutine appends and seals; another reads and removes. Appending does not
// wait for the disk: only what a checkpoint covers has to survive, and Sync is
// called before it counts.
//
// Rule: after a crash exactly the files that the checkpoint names are kept; a
// record of them is read back as it was written, or the reader gets XX001.
package outbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"laminardb/sql/pgerr"
	"laminardb/storage/kv"
)

const (
	// headerBytes is a record's length and CRC32C.
	headerBytes = 8
	// MaxPayloadBytes bounds a record, and so what a damaged length makes us read.
	MaxPayloadBytes = 1 << 30
	suffix          = ".rows"
	// rewritten is behind the name of a file that is to replace one.
	rewritten = ".new"
)

// File is a run of records.
type File struct {
	// Seq orders the files of a box, from 1.
	Seq uint64
	// Epoch is the checkpoint whose barrier ended the file, 0 while it grows.
	Epoch uint64
	// Bytes and Rows are what it holds.
	Bytes, Rows int64
}

// Box is the directory of one sink's files. Its methods may be called from any
// goroutine; see the package for who calls what.
type Box struct {
	dir string

	mu      sync.Mutex
	files   []File   // oldest first; the last one may be growing
	active  *os.File // of the growing file, nil for none
	next    uint64   // the next file's Seq
	changed chan struct{}
	// unsynced are the sealed files that are not durable yet; syncing serialises
	// making them so.
	unsynced []sealed
	syncing  sync.Mutex
	// named says that the directory has files which were synced and it was not.
	named bool
	// fsync makes a file durable; tests let it fail.
	fsync func(*os.File) error
}

// Open opens the directory, which it makes if need be. It removes nothing: Keep
// says what belongs to the box.
func Open(dir string) (*Box, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, systemError(dir, err)
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	return &Box{dir: dir, next: 1, changed: make(chan struct{}), fsync: (*os.File).Sync}, nil
}

// Keep makes the files those of a checkpoint, whose next Seq is next, and deletes
// all others. It returns those that are not there any more: they were removed
// after they had been sent. A file that is shorter than it was is XX001.
func (b *Box) Keep(files []File, next uint64) (missing []File, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return nil, systemError(b.dir, err)
	}
	found := map[uint64]int64{}
	for _, e := range entries {
		name, unfinished := strings.CutSuffix(e.Name(), rewritten)
		seq, err := strconv.ParseUint(strings.TrimSuffix(name, suffix), 10, 64)
		if err != nil || !strings.HasSuffix(name, suffix) {
			continue // not ours
		}
		wanted := !unfinished && slices.ContainsFunc(files, func(f File) bool { return f.Seq == seq })
		if !wanted {
			if err := os.Remove(filepath.Join(b.dir, e.Name())); err != nil {
				return nil, systemError(e.Name(), err)
			}
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, systemError(e.Name(), err)
		}
		found[seq] = info.Size()
	}
	b.files, b.next = nil, next
	for _, f := range files {
		size, ok := found[f.Seq]
		switch {
		case !ok:
			missing = append(missing, f)
		case size < f.Bytes:
			return nil, pgerr.Newf(pgerr.DataCorrupted, "%s has %d bytes of %d", b.path(f.Seq), size, f.Bytes)
		default:
			b.files = append(b.files, f)
		}
	}
	return missing, nil
}

func (b *Box) path(seq uint64) string {
	return filepath.Join(b.dir, fmt.Sprintf("%020d%s", seq, suffix))
}

// Append adds a record to the growing file; it holds so many rows and is not empty. After an error
// (53100, 58030) nothing of it is there.
func (b *Box) Append(payload []byte, rows int) error {
	if len(payload) == 0 {
		return pgerr.Newf(pgerr.Internal, "a record of an outbox is empty")
	}
	if len(payload) > MaxPayloadBytes {
		return pgerr.Newf(pgerr.ProgramLimitExceeded, "a batch of %d bytes is too large for an outbox", len(payload))
	}
	b.mu.Lock()
	if b.active == nil {
		if err := b.create(); err != nil {
			b.mu.Unlock()
			return err
		}
	}
	file, at := b.active, b.files[len(b.files)-1].Bytes
	b.mu.Unlock()
	record := make([]byte, headerBytes, headerBytes+len(payload))
	binary.LittleEndian.PutUint32(record, uint32(len(payload)))
	binary.LittleEndian.PutUint32(record[4:], kv.Checksum(payload))
	record = append(record, payload...)
	if _, err := file.WriteAt(record, at); err != nil {
		return systemError(file.Name(), err) // what was written lies behind the end
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	f := &b.files[len(b.files)-1]
	f.Bytes += int64(len(record))
	f.Rows += int64(rows)
	b.tell()
	return nil
}

// create begins a file. The lock is held.
func (b *Box) create() error {
	file, err := os.OpenFile(b.path(b.next), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return systemError(b.path(b.next), err)
	}
	b.active = file
	b.files = append(b.files, File{Seq: b.next})
	b.next++
	return nil
}

// tell wakes those who wait for a change. The lock is held.
func (b *Box) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// Changed returns a channel that is closed at the next change.
func (b *Box) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// Seal ends the growing file, if there is one, at the epoch's barrier.
func (b *Box) Seal(epoch uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.active == nil {
		return
	}
	f := &b.files[len(b.files)-1]
	f.Epoch = epoch
	b.unsynced = append(b.unsynced, sealed{file: b.active, seq: f.Seq, size: f.Bytes})
	b.active = nil
	b.tell()
}

// sealed is a file that is complete but not durable.
type sealed struct {
	file *os.File
	seq  uint64
	size int64
	// spoiled says that an fsync has failed: another one of the same file would tell
	// nothing, since the system may have given up the pages.
	spoiled bool
}

// Sync makes all sealed files durable. After an error it may be called again.
func (b *Box) Sync() error {
	b.syncing.Lock()
	defer b.syncing.Unlock()
	b.mu.Lock()
	list := b.unsynced
	b.unsynced = nil
	b.mu.Unlock()
	if len(list) == 0 && !b.named {
		return nil
	}
	b.named = true
	for i := range list {
		if err := b.syncFile(&list[i]); err != nil {
			b.mu.Lock()
			b.unsynced = append(list[i:], b.unsynced...)
			b.mu.Unlock()
			return err
		}
	}
	if err := syncDir(b.dir); err != nil {
		return err
	}
	b.named = false
	return nil
}

// syncFile makes a sealed file durable and closes it.
func (b *Box) syncFile(s *sealed) error {
	if _, kept := b.file(s.seq); s.spoiled && kept {
		if err := b.rewrite(s); err != nil {
			return err
		}
	}
	if err := s.file.Truncate(s.size); err != nil { // behind it may be what a failed write left
		return systemError(s.file.Name(), err)
	}
	if err := b.fsync(s.file); err != nil {
		s.spoiled = true
		return systemError(s.file.Name(), err)
	}
	_ = s.file.Close() // it is durable
	return nil
}

// rewrite puts a file's records into a new one in its place, as long as they can
// still be read back.
func (b *Box) rewrite(s *sealed) error {
	r, err := b.Read(s.seq, 0)
	if err != nil {
		return err
	}
	defer r.Close()
	for r.Position() < s.size {
		if _, err := r.Next(); err != nil {
			return err
		}
	}
	path := b.path(s.seq)
	file, err := os.OpenFile(path+rewritten, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return systemError(path, err)
	}
	_, err = io.Copy(file, io.NewSectionReader(r.file, 0, s.size))
	if err == nil {
		err = os.Rename(path+rewritten, path)
	}
	if err != nil {
		return systemError(path, errors.Join(err, file.Close()))
	}
	_ = s.file.Close() // what it holds is in the new one
	s.file, s.spoiled = file, false
	return nil
}

// State returns the files, oldest first, and the next one's Seq.
func (b *Box) State() (files []File, next uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.files), b.next
}

// file returns how a file stands.
func (b *Box) file(seq uint64) (File, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.files {
		if f.Seq == seq {
			return f, true
		}
	}
	return File{}, false
}

// Remove deletes a sealed file whose rows are out.
func (b *Box) Remove(seq uint64) error {
	b.mu.Lock()
	b.files = slices.DeleteFunc(b.files, func(f File) bool { return f.Seq == seq })
	b.mu.Unlock()
	if err := os.Remove(b.path(seq)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return systemError(b.path(seq), err)
	}
	return nil
}

// Close closes the files. Rows that no checkpoint covers are not needed: they are
// made again.
func (b *Box) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, s := range b.unsynced {
		errs = append(errs, s.file.Close())
	}
	if b.active != nil {
		errs = append(errs, b.active.Close())
	}
	b.active, b.unsynced = nil, nil
	return errors.Join(errs...)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return systemError(dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return systemError(dir, err)
	}
	return nil
}

// systemError gives an error of the file system its SQLSTATE.
func systemError(path string, err error) error {
	code := pgerr.IOError
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		code = pgerr.DiskFull
	}
	return pgerr.Newf(code, "outbox file %s: %w", filepath.Base(path), err)
}

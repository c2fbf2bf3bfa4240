package appendlog

import (
	"io"
	"os"
	"path/filepath"

	"laminardb/storage/kv"
)

// Op is a change of the disk that a Fault may spoil.
type Op string

// The operations, in the order in which a new segment and a group use them.
const (
	OpCreate   Op = "create"
	OpWrite    Op = "write"
	OpSync     Op = "sync"
	OpRename   Op = "rename"
	OpTruncate Op = "truncate"
	OpRemove   Op = "remove"
)

// Fault is asked before an operation on the file. An error is returned in the
// operation's place; a write first writes the n bytes that Fault lets through of
// size. It is called by whoever writes or trims.
type Fault func(op Op, path string, size int) (n int, err error)

// disk does what the log does to files, through the fault hook.
type disk struct{ fault Fault }

func (d disk) allow(op Op, path string, size int) (int, error) {
	if d.fault == nil {
		return size, nil
	}
	return d.fault(op, path, size)
}

func (d disk) write(file *os.File, data []byte, at int64) error {
	n, fault := d.allow(OpWrite, file.Name(), len(data))
	written, err := file.WriteAt(data[:n], at)
	switch {
	case err != nil:
		return err
	case fault != nil:
		return fault
	case written < len(data):
		return io.ErrShortWrite
	}
	return nil
}

func (d disk) sync(file *os.File) error {
	if _, err := d.allow(OpSync, file.Name(), 0); err != nil {
		return err
	}
	return file.Sync()
}

func (d disk) truncate(file *os.File, size int64) error {
	if _, err := d.allow(OpTruncate, file.Name(), 0); err != nil {
		return err
	}
	return file.Truncate(size)
}

func (d disk) remove(path string) error {
	if _, err := d.allow(OpRemove, path, 0); err != nil {
		return err
	}
	return os.Remove(path)
}

// createSegment makes an empty segment under another name, durably, and then
// gives it its own: a segment file always has a whole header.
func (d disk) createSegment(dir string, first uint64) (*segment, *os.File, error) {
	path := segmentPath(dir, first)
	fresh := path + freshSuffix
	if _, err := d.allow(OpCreate, fresh, 0); err != nil {
		return nil, nil, err
	}
	file, err := os.OpenFile(fresh, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	if err = d.write(file, segmentHeader(first), 0); err == nil {
		err = d.sync(file)
	}
	if err == nil {
		err = d.rename(fresh, path)
	}
	if err == nil {
		err = kv.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = file.Close() // Open removes the leftover
		return nil, nil, err
	}
	return &segment{path: path, first: first, end: segmentHeaderBytes}, file, nil
}

// freshSuffix marks a segment that is not part of the log yet.
const freshSuffix = ".new"

func (d disk) rename(from, to string) error {
	if _, err := d.allow(OpRename, to, 0); err != nil {
		return err
	}
	return os.Rename(from, to)
}

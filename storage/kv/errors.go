package kv

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"syscall"

	berrors "go.etcd.io/bbolt/errors"

	"laminardb/sql/pgerr"
)

// sealBytes is the length of the CRC32C in front of a sealed value.
const sealBytes = 4

// castagnoli is CRC32C's table; the processor has an instruction for it.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrChecksum is wrapped by Unseal's errors.
var ErrChecksum = errors.New("checksum mismatch")

// Checksum returns the CRC32C of the bytes.
func Checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// Seal returns a new slice: the little-endian CRC32C of data, then data.
func Seal(data []byte) []byte {
	sealed := make([]byte, sealBytes, sealBytes+len(data))
	binary.LittleEndian.PutUint32(sealed, Checksum(data))
	return append(sealed, data...)
}

// Unseal returns the bytes of a sealed value, a part of the slice it is given.
func Unseal(sealed []byte) ([]byte, error) {
	if len(sealed) < sealBytes {
		return nil, fmt.Errorf("%w: the value has %d bytes", ErrChecksum, len(sealed))
	}
	want, data := binary.LittleEndian.Uint32(sealed), sealed[sealBytes:]
	if got := Checksum(data); got != want {
		return nil, fmt.Errorf("%w: stored %08x, computed %08x over %d bytes", ErrChecksum, want, got, len(data))
	}
	return data, nil
}

// Corrupted returns the XX001 error for a damaged file of this DB.
func (db *DB) Corrupted(cause error) *pgerr.Error { return corrupted(db.path, cause) }

func corrupted(path string, cause error) *pgerr.Error {
	return pgerr.Newf(pgerr.DataCorrupted, "data file %q is damaged: %w", path, cause).
		WithHint("Put back a copy of the file, or move it away to start without its contents.")
}

// systemError gives an operating system's error its SQLSTATE.
func systemError(path string, err error) *pgerr.Error {
	if IsDiskFull(err) {
		return pgerr.Newf(pgerr.DiskFull, "no space left for data file %q: %w", path, err).
			WithHint("Free some space and try again.")
	}
	return pgerr.Newf(pgerr.IOError, "data file %q: %w", path, err)
}

// isKnown reports whether err has a SQLSTATE already.
func isKnown(err error) bool {
	var known *pgerr.Error
	return errors.As(err, &known)
}

// translate gives bbolt's and the system's errors their SQLSTATE and leaves all
// others, those of the caller's function among them, as they are.
func translate(path string, err error) error {
	var (
		errno   syscall.Errno
		pathErr *fs.PathError
	)
	switch {
	case err == nil || isKnown(err):
		return err
	case errors.Is(err, berrors.ErrTimeout):
		return pgerr.Newf(pgerr.ObjectInUse, "data file %q is in use by another process", path).
			WithHint("Stop the other server, or start this one with another data directory.")
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum),
		errors.Is(err, berrors.ErrInvalidMapping):
		return corrupted(path, err)
	case errors.As(err, &errno), errors.As(err, &pathErr), errors.Is(err, os.ErrClosed), errors.Is(err, berrors.ErrDatabaseNotOpen):
		return systemError(path, err)
	}
	return err
}

// ExtendChecksum returns the CRC32C of what sum is the checksum of, then data.
func ExtendChecksum(sum uint32, data []byte) uint32 { return crc32.Update(sum, castagnoli, data) }

// DecodeJSON decodes one value and refuses fields that it does not know: a reader
// that ignored them would lose them at the next write.
func DecodeJSON(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("text after the value")
	}
	return nil
}

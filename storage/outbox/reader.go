package outbox

import (
	"encoding/binary"
	"io"
	"os"

	"laminardb/sql/pgerr"
	"laminardb/storage/kv"
)

// Reader reads one file's records in order. One goroutine uses it.
type Reader struct {
	box  *Box
	seq  uint64
	file *os.File
	at   int64
	buf  []byte
}

// Read returns a reader of the file from its start, or from where a record ends.
// The file must be one of State's.
func (b *Box) Read(seq uint64, from int64) (*Reader, error) {
	file, err := os.Open(b.path(seq))
	if err != nil {
		return nil, systemError(b.path(seq), err)
	}
	return &Reader{box: b, seq: seq, file: file, at: from}, nil
}

// Next returns the next record, which stays as it is until the next call. io.EOF
// says that there is none yet, or none at all in a sealed file.
func (r *Reader) Next() ([]byte, error) {
	f, ok := r.box.file(r.seq)
	if !ok || r.at >= f.Bytes {
		return nil, io.EOF
	}
	if f.Bytes-r.at < headerBytes {
		return nil, r.corrupt()
	}
	var header [headerBytes]byte
	if _, err := r.file.ReadAt(header[:], r.at); err != nil {
		return nil, systemError(r.file.Name(), err)
	}
	size := int64(binary.LittleEndian.Uint32(header[:]))
	if size == 0 || size > f.Bytes-r.at-headerBytes { // zeros are no record, though their sum is right
		return nil, r.corrupt()
	}
	if int64(cap(r.buf)) < size {
		r.buf = make([]byte, size)
	}
	payload := r.buf[:size]
	if _, err := r.file.ReadAt(payload, r.at+headerBytes); err != nil {
		return nil, systemError(r.file.Name(), err)
	}
	if kv.Checksum(payload) != binary.LittleEndian.Uint32(header[4:]) {
		return nil, r.corrupt()
	}
	r.at += headerBytes + size
	return payload, nil
}

func (r *Reader) corrupt() error {
	return pgerr.Newf(pgerr.DataCorrupted, "%s: the record at byte %d is damaged", r.file.Name(), r.at)
}

// Position returns the byte behind the last record that was read.
func (r *Reader) Position() int64 { return r.at }

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

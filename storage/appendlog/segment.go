package appendlog

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"laminardb/storage/kv"
)

// The layout of docs/format/appendlog.md. All numbers are little-endian.
const (
	segmentMagic       = "LAMINLOG"
	segmentVersion     = 1
	segmentHeaderBytes = 24 // magic, version u32, first u64, CRC32C u32
	recordHeaderBytes  = 24 // length u32, CRC32C u32, sequence u64, group u64
	segmentSuffix      = ".log"
)

// segment is one file. Log.mu guards until and end; the rest does not change.
type segment struct {
	path  string
	first uint64 // the sequence number of its first record
	until uint64 // the following segment's first, 0 in the last segment
	end   int64  // the length in bytes of what is durable
}

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, segmentSuffix))
}

// segmentFirst is the inverse of segmentPath.
func segmentFirst(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	first, err := strconv.ParseUint(digits, 10, 64)
	return first, err == nil && first > 0
}

func segmentHeader(first uint64) []byte {
	b := append(make([]byte, 0, segmentHeaderBytes), segmentMagic...)
	b = binary.LittleEndian.AppendUint32(b, segmentVersion)
	b = binary.LittleEndian.AppendUint64(b, first)
	return binary.LittleEndian.AppendUint32(b, kv.Checksum(b))
}

// appendRecord appends a record without its numbers.
func appendRecord(b, payload []byte) []byte {
	var header [recordHeaderBytes]byte
	binary.LittleEndian.PutUint32(header[:], uint32(len(payload)))
	return append(append(b, header[:]...), payload...)
}

// numberRecords fills in the numbers and checksums of a group's records.
func numberRecords(records []byte, first uint64) {
	for seq := first; len(records) > 0; seq++ {
		size := recordHeaderBytes + int(binary.LittleEndian.Uint32(records))
		binary.LittleEndian.PutUint64(records[8:], seq)
		binary.LittleEndian.PutUint64(records[16:], first)
		binary.LittleEndian.PutUint32(records[4:], recordChecksum(records[:size]))
		records = records[size:]
	}
}

// recordChecksum covers the length and everything behind the checksum.
func recordChecksum(record []byte) uint32 {
	length := kv.Checksum(record[:4])
	return kv.ExtendChecksum(length, record[8:])
}

// record is one parsed record; payload is a part of the parsed bytes.
type record struct {
	seq, group uint64
	payload    []byte
	size       int
}

// parseRecord parses the record at the start of b. ok is false if b is too short
// for it or it is damaged; need is then the number of bytes that it claims to
// have, 0 if that is impossible.
func parseRecord(b []byte) (r record, need int, ok bool) {
	if len(b) < recordHeaderBytes {
		return record{}, recordHeaderBytes, false
	}
	length := binary.LittleEndian.Uint32(b)
	if length > MaxPayloadBytes {
		return record{}, 0, false
	}
	size := recordHeaderBytes + int(length)
	if len(b) < size {
		return record{}, size, false
	}
	if recordChecksum(b[:size]) != binary.LittleEndian.Uint32(b[4:]) {
		return record{}, 0, false
	}
	return record{
		seq: binary.LittleEndian.Uint64(b[8:]), group: binary.LittleEndian.Uint64(b[16:]),
		payload: b[recordHeaderBytes:size], size: size,
	}, size, true
}

// checkHeader checks a segment's header against its name.
func checkHeader(path string, header []byte, first uint64) error {
	if len(header) < segmentHeaderBytes || string(header[:8]) != segmentMagic {
		return corrupted(path, "it does not begin with a segment header")
	}
	sum := binary.LittleEndian.Uint32(header[20:])
	if kv.Checksum(header[:20]) != sum {
		return corrupted(path, "the header has a checksum mismatch")
	}
	if version := binary.LittleEndian.Uint32(header[8:]); version != segmentVersion {
		return unsupported(path, version)
	}
	if named := binary.LittleEndian.Uint64(header[12:]); named != first {
		return corrupted(path, "the header says that it begins with record %d", named)
	}
	return nil
}

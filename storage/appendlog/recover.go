package appendlog

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"laminardb/sql/pgerr"
)

// recover finds the segments, repairs the end of the last one and opens it. The
// records of the others are checked when they are read.
func (l *Log) recover() error {
	if err := l.list(); err != nil {
		return err
	}
	if len(l.segments) == 0 {
		l.next = 1
		return l.rotate(l.next)
	}
	last := l.segments[len(l.segments)-1]
	file, err := os.OpenFile(last.path, os.O_RDWR, 0)
	if err != nil {
		return systemError(last.path, err)
	}
	if err := l.repairEnd(file, last); err != nil {
		_ = file.Close() // the first error is the one to tell
		return err
	}
	l.active = file
	return nil
}

func (l *Log) list() error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return systemError(l.dir, err)
	}
	for _, entry := range entries { // sorted by name, therefore by number
		path := filepath.Join(l.dir, entry.Name())
		if strings.HasSuffix(entry.Name(), segmentSuffix+freshSuffix) {
			if err := l.disk.remove(path); err != nil {
				return systemError(path, err)
			}
			continue
		}
		first, ok := segmentFirst(entry.Name())
		if !ok {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return systemError(path, err)
		}
		if last := len(l.segments) - 1; last >= 0 {
			l.segments[last].until = first
		}
		l.segments = append(l.segments, &segment{path: path, first: first, end: info.Size()})
	}
	return nil
}

// repairEnd checks the last segment, cuts off a half-written group and sets end
// and next.
func (l *Log) repairEnd(file *os.File, last *segment) error {
	content := make([]byte, last.end)
	if _, err := io.ReadFull(file, content); err != nil {
		return systemError(last.path, err)
	}
	end, next, err := scan(last.path, content, last.first)
	if err != nil {
		return err
	}
	l.next = next
	if end == last.end {
		return nil
	}
	l.recovery = Recovery{Segment: last.path, DroppedBytes: last.end - end}
	last.end = end
	if err := l.disk.truncate(file, end); err != nil {
		return systemError(last.path, fmt.Errorf("cutting off a half-written group: %w", err))
	}
	if err := l.disk.sync(file); err != nil {
		return systemError(last.path, fmt.Errorf("cutting off a half-written group: %w", err))
	}
	return nil
}

// scan returns where the whole records of a last segment end and the number that
// comes next. It is XX001 if anything behind that end proves that the damaged
// record had been acknowledged.
func scan(path string, content []byte, first uint64) (end int64, next uint64, err error) {
	if err := checkHeader(path, content, first); err != nil {
		return 0, 0, err
	}
	rest, next := content[segmentHeaderBytes:], first
	for len(rest) > 0 {
		r, _, ok := parseRecord(rest)
		if !ok || r.seq != next || r.group > r.seq {
			break
		}
		rest = rest[r.size:]
		next++
	}
	end = int64(len(content) - len(rest))
	if at, seq := laterGroup(rest, next); at >= 0 {
		return 0, 0, corrupted(path, "record %d at byte %d is unreadable, but record %d at byte %d was written after it was durable",
			next, end, seq, end+int64(at))
	}
	return end, next, nil
}

// laterGroup looks for a whole record of a group that begins after the sequence
// number, at any byte: groups are written one after another's fsync. at is -1 if
// there is none.
func laterGroup(rest []byte, seq uint64) (at int, found uint64) {
	for at := 0; at+recordHeaderBytes <= len(rest); at++ {
		header := rest[at:]
		recordSeq, group := binary.LittleEndian.Uint64(header[8:]), binary.LittleEndian.Uint64(header[16:])
		// A record takes a header at least, which bounds how far numbers can be.
		if group <= seq || recordSeq < group || recordSeq-seq > uint64(len(rest)/recordHeaderBytes) {
			continue
		}
		if r, _, ok := parseRecord(header); ok {
			return at, r.seq
		}
	}
	return -1, 0
}

// segmentOf returns the index of the segment that holds or will hold the record.
func segmentOf(segments []*segment, seq uint64) int {
	i, found := slices.BinarySearchFunc(segments, seq, func(s *segment, seq uint64) int {
		switch {
		case s.first < seq:
			return -1
		case s.first > seq:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	return i
}

func unsupported(path string, version uint32) error {
	return pgerr.Newf(pgerr.FeatureNotSupported, "append log segment %q has format version %d, this server knows version %d", path, version, segmentVersion).
		WithHint("Start the version of the server that wrote the file, or a newer one.")
}

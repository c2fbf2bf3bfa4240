package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"

	"laminardb/storage/kv"
)

// A patch is the difference of a piece from what it was in the parent: the id of
// the chunk that the piece began as, the CRC32C of the piece before, its length
// after, and the ranges that changed. docs/format/checkpoints.md has the layout.
const (
	patchHeaderBytes = 8 + 4
	// maxPatches bounds how many patches are applied to one chunk. In every epoch
	// one piece in so many is written in full, so that it is not all in one epoch.
	maxPatches = 16
	// patchShare is which part of a piece its patches may take together: beyond it
	// the piece is cheaper in full.
	patchShare = 3
	// patchGap is how many equal bytes between two changes are not worth a range.
	patchGap = 3
)

// errPatch says that a patch is malformed.
var errPatch = errors.New("a patch cannot be applied")

// diff returns the patch that makes old, which began as the chunk base, into now;
// nil if it would have more than limit bytes.
func diff(base uint64, old, now []byte, limit int) []byte {
	patch := binary.BigEndian.AppendUint64(make([]byte, 0, 256), base)
	patch = binary.LittleEndian.AppendUint32(patch, kv.Checksum(old))
	patch = binary.AppendUvarint(patch, uint64(len(now)))
	same := min(len(old), len(now))
	last := 0 // the end of the range before
	for at := 0; at < len(now); {
		if at+8 <= same && binary.LittleEndian.Uint64(old[at:]) == binary.LittleEndian.Uint64(now[at:]) {
			at += 8
			continue
		}
		if at < same && old[at] == now[at] {
			at++
			continue
		}
		end := at + 1 // behind the last byte that differs
		for i := end; i < len(now) && i-end < patchGap+1; i++ {
			if i >= same || old[i] != now[i] {
				end = i + 1
			}
		}
		if len(patch)+end-at > limit {
			return nil
		}
		patch = binary.AppendUvarint(patch, uint64(at-last))
		patch = binary.AppendUvarint(patch, uint64(end-at))
		patch = append(patch, now[at:end]...)
		at, last = end, end
	}
	if len(patch) > limit {
		return nil
	}
	return patch
}

// apply changes a piece, which began as the chunk base, as a patch says. It
// returns the piece, in the array of the old one if that is long enough.
func apply(patch []byte, base uint64, piece []byte) ([]byte, error) {
	if len(patch) < patchHeaderBytes {
		return nil, errPatch
	}
	if named := binary.BigEndian.Uint64(patch); named != base {
		return nil, fmt.Errorf("a patch of chunk %d stands behind chunk %d", named, base)
	}
	if binary.LittleEndian.Uint32(patch[8:]) != kv.Checksum(piece) {
		return nil, errors.New("a patch is of another content")
	}
	rest := patch[patchHeaderBytes:]
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > uint64(len(piece)+len(patch)) {
		return nil, errPatch
	}
	rest = rest[n:]
	if grow := int(size) - len(piece); grow > 0 {
		piece = append(piece, make([]byte, grow)...)
	}
	piece = piece[:size]
	for at := uint64(0); len(rest) > 0; {
		gap, n := binary.Uvarint(rest)
		if n <= 0 {
			return nil, errPatch
		}
		rest = rest[n:]
		count, n := binary.Uvarint(rest)
		if n <= 0 || count > uint64(len(rest)-n) || gap > size-at || count > size-at-gap {
			return nil, errPatch
		}
		rest = rest[n:]
		at += gap
		copy(piece[at:], rest[:count])
		at, rest = at+count, rest[count:]
	}
	return piece, nil
}

package devbroker

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
)

// kfake keeps beside each segment N.dat (record batches, back to back) an N.idx
// of one 15-byte entry per batch, and appends to the segment first. A process
// killed between the two writes leaves a batch without its entry: kfake then
// takes the batch for one outside a transaction, and the next entry lands in
// the wrong place. What an entry says can be read from its batch, so the
// missing ones are written again before kfake loads the directory.
const (
	indexEntrySize  = 15
	indexVersion    = 1
	batchPrefixSize = 12 // base offset and length
	batchHeaderSize = 61

	// The low byte of a batch's attributes says whether it belongs to a
	// transaction (0x10) and whether it is the marker that ends one (0x20).
	attributesByte    = 22
	transactionBits   = 0x30
	transactionalData = 0x10
)

// repairIndexes completes the index of every segment under kfake's directory.
// A directory that isn't there yet is in order.
func repairIndexes(dir string) error {
	segments, err := filepath.Glob(filepath.Join(dir, "partitions", "*", "*.dat"))
	if err != nil {
		return fmt.Errorf("listing segments: %w", err)
	}
	for _, segment := range segments {
		if err := repairIndex(segment, strings.TrimSuffix(segment, ".dat")+".idx"); err != nil {
			return fmt.Errorf("repairing the index of %s: %w", segment, err)
		}
	}
	return nil
}

// repairIndex appends the entries that the index lacks and cuts a torn one.
func repairIndex(segment, index string) error {
	batches, err := os.ReadFile(segment)
	if err != nil {
		return err
	}
	have, err := os.ReadFile(index)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	want := indexOf(batches)
	keep := len(have) - len(have)%indexEntrySize
	if keep == len(have) && len(have) >= len(want) {
		return nil // kfake cuts what is too long
	}
	if err := os.Truncate(index, int64(keep)); err != nil && !os.IsNotExist(err) {
		return err
	}
	f, err := os.OpenFile(index, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	if keep < len(want) {
		if _, err := f.Write(want[keep:]); err != nil {
			f.Close()
			return err
		}
	}
	return f.Close()
}

// indexOf makes the index entries of a segment's whole batches. The timestamp
// field stays 0: kfake computes it again on load.
func indexOf(segment []byte) []byte {
	var out []byte
	for len(segment) >= batchHeaderSize {
		size := batchPrefixSize + int64(binary.BigEndian.Uint32(segment[8:]))
		if size < batchHeaderSize || size > int64(len(segment)) {
			break
		}
		var e [indexEntrySize]byte
		e[0] = indexVersion
		binary.LittleEndian.PutUint32(e[2:], binary.BigEndian.Uint32(segment[12:])) // leader epoch
		if segment[attributesByte]&transactionBits == transactionalData {
			e[14] = 1
		}
		e[1] = byte(crc32.Checksum(e[2:], crc32.MakeTable(crc32.Castagnoli)))
		out = append(out, e[:]...)
		segment = segment[size:]
	}
	return out
}

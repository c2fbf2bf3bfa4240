package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

func TestPatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	for range 3000 {
		old := make([]byte, rng.IntN(60))
		for i := range old {
			old[i] = byte(rng.IntN(3))
		}
		now := slices.Clone(old[:len(old)-rng.IntN(min(3, len(old)+1))])
		now = append(now, make([]byte, rng.IntN(3))...)
		for range rng.IntN(4) {
			if len(now) > 0 {
				now[rng.IntN(len(now))]++
			}
		}
		patch := diff(7, old, now, 1000)
		got, err := apply(patch, 7, slices.Clone(old))
		if err != nil || !bytes.Equal(got, now) {
			t.Fatalf("%v to %v: %v gave %v, %v", old, now, patch, got, err)
		}
		if diff(7, old, now, len(patch)-1) != nil || diff(7, old, now, len(patch)) == nil {
			t.Fatalf("%v to %v: the limit is not kept", old, now)
		}
		if _, err := apply(patch, 8, slices.Clone(old)); err == nil {
			t.Fatal("a patch of another chunk was applied")
		}
		if _, err := apply(patch, 7, append(slices.Clone(old), 1)); err == nil {
			t.Fatal("a patch of another content was applied")
		}
	}
}

func FuzzApply(f *testing.F) {
	old := bytes.Repeat([]byte("state "), 20)
	now := slices.Clone(old)
	now[50], now[3] = 'x', 'y'
	f.Add(diff(7, old, append(now, "more"...), 1000), old)
	f.Fuzz(func(t *testing.T, patch, piece []byte) {
		got, err := apply(patch, 7, slices.Clone(piece))
		if err != nil {
			return
		}
		if len(got) > len(piece)+len(patch) {
			t.Fatalf("%d bytes of %d and %d", len(got), len(piece), len(patch))
		}
		again, err := apply(diff(7, piece, got, 1<<30), 7, slices.Clone(piece))
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%v, %v", again, err)
		}
	})
}

// churn saves epochs of a state of which one record in a hundred changes, and
// returns the share of new bytes after the first epoch, the largest of any epoch, and the most
// patches to a piece.
func churn(t testing.TB, path string, records, recordBytes, epochs int) (mean, most float64, depth int) {
	t.Helper()
	s := mustOpen(t, path, Options{})
	defer mustClose(t, s)
	rng := rand.New(rand.NewPCG(1, 1))
	state := make([]byte, records*recordBytes)
	for i := range state {
		state[i] = byte(rng.Uint32())
	}
	key := Key{Object: 1, Operator: "groups"}
	for epoch := 1; epoch <= epochs; epoch++ {
		w, err := s.Begin(uint64(epoch))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Put(context.Background(), key, bytes.NewReader(state)); err != nil {
			t.Fatal(err)
		}
		m, err := w.CommitManifest(Progress{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.MarkCommitted(uint64(epoch)); err != nil {
			t.Fatal(err)
		}
		for _, c := range m.State(key).chunks {
			depth = max(depth, len(c.patches))
		}
		if share := float64(m.NewBytes) / float64(m.Bytes()); epoch > 1 {
			mean, most = mean+share/float64(epochs-1), max(most, share)
		}
		if epoch < epochs {
			for range records / 100 {
				at := rng.IntN(records) * recordBytes
				binary.LittleEndian.PutUint32(state[at+8:], binary.LittleEndian.Uint32(state[at+8:])+rng.Uint32()%1000)
				state[at+recordBytes-8]++
			}
		}
	}
	m, skipped, err := s.Latest()
	if err != nil || len(skipped) > 0 {
		t.Fatal(skipped, err)
	}
	got, err := io.ReadAll(s.Read(m, key))
	if err != nil || !bytes.Equal(got, state) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	return mean, most, depth
}

// TestChurn bounds what is written when little changes, in the mean and in every
// epoch: the pieces that are written in full are spread over the epochs.
func TestChurn(t *testing.T) {
	mean, most, depth := churn(t, filepath.Join(t.TempDir(), "checkpoints.db"), 60_000, 40, 2*maxPatches+3)
	if mean > 0.1 || most > 0.2 || depth > maxPatches || depth < maxPatches/2 {
		t.Errorf("%.3f of the state is new in the mean, %.3f at most, with %d patches", mean, most, depth)
	}
}

// TestDamagedPatch changes a patch: the epochs that use it are passed over, and
// the next epoch writes the piece in full.
func TestDamagedPatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoints.db")
	s := mustOpen(t, path, Options{ChunkBytes: 512})
	defer mustClose(t, s)
	for epoch := uint64(1); epoch <= 3; epoch++ {
		if err := writeEpoch(s, epoch); err != nil {
			t.Fatal(err)
		}
	}
	m, _, err := s.Latest()
	if err != nil {
		t.Fatal(err)
	}
	var patches []uint64
	for _, c := range m.State(Key{1, "agg", "little"}).chunks {
		patches = append(patches, c.patches...)
	}
	if len(patches) == 0 {
		t.Fatal("no patches")
	}
	last := slices.Max(patches)
	err = s.update(func(tx *buckets) error {
		sealed := bytes.Clone(tx.chunks.Get(epochKey(last)))
		sealed[len(sealed)-1]++
		return tx.chunks.Put(epochKey(last), sealed)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := writeEpoch(s, 4); err != nil { // its parent is damaged, and nobody knows yet
		t.Fatal(err)
	}
	m, skipped, err := s.Latest()
	if err != nil || m.Epoch != 4 || len(skipped) > 0 {
		t.Fatalf("%v, %v, %v", m, skipped, err)
	}
	checkContent(t, s, m)
	if _, err := s.At(3); err == nil {
		t.Error("epoch 3 is whole")
	}
	if m, err = s.At(2); err != nil {
		t.Fatal(err)
	}
	checkContent(t, s, m)
}

func BenchmarkChurn(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		mean, most, _ := churn(b, filepath.Join(b.TempDir(), fmt.Sprint(i)), 1_000_000, 43, 20)
		b.ReportMetric(mean, "new/total")
		b.ReportMetric(most, "most/total")
	}
}

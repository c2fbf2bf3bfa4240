package exec

import (
	"slices"

	"laminardb/storage/checkpoint"
)

// CheckpointTotals is what became of the checkpoints since the start.
type CheckpointTotals struct {
	Taken, Failed int64
	// Last is how the last one went that was taken, nil before the first.
	Last *CheckpointReport
}

func (t *CheckpointTotals) count(rep *CheckpointReport) {
	if rep.Err != nil {
		t.Failed++
		return
	}
	t.Taken++
	t.Last = rep
}

// CheckpointTotals returns what became of the checkpoints since the start.
func (e *Engine) CheckpointTotals() CheckpointTotals {
	c := e.checkpoints
	if c == nil {
		return CheckpointTotals{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.totals
}

// CheckpointReports returns how the last checkpoints went, oldest first, and the
// retained ones as they are stored, newest first.
func (e *Engine) CheckpointReports() ([]CheckpointReport, []checkpoint.Info) {
	c := e.checkpoints
	if c == nil {
		return nil, nil
	}
	c.mu.Lock()
	reports := slices.Clone(c.reports)
	c.mu.Unlock()
	return reports, c.store.List()
}

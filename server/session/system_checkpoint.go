package session

import (
	"laminardb/catalog"
	"laminardb/exec"
)

// checkpointRows are the last checkpoints, the newest first: those of this run and
// those that an earlier one left.
func (db *Database) checkpointRows() [][]any {
	reports, stored := db.engine.CheckpointReports()
	status := map[uint64]string{}
	for _, info := range stored {
		switch {
		case info.Damage != nil:
			status[info.Epoch] = "damaged"
		case info.CommittedAt.IsZero():
			status[info.Epoch] = "pending"
		default:
			status[info.Epoch] = "retained"
		}
	}
	var rows [][]any
	seen := map[uint64]bool{}
	for i := len(reports) - 1; i >= 0; i-- {
		r := reports[i]
		seen[r.Epoch] = true
		row := []any{
			int64(r.Epoch), "removed", r.Reason, r.Started, r.Finished,
			millis(r.Finished.Sub(r.Started)), millis(r.Pause), r.Bytes, r.NewBytes, nil,
		}
		if s, ok := status[r.Epoch]; ok {
			row[1] = s
		}
		if r.Err != nil {
			row[1], row[7], row[8], row[9] = "failed", nil, nil, r.Err.Error()
		}
		rows = append(rows, row)
	}
	for _, info := range stored {
		if seen[info.Epoch] {
			continue
		}
		row := []any{int64(info.Epoch), status[info.Epoch], nil, info.CreatedAt, nil, nil, nil, info.Bytes, info.NewBytes, nil}
		if !info.CommittedAt.IsZero() {
			row[4] = info.CommittedAt
		}
		if info.Damage != nil {
			row[9] = info.Damage.Error()
		}
		rows = append(rows, row)
	}
	return rows
}

// checkpointStateRows are how much state each object has in the retained epochs.
func (db *Database) checkpointStateRows() [][]any {
	_, stored := db.engine.CheckpointReports()
	names := map[uint64]string{}
	for _, o := range db.catalog.Snapshot().InCreationOrder() {
		names[o.ID] = o.Name.String()
		if o.Kind == catalog.Table {
			names[exec.VersionsID(o.ID)] = o.Name.String() + " (versions)"
		}
	}
	var rows [][]any
	for _, info := range stored {
		for _, o := range info.Objects {
			var name any
			if n, ok := names[o.Object]; ok {
				name = n
			}
			rows = append(rows, []any{int64(info.Epoch), name, int64(o.States), o.Bytes})
		}
	}
	return rows
}

package session

import (
	"context"
	"strings"

	"laminardb/planner"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// systemSchema holds the relations that show what the server does.
const systemSchema = "laminar"

// systemTable is a virtual relation.
type systemTable struct {
	columns []batch.Field
	rows    func(db *Database) ([][]any, error)
}

func column(name string, k types.Kind) batch.Field {
	return batch.Field{Name: name, Type: types.Of(k)}
}

// relation declares a system relation; columns are names with types: "id bigint,
// name text".
func relation(columns string, rows func(db *Database) [][]any) systemTable {
	t := systemTable{rows: func(db *Database) ([][]any, error) { return rows(db), nil }}
	for c := range strings.SplitSeq(columns, ",") {
		name, of, _ := strings.Cut(strings.TrimSpace(c), " ")
		kind, ok := types.Lookup(of)
		if !ok {
			panic("session: unknown type in a system relation: " + c)
		}
		t.columns = append(t.columns, batch.Field{Name: name, Type: kind})
	}
	return t
}

// systemTables are the relations of schema laminar, by name.
func systemTables() map[string]systemTable {
	metrics := relation("name text, labels jsonb, value double precision, help text", nil)
	metrics.rows = (*Database).metricRows
	return map[string]systemTable{
		"server": relation(`version text, started_at timestamptz, uptime interval, recovered_epoch bigint, recovered_at timestamptz,
			last_epoch bigint, last_checkpoint_at timestamptz, sessions bigint, subscriptions bigint, memory_bytes bigint`, (*Database).serverRows),
		"objects": relation("id bigint, name text, kind text, definition text, status text, created_at timestamptz", (*Database).objectRows),
		"dependencies": relation("object text, depends_on text, rows bigint, rows_per_second double precision, queued_bytes bigint",
			(*Database).dependencyRows),
		"sources": relation(`name text, status text, records bigint, rows bigint, bytes bigint, rejected bigint, watermark timestamptz,
			readers bigint, rows_per_second double precision, lag bigint, bytes_per_second double precision, backpressure double precision`,
			(*Database).sourceRows),
		"source_splits": relation(`source text, split bigint, position bigint, high bigint, lag bigint, watermark timestamptz, idle boolean,
			rows bigint, bytes bigint, rejected bigint`, (*Database).splitRows),
		"streams": relation(`name text, kind text, status text, rows_in bigint, rows_out bigint, late_rows bigint, dead_letters bigint,
			watermark timestamptz, stored_rows bigint, stored_bytes bigint, queued_bytes bigint,
			rows_in_per_second double precision, rows_out_per_second double precision,
			latency_p50_ms double precision, latency_p99_ms double precision, latency_max_ms double precision,
			production_p50_ms double precision, production_p99_ms double precision, production_max_ms double precision,
			state_bytes bigint, state_keys bigint, queued_messages bigint, backpressure double precision, watermark_lag_ms bigint,
			restarts bigint`,
			(*Database).streamRows),
		"sinks": relation(`name text, status text, connector text, topic text, delivery text, rows bigint, bytes bigint,
			rows_per_second double precision, pending_rows bigint, pending_bytes bigint, committed_epoch bigint, problem text`,
			(*Database).sinkRows),
		"subscriptions": relation("id bigint, object text, sql text, since timestamptz, rows bigint, queued_bytes bigint, client text",
			(*Database).subscriptionRows),
		"checkpoints": relation(`epoch bigint, status text, reason text, started_at timestamptz, finished_at timestamptz,
			duration_ms double precision, pause_ms double precision, bytes bigint, new_bytes bigint, problem text`,
			(*Database).checkpointRows),
		"checkpoint_states": relation("epoch bigint, object text, states bigint, bytes bigint", (*Database).checkpointStateRows),
		"events":            relation("at timestamptz, level text, kind text, object text, message text", (*Database).eventRows),
		"metrics":           metrics,
		"late_rows":         relation("name text, late_rows bigint", (*Database).lateRows),
		"dead_letters": relation("at timestamptz, object text, partition bigint, offset bigint, reason text, key bytea, value bytea",
			(*Database).deadLetterRows),
	}
}

// systemRelation returns the virtual relation with the name, nil if there is none.
func systemRelation(name ast.Name) *planner.Relation {
	if len(name.Parts) < 2 || name.Parts[len(name.Parts)-2] != systemSchema {
		return postgresRelation(name)
	}
	t, ok := systemTables()[name.Last()]
	if !ok {
		return nil
	}
	return &planner.Relation{Name: systemSchema + "." + name.Last(), OID: systemOID(name.Last()), Kind: "system", Schema: batch.NewSchema(t.columns...)}
}

// system implements exec.System.
func (db *Database) system(_ context.Context, scan *plan.Scan) (*batch.Batch, error) {
	if scan.Name == systemSchema+".why" {
		rows, err := db.why(scan.Args)
		if err != nil {
			return nil, err
		}
		return rowsBatch(scan.Schema(), rows)
	}
	t, ok := systemTables()[scan.Name[len(systemSchema)+1:]]
	if !ok {
		return nil, pgerr.Newf(pgerr.UndefinedTable, "relation %q does not exist", scan.Name)
	}
	rows, err := t.rows(db)
	if err != nil {
		return nil, err
	}
	return rowsBatch(scan.Schema(), rows)
}

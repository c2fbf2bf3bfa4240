package session

import (
	"slices"
	"strings"
	"time"

	"laminardb/catalog"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// maxTimeMillis is the last millisecond that a timestamp can show.
const maxTimeMillis = 9_000_000_000_000_000

func timeOfMillis(millis int64) time.Time { return time.UnixMilli(millis).UTC() }

// show runs SHOW.
func (s *Session) show(stmt *ast.Show) (*statement, error) {
	switch stmt.What {
	case "setting":
		return s.showSetting(stmt)
	case "create":
		return s.showCreate(stmt)
	case "subscriptions", "events", "metrics", "dependencies", "late rows", "dead letters", "source splits":
		return s.showSystem(stmt)
	case "checkpoint status":
		return s.showSystem(stmt)
	}
	kind, ok := catalog.KindNamed(strings.TrimSuffix(stmt.What, "s"))
	if !ok {
		return nil, pgerr.At(int(stmt.Pos), pgerr.FeatureNotSupported, "SHOW %s is not supported yet", strings.ToUpper(stmt.What))
	}
	var rows [][]any
	for _, o := range s.db.catalog.Snapshot().OfKind(kind) {
		rows = append(rows, []any{o.Name.String(), s.db.status(o), o.CreatedAt.Format(time.RFC3339)})
	}
	return static("SHOW", []string{"name", "status", "created_at"}, rows), nil
}

// showSystem is SELECT * of the relation of schema laminar.
func (s *Session) showSystem(stmt *ast.Show) (*statement, error) {
	relation := strings.ReplaceAll(stmt.What, " ", "_")
	if relation == "checkpoint_status" {
		relation = "checkpoints"
	}
	name := ast.Name{Pos: stmt.Pos, Parts: []string{systemSchema, relation}}
	st, err := s.selectStatement(&ast.Query{Pos: stmt.Pos, Body: &ast.Select{
		Pos: stmt.Pos, Items: []ast.SelectItem{{Pos: stmt.Pos, Star: true}}, From: []ast.TableExpr{&ast.TableName{Pos: stmt.Pos, Name: name}},
	}}, nil)
	if err != nil {
		return nil, err
	}
	st.word, st.noCount = "SHOW", true
	return st, nil
}

func (s *Session) showCreate(stmt *ast.Show) (*statement, error) {
	snapshot := s.db.catalog.Snapshot()
	var o *catalog.Object
	var err error
	if kind, ok := catalog.KindNamed(stmt.Kind); ok {
		o, err = snapshot.RelationOfKind(stmt.Name, kind, "SHOW CREATE")
	} else {
		o, err = snapshot.Relation(stmt.Name)
	}
	if err != nil {
		return nil, at(err, stmt.Name.Pos)
	}
	return static("SHOW", []string{"name", "create_sql"}, [][]any{{o.Name.String(), o.SQL + ";"}}), nil
}

// describe runs DESCRIBE [EXTENDED].
func (s *Session) describe(stmt *ast.Describe) (*statement, error) {
	r, err := (relations{s.db, s.db.catalog.Snapshot()}).Relation(stmt.Name)
	if err != nil {
		return nil, at(err, stmt.Name.Pos)
	}
	var rows [][]any
	for i, f := range r.Schema.Fields {
		if f.Hidden && !stmt.Extended {
			continue
		}
		var notes []string
		if i == r.Schema.EventTime || r.Versions != nil && i == r.Versions.Schema.EventTime {
			notes = append(notes, "event time")
		}
		if r.Kind == "table" && slices.Contains(r.Props.Key, i) {
			notes = append(notes, "primary key")
		}
		if f.Hidden {
			notes = append(notes, "hidden")
		}
		null := "yes"
		if f.NotNull {
			null = "no"
		}
		rows = append(rows, []any{f.Name, f.Type.String(), null, strings.Join(notes, ", ")})
	}
	return static("DESCRIBE", []string{"column", "type", "nullable", "notes"}, rows), nil
}

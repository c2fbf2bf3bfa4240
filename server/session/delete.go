package session

import (
	"laminardb/planner"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// delete plans DELETE from a table.
func (s *Session) delete(d *ast.Delete, params *planner.Params) (*statement, error) {
	if len(d.Returning) > 0 {
		return nil, pgerr.At(int(d.Returning[0].Pos), pgerr.FeatureNotSupported, "RETURNING is not supported yet")
	}
	table, _, err := s.writable(d.Table)
	if err != nil {
		return nil, err
	}
	if len(d.Using) > 0 && len(table.Key()) == 0 {
		return nil, pgerr.At(int(d.Using[0].Position()), pgerr.FeatureNotSupported, "DELETE .. USING needs a table with a primary key")
	}
	name := &ast.TableName{Pos: d.Table.Pos, Name: d.Table, Alias: d.Alias}
	r, err := s.planner(planner.Once, params).PlanChange(name, table.Schema(), d.Using, d.Where, nil)
	if err != nil {
		return nil, err
	}
	return s.changeStatement("DELETE", d.Pos, table, r, nil), nil
}

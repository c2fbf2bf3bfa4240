package catalog

import (
	"fmt"
	"maps"
	"strings"

	"laminardb/sql/pgerr"
)

// maxDetailLines is PostgreSQL's limit on listed dependents; more help nobody.
const maxDetailLines = 100

// Drop removes the objects with the IDs, and with cascade all that depends on
// them. It returns what it removed, dependents first, which is the order to stop
// dataflows in. Without cascade, an object outside the list that depends on one
// inside is an error: 2BP01.
func (e *Edit) Drop(ids []uint64, cascade bool) ([]*Object, error) {
	named := make(map[uint64]bool, len(ids))
	for _, id := range ids {
		if _, err := e.existing(id); err != nil {
			return nil, err
		}
		named[id] = true
	}
	dropped := e.now.Closure(ids...)
	if !cascade && len(dropped) > len(named) {
		return nil, e.now.stillNeeded(ids, named, dropped)
	}
	objects := maps.Clone(e.now.objects)
	for _, o := range dropped {
		delete(objects, o.ID)
	}
	e.now = newSnapshot(e.now.generation, objects)
	return dropped, nil
}

// stillNeeded words the refusal as PostgreSQL does.
func (s *Snapshot) stillNeeded(ids []uint64, named map[uint64]bool, closure []*Object) error {
	what := "desired object(s) because other objects depend on them"
	if len(ids) == 1 {
		what = s.objects[ids[0]].describe() + " because other objects depend on it"
	}
	going := make(map[uint64]bool, len(closure))
	for _, o := range closure {
		going[o.ID] = true
	}
	var others []*Object
	for _, o := range s.order {
		if going[o.ID] && !named[o.ID] {
			others = append(others, o)
		}
	}
	return pgerr.Newf(pgerr.DependentObjects, "cannot drop %s", what).
		WithDetail("%s", s.dependencyLines(going, others)).
		WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
}

// dependencyLines says for each dependent which object of the set it needs.
func (s *Snapshot) dependencyLines(set map[uint64]bool, dependents []*Object) string {
	var lines []string
	for i, o := range dependents {
		if i == maxDetailLines {
			lines = append(lines, fmt.Sprintf("and %d other objects", len(dependents)-i))
			break
		}
		for _, id := range o.DependsOn {
			if set[id] {
				lines = append(lines, o.describe()+" depends on "+s.objects[id].describe())
				break
			}
		}
	}
	return strings.Join(lines, "\n")
}

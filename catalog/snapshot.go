package catalog

import (
	"cmp"
	"maps"
	"slices"

	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// Snapshot is the catalog at one moment. It never changes, so any goroutine may
// keep and read one without a lock.
type Snapshot struct {
	generation uint64
	objects    map[uint64]*Object
	names      map[Name]*Object
	dependents map[uint64][]*Object // direct ones, in creation order
	order      []*Object
}

func newSnapshot(generation uint64, objects map[uint64]*Object) *Snapshot {
	s := &Snapshot{
		generation: generation,
		objects:    objects,
		names:      make(map[Name]*Object, len(objects)),
		dependents: make(map[uint64][]*Object),
		order:      make([]*Object, 0, len(objects)),
	}
	placed := make(map[uint64]bool, len(objects))
	var place func(o *Object)
	place = func(o *Object) { // ends because edits refuse cycles
		if placed[o.ID] {
			return
		}
		placed[o.ID] = true
		for _, id := range o.DependsOn {
			place(objects[id])
		}
		s.order = append(s.order, o)
	}
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		place(objects[id])
	}
	for _, o := range s.order {
		s.names[o.Name] = o
		for _, id := range o.DependsOn {
			s.dependents[id] = append(s.dependents[id], o)
		}
	}
	return s
}

// with returns a snapshot with the object added or replaced.
func (s *Snapshot) with(o *Object) *Snapshot {
	objects := maps.Clone(s.objects)
	objects[o.ID] = o
	return newSnapshot(s.generation, objects)
}

// Generation counts the committed edits; two snapshots of one catalog with the
// same generation are equal.
func (s *Snapshot) Generation() uint64 { return s.generation }

// Object returns the object with the ID, nil if there is none.
func (s *Snapshot) Object(id uint64) *Object { return s.objects[id] }

// Named returns the object with the name, nil if there is none.
func (s *Snapshot) Named(name Name) *Object { return s.names[name] }

// InCreationOrder returns all objects, each after those it depends on, else the
// oldest first: the order in which dataflows start. The slice is shared.
func (s *Snapshot) InCreationOrder() []*Object { return s.order }

// OfKind returns the objects of the kind by name.
func (s *Snapshot) OfKind(kind Kind) []*Object {
	var found []*Object
	for _, o := range s.order {
		if o.Kind == kind {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *Object) int {
		return cmp.Or(cmp.Compare(a.Name.Schema, b.Name.Schema), cmp.Compare(a.Name.Name, b.Name.Name))
	})
	return found
}

// Dependents returns the objects that depend directly on the one with the ID, in
// creation order. The slice is shared.
func (s *Snapshot) Dependents(id uint64) []*Object { return s.dependents[id] }

// Dependencies returns the objects that the one with the ID depends on directly.
func (s *Snapshot) Dependencies(id uint64) []*Object {
	o := s.objects[id]
	if o == nil {
		return nil
	}
	found := make([]*Object, len(o.DependsOn))
	for i, id := range o.DependsOn {
		found[i] = s.objects[id]
	}
	return found
}

// Closure returns the objects with the IDs and everything that depends on them,
// directly or not, dependents first: the order in which dataflows stop.
func (s *Snapshot) Closure(ids ...uint64) []*Object {
	in := make(map[uint64]bool)
	var mark func(id uint64)
	mark = func(id uint64) {
		if in[id] || s.objects[id] == nil {
			return
		}
		in[id] = true
		for _, o := range s.dependents[id] {
			mark(o.ID)
		}
	}
	for _, id := range ids {
		mark(id)
	}
	var found []*Object
	for _, o := range slices.Backward(s.order) {
		if in[o.ID] {
			found = append(found, o)
		}
	}
	return found
}

// FullName returns what a name in a statement stands for: the default schema is
// filled in, a database name is ignored because a server has one database.
// Errors: 3F000 for a schema that does not exist.
func FullName(n ast.Name) (Name, error) {
	full := Name{Schema: DefaultSchema, Name: n.Last()}
	if len(n.Parts) > 1 {
		full.Schema = n.Parts[len(n.Parts)-2]
	}
	if full.Schema != DefaultSchema {
		return Name{}, pgerr.At(int(n.Pos), pgerr.InvalidSchemaName, "schema %q does not exist", full.Schema).
			WithHint("Objects live in schema %q.", DefaultSchema)
	}
	return full, nil
}

// Relation returns the object that a query names. Errors: 42P01 with the nearest
// name as the hint, 3F000.
func (s *Snapshot) Relation(n ast.Name) (*Object, error) {
	full, err := FullName(n)
	if err != nil {
		return nil, err
	}
	if o := s.names[full]; o != nil {
		return o, nil
	}
	return nil, s.undefined(n, full, "relation")
}

// RelationOfKind returns the object that DROP kind or ALTER kind names; verb is
// the statement's first word. Errors: those of Relation, 42809 for another kind.
func (s *Snapshot) RelationOfKind(n ast.Name, kind Kind, verb string) (*Object, error) {
	full, err := FullName(n)
	if err != nil {
		return nil, err
	}
	o := s.names[full]
	if o == nil {
		return nil, s.undefined(n, full, kind.String())
	}
	if o.Kind != kind {
		e := pgerr.At(int(n.Pos), pgerr.WrongObjectType, "%q is not a %s", full, kind).
			WithHint("Use %s %s: it is a %s.", verb, o.Kind.upper(), o.Kind)
		e.Relation = full.Name
		return nil, e
	}
	return o, nil
}

func (s *Snapshot) undefined(n ast.Name, full Name, what string) error {
	e := pgerr.At(int(n.Pos), pgerr.UndefinedTable, "%s %q does not exist", what, full)
	if near := s.nearest(full); near != nil {
		e = e.WithHint("Perhaps you meant the %s %q.", near.Kind, near.Name)
	}
	e.Relation = full.Name
	return e
}

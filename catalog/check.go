package catalog

import (
	"slices"

	"laminardb/sql/pgerr"
)

// Limits of PostgreSQL, which clients build their buffers by.
const (
	maxNameBytes = 63
	maxColumns   = 1600
)

// check checks the object alone.
func (o *Object) check() error {
	switch {
	case !o.Kind.valid():
		return pgerr.Newf(pgerr.Internal, "object %q has no kind", o.Name)
	case o.Name.Schema != DefaultSchema:
		return pgerr.Newf(pgerr.InvalidSchemaName, "schema %q does not exist", o.Name.Schema)
	case len(o.Columns) > maxColumns:
		return pgerr.Newf(pgerr.TooManyColumns, "%s can have at most %d columns", o.describe(), maxColumns)
	case o.EventTime < -1 || o.EventTime >= len(o.Columns):
		return pgerr.Newf(pgerr.Internal, "%s has %d columns and its event time is number %d", o.describe(), len(o.Columns), o.EventTime)
	}
	if err := checkName(o.Name.Name); err != nil {
		return err
	}
	seen := make(map[string]bool, len(o.Columns))
	for _, c := range o.Columns {
		if c.Hidden {
			continue // a visible column may cover a hidden one
		}
		if seen[c.Name] {
			return pgerr.Newf(pgerr.DuplicateColumn, "column %q specified more than once", c.Name)
		}
		seen[c.Name] = true
	}
	return nil
}

func checkName(name string) error {
	if name == "" {
		return pgerr.Newf(pgerr.InvalidName, "a name cannot be empty")
	}
	if len(name) > maxNameBytes {
		return pgerr.Newf(pgerr.NameTooLong, "name %q is too long", name).WithDetail("A name has at most %d bytes.", maxNameBytes)
	}
	return nil
}

// checkNew checks an object whose name is new to the edit.
func (e *Edit) checkNew(o *Object) error {
	if e.done {
		return errEditDone
	}
	if err := o.check(); err != nil {
		return err
	}
	if taken := e.now.Named(o.Name); taken != nil {
		dup := pgerr.Newf(pgerr.DuplicateTable, "%s %q already exists", taken.Kind, taken.Name)
		dup.Relation = taken.Name.Name
		return dup
	}
	return e.checkDependencies(o)
}

// checkDependencies drops repeated dependencies and checks that the rest exist
// and do not lead back to the object.
func (e *Edit) checkDependencies(o *Object) error {
	seen := make(map[uint64]bool, len(o.DependsOn))
	o.DependsOn = slices.DeleteFunc(o.DependsOn, func(id uint64) bool {
		repeated := seen[id]
		seen[id] = true
		return repeated
	})
	for _, id := range o.DependsOn {
		dependency, err := e.existing(id)
		if err != nil {
			return err
		}
		if id == o.ID || o.ID != 0 && reaches(e.now.objects, id, o.ID) {
			return pgerr.Newf(pgerr.InvalidObjectDefinition, "%s cannot read %s, which depends on it", o.describe(), dependency.describe())
		}
	}
	return nil
}

// sameColumns reports an error if the new object lacks or changes a column of
// the old one that others may read.
func sameColumns(old, o *Object) error {
	hint := "Drop the dependent objects first, or keep the columns and add new ones at the end."
	for i, c := range old.Columns {
		if i >= len(o.Columns) {
			return pgerr.Newf(pgerr.InvalidTableDefinition, "cannot drop columns from %s while other objects depend on it", o.describe()).WithHint("%s", hint)
		}
		n := o.Columns[i]
		if n.Name != c.Name || n.Hidden != c.Hidden {
			return pgerr.Newf(pgerr.InvalidTableDefinition, "cannot change name of column %q to %q while other objects depend on %s",
				c.Name, n.Name, o.describe()).WithHint("%s", hint)
		}
		if !n.Type.Equal(c.Type) {
			return pgerr.Newf(pgerr.InvalidTableDefinition, "cannot change data type of column %q from %s to %s while other objects depend on %s",
				c.Name, c.Type, n.Type, o.describe()).WithHint("%s", hint)
		}
	}
	if o.EventTime != old.EventTime {
		return pgerr.Newf(pgerr.InvalidTableDefinition, "cannot change the event time of %s while other objects depend on it", o.describe()).WithHint("%s", hint)
	}
	return nil
}

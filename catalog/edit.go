package catalog

import (
	"context"
	"encoding/binary"
	"math"
	"slices"

	"go.etcd.io/bbolt"

	"laminardb/sql/pgerr"
	"laminardb/storage/kv"
)

// Edit is one change of the catalog, in two phases. Its methods check and apply
// to the edit alone; nothing is on disk or visible to others until Commit. One
// goroutine uses an Edit:
//
//	edit, err := catalog.Edit(ctx)   // waits for the edit in progress
//	defer edit.Discard()             // does nothing after Commit
//	obj, err := edit.Create(wanted)  // checks; obj has its ID
//	... start the dataflow of obj ...
//	err = edit.Commit()              // if it fails, stop the dataflow
type Edit struct {
	catalog *Catalog
	base    *Snapshot
	now     *Snapshot
	done    bool
}

// Edit begins a change. It blocks while another Edit is open, until ctx is done
// (57014).
func (c *Catalog) Edit(ctx context.Context) (*Edit, error) {
	if err := c.lock(ctx); err != nil {
		return nil, err
	}
	base := c.Snapshot()
	return &Edit{catalog: c, base: base, now: base}, nil
}

// Snapshot returns the content as it will be after Commit. Names must be looked
// up here, not in the Catalog's snapshot, which may be older than the edit.
func (e *Edit) Snapshot() *Snapshot { return e.now }

// Create adds the object and returns it with its ID, OID, version and time set.
// Errors: 42P07 if the name is taken, and those of an ill-formed object.
func (e *Edit) Create(want Object) (*Object, error) {
	o := want.clone()
	o.Version = 1
	if o.Name.Schema == "" {
		o.Name.Schema = DefaultSchema
	}
	if err := e.checkNew(o); err != nil {
		return nil, err
	}
	id, err := e.catalog.takeID()
	if err != nil {
		return nil, err
	}
	if id > math.MaxUint32-FirstOID {
		return nil, pgerr.Newf(pgerr.ProgramLimitExceeded, "the catalog has given out all its object identifiers")
	}
	o.ID, o.OID = id, FirstOID+uint32(id)
	o.CreatedAt = e.catalog.now().UTC().Round(0)
	e.now = e.now.with(o)
	return o, nil
}

// Replace puts the object in the place of the one with the ID, which keeps its
// ID, OID and time and gets a new Version. Its kind and name must be the same,
// and while others depend on it, its old columns must stay as they are.
func (e *Edit) Replace(id uint64, want Object) (*Object, error) {
	old, err := e.existing(id)
	if err != nil {
		return nil, err
	}
	o := want.clone()
	if o.Name.Schema == "" {
		o.Name.Schema = DefaultSchema
	}
	o.ID, o.OID, o.CreatedAt, o.Version = old.ID, old.OID, old.CreatedAt, old.Version+1
	if o.Kind != old.Kind || o.Name != old.Name {
		return nil, pgerr.Newf(pgerr.WrongObjectType, "%q is not a %s", old.Name, o.Kind).
			WithHint("Use CREATE OR REPLACE %s, or drop it first.", old.Kind.upper())
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := e.checkDependencies(o); err != nil {
		return nil, err
	}
	if len(e.now.Dependents(id)) > 0 {
		if err := sameColumns(old, o); err != nil {
			return nil, err
		}
	}
	e.now = e.now.with(o)
	return o, nil
}

// Rename gives the object another name and statement text, because the text
// holds the name too. It is refused (2BP01) while others depend on the object:
// their texts hold the old name.
func (e *Edit) Rename(id uint64, name, sql string) (*Object, error) {
	old, err := e.existing(id)
	if err != nil {
		return nil, err
	}
	if dependents := e.now.Dependents(id); len(dependents) > 0 {
		return nil, pgerr.Newf(pgerr.DependentObjects, "cannot rename %s because other objects depend on it", old.describe()).
			WithDetail("%s", e.now.dependencyLines(map[uint64]bool{id: true}, dependents)).
			WithHint("Drop the dependent objects first and create them again with the new name.")
	}
	o := old.clone()
	o.Name.Name, o.SQL = name, sql
	if err := e.checkNew(o); err != nil {
		return nil, err
	}
	e.now = e.now.with(o)
	return o, nil
}

// SetOptions sets and then removes options of the object; the statement text
// stays as it was written. Which options there are is the caller's to check.
func (e *Edit) SetOptions(id uint64, set []Option, reset []string) (*Object, error) {
	old, err := e.existing(id)
	if err != nil {
		return nil, err
	}
	o := old.clone()
	for _, want := range set {
		i := slices.IndexFunc(o.Options, func(have Option) bool { return have.Name == want.Name })
		if i < 0 {
			o.Options = append(o.Options, want)
			continue
		}
		o.Options[i].Value = want.Value
	}
	o.Options = slices.DeleteFunc(o.Options, func(have Option) bool { return slices.Contains(reset, have.Name) })
	e.now = e.now.with(o)
	return o, nil
}

// Commit makes the edit durable and then visible, and ends it. On an error the
// catalog is as it was before the edit; 58030 on every later Edit if the disk
// leaves that in doubt.
func (e *Edit) Commit() error {
	if e.done {
		return errEditDone
	}
	defer e.Discard()
	if e.now == e.base {
		return nil
	}
	next := e.catalog.state
	next.Generation++
	next.Objects = len(e.now.objects)
	if err := e.catalog.write(next, e.writeChanges); err != nil {
		return err
	}
	committed := *e.now
	committed.generation = next.Generation
	e.catalog.current.Store(&committed)
	return nil
}

// Discard ends an edit without a trace, except that its IDs are used up. It does
// nothing to an edit that has ended.
func (e *Edit) Discard() {
	if e.done {
		return
	}
	e.done = true
	<-e.catalog.editing
}

// writeChanges writes the objects that differ from the base: objects are
// immutable, so another pointer is another content.
func (e *Edit) writeChanges(bucket *bbolt.Bucket) error {
	for id := range e.base.objects {
		if e.now.objects[id] == nil {
			if err := bucket.Delete(objectKey(id)); err != nil {
				return err
			}
		}
	}
	for id, o := range e.now.objects {
		if e.base.objects[id] == o {
			continue
		}
		text, err := encodeObject(o)
		if err != nil {
			return err
		}
		if err := bucket.Put(objectKey(id), kv.Seal(text)); err != nil {
			return err
		}
	}
	return nil
}

func objectKey(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

// existing returns the object with the ID; a missing one is gone since the
// caller looked.
func (e *Edit) existing(id uint64) (*Object, error) {
	if e.done {
		return nil, errEditDone
	}
	if o := e.now.Object(id); o != nil {
		return o, nil
	}
	return nil, pgerr.Newf(pgerr.UndefinedObject, "the object with identifier %d does not exist", id)
}

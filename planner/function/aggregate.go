package function

import (
	"slices"
	"strings"

	"laminardb/sql/types"
)

// AggregateSignature is the aggregate or window function that a call means.
type AggregateSignature struct {
	Signature
	// Direct is how many of Args are direct arguments of an ordered-set aggregate;
	// the others are its WITHIN GROUP (ORDER BY ..) keys.
	Direct int
	// OrderedSet says that the call must have WITHIN GROUP.
	OrderedSet bool
}

// ResolveAggregate returns the aggregate that name(args) means. count(*) has no
// arguments. An ordered-set aggregate's arguments are the direct ones followed by
// those of WITHIN GROUP. Strict says that rows with a NULL argument are skipped.
func ResolveAggregate(name string, args []types.Type) (*AggregateSignature, error) {
	return resolveAggregate(standard.aggregates, name, args)
}

// ResolveWindow returns the window function that name(args) OVER .. means, which
// may be any aggregate too.
func ResolveWindow(name string, args []types.Type) (*AggregateSignature, error) {
	if len(standard.windows[bare(name)]) > 0 {
		return resolveAggregate(standard.windows, name, args)
	}
	return resolveAggregate(standard.aggregates, name, args)
}

func resolveAggregate(set overloads, name string, args []types.Type) (*AggregateSignature, error) {
	name = bare(name)
	chosen, err := choose(set[name], args, false)
	if err != nil {
		return nil, functionError(err, name, args, set)
	}
	return chosen.aggregate(args), nil
}

func (o *overload) aggregate(args []types.Type) *AggregateSignature {
	return &AggregateSignature{Signature: *o.signature(args), Direct: max(o.direct, 0), OrderedSet: o.direct >= 0}
}

// Aggregates returns every aggregate once, sorted by ID, polymorphic ones bound
// to bigint.
func Aggregates() []*AggregateSignature { return allAggregates(standard.aggregates) }

// Windows returns every pure window function once, sorted by ID, polymorphic ones
// bound to bigint.
func Windows() []*AggregateSignature { return allAggregates(standard.windows) }

func allAggregates(set overloads) []*AggregateSignature {
	byID := map[string]*AggregateSignature{}
	for _, list := range set {
		for _, o := range list {
			a := o.aggregate(o.sampleArgs())
			byID[a.ID] = a
		}
	}
	out := make([]*AggregateSignature, 0, len(byID))
	for _, a := range byID {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b *AggregateSignature) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// TableSignature is the set-returning function that a call in FROM means.
type TableSignature struct {
	Signature
	// Columns are the columns of the rows that it gives. One that is called "" gets
	// the function's alias or name.
	Columns []types.Field
}

// ResolveTable returns the set-returning function that name(args) means.
func ResolveTable(name string, args []types.Type) (*TableSignature, error) {
	name = bare(name)
	chosen, err := choose(standard.tables[name], args, false)
	if err != nil {
		return nil, functionError(err, name, args, standard.tables)
	}
	s := chosen.signature(args)
	out := &TableSignature{Signature: *s, Columns: []types.Field{{Type: s.Result}}}
	if s.Result.Kind == types.Struct {
		out.Columns = s.Result.Fields
	}
	return out, nil
}

package function

import (
	"errors"

	"laminardb/sql/types"
)

// errNone and errAmbiguous are what choose finds wrong.
var (
	errNone      = errors.New("no overload matches")
	errAmbiguous = errors.New("several overloads match")
)

// choose picks the overload for the arguments (PostgreSQL manual 10.2 and 10.3;
// steps are numbered as there).
func choose(list []*overload, args []types.Type, isOperator bool) (*overload, error) {
	known := args
	if isOperator && len(args) == 2 {
		known = assumeOther(args) // 10.2 step 2a
	}
	var candidates []*overload
	for _, o := range list {
		if o.exact(known) {
			return o, nil
		}
		if o.accepts(args) {
			candidates = append(candidates, o)
		}
	}
	if len(candidates) > 1 {
		candidates = mostMatches(candidates, args, false) // 3c
	}
	if len(candidates) > 1 {
		candidates = mostMatches(candidates, args, true) // 3d
	}
	if len(candidates) > 1 {
		candidates = byCategory(candidates, args) // 3e
	}
	if len(candidates) > 1 {
		candidates = byKnown(candidates, args) // 3f
	}
	switch len(candidates) {
	case 0:
		return nil, errNone
	case 1:
		return candidates[0], nil
	}
	return nil, errAmbiguous
}

// assumeOther gives an unknown operand the type of the other one.
func assumeOther(args []types.Type) []types.Type {
	a, b := args[0], args[1]
	if a.Kind == types.Unknown {
		a = b
	} else if b.Kind == types.Unknown {
		b = a
	}
	return []types.Type{a, b}
}

// param returns the parameter that takes argument i.
func (o *overload) param(i int) param {
	if i >= len(o.params) {
		i = len(o.params) - 1
	}
	return o.params[i]
}

func (o *overload) takes(n int) bool {
	if o.variadic {
		return n >= len(o.params)
	}
	return n == len(o.params)
}

func (o *overload) exact(args []types.Type) bool {
	if !o.takes(len(args)) || o.variadic {
		return false
	}
	for i, a := range args {
		p := o.param(i)
		if p.poly != polyNone || a.Kind == types.Unknown || !sameType(a, p.t) {
			return false
		}
	}
	return true
}

func (o *overload) accepts(args []types.Type) bool {
	if !o.takes(len(args)) {
		return false
	}
	for i, a := range args {
		if !o.param(i).accepts(a) {
			return false
		}
	}
	_, ok := o.element(args)
	return ok
}

func (p param) accepts(a types.Type) bool {
	switch p.poly {
	case polyArray:
		return a.Kind == types.Array || a.Kind == types.Unknown
	case polyNonArray:
		return a.Kind != types.Array
	case polyNone:
		if p.t.Kind == types.Struct && a.Kind == types.Struct {
			return true
		}
		return CanCast(a, p.t, Implicit)
	}
	return true
}

// mostMatches keeps the candidates that take the most arguments as they are or,
// if asked, in the preferred type of the argument's category.
func mostMatches(list []*overload, args []types.Type, orPreferred bool) []*overload {
	var best []*overload
	most := 0
	for _, o := range list {
		n := 0
		for i, a := range args {
			p := o.param(i)
			if a.Kind == types.Unknown || p.poly != polyNone {
				continue
			}
			if sameType(a, p.t) || orPreferred && preferred(p.t) && p.t.Category() == a.Category() {
				n++
			}
		}
		if n > most {
			best, most = nil, n
		}
		if n == most {
			best = append(best, o)
		}
	}
	return best
}

// byCategory keeps the candidates whose parameters for unknown arguments are of
// the category that the candidates agree on, strings first, and of its preferred
// type if one has that.
func byCategory(list []*overload, args []types.Type) []*overload {
	categories := make([]byte, len(args))
	wantPreferred := make([]bool, len(args))
	for i, a := range args {
		if a.Kind != types.Unknown {
			continue
		}
		var ok bool
		if categories[i], wantPreferred[i], ok = slotCategory(list, i); !ok {
			return list
		}
	}
	var kept []*overload
	for _, o := range list {
		keep := true
		for i, c := range categories {
			p := o.param(i)
			keep = keep && (c == 0 || p.category() == c && (!wantPreferred[i] || preferred(p.t)))
		}
		if keep {
			kept = append(kept, o)
		}
	}
	if len(kept) == 0 {
		return list
	}
	return kept
}

func (p param) category() byte {
	if p.poly != polyNone {
		return 'P'
	}
	return p.t.Category()
}

func slotCategory(list []*overload, i int) (category byte, wantPreferred, ok bool) {
	conflict := false
	for _, o := range list {
		p := o.param(i)
		c, isPreferred := p.category(), p.poly == polyNone && preferred(p.t)
		switch {
		case category == 0:
			category, wantPreferred = c, isPreferred
		case c == category:
			wantPreferred = wantPreferred || isPreferred
		case c == 'S':
			category, wantPreferred = c, isPreferred
		default:
			conflict = true
		}
	}
	return category, wantPreferred, !conflict || category == 'S'
}

// byKnown takes unknown arguments to be of the known ones' type if these agree,
// and keeps the candidates that accept that.
func byKnown(list []*overload, args []types.Type) []*overload {
	var known types.Type
	unknown := false
	for _, a := range args {
		switch {
		case a.Kind == types.Unknown:
			unknown = true
		case known.Kind == types.Unknown:
			known = a
		case !sameType(a, known):
			return list
		}
	}
	if !unknown || known.Kind == types.Unknown {
		return list
	}
	assumed := make([]types.Type, len(args))
	for i := range assumed {
		assumed[i] = known
	}
	var kept []*overload
	for _, o := range list {
		if o.accepts(assumed) {
			kept = append(kept, o)
		}
	}
	if len(kept) != 1 {
		return list
	}
	return kept
}

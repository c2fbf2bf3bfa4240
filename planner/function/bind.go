package function

import (
	"strconv"

	"laminardb/sql/types"
)

// element returns the type that anyelement and anyarray's element stand for in a
// call: the common type of the arguments in these places.
func (o *overload) element(args []types.Type) (t types.Type, ok bool) {
	var parts []types.Type
	for i, a := range args {
		switch p := o.param(i).poly; {
		case p == polyElement:
			parts = append(parts, a)
		case p == polyArray && a.Kind == types.Array:
			parts = append(parts, *a.Elem)
		}
	}
	if len(parts) == 0 {
		return types.Of(types.Text), true
	}
	return CommonType(parts)
}

// signature fills in the types of a call that the overload accepts.
func (o *overload) signature(args []types.Type) *Signature {
	elem, _ := o.element(args)
	s := &Signature{ID: o.id, Name: o.name, Volatility: o.vol, Strict: !o.called}
	s.Args = make([]types.Type, len(args))
	for i, a := range args {
		p := o.param(i)
		if o.as != nil {
			p = o.as[i]
		}
		s.Args[i] = p.bind(a, elem)
	}
	if o.common {
		unifyNumeric(s.Args)
	}
	s.Result = o.result.bind(types.Type{}, elem)
	if o.rule != "" {
		s.Result = numericResult(o.rule, numericOnly(s.Args))
	}
	if o.result.t.Kind == types.Struct && o.variadic {
		s.Result = recordOf(s.Args)
	}
	return s
}

// recordOf is the type of ROW(..): PostgreSQL calls its fields f1, f2 and so on.
func recordOf(args []types.Type) types.Type {
	t := types.Of(types.Struct)
	for i, a := range args {
		t.Fields = append(t.Fields, types.Field{Name: "f" + strconv.Itoa(i+1), Type: a})
	}
	return t
}

// bind returns the type to which an argument a is cast for the parameter.
func (p param) bind(a, elem types.Type) types.Type {
	switch p.poly {
	case polyElement:
		return elem
	case polyArray:
		return types.ArrayOf(elem)
	case polyAny, polyNonArray:
		if a.Kind == types.Unknown {
			return types.Of(types.Text)
		}
		return a
	}
	switch {
	case p.t.Kind == types.Numeric:
		return asNumeric(a)
	case a.Kind == p.t.Kind && (a.Kind == types.Text || a.Kind == types.Struct):
		return a
	}
	return p.t
}

func unifyNumeric(args []types.Type) {
	common := args[0]
	for _, a := range args[1:] {
		if a.Kind == types.Numeric && common.Kind == types.Numeric {
			common = commonNumeric(common, a)
		}
	}
	for i, a := range args {
		if a.Kind == types.Numeric {
			args[i] = common
		}
	}
}

func numericOnly(args []types.Type) []types.Type {
	var out []types.Type
	for _, a := range args {
		if a.Kind == types.Numeric {
			out = append(out, a)
		}
	}
	return out
}

// sample is the overload's signature for arguments of its own types.
func (o *overload) sample() *Signature { return o.signature(o.sampleArgs()) }

func (o *overload) sampleArgs() []types.Type {
	args := make([]types.Type, len(o.params))
	for i, p := range o.params {
		switch p.poly {
		case polyNone:
			args[i] = p.t
		case polyArray:
			args[i] = types.ArrayOf(types.Of(types.Int64))
		default:
			args[i] = types.Of(types.Int64)
		}
	}
	return args
}

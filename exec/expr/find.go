package expr

import (
	"maps"
	"strings"

	"laminardb/sql/types"
)

// find returns the implementation of an overload for the types of a call.
func find(id string, n *node) (kernel, bool) {
	name, _, _ := strings.Cut(id, "(")
	if k, ok := byRow[id]; ok {
		return k, true
	}
	if len(n.args) == 2 {
		if c, ok := comparisons[name]; ok {
			return compareKernel(c, n.args[0].t), true
		}
	}
	if k, ok := findArithmetic(name, n); ok {
		return k, true
	}
	make, ok := byName[name]
	if !ok {
		return kernel{}, false
	}
	return make(n)
}

// findArithmetic returns the kernels for numbers whose name and type are all
// there is to them.
func findArithmetic(name string, n *node) (kernel, bool) {
	if len(n.args) == 0 {
		return kernel{}, false
	}
	if name == "plus" {
		return kernel{safe: true, lazy: true, eval: func(f *frame, n *node) *vector { return f.eval(n.args[0]) }}, true
	}
	same := n.args[len(n.args)-1].t.Kind == n.args[0].t.Kind
	switch kind := n.args[0].t.Kind; {
	case kind == types.Int16 && n.t.Kind == kind:
		return intFamily[int16](name, n, 16, same)
	case kind == types.Int32 && n.t.Kind == kind:
		return intFamily[int32](name, n, 32, same)
	case kind == types.Int64 && n.t.Kind == kind:
		return intFamily[int64](name, n, 64, same)
	case kind == types.Float32 && n.t.Kind == kind && same:
		return floatFamily[float32](name, n)
	case kind == types.Float64 && n.t.Kind == kind && same:
		return floatFamily[float64](name, n)
	case kind == types.Numeric && n.t.Kind == kind:
		return numericFamily(name, n)
	}
	return kernel{}, false
}

func intFamily[T integer](name string, n *node, width int32, same bool) (kernel, bool) {
	switch {
	case len(n.args) == 1:
		return intUnary[T](name)
	case len(n.args) != 2:
		return kernel{}, false
	case name == "shl" || name == "shr":
		return intShift[T](name, width)
	case same:
		return intKernel[T](name)
	}
	return kernel{}, false
}

func floatFamily[T float](name string, n *node) (kernel, bool) {
	switch len(n.args) {
	case 1:
		return floatUnary[T](name)
	case 2:
		return floatKernel[T](name)
	}
	return kernel{}, false
}

// byRow has the functions that work row by row, by the ID of their overload.
var byRow = merge(mathFunctions(), textFunctions(), patternFunctions(), encodingFunctions(),
	timeFunctions(), calendarFunctions(), clockFunctions(), formatFunctions(), jsonFunctions(), jsonBuilders(), systemFunctions(), catalogFunctions())

// byName has the functions whose kernel depends on the types of the call.
var byName = makers()

func makers() map[string]func(n *node) (kernel, bool) {
	m := map[string]func(n *node) (kernel, bool){
		"greatest": extreme("greatest"), "least": extreme("least"),
		"is_distinct": distinct(false), "is_not_distinct": distinct(true),
		"substring": func(*node) (kernel, bool) { return textFn(newFlagged().substringOf), true },
	}
	for _, name := range []string{"contains", "contained", "overlaps"} {
		m[name] = func(n *node) (kernel, bool) { return containment(name), n.args[0].t.Kind == types.Array }
	}
	for _, more := range []map[string]func(n *node) (kernel, bool){patternKernels(), regexKernels(), arrayKernels()} {
		maps.Copy(m, more)
	}
	return m
}

func merge(list ...map[string]kernel) map[string]kernel {
	out := map[string]kernel{}
	for _, m := range list {
		maps.Copy(out, m)
	}
	return out
}

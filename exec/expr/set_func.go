package expr

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// SetFunc is a compiled call of a set-returning function. Load takes a batch, Row
// makes the rows of one of its rows, and Take gives what was made since the last
// Take, which comes before the next Load.
type SetFunc struct {
	program *Program
	kernel  setKernel
	types   []types.Type
	r       row
	w       setWriter
}

// setKernel makes rows of the arguments. It fails before it makes the first.
type setKernel struct {
	rows func(r *row, w *setWriter) (int, error)
	// called says that it is called for NULLs too; else those give no rows.
	called bool
}

// setWriter is where rows go: into builders, or (unnest) as elements of the
// argument.
type setWriter struct {
	columns []array.Builder
	elems   []int32 // -1 for NULL
	unnests bool
}

// maxSetRows bounds the rows of one call.
const maxSetRows = 10_000_000

// CompileSet prepares the call with the given id. out are the types of its columns.
func CompileSet(id string, args []plan.Expr, out []types.Type, env Env) (*SetFunc, error) {
	p, err := Compile(args, env)
	if err != nil {
		return nil, err
	}
	s := &SetFunc{program: p, types: out}
	name, _, _ := strings.Cut(id, "(")
	for _, a := range args {
		s.r.args = append(s.r.args, &vector{t: a.Type()})
	}
	var ok bool
	if s.kernel, ok = findSet(name, s.r.args, out); !ok {
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, "function %s is not supported yet", id)
	}
	s.r.f = &frame{p: p}
	s.w.unnests = name == "unnest"
	s.reset()
	return s, nil
}

func (s *SetFunc) reset() {
	s.w.columns, s.w.elems = make([]array.Builder, len(s.types)), nil
	for i, t := range s.types {
		s.w.columns[i] = array.NewBuilder(memory.DefaultAllocator, t.Arrow())
	}
}

// Load evaluates the arguments over a batch. Failed rows are added to errs.
func (s *SetFunc) Load(b *batch.Batch, errs *RowErrors) error {
	cols, err := s.program.Eval(b, errs)
	if err != nil {
		return err
	}
	for i, c := range cols {
		s.r.args[i] = load(s.r.args[i].t, c)
	}
	return nil
}

// Row makes the rows of row i and returns how many there are.
func (s *SetFunc) Row(i int) (int, error) {
	s.r.i = i
	for k := range s.r.args {
		if s.r.isNull(k) && !s.kernel.called {
			return 0, nil
		}
	}
	return s.kernel.rows(&s.r, &s.w)
}

// Pad makes n rows of NULLs.
func (s *SetFunc) Pad(n int) {
	for range n {
		if s.w.unnests {
			s.w.elems = append(s.w.elems, -1)
			continue
		}
		for _, c := range s.w.columns {
			c.AppendNull()
		}
	}
}

// Take returns the columns of what was made.
func (s *SetFunc) Take() []arrow.Array {
	defer s.reset()
	if s.w.unnests {
		list, ok := s.r.args[0].arr.(*array.List)
		if !ok { // no row was made of anything
			return []arrow.Array{array.MakeArrayOfNull(memory.DefaultAllocator, s.types[0].Arrow(), len(s.w.elems))}
		}
		return []arrow.Array{TakeArray(list.ListValues(), s.w.elems)}
	}
	out := make([]arrow.Array, len(s.w.columns))
	for i, c := range s.w.columns {
		out[i] = c.NewArray()
	}
	return out
}

func (w *setWriter) text(column int, s string) {
	w.columns[column].(*array.StringBuilder).Append(s)
}

func (w *setWriter) textOrNull(column int, s string, ok bool) {
	if !ok {
		w.columns[column].AppendNull()
		return
	}
	w.text(column, s)
}

// findSet returns the implementation of a set-returning function.
func findSet(name string, args []*vector, out []types.Type) (setKernel, bool) {
	switch name {
	case "unnest":
		return setKernel{rows: unnest}, len(args) == 1
	case "generate_series":
		return series(args[0].t.Kind)
	case "string_to_table":
		return setKernel{rows: stringToTable, called: true}, true
	case "regexp_split_to_table":
		f := newFlagged()
		return setKernel{rows: func(r *row, w *setWriter) (int, error) { return splitToTable(f, r, w) }}, true
	case "regexp_matches":
		f := newFlagged()
		return setKernel{rows: func(r *row, w *setWriter) (int, error) { return regexpMatches(f, r, w, out[0]) }}, true
	case "generate_subscripts":
		return setKernel{rows: subscripts}, true
	case "_pg_expandarray":
		return setKernel{rows: func(r *row, w *setWriter) (int, error) { return expandArray(r, w, out[0]) }}, true
	case "pg_options_to_table":
		return setKernel{rows: options}, true
	}
	if k, ok := jsonSets()[name]; ok {
		return setKernel{rows: k}, true
	}
	return setKernel{}, false
}

func unnest(r *row, w *setWriter) (int, error) {
	v, i := r.at(0)
	from, to := v.arr.(*array.List).ValueOffsets(i)
	for k := from; k < to; k++ {
		w.elems = append(w.elems, int32(k))
	}
	return int(to - from), nil
}

// subscripts gives 1 to the length of an array, for its only dimension.
func subscripts(r *row, w *setWriter) (int, error) {
	if r.int32(1) != 1 {
		return 0, nil
	}
	n := r.length(0)
	for k := range n {
		w.columns[0].(*array.Int32Builder).Append(int32(k) + 1)
	}
	return n, nil
}

// expandArray gives the elements of an array with their places. It is
// information_schema's, and drivers ask it for the columns of a key.
func expandArray(r *row, w *setWriter, elem types.Type) (int, error) {
	list, _ := r.value(0).([]any)
	for k, v := range list {
		if err := appendValue(w.columns[0], elem, v); err != nil {
			return k, err
		}
		w.columns[1].(*array.Int32Builder).Append(int32(k) + 1)
	}
	return len(list), nil
}

// length is how many elements an array has.
func (r *row) length(k int) int {
	v, i := r.at(k)
	from, to := v.arr.(*array.List).ValueOffsets(i)
	return int(to - from)
}

func stringToTable(r *row, w *setWriter) (int, error) {
	parts, err := stringToArray(r)
	if err != nil || parts == nil {
		return 0, err
	}
	list, _ := parts.([]any)
	for _, p := range list {
		w.text(0, p.(string))
	}
	return len(list), nil
}

func splitToTable(f *flagged, r *row, w *setWriter) (int, error) {
	re, _, err := f.regex(r, 2)
	if err != nil {
		return 0, err
	}
	parts := re.Split(r.text(0), -1)
	for _, p := range parts {
		w.text(0, p)
	}
	return len(parts), nil
}

// regexpMatches gives the groups of the first match, or with the flag g of all.
func regexpMatches(f *flagged, r *row, w *setWriter, t types.Type) (int, error) {
	re, flags, err := f.regex(r, 2)
	if err != nil {
		return 0, err
	}
	limit := 1
	if strings.Contains(flags, "g") {
		limit = -1
	}
	s := r.text(0)
	found := re.FindAllStringSubmatchIndex(s, limit)
	for _, at := range found {
		if err := appendValue(w.columns[0], t, groupsOf(s, at)); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// options splits "name=value" elements.
func options(r *row, w *setWriter) (int, error) {
	list := r.list(0)
	for _, e := range list {
		text, _ := e.(string)
		name, value, given := strings.Cut(text, "=")
		w.text(0, name)
		w.textOrNull(1, value, given)
	}
	return len(list), nil
}

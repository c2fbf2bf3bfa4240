package function

import (
	"errors"
	"slices"
	"strings"

	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// functionError words what choose found as PostgreSQL does.
func functionError(err error, name string, args []types.Type, set overloads) error {
	call := name + "(" + typeList(args) + ")"
	if errors.Is(err, errAmbiguous) {
		return pgerr.Newf(pgerr.AmbiguousFunction, "function %s is not unique", call).
			WithHint("Could not choose a best candidate function. You might need to add explicit type casts.")
	}
	e := pgerr.Newf(pgerr.UndefinedFunction, "function %s does not exist", call)
	if len(set[name]) == 0 {
		if near := nearest(name, set); near != "" {
			return e.WithHint("Perhaps you meant the function \"%s\".", near)
		}
	}
	return e.WithHint("No function matches the given name and argument types. You might need to add explicit type casts.")
}

func operatorError(err error, op string, args []types.Type) error {
	expr := op + " " + typeList(args)
	if len(args) == 2 {
		expr = args[0].String() + " " + op + " " + args[1].String()
	}
	if errors.Is(err, errAmbiguous) {
		return pgerr.Newf(pgerr.AmbiguousFunction, "operator is not unique: %s", expr).
			WithHint("Could not choose a best candidate operator. You might need to add explicit type casts.")
	}
	e := pgerr.Newf(pgerr.UndefinedFunction, "operator does not exist: %s", expr)
	if len(args) == 1 {
		return e.WithHint("No operator matches the given name and argument type. You might need to add an explicit type cast.")
	}
	return e.WithHint("No operator matches the given name and argument types. You might need to add explicit type casts.")
}

// typeList names types as format_type does, without a numeric's or varchar's
// parameters.
func typeList(args []types.Type) string {
	names := make([]string, len(args))
	for i, a := range args {
		if a.Kind == types.Numeric || a.Kind == types.Text {
			a.Precision, a.Scale = 0, 0
		}
		names[i] = a.String()
	}
	return strings.Join(names, ", ")
}

// maxTypo is how many edits away a name may be to be offered as meant.
const maxTypo = 2

// nearest returns the known name that is most like the given one, "" if none is.
func nearest(name string, set overloads) string {
	names := make([]string, 0, len(set))
	for n := range set {
		names = append(names, n)
	}
	slices.Sort(names)
	best, least := "", min(maxTypo, len(name)/3)+1
	for _, n := range names {
		if d := distance(name, n); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

package function

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// TestResolve runs testdata: a line is "name type, type", and the answer says
// what it means or why it means nothing.
func TestResolve(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var out []string
			for _, line := range strings.Split(d.Input, "\n") {
				out = append(out, line+" => "+answer(t, d.Cmd, line))
			}
			return strings.Join(out, "\n")
		})
	})
}

func answer(t *testing.T, cmd, line string) string {
	name, list, named := strings.Cut(line, " :")
	if !named {
		list = line
	}
	args := parseTypes(t, list)
	switch cmd {
	case "function":
		return show(Resolve(name, args))
	case "operator":
		return show(ResolveOperator(name, args))
	case "aggregate":
		s, err := ResolveAggregate(name, args)
		if err != nil {
			return show(nil, err)
		}
		return fmt.Sprintf("%s direct=%d ordered-set=%v", show(&s.Signature, nil), s.Direct, s.OrderedSet)
	case "common":
		c, ok := CommonType(args)
		return fmt.Sprint(c, " ", ok)
	case "cast":
		return fmt.Sprint(CanCast(args[0], args[1], Implicit), CanCast(args[0], args[1], Assignment),
			CanCast(args[0], args[1], Explicit))
	}
	t.Fatalf("unknown command %s", cmd)
	return ""
}

func show(s *Signature, err error) string {
	if err != nil {
		e := pgerr.From(err)
		return e.Code.SQLSTATE() + " " + e.Message + " / " + e.Hint
	}
	args := make([]string, len(s.Args))
	for i, a := range s.Args {
		args[i] = a.String()
	}
	return fmt.Sprintf("%s [%s] %s", s.ID, strings.Join(args, ", "), s.Result)
}

func parseTypes(t *testing.T, list string) []types.Type {
	var out []types.Type
	for _, s := range strings.Split(list, ";") {
		s = strings.TrimSpace(s)
		if s == "" {
			continue
		}
		out = append(out, parseType(t, s))
	}
	return out
}

func parseType(t *testing.T, s string) types.Type {
	if elem, ok := strings.CutSuffix(s, "[]"); ok {
		return types.ArrayOf(parseType(t, elem))
	}
	if s == "unknown" {
		return types.Type{}
	}
	name, params, _ := strings.Cut(strings.TrimSuffix(s, ")"), "(")
	typ, ok := types.Lookup(name)
	if !ok {
		t.Fatalf("unknown type %q", s)
	}
	if params == "" {
		return typ
	}
	if n, err := fmt.Sscanf(params, "%d,%d", &typ.Precision, &typ.Scale); n == 0 {
		t.Fatal(err)
	}
	return typ
}

// TestEveryOverloadIsFound checks that a call with an overload's own types means
// that overload.
func TestEveryOverloadIsFound(t *testing.T) {
	for kind, set := range map[string]overloads{"function": standard.functions, "operator": standard.operators} {
		for name, list := range set {
			for _, o := range list {
				args := o.sampleArgs()
				var s *Signature
				var err error
				if kind == "function" {
					s, err = Resolve(name, args)
				} else {
					s, err = ResolveOperator(name, args)
				}
				if err != nil || s.ID != o.id {
					t.Errorf("%s %s: %v, want %s: %v", kind, name, s, o.id, err)
				}
			}
		}
	}
}

func TestNumericLiteral(t *testing.T) {
	for text, want := range map[string]string{
		"1.50": "numeric(3,2)", "0.001": "numeric(4,3)", "1e3": "numeric(4,0)", "12.5e-2": "numeric(3,3)",
		"1e-30": "numeric(30,30)", "1e-50": "numeric", "5": "numeric(1,0)", ".5": "numeric(1,1)", "1e999999999": "numeric",
	} {
		if got := NumericLiteral(text).String(); got != want {
			t.Errorf("NumericLiteral(%s) = %s, want %s", text, got, want)
		}
	}
}

func TestClassify(t *testing.T) {
	for name, want := range map[string]Class{
		"abs": Scalar, "pg_catalog.ABS": Scalar, "sum": Aggregate, "first_value": Aggregate | Window,
		"lag": Window, "generate_series": Table, "tumble": TimeWindow, "nosuch": 0,
	} {
		if got := Classify(name); got != want {
			t.Errorf("Classify(%s) = %b, want %b", name, got, want)
		}
	}
	s, err := ResolveTable("json_each", []types.Type{types.Of(types.JSON)})
	if err != nil || len(s.Columns) != 2 || s.Columns[0].Name != "key" {
		t.Errorf("json_each: %v, %v", s, err)
	}
}

package expr

import (
	"slices"
	"strings"
	"testing"

	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// notImplemented are the overloads that planner/function knows and this package
// refuses with 0A000. The first group is the session's: the planner replaces them
// with constants.
var notImplemented = []string{
	"version()", "current_user()", "session_user()", "user()", "current_role()", "current_database()",
	"current_catalog()", "current_schema()", "pg_backend_pid()",
	"to_timestamp(text,text)", "to_date(text,text)", "to_char(interval,text)",
}

// TestEverySignatureCompiles checks that each overload has a kernel, and that the
// kernel takes NULLs.
func TestEverySignatureCompiles(t *testing.T) {
	for _, sig := range function.Signatures() {
		args := make([]plan.Expr, len(sig.Args))
		for i, a := range sig.Args {
			if a.Kind == types.Struct {
				a.Fields = []types.Field{{Name: "f", Type: types.Of(types.Int32)}}
			}
			args[i] = &plan.Const{T: a}
		}
		result := sig.Result
		if strings.HasPrefix(sig.ID, "struct_field") {
			args[1], result = &plan.Const{Value: "f", T: types.Of(types.Text)}, types.Of(types.Int32)
		}
		p, err := Compile([]plan.Expr{&plan.Call{Func: sig.ID, Args: args, T: result, Pos: -1}}, testEnv())
		if slices.Contains(notImplemented, sig.ID) {
			if !pgerr.Is(err, pgerr.FeatureNotSupported) {
				t.Errorf("%s is listed as not implemented: %v", sig.ID, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", sig.ID, err)
			continue
		}
		out, err := p.Eval(oneRow, &RowErrors{})
		if err != nil {
			t.Errorf("%s: %v", sig.ID, err)
			continue
		}
		if sig.Strict && len(args) > 0 && !strings.HasPrefix(sig.ID, "struct_field") && !out[0].IsNull(0) {
			t.Errorf("%s(NULL) is not NULL", sig.ID)
		}
	}
}

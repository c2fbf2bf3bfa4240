package parser

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"laminardb/sql/ast"
	"laminardb/sql/types"
)

// dump writes a tree in one compact, deterministic form: nodes as
// (Type@pos Field:value ..), zero fields left out. Expressions of one name or one
// constant are short: symbol@7, 'buy'@9.
func dump(v any) string {
	var b strings.Builder
	dumpValue(&b, reflect.ValueOf(v))
	return b.String()
}

func dumpValue(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		if dumpShort(b, v.Interface()) {
			return
		}
		dumpValue(b, v.Elem())
	case reflect.Struct:
		if !dumpShort(b, v.Interface()) {
			dumpStruct(b, v)
		}
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(' ')
			}
			dumpValue(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.String:
		b.WriteString(strconv.Quote(v.String()))
	default:
		fmt.Fprint(b, v.Interface())
	}
}

func dumpShort(b *strings.Builder, v any) bool {
	switch v := v.(type) {
	case types.Type:
		b.WriteString(v.String())
	case ast.Name:
		fmt.Fprintf(b, "%s@%d", strings.Join(v.Parts, "."), v.Pos)
	case *ast.Column:
		fmt.Fprintf(b, "%s@%d", strings.Join(v.Name.Parts, "."), v.Pos)
	case *ast.Param:
		fmt.Fprintf(b, "$%d@%d", v.Index, v.Pos)
	case *ast.Literal:
		switch v.Kind {
		case ast.StringLiteral:
			fmt.Fprintf(b, "'%s'@%d", v.Text, v.Pos)
		case ast.NullLiteral:
			fmt.Fprintf(b, "null@%d", v.Pos)
		default:
			fmt.Fprintf(b, "%s@%d", v.Text, v.Pos)
		}
	case *ast.Binary:
		fmt.Fprintf(b, "(%s@%d:%d ", v.Op, v.Pos, v.OpPos)
		dumpValue(b, reflect.ValueOf(v.Left))
		b.WriteByte(' ')
		dumpValue(b, reflect.ValueOf(v.Right))
		if v.Escape != nil {
			b.WriteString(" escape ")
			dumpValue(b, reflect.ValueOf(v.Escape))
		}
		b.WriteByte(')')
	default:
		return false
	}
	return true
}

func dumpStruct(b *strings.Builder, v reflect.Value) {
	t := v.Type()
	b.WriteString("(" + t.Name())
	for i := range t.NumField() {
		f := v.Field(i)
		switch name := t.Field(i).Name; {
		case name == "At":
			fmt.Fprintf(b, "@%d", f.FieldByName("Pos").Int())
		case name == "Pos":
			fmt.Fprintf(b, "@%d", f.Int())
		case !f.IsZero():
			b.WriteString(" " + name + ":")
			dumpValue(b, f)
		}
	}
	b.WriteByte(')')
}

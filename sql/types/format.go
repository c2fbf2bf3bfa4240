package types

// FormatOID returns the name of a pg_type.oid with a type modifier, -1 for none,
// as format_type prints it. ok is false for a type that the server does not have.
func FormatOID(oid uint32, modifier int32) (name string, ok bool) {
	if oid == varcharOID && modifier < 0 {
		return "character varying", true
	}
	for _, special := range catalogTypes {
		if special.oid == oid {
			return special.name, true
		}
	}
	t, ok := FromOID(oid)
	if !ok {
		return "", false
	}
	const header = 4
	if modifier >= header {
		switch t.Kind {
		case Numeric:
			t = DecimalOf((modifier-header)>>16, (modifier-header)&0xffff)
		case Text:
			t.Precision = modifier - header
		}
	}
	return t.String(), true
}

// catalogTypes are the types of PostgreSQL's own catalog that are text or oid here.
var catalogTypes = []struct {
	oid  uint32
	name string
}{{18, `"char"`}, {19, "name"}, {1042, "character"}, {2205, "regclass"}, {2206, "regtype"}}

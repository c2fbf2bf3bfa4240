package parser

// reserved reports whether PostgreSQL reserves the word, so that it can be
// neither a column nor a relation unless it is quoted (manual, appendix C). The
// words that may be function names only (left, right, ...) count too.
func reserved(w string) bool {
	switch w {
	case "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric",
		"both", "case", "cast", "check", "collate", "column", "constraint", "create",
		"cross", "current_catalog", "current_date", "current_role", "current_time",
		"current_timestamp", "current_user", "default", "deferrable", "desc", "distinct",
		"do", "else", "end", "except", "false", "fetch", "for", "foreign", "from", "full",
		"grant", "group", "having", "ilike", "in", "initially", "inner", "intersect",
		"into", "is", "isnull", "join", "lateral", "leading", "left", "like", "limit",
		"localtime", "localtimestamp", "natural", "not", "notnull", "null", "offset", "on",
		"only", "or", "order", "outer", "overlaps", "placing", "primary", "references",
		"returning", "right", "select", "session_user", "similar", "some", "symmetric",
		"table", "then", "to", "trailing", "true", "union", "unique", "user", "using",
		"variadic", "when", "where", "window", "with":
		return true
	}
	return false
}

// takesOperand reports whether an operand, not an operator, comes after the word.
func takesOperand(w string) bool {
	switch w {
	case "null", "true", "false", "end", "default", "isnull", "notnull", "user",
		"current_catalog", "current_date", "current_role", "current_time",
		"current_timestamp", "current_user", "localtime", "localtimestamp", "session_user":
		return false
	case "by", "escape", "zone", "over", "set", "values", "between":
		return true
	}
	return reserved(w)
}

// niladic reports whether the word is a function that is called without
// parentheses.
func niladic(w string) bool {
	switch w {
	case "current_date", "current_time", "current_timestamp", "localtime",
		"localtimestamp", "current_user", "session_user", "user", "current_role",
		"current_catalog", "current_schema":
		return true
	}
	return false
}

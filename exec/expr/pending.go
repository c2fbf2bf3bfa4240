package expr

func textFunctions() map[string]kernel     { return nil }
func patternFunctions() map[string]kernel  { return nil }
func encodingFunctions() map[string]kernel { return nil }
func calendarFunctions() map[string]kernel { return nil }
func formatFunctions() map[string]kernel   { return nil }
func jsonFunctions() map[string]kernel     { return nil }
func jsonBuilders() map[string]kernel      { return nil }
func systemFunctions() map[string]kernel   { return nil }

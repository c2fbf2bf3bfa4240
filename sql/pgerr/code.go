package pgerr

// Code is a SQLSTATE (PostgreSQL manual, appendix A). It is a struct so that a
// bare string cannot be passed for one.
type Code struct{ state string }

// SQLSTATE returns the five characters; "XX000" for the zero Code.
func (c Code) SQLSTATE() string {
	if c.state == "" {
		return "XX000"
	}
	return c.state
}

// The codes in use, named after PostgreSQL's condition names.
var (
	SuccessfulCompletion     = Code{"00000"}
	ConnectionFailure        = Code{"08006"}
	CannotConnect            = Code{"08001"}
	ProtocolViolation        = Code{"08P01"}
	FeatureNotSupported      = Code{"0A000"}
	CardinalityViolation     = Code{"21000"}
	StringTruncation         = Code{"22001"}
	NumericOutOfRange        = Code{"22003"}
	NullNotAllowed           = Code{"22004"}
	InvalidDatetimeFormat    = Code{"22007"}
	DatetimeFieldOverflow    = Code{"22008"}
	InvalidZoneDisplacement  = Code{"22009"}
	SubstringError           = Code{"22011"}
	DivisionByZero           = Code{"22012"}
	InvalidWindowSize        = Code{"22013"}
	InvalidArgumentForNtile  = Code{"22014"}
	InvalidArgumentForNth    = Code{"22016"}
	InvalidArgumentForLog    = Code{"2201E"}
	InvalidArgumentForPower  = Code{"2201F"}
	InvalidLimit             = Code{"2201W"}
	InvalidOffset            = Code{"2201X"}
	InvalidRegexp            = Code{"2201B"}
	CharacterNotInRepertoire = Code{"22021"}
	IntervalFieldOverflow    = Code{"22015"}
	InvalidParameterValue    = Code{"22023"}
	InvalidEscape            = Code{"22025"}
	ArraySubscript           = Code{"2202E"}
	InvalidText              = Code{"22P02"}
	InvalidBinary            = Code{"22P03"}
	BadCopyFormat            = Code{"22P04"}
	NotNullViolation         = Code{"23502"}
	UniqueViolation          = Code{"23505"}
	CheckViolation           = Code{"23514"}
	InvalidCursorState       = Code{"24000"}
	ActiveTransaction        = Code{"25001"}
	ReadOnlyTransaction      = Code{"25006"}
	NoActiveTransaction      = Code{"25P01"}
	InFailedTransaction      = Code{"25P02"}
	InvalidStatementName     = Code{"26000"}
	InvalidAuthorization     = Code{"28000"}
	InvalidPassword          = Code{"28P01"}
	DependentObjects         = Code{"2BP01"}
	InvalidCursorName        = Code{"34000"}
	InvalidCatalogName       = Code{"3D000"}
	InvalidSavepoint         = Code{"3B001"}
	InvalidSchemaName        = Code{"3F000"}
	SyntaxError              = Code{"42601"}
	InsufficientPrivilege    = Code{"42501"}
	InvalidName              = Code{"42602"}
	NameTooLong              = Code{"42622"}
	DuplicateColumn          = Code{"42701"}
	AmbiguousColumn          = Code{"42702"}
	UndefinedColumn          = Code{"42703"}
	UndefinedObject          = Code{"42704"}
	DuplicateObject          = Code{"42710"}
	DuplicateAlias           = Code{"42712"}
	AmbiguousFunction        = Code{"42725"}
	GroupingError            = Code{"42803"}
	DatatypeMismatch         = Code{"42804"}
	WrongObjectType          = Code{"42809"}
	CannotCoerce             = Code{"42846"}
	UndefinedFunction        = Code{"42883"}
	ReservedName             = Code{"42939"}
	UndefinedTable           = Code{"42P01"}
	UndefinedParameter       = Code{"42P02"}
	DuplicateCursor          = Code{"42P03"}
	DuplicatePreparedStmt    = Code{"42P05"}
	DuplicateTable           = Code{"42P07"}
	InvalidColumnReference   = Code{"42P10"}
	InvalidTableDefinition   = Code{"42P16"}
	IndeterminateDatatype    = Code{"42P18"}
	WindowingError           = Code{"42P20"}
	InvalidObjectDefinition  = Code{"42P17"}
	DiskFull                 = Code{"53100"}
	OutOfMemory              = Code{"53200"}
	TooManyConnections       = Code{"53300"}
	ConfigurationLimit       = Code{"53400"}
	ProgramLimitExceeded     = Code{"54000"}
	StatementTooComplex      = Code{"54001"}
	TooManyArguments         = Code{"54023"}
	TooManyColumns           = Code{"54011"}
	ObjectNotInPrerequisite  = Code{"55000"}
	ObjectInUse              = Code{"55006"}
	CantChangeParam          = Code{"55P02"}
	AdminShutdown            = Code{"57P01"}
	CannotConnectNow         = Code{"57P03"}
	QueryCanceled            = Code{"57014"}
	IOError                  = Code{"58030"}
	ConfigFileError          = Code{"F0000"}
	Internal                 = Code{"XX000"}
	DataCorrupted            = Code{"XX001"}
)

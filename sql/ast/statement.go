package ast

// ColumnDef is one column of CREATE SOURCE or CREATE TABLE.
type ColumnDef struct {
	Pos        Pos
	Name       string
	Type       TypeName
	NotNull    bool
	PrimaryKey bool
	Default    Expr // nil for none
}

// Watermark is WATERMARK FOR column AS expr.
type Watermark struct {
	Pos    Pos
	Column string
	Expr   Expr
}

// Include is INCLUDE key|partition|offset|timestamp|headers [AS name].
type Include struct {
	Pos  Pos
	What string
	As   string // defaults to "_kafka_" + What
}

// CreateRelation is CREATE SOURCE and CREATE TABLE.
type CreateRelation struct {
	Pos         Pos
	Table       bool // TABLE rather than SOURCE
	OrReplace   bool
	IfNotExists bool
	Name        Name
	Columns     []ColumnDef
	PrimaryKey  []string // of a table constraint or of the columns
	Watermark   *Watermark
	Includes    []Include
	// Connector is "" where rows are pushed by INSERT, else "kafka",
	// "generator", ...; FROM KAFKA (..) and WITH (connector='kafka', ..) both end
	// here and Options does not hold the connector.
	Connector string
	Options   []Option
}

// CreateQuery is CREATE STREAM and CREATE MATERIALIZED VIEW (and CREATE VIEW).
type CreateQuery struct {
	Pos         Pos
	Kind        string // "stream", "materialized view", "view"
	OrReplace   bool
	IfNotExists bool
	Name        Name
	Columns     []string
	Options     []Option
	Query       *Query
	Emit        *Emit            // nil for the default
	Lateness    *IntervalLiteral // ALLOW LATENESS, nil for none
	LateTo      *Name            // LATE DATA TO, nil for none
	// QueryText is the text of the query alone, as written.
	QueryText string
}

// Emit is the EMIT clause.
type Emit struct {
	Pos Pos
	// Mode is "final" (AFTER WATERMARK, ON WINDOW CLOSE, FINAL), "update",
	// "changes" or "every".
	Mode  string
	Every *IntervalLiteral
}

// CreateSink is CREATE SINK n FROM obj | (query) [WHERE ..] INTO KAFKA (..).
type CreateSink struct {
	Pos         Pos
	OrReplace   bool
	IfNotExists bool
	Name        Name
	From        *Name
	Query       *Query // when From is nil
	Where       Expr
	Connector   string
	Options     []Option
}

// Drop is DROP kind [IF EXISTS] names [CASCADE|RESTRICT].
type Drop struct {
	Pos      Pos
	Kind     string // "source", "table", "stream", "materialized view", "view", "sink"
	IfExists bool
	Names    []Name
	Cascade  bool
}

// Alter is ALTER kind name RENAME TO / SET (..) / RESET (..).
type Alter struct {
	Pos      Pos
	Kind     string
	IfExists bool
	Name     Name
	RenameTo string
	Set      []Option
	Reset    []string
}

// Subscribe is SUBSCRIBE [TO] obj | (query) ...
type Subscribe struct {
	Pos      Pos
	From     *Name
	Query    *Query
	Where    Expr
	Envelope string // "", "upsert", "debezium"
	Key      []string
	Options  []Option
	AsOf     Expr // nil for none
	AsEpoch  bool // AS OF EPOCH n
	UpTo     Expr // nil for none
}

// Declare is DECLARE name CURSOR [WITH HOLD] FOR SUBSCRIBE .. | query.
type Declare struct {
	Pos       Pos
	Name      string
	Subscribe *Subscribe
	Query     *Query
	Hold      bool
}

// Fetch is FETCH [FORWARD] count FROM name [WITH (timeout=..)].
type Fetch struct {
	Pos     Pos
	Name    string
	Count   int64 // -1 for ALL
	Options []Option
}

// Close is CLOSE name; Name "" is CLOSE ALL.
type Close struct {
	Pos  Pos
	Name string
}

// Show is SHOW what: "sources", "tables", "streams", "materialized views",
// "views", "sinks", "checkpoint status", "create", or a setting.
type Show struct {
	Pos  Pos
	What string
	// Setting is the name for What = "setting", "all" included.
	Setting string
	// Kind and Name are for SHOW CREATE kind name.
	Kind string
	Name Name
}

// Describe is DESCRIBE [EXTENDED] name.
type Describe struct {
	Pos      Pos
	Extended bool
	Name     Name
}

// Explain is EXPLAIN [ANALYZE] statement.
type Explain struct {
	Pos       Pos
	Analyze   bool
	Options   []Option
	Statement Statement
}

// Checkpoint is CHECKPOINT.
type Checkpoint struct{ Pos Pos }

// Set is SET [LOCAL|SESSION] name = value; Default for TO DEFAULT and RESET.
type Set struct {
	Pos     Pos
	Name    string
	Values  []string
	Default bool
	Local   bool
}

// Transaction is BEGIN, COMMIT, ROLLBACK (and their synonyms), savepoints, SET
// TRANSACTION ("set") and SET SESSION CHARACTERISTICS ("characteristics").
type Transaction struct {
	Pos   Pos
	Kind  string // "begin", "commit", "rollback", "savepoint", "release", "rollback to", "set", "characteristics"
	Name  string // savepoints
	Modes Modes
}

// Modes are transaction modes. The zero value names none.
type Modes struct {
	Isolation string // "read committed" and such
	ReadOnly  bool
	ReadWrite bool
}

// Unlisten is UNLISTEN.
type Unlisten struct{ Pos Pos }

// Deallocate is DEALLOCATE [PREPARE] name; Name "" is ALL.
type Deallocate struct {
	Pos  Pos
	Name string
}

// Prepare is PREPARE name [(types)] AS statement.
type Prepare struct {
	Pos       Pos
	Name      string
	Types     []TypeName
	Statement Statement
}

// Execute is EXECUTE name [(args)].
type Execute struct {
	Pos  Pos
	Name string
	Args []Expr
}

// Discard is DISCARD ALL and its relatives.
type Discard struct {
	Pos  Pos
	What string
}

// Insert is INSERT INTO t [(columns)] query [ON CONFLICT ..] [RETURNING ..].
type Insert struct {
	Pos        Pos
	Table      Name
	Columns    []Name
	Query      *Query // nil for DEFAULT VALUES
	OnConflict *OnConflict
	Returning  []SelectItem
}

// OnConflict is ON CONFLICT [(columns)] DO NOTHING | DO UPDATE SET ..
type OnConflict struct {
	Pos     Pos
	Columns []string
	Update  []Assignment // nil for DO NOTHING
	Where   Expr
}

// Assignment is column = expr.
type Assignment struct {
	Pos    Pos
	Column string
	Value  Expr
}

// Update is UPDATE t SET .. [FROM ..] [WHERE ..] [RETURNING ..].
type Update struct {
	Pos       Pos
	Table     Name
	Alias     string
	Set       []Assignment
	From      []TableExpr
	Where     Expr
	Returning []SelectItem
}

// Delete is DELETE FROM t [USING ..] [WHERE ..] [RETURNING ..].
type Delete struct {
	Pos       Pos
	Table     Name
	Alias     string
	Using     []TableExpr
	Where     Expr
	Returning []SelectItem
}

// Copy is COPY t [(columns)] FROM STDIN, COPY t|(query)|(SUBSCRIBE ..) TO STDOUT.
type Copy struct {
	Pos       Pos
	Table     *Name
	Columns   []string
	Query     *Query
	Subscribe *Subscribe
	From      bool // FROM STDIN, else TO STDOUT
	Options   []Option
}

// SelectStatement is a query as a statement.
type SelectStatement struct{ Query *Query }

func (*CreateRelation) statement()  {}
func (*CreateQuery) statement()     {}
func (*CreateSink) statement()      {}
func (*Drop) statement()            {}
func (*Alter) statement()           {}
func (*Subscribe) statement()       {}
func (*Declare) statement()         {}
func (*Fetch) statement()           {}
func (*Close) statement()           {}
func (*Show) statement()            {}
func (*Describe) statement()        {}
func (*Explain) statement()         {}
func (*Checkpoint) statement()      {}
func (*Set) statement()             {}
func (*Transaction) statement()     {}
func (*Deallocate) statement()      {}
func (*Prepare) statement()         {}
func (*Execute) statement()         {}
func (*Discard) statement()         {}
func (*Unlisten) statement()        {}
func (*Insert) statement()          {}
func (*Update) statement()          {}
func (*Delete) statement()          {}
func (*Copy) statement()            {}
func (*SelectStatement) statement() {}
